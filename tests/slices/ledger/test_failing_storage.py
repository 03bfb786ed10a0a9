"""A disk that fails: nothing is half written, nothing is acknowledged that is not durable."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from app.core.errors import StorageFull, Unavailable
from app.ledger.append import Appender
from app.ledger.opening import load_position, open_sqlite
from app.ledger.record import Ledger
from app.ledger.sequencer import Sequencer
from tests.slices.ledger.desk import ERIN, ORIGIN, SCHEMAS, about, count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from app.ledger.database import Failure
    from app.ledger.ports import Projection
    from app.ledger.sql_store import SqlStore
    from tests.slices.ledger.desk import Place


class Failing(sqlite3.OperationalError):
    """As SQLite raises it."""

    def __init__(self, name: str) -> None:
        super().__init__("database or disk is full" if "FULL" in name else "disk I/O error")
        self.sqlite_errorname = name


class Disk:
    """A store whose commits fail as long as ``fails`` names an error of SQLite's."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.fails: str | None = None

    def failure_of(self, failure: Exception) -> Failure | None:
        return self._store.failure_of(failure)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._store.writing() as connection:
            yield connection
            if self.fails is not None:
                raise OperationalError("COMMIT", {"name": "the full story"}, Failing(self.fails))


@pytest.fixture
def running(place: Place) -> Iterator[tuple[Ledger, Disk]]:
    projections: list[Projection] = []
    store = open_sqlite(place.database, ORIGIN, place.entropy, projections)
    disk = Disk(store)
    appender = Appender(store, load_position(store), projections, place.clock, place.entropy)
    sequencer = Sequencer(disk, appender)  # type: ignore[arg-type]
    sequencer.start(lambda _: None)
    yield Ledger(store, sequencer, SCHEMAS, place.entropy), disk
    sequencer.stop()
    store.close()


def test_a_full_disk_refuses_what_does_not_fit_and_goes_on_when_there_is_room(
    running: tuple[Ledger, Disk],
) -> None:
    ledger, disk = running
    ledger.record(about("a"), ERIN)
    disk.fails = "SQLITE_FULL"
    with pytest.raises(StorageFull, match="nothing was written"):
        ledger.record(about("b"), ERIN)
    with pytest.raises(StorageFull):
        ledger.operate(lambda connection: count(connection, "entries"))
    disk.fails = None
    assert ledger.record(about("c"), ERIN).index == 1
    with ledger.store.reading() as connection:
        assert count(connection, "entries") == 2
        assert ledger.store.heads(connection, ["dataset/b"]) == {}


@pytest.mark.parametrize(
    "name", ["SQLITE_IOERR_FSYNC", "SQLITE_IOERR_WRITE", "SQLITE_CORRUPT", "SQLITE_NOTADB"]
)
def test_a_broken_disk_ends_all_writing(running: tuple[Ledger, Disk], name: str) -> None:
    ledger, disk = running
    ledger.record(about("a"), ERIN)
    disk.fails = name
    with pytest.raises(Unavailable, match="nothing was acknowledged"):
        ledger.record(about("b"), ERIN)
    disk.fails = None
    assert ledger.sequencer.halted == "OperationalError from the database"
    for ask in (
        lambda: ledger.record(about("c"), ERIN),
        lambda: ledger.operate(lambda connection: count(connection, "entries")),
    ):
        with pytest.raises(Unavailable, match="does not take writes"):
            ask()
    with ledger.store.reading() as connection:
        assert count(connection, "entries") == 1


def test_whoever_waits_in_a_batch_on_a_broken_disk_is_told(running: tuple[Ledger, Disk]) -> None:
    ledger, disk = running
    disk.fails = "SQLITE_IOERR"
    futures = []
    for number in range(40):
        try:
            futures.append(ledger.submit([about(f"d{number}")], ERIN))
        except Unavailable:
            break
    for future in futures:
        with pytest.raises(Unavailable):
            future.result(10)


def test_what_is_asked_after_the_end_is_refused_and_does_not_wait(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
    with pytest.raises(Unavailable, match="the server is stopping"):
        desk.ledger.record(about("b"), ERIN)


def test_a_mistake_in_a_statement_is_no_broken_disk(running: tuple[Ledger, Disk]) -> None:
    ledger, _ = running
    with pytest.raises(OperationalError, match="no such table"):
        ledger.operate(lambda connection: count(connection, "nonsense"))
    assert ledger.sequencer.halted is None
    assert ledger.record(about("a"), ERIN).index == 0
