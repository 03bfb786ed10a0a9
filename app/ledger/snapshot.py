"""One consistent state of everything, as long as its read transaction is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.ledger.receipt import Receipt, receipt_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.core.ledger.entry import Entry
    from app.ledger.sql_store import SqlStore


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state at one size of the log, as long as its read transaction is open."""

    store: SqlStore
    connection: Connection
    size: int

    def head(self, key: str) -> int | None:
        """Tell the last entry of a subject, or of ``type:<event type>``."""
        return self.store.heads(self.connection, [key]).get(key)

    def heads(self, keys: Iterable[str]) -> dict[str, int | None]:
        """Tell the last entry of each key, None where there is none: what ``expects`` takes."""
        wanted = list(keys)
        found = self.store.heads(self.connection, wanted)
        return {key: found.get(key) for key in wanted}

    def entry(self, index: int) -> Entry:
        """Read an entry. Raises Missing."""
        return self.store.entry(self.connection, index)[0]

    def about(self, subject: str) -> list[int]:
        """Find the entries of exactly this subject, by index."""
        return self.store.about(self.connection, subject)

    def receipt(self, index: int) -> Receipt:
        """Give the receipt of an entry again. Raises Missing."""
        return receipt_of(*self.store.entry(self.connection, index))

    def data(self, index: int) -> dict[str, Json]:
        """Read an entry's data; members that were erased are absent."""
        return self.store.data(self.connection, index)
