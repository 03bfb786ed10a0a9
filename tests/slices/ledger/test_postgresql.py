"""A log on PostgreSQL: several processes write to it, and a server that dies comes back."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.core.errors import ChainBroken, HeadMoved, StorageFull, Unavailable
from app.core.events import Said, say
from app.core.events.kinds.records import LogRecovered
from app.core.ledger.verdict import Outcome
from app.ledger.append import Appender
from app.ledger.idempotency import make_key
from app.ledger.opening import load_position, open_postgresql
from app.ledger.postgresql import PostgresqlDatabase
from app.ledger.record import Ledger
from app.ledger.sequencer import Sequencer
from app.verification.fsck import fsck
from tests.servers.postgresql import APP, OWNER
from tests.slices.ledger.desk import ERIN, ORIGIN, SCHEMAS, Place, about, count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from app.ledger.database import Database, Failure
    from app.ledger.sql_store import SqlStore
    from tests.servers.postgresql import Cluster

FULL = "DO $$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$"
CORRUPT = "DO $$ BEGIN RAISE 'bad page' USING ERRCODE = 'data_corrupted'; END $$"


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Place:
    return Place(tmp_path, database_url)


def check_whole(place: Place, entries: int) -> None:
    """Sign what there is, and read everything back: so many entries, and all that follows."""
    assert place.url is not None
    with place.open() as desk:
        key = desk.signer.verifier
    report = fsck(PostgresqlDatabase(place.url), [], [key])
    assert report.outcome is Outcome.VALID, report.bottom_line
    with psycopg.connect(place.url.replace("+psycopg", "")) as connection:
        sizes = "SELECT (SELECT count(*) FROM entries), size FROM head"
        assert connection.execute(sizes).fetchone() == (entries, entries)


def test_a_server_that_was_killed_is_answered_for_honestly_and_taken_up_again(
    own_postgresql: Cluster, tmp_path: Path
) -> None:
    name = own_postgresql.create(own_postgresql.prepared(), OWNER)
    place = Place(tmp_path, own_postgresql.url(name, APP))
    with place.open() as desk:
        desk.record("a")
        desk.published(1)
        own_postgresql.kill()
        for _ in range(2):
            with pytest.raises(Unavailable, match="does not answer") as refused:
                desk.record("b")
            assert refused.value.retry_after is not None
            with pytest.raises(Unavailable, match="does not answer"), desk.ledger.snapshot():
                pass
        own_postgresql.start()
        assert desk.record("b") == 1
        assert desk.published(2)
        assert desk.sequencer.halted is None
    check_whole(place, 2)


def test_a_restart_between_two_requests_is_not_noticed_at_all(
    own_postgresql: Cluster, tmp_path: Path
) -> None:
    name = own_postgresql.create(own_postgresql.prepared(), OWNER)
    with Place(tmp_path, own_postgresql.url(name, APP)).open(publish=False) as desk:
        desk.record("a")
        own_postgresql.restart()
        with desk.ledger.snapshot() as now:
            assert now.size == 1
        assert desk.record("b") == 1


class LosesAnswers:
    """A store whose commits take place, and whose answers are lost while ``loses``."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.loses = False

    @property
    def database(self) -> Database:
        return self._store.database

    def failure_of(self, failure: Exception) -> Failure | None:
        return self._store.failure_of(failure)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._store.writing() as connection:
            yield connection
        if self.loses:
            raise psycopg.OperationalError("server closed the connection unexpectedly")


def test_a_commit_whose_answer_was_lost_is_found_again_under_its_key(place: Place) -> None:
    store = place.store()
    losing = LosesAnswers(store)
    appender = Appender(store, load_position(store), [], place.clock, place.entropy)
    sequencer = Sequencer(losing, appender)  # type: ignore[arg-type]
    sequencer.start(lambda _: None)
    ledger = Ledger(store, sequencer, SCHEMAS, place.entropy)
    key = make_key(b"s", "u-erin", "/events", "once", b"{}")
    losing.loses = True
    with pytest.raises(Unavailable, match="does not answer"):
        ledger.record(about("a"), ERIN, key=key)
    losing.loses = False
    again = ledger.submit([about("a")], ERIN, key=key).result()
    assert (again.replayed, again.receipts[0].index) == (True, 0)
    assert ledger.record(about("b"), ERIN).index == 1
    sequencer.stop()
    store.close()


