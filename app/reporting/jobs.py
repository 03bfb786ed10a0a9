"""Reports on order: one operational document each, from queued to done.

    queued → collecting → rendering → checking → done
       └─────────┴────────────┴───────────┴──→ failed | cancelled

A crash leaves a job where it was; at start whatever was under way is queued again.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - read by the decoder
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import IllegalTransition, Missing
from app.core.events.decode import decode, encode
from app.ledger import operational

if TYPE_CHECKING:
    from sqlalchemy import Connection

KIND = "job"


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
    which its files held, and them with it.
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


def move(connection: Connection, job_id: str, state: State) -> Job:
    """Take a job that is not over to another state. Raises IllegalTransition, Missing."""
    job = find(connection, job_id)
    if State(job.state) in OVER:
        raise IllegalTransition(f"the report is {job.state} already")
    moved = job.at(state)
    put(connection, moved)
    return moved


def fail(connection: Connection, job_id: str, problem: Problem) -> None:
    """Note why a job failed; one that was cancelled meanwhile stays so."""
    job = find(connection, job_id)
    if State(job.state) not in OVER:
        put(connection, replace(job.at(State.FAILED), problem=problem))


def queue_again(connection: Connection) -> None:
    """Queue what a crash or a stop interrupted."""
    for job in everything(connection):
        if State(job.state) in UNDER_WAY:
            put(connection, job.at(State.QUEUED))
