"""Which store answers a question: Neo4j where it can, SQL always.

The graph in SQL is written in the append transaction, so it is whole and never behind. It
answers whatever Neo4j does not: because there is none, it does not reply, it is behind what the
question asks for, or an entry is missing in it. The answer says which of the two it came from.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from app.core.errors import Missing, Refusal
from app.lineage.neo4j_graph import GraphDown, read_cursor
from app.lineage.neo4j_store import LONGEST_TIMEOUT, Neo4jLineageStore
from app.lineage.sql_store import SqlLineageStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ledger.snapshot import Snapshot
    from app.lineage.asking import Answer, Terms
    from app.lineage.neo4j_graph import Cursor
    from app.lineage.ports import LineageStore
    from app.lineage.projector import Projector

T = TypeVar("T")
Question: TypeAlias = "Callable[[LineageStore, Terms], Answer[T]]"

log = logging.getLogger(__name__)

PATIENCE: Final = 0.5
"""Seconds that Neo4j gets to reach the size that a question asks for."""

SIGN_OF_LIFE: Final = 1.0
"""Seconds in which a server that is asked tells where it is, or is not asked any more."""

RESERVE: Final = 0.5
"""Seconds of a question's time that are kept for SQL; of little time, a quarter."""

AT_ONCE: Final = 16


class Sources:
    """Puts a question to the store that can answer it. ``projector`` None: SQL alone."""

    def __init__(self, projector: Projector | None, *, at_once: int = AT_ONCE) -> None:
        self.projector = projector
        self._asking = (
            None if projector is None else ThreadPoolExecutor(at_once, thread_name_prefix="graph")
        )

    def ask(self, now: Snapshot, terms: Terms, question: Question[T]) -> Answer[T]:
        """Answer at the snapshot, in the time that ``terms`` give to both stores together.

        ``question``: is told how much of it is left. Raises what it raises.
        """
        begun = time.monotonic()
        answer = self._of_neo4j(now, terms, question, begun)
        if answer is not None:
            return answer
        left = max(terms.timeout - (time.monotonic() - begun), 0)
        return question(SqlLineageStore(now.connection, now.size), replace(terms, timeout=left))

    def close(self) -> None:
        """Wait for no answer any more."""
        if self._asking is not None:
            self._asking.shutdown(wait=False, cancel_futures=True)

    def _of_neo4j(
        self, now: Snapshot, terms: Terms, question: Question[T], begun: float
    ) -> Answer[T] | None:
        """Let Neo4j answer; None if it cannot, or not in time."""
        needed = max(terms.min_seq, terms.as_of_seq or 0)
        if self.projector is None or self._asking is None or needed > now.size:
            return None
        limit = min(terms.timeout, LONGEST_TIMEOUT)
        end = begun + limit - min(RESERVE, limit / 4)
        progress = self.projector.reach(needed, min(PATIENCE, limit / 4))
        if not progress.answers or progress.graph_seq < needed:
            return None
        heard = threading.Event()
        asked = self._asking.submit(
            _answer, self.projector, (needed, now.size), terms, question, end=end, heard=heard
        )
        patience = min(SIGN_OF_LIFE, limit / 4)
        try:
            if heard.wait(patience):
                answer, cursor = asked.result(timeout=max(end - time.monotonic(), 0))
                self.projector.check(now, cursor)
                return answer
            # One that waits for others' questions to end has asked nothing yet; and little
            # patience proves nothing.
            if not asked.cancel() and patience == SIGN_OF_LIFE:
                self.projector.down("the graph did not answer in time")
        except (Missing, TooLate):
            pass  # perhaps only behind, or slow at this question: the other store knows
        except GraphDown as failure:
            self.projector.down(str(failure))
        return None


def _answer(
    projector: Projector,
    sizes: tuple[int, int],
    terms: Terms,
    question: Question[T],
    *,
    end: float,
    heard: threading.Event,
) -> tuple[Answer[T], Cursor]:
    """Ask one generation; if another came into force meanwhile, nothing was answered.

    ``sizes``: of the log, the least and the most that is to be in it. ``end``: when it has to
    be over. ``heard``: set as soon as the server, or what keeps it from answering, is heard of.
    """
    try:
        with projector.graph.session() as session:
            cursor = session.execute_read(read_cursor)
            heard.set()
            if cursor is None or cursor.quarantined or cursor.size < sizes[0]:
                raise GraphDown("the graph is not whole")
            store = Neo4jLineageStore(session, cursor.generation, min(cursor.size, sizes[1]))
            answer = question(store, replace(terms, timeout=end - time.monotonic()))
            after = session.execute_read(read_cursor)
    except (GraphDown, Refusal):
        raise
    except Exception as failure:
        log.exception("what the graph in Neo4j holds cannot be read")
        raise GraphDown(f"what it holds cannot be read: {failure!r}") from failure
    finally:
        heard.set()
    if after is None or after.generation != cursor.generation or after.size < cursor.size:
        raise GraphDown("the graph was replaced while it was asked")
    if after.quarantined:
        raise GraphDown("the graph is not whole")
    return answer, cursor
