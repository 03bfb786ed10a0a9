"""A whole log whose write path fails as ``Faults`` say, on any engine.

The store, the signer and the signer's state are wrapped; sequencer, publisher and appender are
the real ones. A crash ends the threads as the end of a process would: what they were doing is
left where it is, and who waits for an answer never gets one.
"""

from __future__ import annotations

import contextlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from os import urandom
from typing import TYPE_CHECKING, Any, Protocol, cast

import psycopg
from sqlalchemy.exc import DBAPIError

from app.house import projections
from app.ledger.append import Appender
from app.ledger.opening import load_position
from app.ledger.publisher import Publisher
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.ledger.signing import SignerState, load_or_make_signer
from app.settings import utc_now
from tests.faults.steps import Crash, Faults, Step
from tests.slices.ledger.desk import ORIGIN, Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from sqlalchemy import Connection, Table

    from app.core.ledger.checkpoint import Checkpoint
    from app.core.ledger.entry import Entry
    from app.core.ledger.note import Verifier
    from app.core.ledger.payload import Member
    from app.core.ledger.verdict import Report
    from app.ledger.append import Appended, Request
    from app.ledger.ports import Projection, Recorded
    from app.ledger.position import Position
    from app.ledger.signing import Signed, Signer
    from app.ledger.sql_store import SqlStore

SCHEMAS = load_schemas()


class Place(Protocol):
    """A database with room for one log.

    ``folder``: what lies beside it, the key and its state. ``where``: words by which another
    process finds it.
    """

    @property
    def folder(self) -> Path: ...
    @property
    def where(self) -> list[str]: ...

    def open(self, kept: Sequence[Projection]) -> SqlStore:
        """Open the log, made where it is not there yet."""

    def look(self) -> SqlStore:
        """Open what is there, for reading only, whoever runs on it."""

    def failure(self) -> Exception:
        """Make what the driver raises when the disk or the server fails."""

    def fsck(self, key: Verifier) -> Report:
        """Check the log as `muniment ledger fsck` does."""


