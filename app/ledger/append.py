"""From a batch of requests to entries: each is checked against the heads, then built.

Everything here runs inside the append transaction, on the sequencer's thread. One
request that does not fit is refused alone; the rest of its batch goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.core.errors import HeadMoved, Refusal
from app.core.events.kinds.records import LogRecovered
from app.core.ledger.entry import Entry, EntryActor, encode
from app.core.ledger.merkle import leaf_hash
from app.ledger.following import follow
from app.ledger.idempotency import Use, record_uses, uses
from app.ledger.ids import RANDOM_BYTES, uuid7
from app.ledger.ports import Recorded
from app.ledger.receipt import receipt_of
from app.ledger.timekeeping import ACCEPT_CLOCK, TICK, Timekeeper

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.events import Actor, Said
    from app.core.events import Event as Happened
    from app.core.ledger.entry import DataCommitment
    from app.core.ledger.payload import Member
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.ports import Projection
    from app.ledger.position import Position
    from app.ledger.receipt import Receipt
    from app.ledger.sql_store import SqlStore
    from app.settings import Clock, Entropy, Monotonic

Beside = Callable[["Connection", Sequence[Recorded]], None]
"""Operational state, written in the transaction of the entries it belongs to."""


@dataclass(frozen=True, slots=True)
class Event:
    """What is to become an entry: checked, encoded, committed to."""

    said: Said
    schema: bytes
    members: tuple[Member, ...]
    data: DataCommitment


@dataclass(frozen=True, slots=True)
class Request:
    """Events to append, all or none; see ``app.ledger.record.Ledger.submit``."""

    events: tuple[Event, ...]
    actor: Actor
    source: str
    expects: Mapping[str, int | None]
    key: IdempotencyKey | None
    resource: str
    beside: Beside | None


@dataclass(frozen=True, slots=True)
class Appended:
    """The answer to a request. ``replayed``: it had been recorded before, under its key."""

    receipts: tuple[Receipt, ...]
    replayed: bool
    resource: str


@dataclass(slots=True)
class Batch:
    """What one transaction is going to write, as it is being built, from ``start`` on."""

    start: Position
    position: Position
    heads: dict[str, int]
    uses: dict[bytes, Use]
    made: dict[bytes, Use] = field(default_factory=dict)
    entries: list[tuple[Entry, bytes, bytes]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class Appender:
    """Builds entries onto the log's end; used by the sequencer's thread alone."""

    def __init__(
        self,
        store: SqlStore,
        position: Position,
        projections: Sequence[Projection],
        clock: Clock,
        entropy: Entropy,
        monotonic: Monotonic | None = None,
    ) -> None:
        """``monotonic``: held against the clock; None where a history's time is made up."""
        self._store = store
        self._position = position
        self._projections = projections
        self._time = Timekeeper.opened(store, clock, monotonic)
        self._accepting = False
        self._entropy = entropy

    def append(
        self, connection: Connection, requests: Sequence[Request]
    ) -> tuple[list[Appended | Refusal], Position]:
        """Append what fits of a batch, inside the caller's transaction.

        Returns each request's answer, and the position to go on from once that transaction
        is committed. What projections and side writes raise goes through: nothing of the
        batch must then be committed.
        """
        batch = self._begin(connection, requests)
        self._accepting = False
        outcomes: list[Appended | Refusal] = []
        sides: list[tuple[Beside, slice]] = []
        for request in requests:
            start = len(batch.entries)
            try:
                outcomes.append(self._take(connection, batch, request))
            except Refusal as refusal:
                outcomes.append(refusal)
                continue
            if request.beside is not None and len(batch.entries) > start:
                sides.append((request.beside, slice(start, len(batch.entries))))
        self._write(connection, batch, sides)
        if not self._accepting:
            self._time.note(connection)
        return outcomes, batch.position

    def committed(self, position: Position) -> None:
        """Go on from ``position``: what led to it is durable now."""
        self._position = position
        if self._accepting:
            self._time.accept()
            self._accepting = False
        self._store.database.epoch = position.epoch

    def _begin(self, connection: Connection, requests: Sequence[Request]) -> Batch:
        """Read every head and every key the batch may need."""
        wanted = {key for request in requests for key in request.expects}
        for request in requests:
            for event in request.events:
                wanted |= {event.said.subject, f"type:{event.said.event.TYPE}"}
        keys = [request.key.key_mac for request in requests if request.key is not None]
        start = self._start(connection)
        position = replace(start, tree=start.tree.copy())
        heads = self._store.heads(connection, wanted)
        return Batch(start, position, heads, uses(connection, keys))

    def _start(self, connection: Connection) -> Position:
        """Tell where the log ends: where this writer left it, or another one has brought it.

        So it is found out, too, what became of a commit whose answer was lost.
        """
        if not self._store.shared:
            return self._position
        return follow(self._store, connection, self._position)

    def _take(self, connection: Connection, batch: Batch, request: Request) -> Appended:
        """Build one request's entries, or answer it from what its key made before.

        Raises HeadMoved, IdempotencyMismatch, Unavailable, TooLarge; then nothing was built.
        """
        key_mac = None if request.key is None else request.key.key_mac
        if request.key is not None and request.key.key_mac in batch.uses:
            use = batch.uses[request.key.key_mac]
            use.check_same_body(request.key)
            return self._replay(connection, batch, use)
        for key, expected in request.expects.items():
            if batch.heads.get(key) != expected:
                raise HeadMoved(key, expected, batch.heads.get(key))
        first = batch.position.size
        built = self._build(batch, request, key_mac)
        for (entry, raw, leaf), event in zip(built, request.events, strict=True):
            batch.entries.append((entry, raw, leaf))
            batch.events.append(event)
            batch.heads[entry.subject] = entry.index
            batch.heads[f"type:{entry.type}"] = entry.index
            batch.position.tree.append(leaf)
        last, _, leaf = built[-1]
        batch.position = replace(
            batch.position,
            size=last.index + 1,
            leaf=leaf,
            recorded_at=last.recorded_at,
            frontier=batch.position.frontier.extend(leaf for _, _, leaf in built),
            epoch=batch.position.epoch
            + sum(entry.type == LogRecovered.TYPE for entry, _, _ in built),
        )
        if request.key is not None:
            use = Use(request.key.body_mac, first, len(built), request.resource)
            batch.uses[request.key.key_mac] = batch.made[request.key.key_mac] = use
        receipts = tuple(receipt_of(entry, leaf) for entry, _, leaf in built)
        return Appended(receipts, replayed=False, resource=request.resource)

    def _build(
        self, batch: Batch, request: Request, key_mac: bytes | None
    ) -> list[tuple[Entry, bytes, bytes]]:
        """Build the entries of one request, each with its bytes and its leaf hash."""
        now = self._now(request, batch.position.recorded_at)
        actor = request.actor
        by = EntryActor(actor.id, actor.kind.value, actor.auth.value)
        random = self._entropy(RANDOM_BYTES * len(request.events))
        heads: dict[str, int] = {}
        leaf, index = batch.position.leaf, batch.position.size
        built: list[tuple[Entry, bytes, bytes]] = []
        for event in request.events:
            said, kind = event.said, f"type:{event.said.event.TYPE}"
            recorded_at = now + len(built) * TICK
            entry = Entry(
                log=self._store.origin,
                index=index,
                prev=leaf,
                subject_prev=heads.get(said.subject, batch.heads.get(said.subject)),
                type_prev=heads.get(kind, batch.heads.get(kind)),
                id=uuid7(recorded_at, random[RANDOM_BYTES * len(built) :][:RANDOM_BYTES]),
                type=said.event.TYPE,
                source=request.source,
                subject=said.subject,
                occurred_at=said.occurred_at or recorded_at,
                recorded_at=recorded_at,
                actor=by,
                schema=event.schema,
                data=event.data,
                idem=key_mac,
            )
            raw = encode(entry)
            leaf = leaf_hash(raw)
            built.append((entry, raw, leaf))
            heads[said.subject] = heads[kind] = index
            index += 1
        return built

    def _now(self, request: Request, last: datetime) -> datetime:
        """Tell the time of the request's first entry. Raises Unavailable."""
        if any(_accepts_clock(event.said.event) for event in request.events):
            self._accepting = True
            return self._time.accepting(last)
        return self._time.next_after(last)

    def _replay(self, connection: Connection, batch: Batch, use: Use) -> Appended:
        """Answer as the first time: the receipts follow from the entries."""
        receipts = []
        for index in range(use.index, use.index + use.count):
            new = index - batch.start.size
            if new >= 0:
                entry, _, leaf = batch.entries[new]
            else:
                entry, leaf = self._store.entry(connection, index)
            receipts.append(receipt_of(entry, leaf))
        return Appended(tuple(receipts), replayed=True, resource=use.resource)

    def _write(
        self, connection: Connection, batch: Batch, sides: Sequence[tuple[Beside, slice]]
    ) -> None:
        """Write entries, payloads, heads, tiles, keys, projections: one transaction."""
        if not batch.entries:
            return
        self._store.move_head(connection, batch.start, batch.position)
        self._store.insert(connection, batch.entries, [event.members for event in batch.events])
        touched = {
            key for entry, _, _ in batch.entries for key in (entry.subject, f"type:{entry.type}")
        }
        self._store.move_heads(connection, {key: batch.heads[key] for key in touched})
        self._store.insert_tiles(connection, batch.position.tree.take_full())
        record_uses(connection, batch.made)
        recorded = [
            Recorded(entry.index, entry, event.said.event)
            for (entry, _, _), event in zip(batch.entries, batch.events, strict=True)
        ]
        for projection in self._projections:
            projection.apply(connection, recorded)
        self._store.move_projections(connection, batch.position.size)
        for beside, which in sides:
            beside(connection, recorded[which])


def _accepts_clock(event: Happened) -> bool:
    return isinstance(event, LogRecovered) and event.because == ACCEPT_CLOCK
