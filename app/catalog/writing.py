"""Rows on their way from one batch of entries into the catalogue's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.ledger.times import format_time
from app.ledger.absent import insert_absent

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from app.ledger.ports import Recorded


class Writing:
    """Rows on their way into the tables of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[Table, list[dict[str, object]]] = {}

    def add(self, table: Table, row: dict[str, object]) -> None:
        """Insert a row soon; if its key is taken, the row that is there stays."""
        self._rows.setdefault(table, []).append(row)

    def flushed(self) -> Connection:
        """Give the connection, with everything added so far in its tables."""
        for table, rows in self._rows.items():
            insert_absent(self._connection, table, rows)
        self._rows.clear()
        return self._connection


def origin(one: Recorded) -> dict[str, object]:
    """Say where a row comes from: the columns of ``models.Origin``."""
    return {
        "created_index": one.index,
        "recorded_at": format_time(one.entry.recorded_at),
        "actor": one.entry.actor.id,
        "actor_kind": one.entry.actor.kind,
    }
