"""Programs nobody here wrote accept the log that a real server serves, and no altered one."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from app.house import open_house
from app.settings import Settings
from tests.acceptance.running import Server
from tests.living import CHEAP
from tests.slices.ledger.desk import ERIN, about
from tests.strangers.verdicts import STRANGERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZES = [0, 1, 2, 255, 256, 257, 300, 65_536, 70_000]
BATCH = 256


def served(folder: Path) -> Server:
    """Serve an empty log, by the server that everybody runs."""
    house = open_house(_settings(folder), hasher=CHEAP)
    key = house.log_signer.verifier
    house.close()
    server = Server(folder, "", key)
    server.start()
    return server


def _settings(folder: Path) -> Settings:
    return Settings(data_dir=folder / "data", signer_state=folder / "signer-state.json")


def grow(server: Server, size: int) -> None:
    """Stop the server, record entries up to ``size``, and start it again."""
    server.end()
    house = open_house(_settings(server.folder), hasher=CHEAP)
    with house.ledger.snapshot() as now:
        have = now.size
    for start in range(have, size, BATCH):
        names = [f"d{number}" for number in range(start, min(start + BATCH, size))]
        house.ledger.record_all([about(name) for name in names], ERIN)
    house.close()
    server.start()


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = served(tmp_path_factory.mktemp("strangers"))
    yield server
    server.end()


def test_strangers_accept_the_served_log_at_every_awkward_size(growing: Server) -> None:
    for size in SIZES:
        grow(growing, size)
        for name, ask in STRANGERS.items():
            verdict = ask(f"{growing.url}/log", growing.key.vkey(), None)
            assert verdict.accepted, f"{name} at {size}: {verdict.words}"
            assert f"{size}" in verdict.words


def alter(server: Server, sql: str) -> None:
    """Alter the file of the stopped server as its owner may, then serve it.

    What was signed stays; the server itself looks at its end alone when it starts.
    """
    server.end()
    connection = sqlite3.connect(server.database)
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(sql)
    connection.commit()
    connection.close()
    server.start()


FLIPPED = "CAST(replace(CAST(body AS TEXT), '\"v\":1', '\"v\":2') AS BLOB)"
COPIES = {
    "an altered entry": f"UPDATE entries SET body = {FLIPPED} WHERE idx = 40",  # noqa: S608 - ours
    "an exchanged entry": (
        "UPDATE entries SET body = (SELECT body FROM entries WHERE idx = 41) WHERE idx = 40"
    ),
    "a missing entry": "DELETE FROM entries WHERE idx = 40",
    "an altered signature": (
        "UPDATE checkpoints SET note = CAST(replace(CAST(note AS TEXT), '— ', '— x') AS BLOB)"
    ),
}


@pytest.mark.parametrize("altered", COPIES)
def test_strangers_refuse_an_altered_log(tmp_path: Path, altered: str) -> None:
    server = served(tmp_path)
    try:
        grow(server, 300)
        alter(server, COPIES[altered])
        for name, ask in STRANGERS.items():
            verdict = ask(f"{server.url}/log", server.key.vkey(), None)
            assert not verdict.accepted, f"{name}: {verdict.words}"
    finally:
        server.end()
