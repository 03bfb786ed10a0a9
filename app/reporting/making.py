"""Making one report, from its job to the entry that records it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from app.core.errors import Conflict, HeadMoved, IllegalTransition, Unavailable, Unverifiable
from app.core.events import Actor, ActorKind, AuthMethod, say
from app.core.events.kinds.records import EntryRedacted, ReportGenerated
from app.core.ledger.canonical import canonical
from app.core.report.compose import compose
from app.core.report.document import to_json
from app.core.report.files import embedded_files
from app.ledger import blobs
from app.reporting import jobs
from app.reporting.engine import fingerprint
from app.reporting.finishing import embedded
from app.reporting.jobs import State
from app.reporting.render import Rendered, render
from app.settings import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from app.core.report.files import EmbeddedFile
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.reporting.gather import Gather
    from app.reporting.jobs import Job
    from app.settings import Clock

REPORTER = Actor("reporting", ActorKind.WORKLOAD, AuthMethod.NONE)
COVERED_WITHIN = 30.0
"""Seconds that a checkpoint may take to cover what a report tells."""

PAUSE = 0.1
TRIES = 5
ERASED = f"type:{EntryRedacted.TYPE}"


@dataclass(frozen=True, slots=True)
class Making:
    """Makes reports. Its reader connections and processes are its own."""

    ledger: Ledger
    gather: Gather
    clock: Clock = utc_now

    def run(self, job: Job, stopping: Callable[[], bool] = lambda: False) -> None:
        """Make the report of a queued job and record it, once.

        ``stopping``: true once the server wants to end; the job is then left under way.

        A crash before the record commits leaves the job under way, to be queued again; after
        it the job is done. Raises IllegalTransition: the job was cancelled, is done, or is
        another server's by now.
        Other refusals: the report cannot be made, or not now.
        """
        for _ in range(TRIES):
            self._move(job, State.COLLECTING)
            erased = self._last_erasure()
            report, files = self.compose(job)
            self._move(job, State.RENDERING)
            rendered = render(report, files, cancelled=lambda: stopping() or self._over(job))
            self._move(job, State.CHECKING)
            if embedded(rendered.pdf, "report.json") != report:
                raise Unverifiable("the document does not hold the data it was set from")
            if self._record(job, report, rendered, erased):
                return
        raise Conflict(
            "values kept being erased while the report was made", remedy="order it again"
        )

    def compose(self, job: Job) -> tuple[bytes, tuple[EmbeddedFile, ...]]:
        """Return the bytes of report.json and the other files to embed.

        Raises Unavailable: no checkpoint covered the entries in time. Missing.
        """
        waited = 0.0
        while True:
            try:
                with self.ledger.snapshot() as now:
                    facts = self.gather(now, job.subject, job.scope, job.as_of_seq)
            except Unavailable:
                if waited >= COVERED_WITHIN:
                    raise
                time.sleep(PAUSE)
                waited += PAUSE
            else:
                return canonical(to_json(compose(facts))), embedded_files(facts)

    def rerender(self, job: Job) -> Rendered:
        """Make the pages of a finished report again, from the log; nothing is recorded.

        Under the engine that the report's entry names the bytes are those it names.
        """
        return render(*self.compose(job))

    def _move(self, job: Job, state: State) -> None:
        def step(writing: Connection) -> None:
            jobs.move(writing, job.id, state, job.runner)
            jobs.renew(writing, job, self.clock())

        self.ledger.operate(step)

    def _over(self, job: Job) -> bool:
        """Tell whether it is over, or another's; hold on to it if not."""
        with self.ledger.snapshot() as now:
            found = jobs.find(now.connection, job.id)
        if not jobs.is_due(found, self.clock()):
            return State(found.state) in jobs.OVER or found.runner != job.runner
        return not self.ledger.operate(lambda writing: jobs.renew(writing, job, self.clock()))

    def _last_erasure(self) -> int | None:
        with self.ledger.snapshot() as now:
            return now.head(ERASED)

    def _record(self, job: Job, report: bytes, rendered: Rendered, erased: int | None) -> bool:
        """Record the report; False: a value was erased meanwhile, and it may hold that.

        ``erased``: the last erasure before it was composed.
        """
        digests = {
            "pdf": _digest(rendered.pdf),
            "json": _digest(report),
            "engine": fingerprint(rendered.engine),
        }
        event = ReportGenerated(
            type=job.type,
            scope=job.scope,
            as_of_size=job.as_of_seq,
            unsealed_digest=digests["pdf"],
            length=len(rendered.pdf),
            data_digest=digests["json"],
            pages=rendered.page_count,
            engine=rendered.engine,
            engine_fingerprint=digests["engine"],
        )

        def finish(connection: Connection, recorded: Sequence[Recorded]) -> None:
            """In the transaction of the entry: bytes, and the job as done."""
            blobs.put(connection, rendered.pdf)
            blobs.put(connection, report)
            done = replace(
                jobs.move(connection, job.id, State.DONE, job.runner),
                page_count=rendered.page_count,
                digests=digests,
                generated_index=recorded[0].index,
            )
            jobs.put(connection, done)

        try:
            self.ledger.record(
                say(job.subject, event),
                REPORTER,
                expects={job.subject: job.requested_index, ERASED: erased},
                beside=finish,
            )
        except HeadMoved as moved:
            if moved.key == ERASED:
                return False
            raise IllegalTransition("the report is recorded already") from None
        return True


def _digest(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"
