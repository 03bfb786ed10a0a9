"""Which store answers a question: Neo4j where it can, SQL always.

The graph in SQL is written in the append transaction, so it is whole and never behind. It
answers whatever Neo4j does not: because there is none, it does not reply, it is behind what the
question asks for, or an entry is missing in it. The answer says which of the two it came from.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import TYPE_CHECKING, Final, TypeVar

from app.core.errors import Missing
from app.lineage.neo4j_graph import GraphDown, read_cursor
from app.lineage.neo4j_store import LONGEST_TIMEOUT, Neo4jLineageStore
from app.lineage.sql_store import SqlLineageStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ledger.snapshot import Snapshot
    from app.lineage.asking import Answer, Terms
    from app.lineage.ports import LineageStore
    from app.lineage.projector import Projector

T = TypeVar("T")

PATIENCE: Final = 0.5
"""Seconds that Neo4j gets to reach the size that a question asks for."""

GRACE: Final = 1.0
"""Seconds past a question's own limit after which a silent server is given up."""

AT_ONCE: Final = 16


class Sources:
    """Puts a question to the store that can answer it. ``projector`` None: SQL alone."""

    def __init__(self, projector: Projector | None) -> None:
        self.projector = projector
        self._asking = (
            None if projector is None else ThreadPoolExecutor(AT_ONCE, thread_name_prefix="graph")
        )

    def ask(
        self, now: Snapshot, terms: Terms, question: Callable[[LineageStore], Answer[T]]
    ) -> Answer[T]:
        """Answer at the snapshot. Raises what ``question`` raises."""
        if self.projector is not None and self._asking is not None:
            needed = max(terms.min_seq, terms.as_of_seq or 0)
            progress = self.projector.reach(needed, PATIENCE)
            if progress.answers and progress.graph_seq >= needed:
                asked = self._asking.submit(self._of_neo4j, self.projector, now.size, question)
                try:
                    return asked.result(timeout=min(terms.timeout, LONGEST_TIMEOUT) + GRACE)
                except Missing:
                    pass  # perhaps only behind: the other store knows
                except TooLate:
                    self.projector.down("the graph did not answer in time")
                except GraphDown as failure:
                    self.projector.down(str(failure))
        return question(SqlLineageStore(now.connection, now.size))

    def close(self) -> None:
        """Wait for no answer any more."""
        if self._asking is not None:
            self._asking.shutdown(wait=False, cancel_futures=True)

    def _of_neo4j(
        self, projector: Projector, size: int, question: Callable[[LineageStore], Answer[T]]
    ) -> Answer[T]:
        """Ask one generation; if another came into force meanwhile, nothing was answered."""
        with projector.graph.session() as session:
            cursor = session.execute_read(read_cursor)
            if cursor is None or cursor.quarantined:
                raise GraphDown("the graph is not whole")
            store = Neo4jLineageStore(session, cursor.generation, min(cursor.size, size))
            answer = question(store)
            after = session.execute_read(read_cursor)
        if after is None or after.generation != cursor.generation or after.quarantined:
            raise GraphDown("the graph was replaced while it was asked")
        return answer
