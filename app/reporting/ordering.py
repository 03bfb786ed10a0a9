"""Ordering reports, cancelling them, and taking what was made."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.catalog import queries
from app.catalog.visible import sees
from app.core.access import Permission
from app.core.errors import Conflict, Fault, Missing, Redacted, Rejected, UnknownKind
from app.core.events import say
from app.core.events.kinds.records import ReportDownloaded, ReportRequested
from app.core.ledger.canonical import canonical
from app.core.ledger.times import format_time
from app.core.report.files import EVENTS
from app.ledger import blobs
from app.ledger.idempotency import find_use, make_key
from app.ledger.ids import RANDOM_BYTES, uuid7
from app.reporting import jobs
from app.reporting.finishing import embedded
from app.reporting.gather import Scope
from app.reporting.jobs import Job, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.reporting.ports import MakeBundle
    from app.reporting.runner import Runner
    from app.settings import Clock, Entropy
    from app.web.callers import Caller

TYPES = ("model-audit",)
PURPOSE = "A model audit report, the entries it tells about, and the entry that records it"


@dataclass(frozen=True, slots=True)
class Order:
    """``as_of_seq``: size of the log to tell about, None for all of it."""

    type: str
    scope: str
    as_of_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports on order and made. ``secret``: for idempotency keys, 32 bytes."""

    ledger: Ledger
    runner: Runner
    bundle: MakeBundle
    clock: Clock
    entropy: Entropy
    secret: bytes

    def order(self, caller: Caller, order: Order, route: str, key: str | None) -> tuple[Job, bool]:
        """Record that a report is asked for, and queue it.

        Returns the job, and whether ``key`` had ordered it before. Raises RoleMissing,
        UnknownKind, Missing (no such model), Rejected (the log is not that far),
        IdempotencyMismatch, Malformed.
        """
        caller.require(Permission.CREATE_REPORT, subject=order.scope)
        if order.type not in TYPES:
            raise UnknownKind(
                f"there is no report of type {order.type[:80]!r}",
                remedy=f"ask for one of: {', '.join(TYPES)}",
                faults=[Fault("#/type", "no such report")],
            )
        asked = canonical({name: getattr(order, name) for name in Order.__slots__})
        mac = None if key is None else make_key(self.secret, caller.actor.id, route, key, asked)
        with self.ledger.snapshot() as now:
            before = find_use(now.connection, mac)
            if before is not None:
                return jobs.find(now.connection, before.resource), True
            _check_visible(now.connection, caller, order.scope)
            size = _size(now, order)
        moment = self.clock()
        job = Job(
            id=uuid7(moment, self.entropy(RANDOM_BYTES)),
            type=order.type,
            scope=order.scope,
            as_of_seq=size,
            requested_by=caller.actor.id,
            requested_at=format_time(moment),
            requested_index=-1,
        )
        event = ReportRequested(order.type, order.scope, size, caller.actor.id)

        def queue(connection: Connection, recorded: Sequence[Recorded]) -> None:
            """In the transaction of the request's entry: never a job without it."""
            jobs.put(connection, replace(job, requested_index=recorded[0].index))

        appended = self.ledger.submit(
            [say(job.subject, event)],
            caller.actor,
            source="api",
            key=mac,
            resource=job.id,
            beside=queue,
        ).result()
        self.runner.wake()
        return self._job(appended.resource), appended.replayed

    def find(self, caller: Caller, job_id: str) -> Job:
        """Read a job that the caller may see. Raises RoleMissing, Missing."""
        caller.require(Permission.READ_REPORTS)
        with self.ledger.snapshot() as now:
            return self._visible(now, caller, job_id)

    def everything(self, caller: Caller) -> tuple[list[Job], int]:
        """Read the jobs that the caller may see, oldest first, and the size of the log."""
        caller.require(Permission.READ_REPORTS)
        with self.ledger.snapshot() as now:
            seen = [
                job
                for job in jobs.everything(now.connection)
                if caller.sight.covers(job.scope) and _sees(now, caller, job)
            ]
            return seen, now.size

    def cancel(self, caller: Caller, job_id: str) -> Job:
        """Cancel a job that is not over. Raises RoleMissing, Missing, IllegalTransition."""
        caller.must(Permission.CREATE_REPORT)
        job = self.find(caller, job_id)
        caller.require(Permission.CREATE_REPORT, subject=job.scope)
        return self.ledger.operate(lambda writing: jobs.move(writing, job_id, State.CANCELLED))

    def take(self, caller: Caller, job_id: str, file: str) -> bytes:
        """Give a file of a finished report, ``pdf``, ``json`` or ``bundle``; record who took it.

        Raises RoleMissing, Missing, Conflict (not finished), Redacted, Unavailable (no
        checkpoint covers the report's own entry yet).
        """
        job = self.find(caller, job_id)
        if job.generated_index is None:
            raise Conflict(
                f"the report is {job.state}",
                remedy=f"wait until GET /api/v1/reports/{job.id} says done",
            )
        if job.redacted_index is not None:
            raise Redacted(
                f"the report held a value that was erased: entry {job.redacted_index} says so",
                remedy="order it again: it will be made without that value",
            )
        with self.ledger.snapshot() as now:
            pdf = blobs.get(now.connection, job.digests["pdf"])
            report = blobs.get(now.connection, job.digests["json"])
            content = {"pdf": pdf, "json": report}.get(file) or self._bundle(now, job, pdf, report)
        taken = ReportDownloaded(file, caller.actor.id)
        self.ledger.record(say(job.subject, taken), caller.actor, source="api")
        return content

    def _bundle(self, now: Snapshot, job: Job, pdf: bytes, report: bytes) -> bytes:
        """Bundle the report with the entries it tells about, its request and its record."""
        lines = embedded(pdf, EVENTS).splitlines()
        told: set[int | None] = {json.loads(line)["index"] for line in lines}
        own = {job.requested_index, job.generated_index}
        files = {"report.pdf": pdf, "report.json": report}
        return self.bundle(
            now,
            sorted(index for index in told | own if index is not None),
            purpose=PURPOSE,
            files=files,
        )

    def _job(self, job_id: str) -> Job:
        with self.ledger.snapshot() as now:
            return jobs.find(now.connection, job_id)

    def _visible(self, now: Snapshot, caller: Caller, job_id: str) -> Job:
        job = jobs.find(now.connection, job_id)
        if not _sees(now, caller, job):
            raise Missing(f"there is no report {job_id[:80]!r}")
        caller.require(Permission.READ_REPORTS, subject=job.scope)
        return job


def _size(now: Snapshot, order: Order) -> int:
    """Tell the size to report at. Raises Rejected."""
    if order.as_of_seq is None:
        return now.size
    if not 0 < order.as_of_seq <= now.size:
        raise Rejected(
            f"as_of_seq is {order.as_of_seq} and the log has {now.size} entries",
            remedy="ask for a size that the log has reached",
            faults=[Fault("#/as_of_seq", f"1 to {now.size}")],
        )
    return order.as_of_seq


def _check_visible(connection: Connection, caller: Caller, subject: str) -> None:
    """Refuse what is not registered, or not the caller's to see. Raises Missing."""
    scope = Scope.parse(subject)
    model = queries.model(connection, scope.model)
    known = scope.version is None or queries.model_version(connection, subject) is not None
    if model is None or not known or not sees(caller.sight, model):
        raise Missing(f"there is no {subject[:200]}", remedy="GET /api/v1/models lists the models")


def _sees(now: Snapshot, caller: Caller, job: Job) -> bool:
    model = queries.model(now.connection, Scope.parse(job.scope).model)
    return model is not None and sees(caller.sight, model)
