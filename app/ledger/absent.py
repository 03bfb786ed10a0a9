"""Rows that are inserted unless their key is taken, many at once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Table

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_absent(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]
) -> None:
    """Insert rows of the same columns; where a key is taken, the row that is there stays."""
    names = tuple(rows[0])
    columns = tuple([row[name] for row in rows] for name in names)
    # Plain values: a statement's typed parameters would cost as much as the rest.
    if connection.dialect.name == "postgresql":
        # One statement with an array for each column: one for each row costs ten times as much.
        connection.exec_driver_sql(_from_arrays(table, names), columns)
    else:
        statement, values = _row_by_row(table, names), list(zip(*columns, strict=True))
        driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        driver.executemany(statement, values)


@cache
def _row_by_row(table: Table, names: tuple[str, ...]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    return f'INSERT INTO "{table.name}" ({quoted}) VALUES ({marks}) ON CONFLICT DO NOTHING'  # noqa: S608 - names of ours


@cache
def _from_arrays(table: Table, names: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%s::{table.c[name].type.compile(POSTGRESQL)}[]" for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    return (
        f'INSERT INTO "{table.name}" ({quoted}) '  # noqa: S608 - names of ours
        f"SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"
    )
