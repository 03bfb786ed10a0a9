"""Keeps the graph in Neo4j in step with the log, from a thread of its own.

The cursor moves in the transaction of what it stands for, so a crash anywhere loses and doubles
nothing: the next cycle goes on where the last commit left it, whoever runs it. Several
processes may run one each; the cursor is locked while it moves, and who comes late looks again.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from app.core.errors import Refusal, Unavailable
from app.lineage import neo4j_writing as writing
from app.lineage.neo4j_graph import (
    Cursor,
    GraphDown,
    GraphRefuses,
    check_ours,
    lock_cursor,
    prepare,
    quarantine,
    read_cursor,
)
from app.lineage.neo4j_store import warm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neo4j import ManagedTransaction

    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.lineage.neo4j_graph import Neo4j

log = logging.getLogger(__name__)

BATCH: Final = 500
"""Entries of one transaction; each makes a few rows."""

POLL: Final = 0.2
"""Seconds between two looks at the log, unless woken."""

LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries of a server that does not answer, at most."""


@dataclass(frozen=True, slots=True)
class Progress:
    """``answers``: the graph may be asked. ``graph_seq``: entries taken in.

    ``last_error``: what keeps it from being asked or from going on, None while nothing does.
    ``quarantined``: entries that could not be taken in; then the graph is not whole.
    """

    answers: bool = False
    graph_seq: int = 0
    last_error: str | None = "not connected yet"
    quarantined: tuple[int, ...] = ()


class Projector:
    """Takes entries into the generation in force, from ``start`` to ``stop``."""

    def __init__(self, ledger: Ledger, graph: Neo4j, *, batch: int = BATCH) -> None:
        self.graph = graph
        self._ledger = ledger
        self._largest = self._batch = batch
        self._ours: Cursor | None = None
        self._progress = Progress()
        self._moved = threading.Condition()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)

    def start(self) -> None:
        """Begin; a server that does not answer is tried again and again."""
        self._thread.start()

    def stop(self) -> None:
        """Let the transaction under way end, and close the connection."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout=LONGEST_PAUSE)
        with suppress(BufferError):  # a reader whom a silent server keeps waiting has it in use
            self.graph.driver.close()

    @property
    def progress(self) -> Progress:
        """Tell how far the graph is, and what is wrong with it."""
        return self._progress

    def down(self, because: str) -> None:
        """Hear from a reader that the graph did not answer; nobody asks it until it does."""
        self._set(replace(self._progress, answers=False, last_error=because))

    def check(self, now: Snapshot, cursor: Cursor) -> None:
        """Raise GraphDown if the graph that a reader has found is not that of this log.

        Of one that has gone on beyond ``now`` the name alone; the next cycle sees the rest.
        """
        if cursor != self._ours:
            check_ours(now, cursor if cursor.size <= now.size else replace(cursor, size=0))

    def reach(self, size: int, seconds: float) -> Progress:
        """Wait until the graph has taken in ``size`` entries, so many seconds at most."""
        if self._progress.answers and self._progress.graph_seq < size:
            self._woken.set()
            with self._moved:
                self._moved.wait_for(
                    lambda: self._progress.graph_seq >= size or not self._progress.answers, seconds
                )
        return self._progress

    def _run(self) -> None:
        pause = POLL
        while not self._stopping.is_set():
            try:
                more = self.cycle()
                pause = POLL
            except GraphDown as failure:
                self._set(replace(self._progress, answers=False, last_error=str(failure)))
                more, pause = False, min(pause * 2, LONGEST_PAUSE)
            except Exception as failure:
                because = failure.detail if isinstance(failure, Refusal) else repr(failure)
                log.exception("the graph does not go on")
                self._set(replace(self._progress, answers=False, last_error=because))
                more, pause = False, min(pause * 2, LONGEST_PAUSE)
            if not more:
                self._woken.wait(pause)
                self._woken.clear()

    def cycle(self) -> bool:
        """Take in the next entries; tell whether there are more.

        Raises GraphDown. What the log raises goes through.
        """
        origin = self._ledger.store.origin
        with self.graph.session() as session:
            cursor = session.execute_read(read_cursor)
            if cursor is None:
                cursor = prepare(session, origin)
            if not self._progress.answers:
                warm(session)
        with self._ledger.snapshot() as now:
            check_ours(now, cursor)
            stop = min(now.size, cursor.size + self._batch)
        self._ours = cursor
        if cursor.size < stop:
            cursor = self._advance(cursor, stop)
        held = f"entries {list(cursor.quarantined)} could not be taken in"
        self._set(
            Progress(
                answers=not cursor.quarantined,
                graph_seq=cursor.size,
                last_error=held if cursor.quarantined else None,
                quarantined=cursor.quarantined,
            )
        )
        return cursor.size < now.size

    def _advance(self, cursor: Cursor, stop: int) -> Cursor:
        """Take in the entries up to ``stop``; one that cannot be is told apart from the rest."""
        try:
            moved = project(self._ledger, self.graph, cursor, stop)
        except GraphDown as failure:
            if not isinstance(failure, GraphRefuses):
                raise
            return self._doubt(cursor, stop, str(failure))
        except Exception as failure:
            store = self._ledger.store
            if isinstance(failure, Unavailable) or store.failure_of(failure) is not None:
                raise  # the log's own database fails, and no entry
            return self._doubt(cursor, stop, repr(failure))
        self._batch = min(self._largest, self._batch * 2)
        return moved

    def _doubt(self, cursor: Cursor, stop: int, because: str) -> Cursor:
        if stop - cursor.size > 1:
            self._batch = max(1, (stop - cursor.size) // 2)
            return cursor
        log.critical("entry %d is not in the graph: %s", cursor.size, because)
        self._batch = 1
        with self._ledger.snapshot() as now:
            leaf = now.store.entry(now.connection, cursor.size)[1].hex()
        with self.graph.session() as session:
            session.execute_write(quarantine, cursor, leaf)
        return replace(cursor, size=stop, leaf=leaf, quarantined=(*cursor.quarantined, cursor.size))

    def _set(self, progress: Progress) -> None:
        before = self._progress
        if progress.answers and not before.answers:
            log.info("the graph in Neo4j answers, at %d entries", progress.graph_seq)
        elif not progress.answers and progress.last_error != before.last_error:
            log.warning("SQL answers in the graph's place: %s", progress.last_error)
        with self._moved:
            self._progress = progress
            self._moved.notify_all()


def project(ledger: Ledger, graph: Neo4j, cursor: Cursor, stop: int) -> Cursor:
    """Take the entries from the cursor up to ``stop`` into its generation, all or none.

    Returns where the cursor is then: elsewhere if somebody else moved it meanwhile.
    Raises GraphDown, GraphRefuses; what reading the log raises.
    """
    with ledger.snapshot() as now:
        recorded = list(now.store.recorded(now.connection, cursor.size, stop))
        leaf = now.store.entry(now.connection, stop - 1)[1].hex()
    with graph.session() as session:
        return session.execute_write(_take, cursor, recorded, stop, leaf)


def _take(
    transaction: ManagedTransaction,
    cursor: Cursor,
    recorded: Sequence[Recorded],
    stop: int,
    leaf: str,
) -> Cursor:
    found = lock_cursor(transaction, cursor.generation)
    if found is None:
        raise GraphDown(f"generation {cursor.generation} of the graph is gone")
    if found != cursor:
        return found
    writing.apply(transaction, cursor.generation, recorded)
    writing.move_cursor(transaction, cursor.generation, stop, leaf)
    return replace(cursor, size=stop, leaf=leaf)
