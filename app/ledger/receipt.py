"""What a recorded entry is known by to whoever recorded it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.ledger.times import format_time

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.core.ledger.entry import Entry


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a recorded entry is known by: a pure function of the entry."""

    index: int
    id: str
    leaf_hash: str
    subject: str
    subject_prev: int | None
    recorded_at: str
    log_size: int

    def to_json(self) -> dict[str, Json]:
        """Give the receipt as it is served."""
        return {name: getattr(self, name) for name in self.__slots__}


def receipt_of(entry: Entry, leaf: bytes) -> Receipt:
    """Derive the receipt of an entry from the entry and its leaf hash."""
    return Receipt(
        index=entry.index,
        id=entry.id,
        leaf_hash=leaf.hex(),
        subject=entry.subject,
        subject_prev=entry.subject_prev,
        recorded_at=format_time(entry.recorded_at),
        log_size=entry.index + 1,
    )
