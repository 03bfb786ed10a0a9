"""A PostgreSQL that closes nothing and answers nothing: stopped, or cut off."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.core.errors import Refusal, Unavailable
from app.core.ledger.verdict import Outcome
from app.ledger.idempotency import make_key
from app.ledger.postgresql import PostgresqlDatabase
from app.verification.fsck import fsck
from tests.servers.cable import Cable
from tests.servers.postgresql import APP, OWNER
from tests.slices.ledger.desk import ERIN, Place, about

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.ledger.append import Appended
    from app.ledger.idempotency import IdempotencyKey
    from tests.servers.postgresql import Cluster
    from tests.slices.ledger.desk import Desk

PATIENCE = 1.0
AT_ONCE = 8
TRIES = 3
COMMIT = b"COMMIT\0"
CUTS = [b"COPY entries", COMMIT]
if os.environ.get("MUNIMENT_SOAK"):
    CUTS += [b"FOR UPDATE", b"UPDATE head", b"COPY payloads"]


def key_of(name: str) -> IdempotencyKey:
    return make_key(b"s", "u-erin", "/events", name, b"{}")


def until_answered(desk: Desk, name: str) -> Appended:
    """Send it again under its key, as whoever was told to does, until there is a receipt."""
    for _ in range(TRIES):
        try:
            return desk.ledger.submit([about(name)], ERIN, key=key_of(name)).result()
        except Unavailable:  # what the server still holds for whom it does not hear
            continue
    raise AssertionError(name)


@contextmanager
def stopped(cluster: Cluster) -> Iterator[None]:
    """Stop every process of the server, and let them go on."""
    cluster.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        cluster.signal(signal.SIGCONT)


def check_whole(place: Place, desk: Desk) -> None:
    assert place.url is not None
    report = fsck(PostgresqlDatabase(place.url), [], [desk.signer.verifier])
    assert report.outcome is Outcome.VALID, report.bottom_line


def test_a_stopped_server_is_given_up_by_all_who_wait_and_taken_up_when_it_goes_on(
    own_postgresql: Cluster, tmp_path: Path
) -> None:
    name = own_postgresql.create(own_postgresql.prepared(), OWNER)
    place = Place(tmp_path, own_postgresql.url(name, APP), patience=PATIENCE)
    answers: list[int | Refusal] = []

    def record(number: int) -> None:
        try:
            made = desk.ledger.record(about(f"d{number}"), ERIN, key=key_of(f"k{number}"))
            answers.append(made.index)
        except Refusal as refusal:
            answers.append(refusal)

    with place.open() as desk:
        desk.record("before")
        desk.published(1)
        with stopped(own_postgresql):
            asking = [threading.Thread(target=record, args=(n,)) for n in range(AT_ONCE)]
            for thread in asking:
                thread.start()
            with pytest.raises(Unavailable, match="does not answer"), desk.ledger.snapshot():
                pass
            for thread in asking:
                thread.join()
            assert len(answers) == AT_ONCE
            for one in answers:
                assert isinstance(one, Unavailable)
                assert one.retry_after is not None
            with pytest.raises(Unavailable, match="does not answer"):  # not even connected to
                desk.record("while")
        for number in range(AT_ONCE):
            record(number)
        assert answers[AT_ONCE:] == list(range(1, 1 + AT_ONCE))
        assert desk.published(1 + AT_ONCE)
        assert desk.sequencer.halted is None
        check_whole(place, desk)


@pytest.mark.parametrize("words", CUTS)
def test_a_network_that_is_cut_in_a_commit_records_once_what_is_sent_again(
    postgresql: Cluster, database_url: str, tmp_path: Path, words: bytes
) -> None:
    name = database_url.split("/")[3].split("?", maxsplit=1)[0]
    with Cable.laid(postgresql) as cable:
        place = Place(tmp_path, cable.url(name, APP), patience=PATIENCE)
        with place.open() as desk:
            desk.record("before")
            desk.published(1)
            cable.cut_after(words)
            with pytest.raises(Unavailable, match="nothing was acknowledged"):
                desk.ledger.record(about("a"), ERIN, key=key_of("a"))
            assert cable.was_cut.is_set()
            cable.mend()
            again = until_answered(desk, "a")
            assert (again.replayed, again.receipts[0].index) == (words == COMMIT, 1)
            assert desk.record("after") == 2
            assert desk.published(3)
            check_whole(place, desk)


def test_a_statement_that_takes_too_long_is_given_up_and_ended_on_the_server(
    place_on_server: Place, postgresql: Cluster
) -> None:
    with place_on_server.open(publish=False) as desk:
        with (
            pytest.raises(Unavailable, match="does not answer"),
            desk.store.reading() as connection,
        ):
            connection.execute(text("SELECT pg_sleep(60)"))
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'"
        with postgresql.connect() as watching:
            mine = " AND pid <> pg_backend_pid() AND state = 'active'"
            assert watching.execute((sleeping + mine).encode()).fetchone() == (0,)
        assert desk.record("a") == 0


def test_what_is_heard_bit_by_bit_may_take_longer_than_the_patience(
    place_on_server: Place,
) -> None:
    rows = "SELECT repeat('x', 20000), pg_sleep(0.3) FROM generate_series(1, 6)"
    with closing(place_on_server.store()) as store, store.reading() as connection:
        assert len(connection.execute(text(rows)).all()) == 6


def test_a_change_of_the_schema_may_be_silent_for_longer(
    postgresql: Cluster, prepared: str
) -> None:
    with postgresql.database(prepared, OWNER) as name:
        database = PostgresqlDatabase(postgresql.url(name, OWNER), 0.5)
        with database.changing() as connection:
            connection.execute(text("SELECT pg_sleep(1)"))
        with (
            pytest.raises(OperationalError, match="said nothing"),
            database.writing() as connection,
        ):
            connection.execute(text("SELECT pg_sleep(1)"))
        database.close()


def test_whoever_goes_away_while_waiting_takes_nobody_with_them(place_on_server: Place) -> None:
    entered, going_on = threading.Event(), threading.Event()

    def block(_: object) -> None:
        entered.set()
        going_on.wait()

    with place_on_server.open(publish=False) as desk:
        blocked = desk.sequencer.operate(block)
        entered.wait()
        gone = desk.ledger.submit([about("gone")], ERIN)
        assert gone.cancel()
        going_on.set()
        blocked.result()
        assert desk.record("a") == 0


@pytest.fixture
def place_on_server(tmp_path: Path, database_url: str) -> Place:
    return Place(tmp_path, database_url, patience=PATIENCE)
