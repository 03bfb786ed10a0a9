"""Projections replayed from the log, and compared row by row with those that are stored."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

from app.core.errors import Refusal
from app.core.ledger.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Executable, Table

    from app.ledger.ports import Projection
    from app.ledger.sql_store import SqlStore

STEP = 500
PLACES = ("created_index", "idx", "seq_from", "id")
"""Columns that name the entry a row comes from, the first that is there."""


def compare(
    store: SqlStore, connection: Connection, projections: Sequence[Projection], size: int
) -> Iterator[Finding]:
    """Replay the log into empty tables and yield every row that differs from a stored one."""
    yield from _cursors(connection, projections, size)
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        with engine.begin() as fresh:
            for projection in projections:
                for table in projection.tables:
                    table.create(fresh, checkfirst=True)
            yield from _replay(store, connection, fresh, projections, size)
            for projection in projections:
                for table in projection.tables:
                    yield from _differences(projection.name, table, connection, fresh)
    finally:
        engine.dispose()


def _replay(
    store: SqlStore,
    connection: Connection,
    fresh: Connection,
    projections: Sequence[Projection],
    size: int,
) -> Iterator[Finding]:
    recorded = store.recorded(connection, 0, size)
    try:
        while batch := list(islice(recorded, STEP)):
            for projection in projections:
                projection.apply(fresh, batch)
    except Exception as failure:  # noqa: BLE001 - altered data may make anything raise
        told = failure.detail if isinstance(failure, Refusal) else repr(failure)
        yield Finding(Outcome.ALTERED, "projection", f"the log cannot be replayed: {told}")


def _cursors(
    connection: Connection, projections: Sequence[Projection], size: int
) -> Iterator[Finding]:
    true = {one.name: (one.version, size) for one in projections}
    rows = connection.execute(text("SELECT name, version, size FROM projections"))
    stored = {row.name: (row.version, row.size) for row in rows}
    for name in sorted(true.keys() | stored.keys(), key=str):
        if stored.get(name) != true.get(name):
            detail = f"table projections: {name} is not at version and size {true.get(name)}"
            yield Finding(Outcome.ALTERED, "projection", detail)


def _differences(
    projection: str, table: Table, stored: Connection, fresh: Connection
) -> Iterator[Finding]:
    """Compare rows as SQLite keeps them, types included; PostgreSQL keeps no other types."""
    keys = [column.name for column in table.primary_key.columns]
    typed = stored.dialect.name != fresh.dialect.name
    have, should = (_rows(table, keys, one, typed=typed) for one in (stored, fresh))
    for key in sorted(have.keys() | should.keys(), key=repr):
        row, true = have.get(key), should.get(key)
        if row is None or true is None:
            what = "is missing" if row is None else "follows from no entry"
            yield _finding(projection, table, key, what, true or row or {})
            continue
        for column, value in true.items():
            if row[column] != value or type(row[column]) is not type(value):
                yield _finding(projection, table, key, f"differs in column {column}", true)


def _rows(
    table: Table, keys: Sequence[str], connection: Connection, *, typed: bool
) -> dict[tuple[object, ...], Mapping[str, object]]:
    rows = connection.execute(_asked(table, typed=typed)).mappings()
    return {tuple(row[key] for key in keys): dict(row) for row in rows}


def _asked(table: Table, *, typed: bool) -> Executable:
    return table.select() if typed else text(f'SELECT * FROM "{table.name}"')  # noqa: S608 - ours


def _finding(
    projection: str, table: Table, key: tuple[object, ...], what: str, row: Mapping[str, object]
) -> Finding:
    named = ", ".join(str(part)[:80] for part in key)
    index = next((row[place] for place in PLACES if isinstance(row.get(place), int)), None)
    detail = f"projection {projection}, table {table.name}, row ({named}) {what}"
    return Finding(Outcome.ALTERED, "projection", detail, index if isinstance(index, int) else None)
