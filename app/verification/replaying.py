"""Projections replayed from the log, and compared row by row with those that are stored."""

from __future__ import annotations

from itertools import islice
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import StaticPool

from app.core.errors import Refusal
from app.core.ledger.verdict import Finding, Outcome
from app.verification.walking import streamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Executable, Table
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from app.ledger.ports import Projection
    from app.verification.walking import Stored

    Line: TypeAlias = Mapping[str, object]
    Keyed: TypeAlias = tuple[tuple[object, ...], Line]
    Pair: TypeAlias = tuple[tuple[object, ...], Line | None, Line | None]

STEP = 250
RANKS: Final = (int, float, str, bytes)
PLACES = ("created_index", "idx", "seq_from", "id")
"""Columns that name the entry a row comes from, the first that is there."""


def compare(log: Stored, projections: Sequence[Projection]) -> Iterator[Finding]:
    """Replay the log into empty tables and yield every row that differs from a stored one.

    They lie in a temporary file, and rows are compared as they are read: memory does not grow.
    """
    connection = log.connection
    size = log.store.head(connection).size
    yield from _cursors(connection, projections, size)
    with TemporaryDirectory(prefix="muniment-replay-") as folder:
        engine = create_engine(f"sqlite:///{folder}/replayed.db", poolclass=StaticPool)
        event.listen(engine, "connect", _unsafe)
        try:
            with engine.begin() as fresh:
                for projection in projections:
                    for table in projection.tables:
                        table.create(fresh, checkfirst=True)
                yield from _replay(log, fresh, projections, size)
                for projection in projections:
                    for table in projection.tables:
                        yield from _differences(projection.name, table, connection, fresh)
        finally:
            engine.dispose()


def _unsafe(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Let nothing be synced or rolled back: the file is thrown away."""
    cursor = connection.cursor()
    for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-4000"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _replay(
    log: Stored, fresh: Connection, projections: Sequence[Projection], size: int
) -> Iterator[Finding]:
    recorded = log.store.recorded(log.connection, 0, size)
    try:
        while batch := list(islice(recorded, STEP)):
            for projection in projections:
                projection.apply(fresh, batch)
            log.seen(batch[-1].index)
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
    typed = stored.dialect.name != fresh.dialect.name
    have, should = (_rows(table, one, typed=typed) for one in (stored, fresh))
    for key, row, true in _side_by_side(have, should):
        if row is None or true is None:
            what = "is missing" if row is None else "follows from no entry"
            yield _finding(projection, table, key, what, true or row or {})
            continue
        for column, value in true.items():
            if row[column] != value or type(row[column]) is not type(value):
                yield _finding(projection, table, key, f"differs in column {column}", true)


def _side_by_side(have: Iterator[Keyed], should: Iterator[Keyed]) -> Iterator[Pair]:
    """Pair rows of the same key, each side in the order of its keys; None where one has none."""
    row, true = next(have, None), next(should, None)
    while row is not None or true is not None:
        if row is not None and (true is None or _order(row[0]) < _order(true[0])):
            yield row[0], row[1], None
            row = next(have, None)
        elif true is not None and (row is None or _order(true[0]) < _order(row[0])):
            yield true[0], None, true[1]
            true = next(should, None)
        elif row is not None and true is not None:
            yield true[0], row[1], true[1]
            row, true = next(have, None), next(should, None)


def _order(key: tuple[object, ...]) -> list[tuple[int, Any]]:
    """Order keys as both engines do: numbers, then texts and bytes by their bytes."""
    return [(RANKS.index(_kind(part)), part) for part in key]


def _kind(part: object) -> type:
    return next((kind for kind in RANKS if isinstance(part, kind)), bytes)


def _rows(table: Table, connection: Connection, *, typed: bool) -> Iterator[Keyed]:
    keys = [column.name for column in table.primary_key.columns]
    order = ", ".join(f'"{key}"' for key in keys)
    asked: Executable = text(f'SELECT * FROM "{table.name}" ORDER BY {order}')  # noqa: S608 - ours
    if typed:
        asked = table.select().order_by(*table.primary_key.columns)
    for row in streamed(connection, asked):
        there = dict(row._mapping)  # noqa: SLF001 - what SQLAlchemy names so is public
        yield tuple(there[key] for key in keys), there


def _finding(
    projection: str, table: Table, key: tuple[object, ...], what: str, row: Mapping[str, object]
) -> Finding:
    named = ", ".join(str(part)[:80] for part in key)
    index = next((row[place] for place in PLACES if isinstance(row.get(place), int)), None)
    detail = f"projection {projection}, table {table.name}, row ({named}) {what}"
    return Finding(Outcome.ALTERED, "projection", detail, index if isinstance(index, int) else None)
