"""Commits that many wait for, keys that many use, checkpoints that follow.

Group commit is held against the same path with one request at a time, four milliseconds added
to each commit of both, as on a disk that takes so long.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from app.house import open_house, projections
from app.ledger.append import Appender
from app.ledger.idempotency import make_key
from app.ledger.opening import load_position, open_sqlite
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.settings import Settings, utc_now
from tests.bench.rows import Row
from tests.living import Entropy
from tests.slices.ledger.desk import ERIN, about

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from app.house import House
    from app.ledger.database import Failure
    from app.ledger.sql_store import SqlStore

ADDED = 0.004
THREADS = 32
GROUPED, ALONE = 1600, 160
KEYS, TIMES = 1563, 64
CHECKPOINTS = 60
SEED = 3


def measure(folder: Path) -> list[Row]:
    """Measure each in a log of its own."""
    place = folder / "committing"
    with ExitStack() as closing:
        house = open_house(Settings(data_dir=place, signer_state=folder / "committing.json"))
        closing.callback(house.close)
        return [_grouped(folder), _published(house), _raced(house)]


class Slow:
    """A store whose commits take four milliseconds longer."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._store.writing() as connection:
            yield connection
            time.sleep(ADDED)

    def failure_of(self, failure: Exception) -> Failure | None:
        return self._store.failure_of(failure)


def _grouped(folder: Path) -> Row:
    kept, entropy = projections(), Entropy(SEED)
    store = open_sqlite(folder / "grouped.db", None, entropy, kept)
    sequencer = Sequencer(
        Slow(store),  # type: ignore[arg-type]  # the two methods that a sequencer asks
        Appender(store, load_position(store), kept, utc_now, entropy),
    )
    sequencer.start(lambda _: None)
    ledger = Ledger(store, sequencer, load_schemas(), entropy)
    one_at_a_time = threading.Lock()

    def alone(number: int) -> None:
        with one_at_a_time:
            ledger.record(about(f"alone-{number}"), ERIN)

    try:
        with ThreadPoolExecutor(THREADS) as callers:
            began = time.perf_counter()
            list(callers.map(alone, range(ALONE)))
            single = ALONE / (time.perf_counter() - began)
            began = time.perf_counter()
            list(callers.map(lambda n: ledger.record(about(f"d-{n}"), ERIN), range(GROUPED)))
            grouped = GROUPED / (time.perf_counter() - began)
    finally:
        sequencer.stop()
        store.close()
    ratio = grouped / single
    return Row(
        "4 ms added a commit: group commit / one a request", ratio, "", ">= 4", ratio >= 4,
        f"{grouped:,.0f} against {single:,.0f} events/s, {THREADS} callers",
    )  # fmt: skip


def _published(house: House) -> Row:
    """Append at odd moments, and wait for the checkpoint that covers it."""
    rng, waits = random.Random(SEED), []
    for number in range(CHECKPOINTS):
        time.sleep(rng.random() / 4)
        receipt = house.ledger.record(about(f"published-{number}"), ERIN)
        began = time.perf_counter()
        if not house.publisher.wait_for(receipt.log_size, 30):
            raise AssertionError(receipt)
        waits.append(time.perf_counter() - began)
    p99 = statistics.quantiles(waits, n=100, method="inclusive")[98]
    detail = f"p50 {statistics.median(waits):.2f} s, {CHECKPOINTS} appends, seed {SEED}"
    return Row("checkpoint published after a receipt, p99", p99, "s", "<= 1", p99 <= 1, detail)


def _raced(house: House) -> Row:
    """Send each of many requests 64 times at once, under its key, and count what is recorded."""
    with house.ledger.snapshot() as now:
        before = now.size
    answers: defaultdict[int, set[int]] = defaultdict(set)
    order = [number for number in range(KEYS) for _ in range(TIMES)]

    def send(number: int) -> None:
        key = make_key(house.secret, "u0", "POST /api/v1/events", f"key-{number}", b"{}")
        receipt = house.ledger.record(about(f"raced-{number}"), ERIN, key=key)
        answers[number].add(receipt.index)

    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as callers:
        list(callers.map(send, order, chunksize=1))
    seconds = time.perf_counter() - began
    with house.ledger.snapshot() as now:
        made = now.size - before
    duplicates = made - KEYS + sum(len(found) - 1 for found in answers.values())
    return Row(
        "duplicates in racing resubmissions", duplicates, "", "0", duplicates == 0,
        f"{len(order):,} requests under {KEYS:,} keys, {len(order) / seconds:,.0f}/s",
    )  # fmt: skip
