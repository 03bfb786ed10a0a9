"""Long work on the graph, one at a time: making it anew, holding it against the log.

A job is an operational document. A crash leaves it running; the next start of a server says that
it was interrupted, unless another server is at one, and nothing of it has to be undone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping  # noqa: TC003 - read by the decoder
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from app.core.errors import Conflict, Missing, Refusal
from app.core.events import say
from app.core.events.decode import decode, encode
from app.ledger import operational
from app.lineage.neo4j_graph import GraphDown
from app.lineage.neo4j_rebuild import rebuild
from app.lineage.neo4j_reconcile import reconcile_neo4j
from app.lineage.reconcile import reconcile_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from app.core.events import Actor
    from app.core.events.kinds.records import GraphReconciled
    from app.core.jsonvalue import Json
    from app.ledger.record import Ledger
    from app.lineage.projector import Projector
    from app.settings import Entropy

log = logging.getLogger(__name__)

KIND: Final = "graph_job"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
TOLD_EVERY: Final = 20
LOCK: Final = 0x6D756E6967726166
"""Held by the process that is at a job: ``munigraf`` in ASCII."""


@dataclass(frozen=True, slots=True)
class Job:
    """``kind``: rebuild or reconcile. ``progress``: percent. ``result``: by store, once done."""

    id: str
    kind: str
    state: str = RUNNING
    progress: int = 0
    result: Mapping[str, Json] = field(default_factory=dict)
    problem: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Give the job as it is served."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "progress": self.progress,
            "result": dict(self.result),
            "problem": self.problem,
        }


class Jobs:
    """Starts jobs and tells about them. ``projector`` None: there is no Neo4j."""

    def __init__(self, ledger: Ledger, projector: Projector | None, entropy: Entropy) -> None:
        self._ledger = ledger
        self._projector = projector
        self._entropy = entropy
        self._one = threading.Lock()

    def interrupted(self) -> None:
        """Say of what a crash left running that it does not run any more.

        Where another process is at a job nothing is said: it may be that one.
        """

        def end(connection: Connection) -> None:
            for _, document in operational.each(connection, KIND):
                job = decode(Job, document)
                if job.state == RUNNING:
                    problem = "the server stopped before it was done; start it again"
                    _put(connection, replace(job, state=FAILED, problem=problem))

        with self._ledger.store.database.alone(LOCK) as nobody:
            if nobody:
                self._ledger.operate(end)

    def find(self, job_id: str) -> Job:
        """Read a job. Raises Missing."""
        with self._ledger.snapshot() as now:
            document = operational.get(now.connection, KIND, job_id)
        if document is None:
            raise Missing(f"there is no job {job_id[:80]!r} of the graph")
        return decode(Job, document)

    def rebuild(self) -> Job:
        """Start to make the graph in Neo4j anew. Raises Conflict: no Neo4j, or a job runs."""
        projector = self._projector
        if projector is None:
            raise Conflict(
                "there is no graph in Neo4j: MUNIMENT_NEO4J_URI is not set",
                remedy="the graph in SQL is made anew by `muniment migrate --rebuild lineage`",
            )

        def work(job: Job) -> Mapping[str, Json]:
            last = 0

            def told(size: int, of: int) -> None:
                nonlocal last
                percent = 100 * size // of if of else 100
                if percent >= last + TOLD_EVERY:
                    last = percent
                    self._save(replace(job, progress=percent))

            return {"neo4j": {"digest": rebuild(self._ledger, projector.graph, told)}}

        return self._start("rebuild", work)

    def reconcile(self, actor: Actor) -> Job:
        """Start to hold every store against the log. ``actor``: who asked, for the record."""

        def work(job: Job) -> Mapping[str, Json]:
            result = {"sql": self._recorded(reconcile_sql(self._ledger), actor)}
            if self._projector is not None:
                self._save(replace(job, progress=50, result=result))
                held = reconcile_neo4j(self._ledger, self._projector.graph)
                result["neo4j"] = self._recorded(held, actor)
            return result

        return self._start("reconcile", work)

    def _recorded(self, event: GraphReconciled, actor: Actor) -> Json:
        said = say("log", event)
        receipt = self._ledger.record(said, actor)
        return {**said.data, "index": receipt.index}

    def _start(self, kind: str, work: Callable[[Job], Mapping[str, Json]]) -> Job:
        running = Conflict("a job of the graph runs already", remedy="wait until it is done")
        if not self._one.acquire(blocking=False):
            raise running
        with ExitStack() as undo:
            undo.callback(self._one.release)
            if not undo.enter_context(self._ledger.store.database.alone(LOCK)):
                raise running
            job = Job(self._entropy(8).hex(), kind)
            self._save(job)
            arguments = (job, work, undo.pop_all())
            threading.Thread(target=self._run, args=arguments, name=kind, daemon=True).start()
        return job

    def _run(self, job: Job, work: Callable[[Job], Mapping[str, Json]], locks: ExitStack) -> None:
        try:
            ended = replace(job, state=DONE, progress=100, result=work(job))
        except GraphDown as failure:
            ended = replace(job, state=FAILED, problem=f"Neo4j: {failure}")
        except Refusal as refusal:
            ended = replace(job, state=FAILED, problem=refusal.detail)
        except Exception as failure:
            log.exception("%s of the graph failed", job.kind)
            ended = replace(job, state=FAILED, problem=repr(failure))
        finally:
            locks.close()  # before it is told: who reads that it is done may start another
        try:
            self._save(ended)
        except Refusal:
            log.exception("what became of %s of the graph could not be written down", job.kind)

    def _save(self, job: Job) -> None:
        self._ledger.operate(lambda connection: _put(connection, job))


def _put(connection: Connection, job: Job) -> None:
    operational.put(connection, KIND, job.id, encode(job))
