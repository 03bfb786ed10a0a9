"""A process that records as fast as it can until it is killed, and says what it was promised."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.errors import Unavailable
from app.house import projections
from app.ledger.idempotency import make_key
from tests.living import Entropy
from tests.slices.ledger.desk import ERIN, Place, about

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from tests.slices.ledger.desk import Desk

SECRET = bytes(32)
PAUSE = 0.02

Promise = tuple[int, int, int, str]
"""Writer, number, and of what it was promised: index and leaf hash."""


def wall_clock() -> datetime:
    return datetime.now(UTC)


def place_of(folder: Path, url: str | None, seed: int) -> Place:
    place = Place(folder, url)
    place.clock = wall_clock  # type: ignore[assignment]
    place.entropy = Entropy(seed)
    return place


def record_until_killed(
    folder: Path, url: str | None, seed: int, first: Sequence[int], said: Connection
) -> None:
    """Record data sets, each under a key of its own; send every promise as soon as it is there.

    ``first``: for each of the writers, the number it begins with. What an earlier process
    recorded is promised again.
    """
    logging.disable()  # that the server is away is what this is about
    lock = threading.Lock()
    with place_of(folder, url, seed).open(projections()) as desk:
        threads = [
            threading.Thread(target=_record, args=(desk, writer, start, lock, said))
            for writer, start in enumerate(first)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _record(desk: Desk, writer: int, first: int, lock: threading.Lock, said: Connection) -> None:
    for number in itertools.count(first):
        name = f"{writer}-{number}"
        key = make_key(SECRET, "recorder", "/events", name, b"{}")
        receipt = None
        while receipt is None:
            try:
                receipt = desk.ledger.record(about(name), ERIN, key=key)
            except Unavailable:
                time.sleep(PAUSE)
        promise: Promise = (writer, number, receipt.index, receipt.leaf_hash)
        with lock:
            said.send(promise)