def test_a_full_disk_of_the_server_is_told_and_ends_nothing(place: Place) -> None:
    with place.open(publish=False) as desk:
        with pytest.raises(StorageFull, match="nothing was written"):
            desk.ledger.operate(lambda connection: connection.execute(text(FULL)))
        assert desk.record("a") == 0


def test_files_that_the_server_finds_damaged_end_all_writing(place: Place) -> None:
    with place.open(publish=False) as desk:
        with pytest.raises(Unavailable, match="damaged"):
            desk.ledger.operate(lambda connection: connection.execute(text(CORRUPT)))
        with pytest.raises(Unavailable, match="does not take writes"):
            desk.record("a")


def test_a_mistake_in_a_statement_is_no_failing_server(place: Place) -> None:
    with place.open(publish=False) as desk:
        with pytest.raises(ProgrammingError, match="nonsense"):
            desk.ledger.operate(lambda connection: count(connection, "nonsense"))
        with pytest.raises(ProgrammingError, match="nonsense"), desk.store.reading() as connection:
            count(connection, "nonsense")
        assert desk.record("a") == 0


def test_two_processes_write_to_one_log_and_sign_it_without_a_fork(place: Place) -> None:
    each = 40
    with place.open() as first, place.open() as second:

        def write(prefix: str) -> None:
            desk = first if prefix == "f" else second
            for number in range(each):
                desk.record(f"{prefix}{number}")

        threads = [threading.Thread(target=write, args=(prefix,)) for prefix in "fs"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert first.published(2 * each) == second.published(2 * each)
        assert first.sequencer.halted is second.sequencer.halted is None
    check_whole(place, 2 * each)


def test_one_key_used_in_two_processes_makes_one_entry(place: Place) -> None:
    key = make_key(b"s", "u-erin", "/events", "once", b"{}")
    with place.open(publish=False) as first, place.open(publish=False) as second:
        made = first.ledger.record(about("a"), ERIN, key=key)
        assert second.ledger.record(about("a"), ERIN, key=key) == made
        with pytest.raises(HeadMoved):
            second.ledger.record(about("a"), ERIN, expects={"dataset/a": None})
        assert second.record("b") == 1


def test_a_writer_from_before_a_recovery_writes_no_more(place: Place) -> None:
    recovered: Said = say("log", LogRecovered("adopt", 1))
    with place.open():
        pass
    with place.open(publish=False) as zombie, place.open(publish=False) as second:
        zombie.record("a")
        second.ledger.record(recovered, ERIN)
        with pytest.raises(ChainBroken, match="recovered since this server was started"):
            zombie.record("b")
        assert second.record("c") == 2
    check_whole(place, 3)


def test_a_database_that_went_back_takes_no_more_entries(
    place: Place, postgresql: Cluster, database_url: str
) -> None:
    with place.open(publish=False) as desk:
        desk.record_many(5)
        name = database_url.split("/")[3].split("?", maxsplit=1)[0]
        with postgresql.connect(name) as owner:
            owner.execute("SET session_replication_role = replica")
            owner.execute("ALTER TABLE entries DISABLE TRIGGER ALL")
            owner.execute("DELETE FROM entries WHERE idx > 2")
            owner.execute("UPDATE head SET size = 3")
        with pytest.raises(ChainBroken, match="does not continue the 5 known here"):
            desk.record("x")


def test_a_server_that_does_not_answer_is_named_at_the_start(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://muniment_app@/nothing?host={tmp_path}"
    with pytest.raises(Unavailable, match="does not answer"):
        open_postgresql(url, ORIGIN, bytes, [])


def test_a_database_that_nobody_prepared_is_refused(postgresql: Cluster) -> None:
    with postgresql.database() as name, pytest.raises(Unavailable, match="holds no log yet"):
        open_postgresql(postgresql.url(name), ORIGIN, bytes, [])
