"""From a type's wire name and its data to the event, and back."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from app.core.errors import Fault, UnknownKind
from app.core.events.decode import decode, encode
from app.core.events.envelope import Said
from app.core.events.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.core.events.kinds import Event
    from app.core.jsonvalue import Json


def full_type(written: str) -> str:
    """Complete a type written without its version: the newest one is meant.

    Raises UnknownKind naming the nearest types there are.
    """
    if written in KINDS:
        return written
    if f"{written}.v1" in KINDS:
        return f"{written}.v1"
    nearest = get_close_matches(written, KINDS, n=3, cutoff=0.4)
    raise UnknownKind(
        f"there is no event type {written[:120]!r}",
        remedy="the nearest are " + ", ".join(nearest) if nearest else "GET /api/v1/schemas",
        faults=[Fault("#/type", "unknown event type")],
    )


def parse_event(written: str, data: Mapping[str, Json]) -> Event:
    """Read the data of an event whose type is a full wire name.

    Raises UnknownKind, SchemaMismatch (pointers below ``#/data``).
    """
    return decode(KINDS[full_type(written)], data, "#/data")


def say(subject: str, event: Event, occurred_at: datetime | None = None) -> Said:
    """Put what the service itself has to say into the form that is recorded."""
    return Said(subject, event, encode(event), occurred_at)