class FaultyStore:
    """The store, with something happening at its steps."""

    def __init__(self, store: SqlStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        return getattr(self._store, name)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self._faults.before(Step.BEGIN)
        with self._store.writing() as connection:
            self._faults.after(Step.BEGIN)
            yield connection
            self._faults.before(Step.COMMIT)
        self._faults.after(Step.COMMIT)

    def heads(self, connection: Connection, keys: Sequence[str]) -> dict[str, int]:
        self._faults.before(Step.HEADS)
        found = self._store.heads(connection, keys)
        self._faults.after(Step.HEADS)
        return found

    def move_head(self, connection: Connection, before: Position, after: Position) -> None:
        self._faults.before(Step.HEAD_MOVED)
        self._store.move_head(connection, before, after)
        self._faults.after(Step.HEAD_MOVED)

    def insert(
        self,
        connection: Connection,
        entries: Sequence[tuple[Entry, bytes, bytes]],
        members: Sequence[Sequence[Member]],
    ) -> None:
        self._faults.before(Step.ENTRIES)
        half = (len(entries) + 1) // 2
        nothing: list[Sequence[Member]] = [() for _ in entries]
        if self._faults.torn(Step.ENTRIES):
            with contextlib.suppress(
                DBAPIError, psycopg.Error
            ):  # a guard may refuse half a batch by itself
                self._store.insert(connection, entries[:half], nothing[:half])
            self._faults.tear()
        if self._faults.torn(Step.PAYLOADS):
            self._store.insert(connection, entries, [*members[:half], *nothing[half:]])
            self._faults.tear()
        self._faults.after(Step.ENTRIES)
        self._faults.before(Step.PAYLOADS)
        self._store.insert(connection, entries, members)
        self._faults.after(Step.PAYLOADS)

    def move_heads(self, connection: Connection, heads: Mapping[str, int]) -> None:
        self._faults.before(Step.HEADS_MOVED)
        if self._faults.torn(Step.HEADS_MOVED):
            self._store.move_heads(connection, dict(list(heads.items())[: len(heads) // 2]))
            self._faults.tear()
        self._store.move_heads(connection, heads)
        self._faults.after(Step.HEADS_MOVED)

    def insert_tiles(self, connection: Connection, full: Mapping[tuple[int, int], bytes]) -> None:
        if not full:
            return
        self._faults.before(Step.TILES)
        if self._faults.torn(Step.TILES):
            self._store.insert_tiles(connection, dict(list(full.items())[: len(full) // 2]))
            self._faults.tear()
        self._store.insert_tiles(connection, full)
        self._faults.after(Step.TILES)

    def move_projections(self, connection: Connection, size: int) -> None:
        self._store.move_projections(connection, size)
        self._faults.after(Step.PROJECTIONS)

    def bodies(self, connection: Connection, start: int, stop: int) -> list[bytes]:
        if threading.current_thread().name != "publisher":
            return self._store.bodies(connection, start, stop)
        self._faults.before(Step.RE_READ)
        found = self._store.bodies(connection, start, stop)
        self._faults.after(Step.RE_READ)
        return found

    def insert_checkpoint(self, connection: Connection, size: int, note: bytes) -> None:
        self._faults.before(Step.CHECKPOINT_STORED)
        self._store.insert_checkpoint(connection, size, note)
        self._faults.after(Step.CHECKPOINT_STORED)


@dataclass(frozen=True, slots=True)
class FaultyProjection:
    """A projection, with something happening before it: ``first`` of all, ``last`` of all."""

    kept: Projection
    faults: Faults
    first: bool
    last: bool

    @property
    def name(self) -> str:
        return self.kept.name

    @property
    def version(self) -> int:
        return self.kept.version

    @property
    def tables(self) -> tuple[Table, ...]:
        return self.kept.tables

    def apply(self, connection: Connection, recorded: Sequence[Recorded]) -> None:
        if self.first:
            self.faults.before(Step.PROJECTIONS)
        if self.last and self.faults.torn(Step.PROJECTIONS):
            self.faults.tear()
        self.kept.apply(connection, recorded)


def faulty(kept: Sequence[Projection], faults: Faults) -> tuple[Projection, ...]:
    last = len(kept) - 1
    return tuple(
        FaultyProjection(one, faults, first=number == 0, last=number == last)
        for number, one in enumerate(kept)
    )


class FaultyState(SignerState):
    """The signer's state, with something happening to its file."""

    def __init__(self, path: Path, faults: Faults) -> None:
        super().__init__(path)
        self._file = path
        self._faults = faults

    def advance(self, before: Signed | None, after: Checkpoint) -> Signed:
        self._faults.before(Step.STATE_ADVANCED)
        if self._faults.torn(Step.STATE_ADVANCED):
            self._file.with_suffix(".new").write_bytes(b'{"size": ')
            self._faults.tear()
        signed = super().advance(before, after)
        self._faults.after(Step.STATE_ADVANCED)
        return signed


@dataclass(frozen=True, slots=True)
class FaultySigner:
    """The log's key, with something happening when it signs."""

    signer: Signer
    faults: Faults

    @property
    def verifier(self) -> Verifier:
        return self.signer.verifier

    def sign(self, message: bytes) -> bytes:
        self.faults.before(Step.SIGN)
        signature = self.signer.sign(message)
        self.faults.after(Step.SIGN)
        return signature


class _Mortal(Sequencer):
    """A sequencer that a crash ends without a word."""

    def __init__(self, store: SqlStore, appender: Appender) -> None:
        super().__init__(store, appender)
        self.asked: list[Future[Any]] = []

    def append(self, request: Request) -> Future[Appended]:
        done = super().append(request)
        self.asked.append(done)
        return done

    def operate(self, work: Callable[[Connection], Any]) -> Future[Any]:
        done = super().operate(work)
        self.asked.append(done)
        return done

    def bury(self) -> None:
        """Wake up whoever waits for an answer that nobody will give."""
        for done in self.asked:
            with contextlib.suppress(Exception):
                done.set_exception(Gone())

    def _run(self) -> None:
        with contextlib.suppress(Crash):
            super()._run()


class _MortalPublisher(Publisher):
    def _run(self) -> None:
        with contextlib.suppress(Crash):
            super()._run()


class Gone(Exception):  # noqa: N818 - what a client sees of a process that has ended
    """Nobody answers any more."""


def signer_of(place: Place) -> Signer:
    return load_or_make_signer(place.folder / "log.key", ORIGIN, _fixed)


def state_of(place: Place) -> SignerState:
    return SignerState(place.folder / "apart" / "state.json")


def _fixed(count: int) -> bytes:
    return bytes(range(count))


@contextmanager
def running(place: Place, faults: Faults | None = None) -> Iterator[Desk]:
    """Run the log, with its projections, until the end of the block or a crash."""
    at = faults or Faults(place.failure)
    kept = faulty(projections(), at)
    inner = place.open(kept)
    store = cast("SqlStore", FaultyStore(inner, at))
    sequencer = _Mortal(store, Appender(store, load_position(store), kept, utc_now, urandom))
    signer = cast("Signer", FaultySigner(signer_of(place), at))
    state = FaultyState(place.folder / "apart" / "state.json", at)
    publisher = _MortalPublisher(store, sequencer, signer, state)
    try:
        sequencer.start(publisher.grown)
        publisher.start()
        yield Desk(Ledger(store, sequencer, SCHEMAS, urandom), sequencer, publisher, signer)
    finally:
        at.released.set()
        if at.dead:
            sequencer.stop()
            sequencer.bury()
            publisher.stop()
        else:
            publisher.stop()
            sequencer.stop()
        inner.close()
