"""A report is made once and recorded once, whatever is interrupted."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.errors import IllegalTransition, Missing, Unavailable, Unverifiable
from app.core.events.kinds.records import ReportGenerated
from app.ledger import blobs
from app.reporting import jobs, making
from app.reporting.jobs import Job, Problem, State
from app.reporting.ordering import Order
from app.reporting.render import Rendered
from app.reporting.runner import Runner
from tests.slices.catalog.callers import KnownCaller
from tests.slices.reporting.conftest import REPORTER

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.slices.reporting.conftest import Office

AUDITOR = KnownCaller(REPORTER)


def order(office: Office, scope: str = "model/risk") -> Job:
    job, _ = office.reports.order(AUDITOR, Order("model-audit", scope), "POST /", None)
    return job


def now(office: Office, job: Job) -> Job:
    with office.story.ledger.snapshot() as snapshot:
        return jobs.find(snapshot.connection, job.id)


def recordings(office: Office, job: Job) -> int:
    with office.story.ledger.snapshot() as snapshot:
        index, count = snapshot.head(job.subject), 0
        while index is not None:
            entry = snapshot.entry(index)
            count += entry.type == ReportGenerated.TYPE
            index = entry.subject_prev
        return count


def test_a_report_is_made_recorded_and_made_again_to_the_same_bytes(office: Office) -> None:
    office.story.whole()
    job = order(office)
    office.making.run(job)
    done = now(office, job)
    assert (done.state, done.progress, done.problem) == ("done", 100, None)
    assert recordings(office, job) == 1
    with office.story.ledger.snapshot() as snapshot:
        said = snapshot.data(done.generated_index or 0)
        pdf = blobs.get(snapshot.connection, done.digests["pdf"])
    assert said["unsealed_digest"] == done.digests["pdf"]
    assert said["data_digest"] == done.digests["json"]
    assert said["engine_fingerprint"] == done.digests["engine"]
    assert said["length"] == len(pdf)
    assert said["pages"] == done.page_count
    assert office.making.rerender(done).pdf == pdf


PAGES = Rendered(b"%PDF", 3, {"weasyprint": "70.0"})


@pytest.fixture
def pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages set in no time; what they embed is taken for granted."""
    held: list[bytes] = []

    def press(report: bytes, _files: object, **_options: object) -> Rendered:
        held.append(report)
        return PAGES

    monkeypatch.setattr(making, "render", press)
    monkeypatch.setattr(making, "embedded", lambda _pdf, _name: held[-1])


@pytest.mark.parametrize("state", [State.COLLECTING, State.RENDERING, State.CHECKING])
@pytest.mark.usefixtures("pressed")
def test_a_job_that_a_crash_interrupted_is_queued_again_and_recorded_once(
    office: Office, state: State
) -> None:
    office.story.has_model()
    job = order(office)
    office.story.ledger.operate(lambda connection: jobs.move(connection, job.id, state))
    office.runner.start()
    finished(office, job)
    assert now(office, job).state == "done"
    assert recordings(office, job) == 1


@pytest.mark.usefixtures("pressed")
def test_a_job_that_is_done_is_not_recorded_again(office: Office) -> None:
    office.story.has_model()
    job = order(office)
    office.making.run(job)
    with pytest.raises(IllegalTransition):
        office.making.run(job)
    assert recordings(office, job) == 1


@pytest.mark.usefixtures("pressed")
def test_two_that_finish_the_same_job_record_it_once(office: Office) -> None:
    office.story.has_model()
    job = order(office)
    outcomes: list[str] = []

    def finish() -> None:
        try:
            office.making.run(job)
            outcomes.append("done")
        except IllegalTransition:
            outcomes.append("refused")

    threads = [threading.Thread(target=finish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("done") == 1
    assert recordings(office, job) == 1


def test_a_job_cancelled_while_its_pages_were_set_is_not_recorded(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.story.has_model()
    job = order(office)
    held: list[bytes] = []

    def press(report: bytes, _files: object, *, cancelled: Callable[[], bool]) -> Rendered:
        assert not cancelled()
        office.reports.cancel(AUDITOR, job.id)
        assert cancelled()
        held.append(report)
        return PAGES

    monkeypatch.setattr(making, "render", press)
    monkeypatch.setattr(making, "embedded", lambda _pdf, _name: held[-1])
    with pytest.raises(IllegalTransition, match="cancelled already"):
        office.making.run(job)
    assert now(office, job).state == "cancelled"
    assert recordings(office, job) == 0


def test_a_job_cancelled_between_the_check_and_the_record_stays_cancelled(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.story.has_model()
    job = order(office)
    monkeypatch.setattr(making, "render", lambda *_given, **_options: PAGES)

    def checked(_pdf: bytes, _name: str) -> bytes:
        report, _ = office.making.compose(job)
        office.reports.cancel(AUDITOR, job.id)
        return report

    monkeypatch.setattr(making, "embedded", checked)
    with pytest.raises(IllegalTransition):
        office.making.run(job)
    assert recordings(office, job) == 0


@pytest.mark.usefixtures("pressed")
def test_pages_without_their_data_are_not_recorded(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.story.has_model()
    job = order(office)
    monkeypatch.setattr(making, "embedded", lambda _pdf, _name: b"{}")
    with pytest.raises(Unverifiable):
        office.making.run(job)
    assert recordings(office, job) == 0


def test_entries_that_no_checkpoint_covers_in_time_are_not_reported(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.story.has_model()
    monkeypatch.setattr(making, "COVERED_WITHIN", 0.0)
    ahead = replace(order(office), as_of_seq=10_000)
    with pytest.raises(Unavailable, match="no checkpoint covers"):
        office.making.compose(ahead)


def finished(office: Office, job: Job) -> None:
    """Wait until the runner is through with a job."""
    pause = threading.Event()
    while State(now(office, job).state) not in jobs.OVER:
        pause.wait(0.02)


def failing(failure: Exception) -> Callable[[Job, Callable[[], bool]], None]:
    def make(_job: Job, _stopping: Callable[[], bool]) -> None:
        raise failure

    return make


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        (Missing("gone", remedy="look"), Problem("gone", "look")),
        (
            ZeroDivisionError("secret"),
            Problem("the report could not be made; the server's log says why"),
        ),
    ],
)
def test_a_failure_is_kept_with_the_job(
    office: Office, failure: Exception, problem: Problem
) -> None:
    office.story.has_model()
    runner = Runner(office.story.ledger, failing(failure))
    job = order(office)
    runner.start()
    finished(office, job)
    runner.stop()
    failed = now(office, job)
    assert (failed.state, failed.problem, failed.progress) == ("failed", problem, 10)


def test_a_stop_queues_the_job_under_way_again(office: Office) -> None:
    office.story.has_model()
    begun = threading.Event()

    def make(job: Job, stopping: Callable[[], bool]) -> None:
        office.story.ledger.operate(lambda writing: jobs.move(writing, job.id, State.COLLECTING))
        begun.set()
        pause = threading.Event()
        while not stopping():
            pause.wait(0.01)
        raise Unavailable("the report was cancelled while its pages were set")

    runner = Runner(office.story.ledger, make)
    job = order(office)
    runner.start()
    begun.wait()
    runner.stop()
    assert now(office, job).state == "queued"


def test_what_failed_after_it_was_cancelled_stays_cancelled(office: Office) -> None:
    office.story.has_model()
    job = order(office)
    office.reports.cancel(AUDITOR, job.id)
    problem = Problem("too late")
    office.story.ledger.operate(lambda connection: jobs.fail(connection, job, problem))
    assert now(office, job).state == "cancelled"
