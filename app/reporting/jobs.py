"""Reports on order: one operational document each, from queued to done.

    queued → collecting → rendering → checking → done
       └─────────┴────────────┴───────────┴──→ failed | cancelled

A crash leaves a job where it was; at start whatever was under way is queued again. Where several
servers share the database each job is claimed by one of them, in the transaction that all writers
take turns in. A claim lapses with whoever holds it: then another server takes the job.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - read by the decoder
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import IllegalTransition, Missing
from app.core.events.decode import decode, encode
from app.core.ledger.times import format_time, parse_time
from app.ledger import operational

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

KIND = "job"
LEASE = timedelta(seconds=60)
"""For how long a claim holds; it is made anew with each step and while pages are set."""


class State(StrEnum):
    QUEUED = "queued"
    COLLECTING = "collecting"
    RENDERING = "rendering"
    CHECKING = "checking"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


PROGRESS = {
    State.QUEUED: 0,
    State.COLLECTING: 10,
    State.RENDERING: 30,
    State.CHECKING: 90,
    State.DONE: 100,
}
"""Percent of the way, roughly; a failed or cancelled job stays where it was."""

UNDER_WAY = frozenset({State.COLLECTING, State.RENDERING, State.CHECKING})
OVER = frozenset({State.DONE, State.FAILED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a job failed. ``remedy``: what to do, or None."""

    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """``as_of_seq``: size of the log it tells about. ``requested_index``: entry of the request.

    ``digests``: ``pdf``, ``json`` and ``engine``, ``sha256:<hex>``, once done;
    ``generated_index``: entry that records them. ``redacted_index``: entry that erased a value
    which its files held, and them with it. ``runner``: who has claimed it, until ``claimed_until``.
    """

    id: str
    type: str
    scope: str
    as_of_seq: int
    requested_by: str
    requested_at: str
    requested_index: int
    state: str = State.QUEUED.value
    progress: int = 0
    page_count: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    generated_index: int | None = None
    redacted_index: int | None = None
    problem: Problem | None = None
    runner: str | None = None
    claimed_until: str | None = None

    @property
    def subject(self) -> str:
        return f"report/{self.id}"

    def at(self, state: State) -> Job:
        """Return the job in another state."""
        return replace(self, state=state.value, progress=PROGRESS.get(state, self.progress))


def find(connection: Connection, job_id: str) -> Job:
    """Read a job. Raises Missing."""
    document = operational.get(connection, KIND, job_id)
    if document is None:
        raise Missing(
            f"there is no report {job_id[:80]!r}", remedy="GET /api/v1/reports lists them"
        )
    return decode(Job, document)


def everything(connection: Connection) -> list[Job]:
    """Read all jobs, oldest first."""
    return [decode(Job, document) for _, document in operational.each(connection, KIND)]


def put(connection: Connection, job: Job) -> None:
    operational.put(connection, KIND, job.id, encode(job))


def claim(connection: Connection, runner: str, now: datetime) -> Job | None:
    """Claim the oldest job that waits, or whose claim has lapsed; None: there is none."""
    for job in everything(connection):
        lapsed = job.claimed_until is not None and parse_time(job.claimed_until) <= now
        if job.state == State.QUEUED or (State(job.state) in UNDER_WAY and lapsed):
            claimed = replace(job.at(State.COLLECTING), runner=runner)
            return _hold(connection, claimed, now)
    return None


def is_due(job: Job, now: datetime) -> bool:
    """Tell whether a claim has to be renewed: half of it is over."""
    return job.claimed_until is not None and parse_time(job.claimed_until) < now + LEASE / 2


def renew(connection: Connection, job: Job, now: datetime) -> bool:
    """Hold on to a claimed job; tell whether it is still this runner's, and not over."""
    found = find(connection, job.id)
    if State(found.state) in OVER or found.runner != job.runner:
        return False
    if is_due(found, now):
        _hold(connection, found, now)
    return True


def _hold(connection: Connection, job: Job, now: datetime) -> Job:
    held = replace(job, claimed_until=format_time(now + LEASE))
    put(connection, held)
    return held


def move(connection: Connection, job_id: str, state: State, runner: str | None = None) -> Job:
    """Take a job that is not over to another state. Raises IllegalTransition, Missing.

    ``runner``: whose it has to be; None where nobody claims jobs, and for who cancels one.
    """
    job = find(connection, job_id)
    if State(job.state) in OVER:
        raise IllegalTransition(f"the report is {job.state} already")
    if runner not in (None, job.runner):
        raise IllegalTransition("another server makes the report")
    moved = job.at(state)
    put(connection, moved)
    return moved


def fail(connection: Connection, job: Job, problem: Problem) -> None:
    """Note why a job failed; one that was cancelled or taken over meanwhile stays as it is."""
    found = find(connection, job.id)
    if State(found.state) not in OVER and found.runner == job.runner:
        put(connection, replace(found.at(State.FAILED), problem=problem))


def queue_again(connection: Connection, runner: str | None = None) -> None:
    """Queue what a crash or a stop interrupted: everything under way, or one runner's."""
    for job in everything(connection):
        if State(job.state) in UNDER_WAY and runner in (None, job.runner):
            put(connection, replace(job.at(State.QUEUED), runner=None, claimed_until=None))
