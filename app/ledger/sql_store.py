"""The ledger on disk, in SQL: what the writer writes and what everybody reads.

One transaction holds entries, payloads, heads, full tiles, idempotency keys and what the
projections make of them, so there is never state without its entry or the other way round.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sqlalchemy import insert, select
from sqlmodel import SQLModel

from app.core.errors import ChainBroken, Missing
from app.core.events import parse_event
from app.core.ledger.entry import Entry, parse
from app.core.ledger.merkle import leaf_hash
from app.core.ledger.payload import Member
from app.core.ledger.times import format_time
from app.ledger.models import (
    CheckpointRow,
    EntryRow,
    HeadRow,
    PayloadRow,
    ProjectionRow,
    SubjectHeadRow,
    TileRow,
)
from app.ledger.ports import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Table

    from app.core.jsonvalue import Json
    from app.ledger.database import Database, Failure
    from app.ledger.position import Position


def _table(model: type[SQLModel]) -> Table:
    return cast("Table", model.__table__)  # type: ignore[attr-defined]


ENTRIES = _table(EntryRow)
PAYLOADS = _table(PayloadRow)
HEAD = _table(HeadRow)
HEADS = _table(SubjectHeadRow)
TILES = _table(TileRow)
CHECKPOINTS = _table(CheckpointRow)
PROJECTIONS = _table(ProjectionRow)
THE_HEAD = select(HEAD)
AT_A_TIME = 250
"""Entries that are in memory at once when many are read."""

MOVE_HEAD = (
    "UPDATE head SET size = ?, root = ?, leaf_hash = ?, recorded_at = ?, epoch = ?"
    " WHERE one = 1 AND size = ?"
)
MOVE_PROJECTIONS = "UPDATE projections SET size = ?"


@dataclass(frozen=True, slots=True)
class Head:
    """How far the log is. ``leaf_hash``: of the last entry, or genesis. Hashes: 32 bytes."""

    origin: str
    size: int
    root: bytes
    leaf_hash: bytes
    recorded_at: str
    epoch: int


class SqlStore:
    """A log in a SQL database. ``origin``: the log's name, fixed when it was made."""

    def __init__(self, database: Database, origin: str) -> None:
        self.database = database
        self.origin = origin
        self.tile_roots: dict[tuple[int, int], bytes] = {}

    @property
    def shared(self) -> bool:
        """Tell whether other processes may write to the log too."""
        return self.database.shared

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a write transaction; committed at the end, rolled back by an exception."""
        return self.database.writing()

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a read transaction: one consistent state of everything. Raises Unavailable."""
        return self.database.reading()

    def failure_of(self, failure: Exception) -> Failure | None:
        """Tell a failing disk, file or server from a mistake in a statement (None)."""
        return self.database.failure_of(failure)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def head(self, connection: Connection) -> Head:
        """Read how far the log is."""
        row = connection.execute(THE_HEAD).one()
        return Head(row.origin, row.size, row.root, row.leaf_hash, row.recorded_at, row.epoch)

    def heads(self, connection: Connection, keys: Iterable[str]) -> dict[str, int]:
        """Find the last entry of each key (subject or ``type:…``) that has one."""
        return self.database.heads(connection, sorted(keys))

    def entry(self, connection: Connection, index: int) -> tuple[Entry, bytes]:
        """Read an entry and its leaf hash, from its stored bytes. Raises Missing."""
        raw = self.entry_bytes(connection, index)
        return parse(raw), leaf_hash(raw)

    def about(self, connection: Connection, subject: str) -> list[int]:
        """Find the entries of exactly this subject, by index."""
        of_subject = select(ENTRIES.c.idx).where(ENTRIES.c.subject == subject)
        return list(connection.execute(of_subject.order_by(ENTRIES.c.idx)).scalars())

    def entry_bytes(self, connection: Connection, index: int) -> bytes:
        """Read the hashed bytes of an entry. Raises Missing."""
        found = connection.execute(select(ENTRIES.c.body).where(ENTRIES.c.idx == index)).scalar()
        if found is None:
            raise Missing(f"the log has no entry {index}")
        return cast("bytes", found)

    def bodies(self, connection: Connection, start: int, stop: int) -> list[bytes]:
        """Read the hashed bytes of entries from ``start`` up to, not with, ``stop``."""
        which = select(ENTRIES.c.body).where(ENTRIES.c.idx >= start, ENTRIES.c.idx < stop)
        return list(connection.execute(which.order_by(ENTRIES.c.idx)).scalars())

    def indexed_bodies(
        self, connection: Connection, start: int, stop: int
    ) -> list[tuple[int, bytes]]:
        """Read what is there of entries from ``start`` up to ``stop``, each with its index."""
        which = select(ENTRIES.c.idx, ENTRIES.c.body).where(
            ENTRIES.c.idx >= start, ENTRIES.c.idx < stop
        )
        return [(row.idx, row.body) for row in connection.execute(which.order_by(ENTRIES.c.idx))]

    def leaf_hashes(self, connection: Connection, start: int, stop: int) -> list[bytes]:
        """Compute leaf hashes from stored bytes; the stored hashes are not believed."""
        return [leaf_hash(raw) for raw in self.bodies(connection, start, stop)]

    def data(self, connection: Connection, index: int) -> dict[str, Json]:
        """Read an entry's data; members that were erased are absent."""
        kept = (PAYLOADS.c.idx == index) & PAYLOADS.c.value.is_not(None)
        rows = connection.execute(select(PAYLOADS.c.name, PAYLOADS.c.value).where(kept))
        return {row.name: json.loads(row.value) for row in rows}

    def members(self, connection: Connection, start: int, stop: int) -> dict[int, list[Member]]:
        """Read the members of entries from ``start`` up to, not with, ``stop``, by index."""
        which = (PAYLOADS.c.idx >= start) & (PAYLOADS.c.idx < stop)
        found: dict[int, list[Member]] = {index: [] for index in range(start, stop)}
        for row in connection.execute(select(PAYLOADS).where(which)):
            found[row.idx].append(Member(row.name, row.commitment, row.salt, row.value))
        return found

    def recorded(self, connection: Connection, start: int, stop: int) -> Iterator[Recorded]:
        """Read entries back with their events, in order, some at a time."""
        for first in range(start, stop, AT_A_TIME):
            last = min(first + AT_A_TIME, stop)
            members: dict[int, dict[str, Json]] = {}
            rows = select(PAYLOADS.c.idx, PAYLOADS.c.name, PAYLOADS.c.value).where(
                PAYLOADS.c.idx >= first, PAYLOADS.c.idx < last, PAYLOADS.c.value.is_not(None)
            )
            for row in connection.execute(rows):
                members.setdefault(row.idx, {})[row.name] = json.loads(row.value)
            for offset, raw in enumerate(self.bodies(connection, first, last)):
                entry = parse(raw)
                if entry.index != first + offset:
                    raise ChainBroken(f"where entry {first + offset} should be is {entry.index}")
                event = parse_event(entry.type, members.get(entry.index, {}))
                yield Recorded(entry.index, entry, event)

    def tile(self, connection: Connection, level: int, number: int) -> bytes | None:
        """Read the 8,192 bytes of a full tile; None if it is not full yet."""
        which = (TILES.c.level == level) & (TILES.c.number == number)
        return connection.execute(select(TILES.c.hashes).where(which)).scalar()

    def checkpoint(self, connection: Connection) -> bytes | None:
        """Read the newest published checkpoint's note."""
        newest = select(CHECKPOINTS.c.note).order_by(CHECKPOINTS.c.size.desc()).limit(1)
        return connection.execute(newest).scalar()

    def checkpoint_from(self, connection: Connection, size: int) -> bytes | None:
        """Read the note of the smallest published size that is at least ``size``."""
        which = select(CHECKPOINTS.c.note).where(CHECKPOINTS.c.size >= size)
        return connection.execute(which.order_by(CHECKPOINTS.c.size).limit(1)).scalar()

    def published_size(self, connection: Connection) -> int | None:
        """Tell the newest published size; None before the first checkpoint."""
        newest = select(CHECKPOINTS.c.size).order_by(CHECKPOINTS.c.size.desc()).limit(1)
        return connection.execute(newest).scalar()

    def insert_checkpoint(self, connection: Connection, size: int, note: bytes) -> None:
        """Store a signed note."""
        connection.execute(insert(CHECKPOINTS), {"size": size, "note": note})

    def insert(
        self,
        connection: Connection,
        entries: Sequence[tuple[Entry, bytes, bytes]],
        members: Sequence[Sequence[Member]],
    ) -> None:
        """Write entries (each with its bytes and leaf hash) and their payloads, in bulk."""
        self.database.insert_entries(
            connection,
            [
                (
                    entry.index,
                    raw,
                    leaf,
                    entry.subject,
                    entry.type,
                    entry.actor.id,
                    format_time(entry.recorded_at),
                )
                for entry, raw, leaf in entries
            ],
        )
        payloads = [
            (entry.index, one.name, one.commitment, one.salt, one.value)
            for (entry, _, _), those in zip(entries, members, strict=True)
            for one in those
        ]
        if payloads:
            self.database.insert_payloads(connection, payloads)

    def move_heads(self, connection: Connection, heads: Mapping[str, int]) -> None:
        """Set the last entry of each key."""
        self.database.move_heads(connection, heads)

    def insert_tiles(self, connection: Connection, full: Mapping[tuple[int, int], bytes]) -> None:
        """Write tiles that have become full."""
        if full:
            rows = [
                {"level": level, "number": number, "hashes": hashes}
                for (level, number), hashes in full.items()
            ]
            connection.execute(insert(TILES), rows)

    def move_head(self, connection: Connection, before: Position, after: Position) -> None:
        """Move the log's head from one size to another.

        Raises ChainBroken if it is not at ``before``: somebody else wrote to this log.
        """
        root, at = after.frontier.root(), format_time(after.recorded_at)
        moved = self.database.run(
            connection, MOVE_HEAD, (after.size, root, after.leaf, at, after.epoch, before.size)
        )
        if moved != 1:
            raise ChainBroken(
                f"the log's head is not at size {before.size} any more: another writer was here",
                remedy="stop every other server on this database, then restart",
            )

    def move_projections(self, connection: Connection, size: int) -> None:
        """Note that every projection holds the effect of the first ``size`` entries."""
        self.database.run(connection, MOVE_PROJECTIONS, (size,))
