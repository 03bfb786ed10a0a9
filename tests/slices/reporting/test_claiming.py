"""Servers on one database make each report once, whoever stops in the middle of it."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from app.core.errors import IllegalTransition
from app.reporting import jobs
from app.reporting.jobs import LEASE, Job, Problem, State
from app.reporting.runner import Runner
from tests.slices.ledger.desk import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.slices.ledger.desk import Desk

SERVERS, REPORTS = 3, 24
PATIENCE = 30


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Place:
    return Place(tmp_path, database_url)


@pytest.fixture
def desks(place: Place) -> Iterator[list[Desk]]:
    """Give several servers on one database."""
    with ExitStack() as closing:
        yield [closing.enter_context(place.open(publish=False)) for _ in range(SERVERS)]


def ordered(desk: Desk, count: int) -> list[str]:
    ids = [f"r{number:02}" for number in range(count)]
    for one in ids:
        job = Job(one, "model-audit", "model/risk", 1, "u-erin", "2026-03-01T08:00:00Z", 0)
        desk.ledger.operate(lambda connection, job=job: jobs.put(connection, job))  # type: ignore[misc]
    return ids


def found(desk: Desk, job_id: str) -> Job:
    with desk.ledger.snapshot() as now:
        return jobs.find(now.connection, job_id)


def claimed(place: Place, desk: Desk, runner: str) -> Job | None:
    return desk.ledger.operate(lambda connection: jobs.claim(connection, runner, place.clock()))


def test_each_report_is_taken_by_one_server(place: Place, desks: list[Desk]) -> None:
    ids = ordered(desks[0], REPORTS)
    taken: list[tuple[int, str]] = []
    all_taken = threading.Event()

    def maker(number: int) -> Callable[[Job, Callable[[], bool]], None]:
        def make(job: Job, _stopping: Callable[[], bool]) -> None:
            taken.append((number, job.id))
            desks[number].ledger.operate(
                lambda connection: jobs.move(connection, job.id, State.DONE, job.runner)
            )
            if len(taken) >= REPORTS:
                all_taken.set()

        return make

    runners = [Runner(desk.ledger, maker(number), place.clock) for number, desk in enumerate(desks)]
    for runner in runners:
        runner.start()
    assert all_taken.wait(PATIENCE)
    for runner in runners:
        runner.stop()
    assert sorted(job for _, job in taken) == ids
    assert {found(desks[0], one).state for one in ids} == {"done"}


def test_a_claim_lapses_with_a_server_that_stopped_and_what_it_makes_later_counts_no_more(
    place: Place, desks: list[Desk]
) -> None:
    (job_id,) = ordered(desks[0], 1)
    first = claimed(place, desks[0], "first")
    assert first is not None
    assert claimed(place, desks[1], "second") is None
    place.clock.tick(seconds=LEASE.total_seconds() - 1)
    assert claimed(place, desks[1], "second") is None
    place.clock.tick(seconds=1)
    second = claimed(place, desks[1], "second")
    assert second is not None
    assert (second.id, second.runner) == (job_id, "second")

    with pytest.raises(IllegalTransition, match="another server"):
        desks[0].ledger.operate(
            lambda connection: jobs.move(connection, job_id, State.DONE, first.runner)
        )
    desks[0].ledger.operate(
        lambda connection: jobs.fail(connection, first, Problem("it was overtaken"))
    )
    desks[0].ledger.operate(lambda connection: jobs.queue_again(connection, "first"))
    assert not desks[0].ledger.operate(
        lambda connection: jobs.renew(connection, first, place.clock())
    )
    assert found(desks[0], job_id) == second


def test_a_claim_that_is_renewed_does_not_lapse(place: Place, desks: list[Desk]) -> None:
    ordered(desks[0], 1)
    first = claimed(place, desks[0], "first")
    assert first is not None
    for _ in range(5):
        place.clock.tick(seconds=LEASE.total_seconds() * 0.75)
        assert desks[0].ledger.operate(
            lambda connection: jobs.renew(connection, first, place.clock())
        )
        assert claimed(place, desks[1], "second") is None


def test_a_start_leaves_alone_what_another_server_makes_and_a_stop_what_it_makes_itself(
    place: Place, desks: list[Desk]
) -> None:
    (job_id,) = ordered(desks[0], 1)
    begun = threading.Event()

    def make(_job: Job, stopping: Callable[[], bool]) -> None:
        begun.set()
        pause = threading.Event()
        while not stopping():
            pause.wait(0.01)

    first = Runner(desks[0].ledger, make, place.clock)
    first.start()
    assert begun.wait(PATIENCE)
    other = Runner(desks[1].ledger, make, place.clock)
    other.start()
    other.stop()
    assert found(desks[1], job_id).state == "collecting"
    first.stop()
    assert found(desks[1], job_id) == Job(
        job_id, "model-audit", "model/risk", 1, "u-erin", "2026-03-01T08:00:00Z", 0
    )
