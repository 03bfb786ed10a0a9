"""Rows that are inserted unless their key is taken, many at once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Table

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_absent(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]
) -> None:
    """Insert rows of the same columns; where a key is taken, the row that is there stays."""
    if connection.dialect.name == "postgresql":
        # One statement with an array for each column: one for each row costs ten times as much.
        names = tuple(rows[0])
        columns = tuple([row[name] for row in rows] for name in names)
        connection.exec_driver_sql(_from_arrays(table, names), columns)
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)


@cache
def _from_arrays(table: Table, names: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%s::{table.c[name].type.compile(POSTGRESQL)}[]" for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    return (
        f'INSERT INTO "{table.name}" ({quoted}) '  # noqa: S608 - names of ours
        f"SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"
    )
