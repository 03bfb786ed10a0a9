"""Group commit without a timer: one thread takes what waits, and commits it once.

While a batch is being committed the next one gathers, so a busy log commits large batches
and an idle one answers at once. The same thread carries out operational writes, so that
one connection does all the writing.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from app.core.errors import Refusal, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from app.ledger.append import Appended, Appender, Request
    from app.ledger.sql_store import SqlStore

T = TypeVar("T")
MOST_EVENTS = 256
MOST_WAITING = 4096


@dataclass(slots=True)
class Append:
    """A request to append, and where its answer goes."""

    request: Request
    done: Future[Appended] = field(default_factory=Future)


@dataclass(slots=True)
class Operation(Generic[T]):
    """An operational write, in a transaction of its own."""

    work: Callable[[Connection], T]
    done: Future[T] = field(default_factory=Future)


@dataclass(slots=True)
class Chore(Generic[T]):
    """Work on the writer's thread, outside every transaction."""

    work: Callable[[], T]
    done: Future[T] = field(default_factory=Future)


class Sequencer:
    """The one writer of a log. Its thread lives from ``start`` to ``stop``."""

    def __init__(self, store: SqlStore, appender: Appender) -> None:
        self._store = store
        self._appender = appender
        self._grown: Callable[[int], None] = _nobody
        self._waiting: SimpleQueue[Append | Operation[object] | Chore[object] | None] = (
            SimpleQueue()
        )
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)
        self._broken: str | None = None

    def start(self, grown: Callable[[int], None]) -> None:
        """Begin to write. ``grown`` is told the log's size after each commit."""
        self._grown = grown
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end. What is asked for later is refused, never left waiting."""
        self.halt("the server is stopping")
        self._waiting.put(None)
        self._thread.join()
        with suppress(Empty):
            while item := self._waiting.get_nowait():
                if item.done.set_running_or_notify_cancel():
                    item.done.set_exception(self._refusal())

    def halt(self, because: str) -> None:
        """Take no more writes: what is stored does not check, or the disk has failed."""
        self._broken = because

    @property
    def halted(self) -> str | None:
        """Why no writes are taken; None while they are."""
        return self._broken

    def append(self, request: Request) -> Future[Appended]:
        """Queue a request; its future is answered after the commit, or with a Refusal.

        Raises Unavailable when too many wait or the storage has failed.
        """
        self._check_able()
        item = Append(request)
        self._waiting.put(item)
        return item.done

    def operate(self, work: Callable[[Connection], T]) -> Future[T]:
        """Queue an operational write; its future is answered after the commit."""
        self._check_able()
        item: Operation[T] = Operation(work)
        self._waiting.put(item)  # type: ignore[arg-type]  # Future is invariant
        return item.done

    def between(self, work: Callable[[], T]) -> Future[T]:
        """Queue work that must be done between two transactions of the writer."""
        self._check_able()
        item: Chore[T] = Chore(work)
        self._waiting.put(item)  # type: ignore[arg-type]  # Future is invariant
        return item.done

    def _check_able(self) -> None:
        if self._broken is not None:
            raise self._refusal()
        if self._waiting.qsize() >= MOST_WAITING:
            raise Unavailable("more requests wait than can be written soon", retry_after=1)

    def _refusal(self) -> Unavailable:
        return Unavailable(
            f"the log does not take writes: {self._broken}",
            remedy="mend the storage and restart the server",
            retry_after=30,
        )

    def _run(self) -> None:
        going_on = True
        while going_on:
            batch, operations, going_on = self._gather()
            if batch:
                self._commit(batch)
            for operation in operations:
                self._operate(operation)

    def _gather(self) -> tuple[list[Append], list[Operation[object] | Chore[object]], bool]:
        """Take what waits, up to ``MOST_EVENTS`` events; wait only while there is nothing."""
        batch: list[Append] = []
        operations: list[Operation[object] | Chore[object]] = []
        events = 0
        item = self._waiting.get()
        while item is not None:
            # From here on nobody takes it back: whoever went away before is not waited for.
            if not item.done.set_running_or_notify_cancel():
                pass
            elif isinstance(item, Append):
                batch.append(item)
                events += len(item.request.events)
            else:
                operations.append(item)
            if events >= MOST_EVENTS:
                return batch, operations, True
            try:
                item = self._waiting.get_nowait()
            except Empty:
                return batch, operations, True
        return batch, operations, False

    def _commit(self, batch: Sequence[Append]) -> None:
        """Append a batch in one transaction and answer its requests.

        A crash before the commit leaves no trace of the batch, and nobody has an answer;
        after it the entries are durable, and a repeated request finds them by its key.
        """
        try:
            with self._store.writing() as connection:
                outcomes, position = self._appender.append(
                    connection, [item.request for item in batch]
                )
        except Exception as failure:  # noqa: BLE001 - handed to those who asked
            if len(batch) > 1 and self._store.failure_of(failure) is None:
                # One request's projection or side write failed: it alone shall.
                for item in batch:
                    self._commit([item])
                return
            refusal = self._refusal_of(failure)
            for item in batch:
                item.done.set_exception(refusal)
            return
        self._appender.committed(position)
        for item, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                item.done.set_exception(outcome)
            else:
                item.done.set_result(outcome)
        self._grown(position.size)

    def _operate(self, operation: Operation[object] | Chore[object]) -> None:
        try:
            if isinstance(operation, Chore):
                answer = operation.work()
            else:
                with self._store.writing() as connection:
                    answer = operation.work(connection)
        except Exception as failure:  # noqa: BLE001 - it is handed to the one who asked
            operation.done.set_exception(self._refusal_of(failure))
        else:
            operation.done.set_result(answer)

    def _refusal_of(self, failure: Exception) -> Exception:
        """Tell what to answer; whoever waits for a database that is away is told the same."""
        found = self._store.failure_of(failure)
        if found is None:
            return failure
        if found.halts:
            self._broken = f"{type(failure).__name__} from the database"
        if found.away:
            self._turn_away(found.refusal)
        return found.refusal

    def _turn_away(self, refusal: Refusal) -> None:
        """Refuse what waits already: it has waited enough, and nothing of it was sent."""
        for _ in range(self._waiting.qsize()):
            item = self._waiting.get_nowait()
            if item is None:
                self._waiting.put(None)
            elif item.done.set_running_or_notify_cancel():
                item.done.set_exception(refusal)


def _nobody(_size: int) -> None:
    pass
