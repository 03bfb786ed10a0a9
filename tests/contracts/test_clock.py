"""A clock that is not believed: nothing is recorded until a person answers for it, on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Conflict, Unavailable
from app.core.ledger.verdict import Outcome
from app.ledger.postgresql import PostgresqlDatabase
from app.ledger.recovery_api import accept_clock
from app.ledger.sqlite import SqliteDatabase
from app.verification.fsck import fsck
from tests.living import World, expect
from tests.slices.ledger.desk import ERIN, Desk, Place

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass
class Passed:
    """A monotonic clock."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def place(place: Place) -> Place:
    """A machine whose wall clock can be set, and whose monotonic clock goes on regardless."""
    place.monotonic = Passed()
    return place


def pass_time(place: Place, **span: float) -> None:
    place.clock.tick(**span)
    assert isinstance(place.monotonic, Passed)
    place.monotonic.seconds += timedelta(**span).total_seconds()


def times(desk: Desk) -> list[datetime]:
    with desk.store.reading() as connection:
        size = desk.store.head(connection).size
        return [desk.store.entry(connection, index)[0].recorded_at for index in range(size)]


def check_whole(place: Place) -> None:
    database = PostgresqlDatabase(place.url) if place.url else SqliteDatabase(place.database)
    report = fsck(database, [], [])
    assert report.outcome in (Outcome.MISSING, Outcome.VALID), report.bottom_line
    assert not [one for check in report.checks[2:] for one in check.findings]


@pytest.mark.parametrize("by", [DAY, timedelta(seconds=31), -timedelta(seconds=31), -HOUR])
def test_a_clock_that_was_set_stops_the_log_until_a_person_answers_for_it(
    place: Place, by: timedelta
) -> None:
    with place.open() as desk:
        desk.record("a")
        pass_time(place, hours=3)
        desk.record("b")
        place.clock.now += by
        for name in ("c", "d"):
            with pytest.raises(Unavailable, match="the clock") as refused:
                desk.record(name)
            assert "ledger recover --accept-clock" in str(refused.value.remedy)
            assert refused.value.retry_after == 30
        place.clock.now -= by
        with pytest.raises(Unavailable):
            desk.record("e")  # it was set back, and what was wrong is not known
        place.clock.now += by
    with place.open() as desk:
        with pytest.raises(Unavailable):
            desk.record("f")  # a restart does not make it right
        receipt = accept_clock(desk.ledger, ERIN, place.clock)
        assert receipt.index == 2
        desk.record("g")
        pass_time(place, minutes=1)
        desk.record("h")
        recorded = times(desk)
        assert all(before < after for before, after in pairwise(recorded))
        with desk.ledger.snapshot() as now:
            entry, data = now.entry(2), now.data(2)
        assert (entry.type, entry.actor.id) == ("log.recovered.v1", ERIN.id)
        assert data == {"because": "accept-clock", "size_before": 2}
        assert entry.occurred_at == place.clock.now - timedelta(minutes=1)
    check_whole(place)


@pytest.mark.parametrize("by", [timedelta(seconds=29), -timedelta(seconds=29)])
def test_half_a_minute_is_nothing(place: Place, by: timedelta) -> None:
    with place.open() as desk:
        desk.record("a")
        place.clock.now += by
        assert desk.record("b") == 1


def test_a_clock_accepted_behind_the_log_is_believed_until_it_has_caught_up(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
        last = times(desk)[-1]
        place.clock.now -= HOUR
        with pytest.raises(Unavailable):
            desk.record("b")
        accept_clock(desk.ledger, ERIN, place.clock)
        desk.record("c")
    with place.open() as desk:
        desk.record("d")  # a restart knows that it was accepted
        pass_time(place, minutes=5)
        desk.record("e")
        assert times(desk)[1:] == [last + timedelta(microseconds=step) for step in range(1, 5)]
        place.clock.now -= timedelta(minutes=6)
        with pytest.raises(Unavailable, match="the clock"):
            desk.record("f")  # accepted was one step back, not every one
        accept_clock(desk.ledger, ERIN, place.clock)
        pass_time(place, hours=2)
        desk.record("g")
        assert times(desk)[-1] == place.clock.now
    with place.open() as desk:
        place.clock.now -= HOUR
        with pytest.raises(Unavailable):
            desk.record("h")
    check_whole(place)


def test_a_machine_that_starts_with_its_clock_behind_the_log_records_nothing(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
    place.clock.now -= timedelta(seconds=31)
    with place.open() as desk, pytest.raises(Unavailable, match="the log was at"):
        desk.record("b")


def test_there_is_nothing_to_answer_for_while_the_clock_is_right(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
        with pytest.raises(Conflict, match="not in doubt"):
            accept_clock(desk.ledger, ERIN, place.clock)


def test_an_operator_answers_for_the_clock_and_nobody_else(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        otto, erin = world.person("otto", "operator"), world.person("erin", "engineer")
        body = {"because": "accept-clock"}
        route = "/api/v1/log/recoveries"
        assert world.client(erin).post(route, json=body).status_code == 403
        assert world.client(otto).post(route, json=body).status_code == 409
        dataset = {"owner": "x", "licence": "x", "description": "x"}
        event = {"type": "dataset.registered", "subject": "dataset/x", "data": dataset}
        world.clock.wrong = timedelta(minutes=2)
        answer = world.client(erin).post("/api/v1/events", json=event)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "30"
        assert world.client(otto).post(route, json={"because": "adopt"}).status_code == 422
        expect(201, world.client(otto).post(route, json=body))
        expect(201, world.client(erin).post("/api/v1/events", json=event))
