"""What the catalogue repeats of personal members, and how it forgets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import update

from app.catalog.tables import APPROVALS, PROMOTIONS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.events.kinds.records import EntryRedacted

PERSONAL: Final = ((PROMOTIONS, "reason"), (APPROVALS, "conditions"))
"""Tables with the column that repeats a personal member of the same name."""


def forget(connection: Connection, event: EntryRedacted) -> None:
    """Empty the columns that repeat what was erased, in the rows that its entry made."""
    for table, column in PERSONAL:
        if column in event.members:
            rows = update(table).where(table.c.created_index == event.index)
            connection.execute(rows.values({column: None}))
