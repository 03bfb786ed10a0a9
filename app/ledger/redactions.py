"""What the log says was erased, and what is asked to be: read from its own entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.events.kinds.records import EntryRedacted, RedactionRequested
from app.core.events.parse import parse_event
from app.core.ledger.times import format_time
from app.ledger.sql_store import ENTRIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.core.events import Event
    from app.core.jsonvalue import Json
    from app.ledger.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, by the entry that records it. ``done``: the entry that says it was erased."""

    index: int
    at: datetime
    request: RedactionRequested
    done: int | None

    def to_json(self) -> dict[str, Json]:
        """Give it as it is served."""
        return {
            "id": self.request.redaction,
            "index": self.request.index,
            "members": list(self.request.members),
            "legal_basis": self.request.legal_basis,
            "reason": self.request.reason,
            "requested_by": self.request.requested_by,
            "requested_at": format_time(self.at),
            "requested_index": self.index,
            "redacted_index": self.done,
        }


@dataclass(frozen=True, slots=True)
class Erased:
    """An erasure, by the entry that records it."""

    index: int
    at: datetime
    event: EntryRedacted

    def to_json(self) -> dict[str, Json]:
        """Give it as it is served."""
        return {
            "index": self.index,
            "members": list(self.event.members),
            "legal_basis": self.event.legal_basis,
            "requested_by": self.event.requested_by,
            "confirmed_by": self.event.confirmed_by,
            "recorded_at": format_time(self.at),
        }


def erasures_of(now: Snapshot, index: int) -> list[Erased]:
    """Find what was erased of an entry, in order. Raises Missing."""
    return [
        Erased(by, at, event)
        for by, at, event in _said(now, index, EntryRedacted.TYPE)
        if isinstance(event, EntryRedacted)
    ]


def requests_of(now: Snapshot, index: int) -> list[Asked]:
    """Find what was asked to be erased of an entry, in order. Raises Missing."""
    done = {one.event.redaction: one.index for one in erasures_of(now, index)}
    return [
        Asked(by, at, event, done.get(event.redaction))
        for by, at, event in _said(now, index, RedactionRequested.TYPE)
        if isinstance(event, RedactionRequested)
    ]


def _said(now: Snapshot, about: int, wire: str) -> Iterator[tuple[int, datetime, Event]]:
    """Read events of a type about entry ``about``: they stand under its subject."""
    subject = now.entry(about).subject
    which = select(ENTRIES.c.idx).where(
        ENTRIES.c.subject == subject, ENTRIES.c.type == wire, ENTRIES.c.idx < now.size
    )
    for index in now.connection.execute(which.order_by(ENTRIES.c.idx)).scalars().all():
        data = now.data(index)
        if data.get("index") == about:
            yield index, now.entry(index).recorded_at, parse_event(wire, data)
