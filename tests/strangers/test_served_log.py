"""Unmodified strangers read a real log over HTTP while it grows, and see what was altered."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn
from fastapi import FastAPI

from app.core.ledger.trust import TrustedKey
from app.ledger.log_api import log_routes
from app.web.errors import answer_refusals
from tests.slices.ledger.desk import ERIN, Place, about
from tests.strangers.verdicts import STRANGERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import Request

    from app.web.callers import Caller
    from tests.slices.ledger.desk import Desk

# The first test may build the programs, which takes minutes on a new machine.
pytestmark = pytest.mark.timeout(1_800)

SIZES = [0, 1, 2, 255, 256, 257, 300, 65_536, 70_000]


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """Serve the log's own routes on a free port of this machine; yields their address."""

    def nobody(request: Request) -> Caller:
        raise AssertionError("a public log asks nobody who they are")

    app = FastAPI()
    answer_refusals(app)
    key = desk.signer.verifier
    app.include_router(
        log_routes(desk.ledger, lambda _: (TrustedKey(key),), key, nobody, public=True)
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/log"
    finally:
        server.should_exit = True
        thread.join()


def grow(desk: Desk, old: int, new: int) -> None:
    """Record until the log has ``new`` entries and a checkpoint covers them."""
    for start in range(old, new, 500):
        names = [about(f"d{number}") for number in range(start, min(start + 500, new))]
        desk.ledger.record_all(names, ERIN)
    assert desk.publisher.wait_for(new, 60)


def test_strangers_accept_the_served_log_at_every_size(tmp_path: Path) -> None:
    with Place(tmp_path).open() as desk, served(desk) as url:
        vkey = desk.signer.verifier.vkey()
        size = 0
        for wanted in SIZES:
            grow(desk, size, wanted)
            size = wanted
            for stranger in STRANGERS.values():
                verdict = stranger(url, vkey, None)
                assert verdict.accepted, verdict.words
                assert f"{size}" in verdict.words


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_refuses_a_served_log_with_one_altered_row(
    tmp_path: Path, stranger: str
) -> None:
    place = Place(tmp_path)
    with place.open() as desk:
        grow(desk, 0, 300)
        vkey = desk.signer.verifier.vkey()
        with served(desk) as url:
            assert STRANGERS[stranger](url, vkey, None).accepted
    with place.altering() as connection:
        connection.execute(
            "UPDATE entries SET body = CAST(replace(body, '/d7\"', '/d8\"') AS BLOB) WHERE idx = 7"
        )
    with place.open(publish=False) as desk, served(desk) as url:
        verdict = STRANGERS[stranger](url, vkey, None)
    assert not verdict.accepted, verdict.words
