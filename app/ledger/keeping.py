"""The rows of a log as lines of JSON, the same for every engine: written out, and read in again.

Projections are left out: they follow from the log. Bytes stand as ``{"base64": "…"}``.
"""

from __future__ import annotations

import base64
import json
from itertools import islice
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import insert, select, update

from app.ledger import blobs
from app.ledger.opening import LEDGER_TABLES
from app.ledger.sql_store import ENTRIES, HEAD, HEADS, PAYLOADS, PROJECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Table

    from app.core.jsonvalue import Json
    from app.ledger.database import EntryColumns, PayloadColumns
    from app.ledger.ports import Projection
    from app.ledger.sql_store import SqlStore

STEP = 1000
NOT_AS_ROWS: Final = (HEAD, PROJECTIONS, blobs.ROWS)
KEPT: Final = tuple(table for table in LEDGER_TABLES if table not in NOT_AS_ROWS)
"""Tables whose rows are kept; the head is in the manifest, files lie beside."""

REST: Final = tuple(table for table in KEPT if table not in (ENTRIES, PAYLOADS, HEADS))
ENTRY_COLUMNS = ("idx", "body", "leaf_hash", "subject", "type", "actor", "recorded_at")
PAYLOAD_COLUMNS = ("idx", "name", "commitment", "salt", "value")


def lines(connection: Connection, table: Table) -> Iterator[bytes]:
    """Write a table: its columns, then a row a line in the order of its key."""
    columns = [column.name for column in table.columns]
    yield _line(columns)
    streamed = connection.execution_options(yield_per=STEP)
    for row in streamed.execute(select(table).order_by(*table.primary_key.columns)):
        yield _line([_plain(value) for value in row])


def rows(written: Iterable[bytes]) -> Iterator[dict[str, object]]:
    """Read a table back, a row by its columns."""
    read = iter(written)
    columns = cast("list[str]", json.loads(next(read)))
    for line in read:
        yield dict(zip(columns, map(_value, json.loads(line)), strict=True))


def files(connection: Connection) -> Iterator[tuple[str, bytes]]:
    """Give every stored file with its SHA-256, one at a time."""
    named = connection.execute(select(blobs.ROWS.c.sha256).order_by(blobs.ROWS.c.sha256)).scalars()
    for sha256 in named.all():
        yield sha256, blobs.get(connection, f"sha256:{sha256}")


def load(
    store: SqlStore,
    connection: Connection,
    head: Mapping[str, object],
    kept: Mapping[str, Iterator[dict[str, object]]],
    projections: Sequence[Projection],
) -> None:
    """Fill an empty log, in the caller's transaction. ``head``: its one row; ``kept``: by table."""
    for batch in _batches(kept[ENTRIES.name]):
        last = batch[-1]
        # Each batch continues the head, as the guard on PostgreSQL asks.
        at = {"size": cast("int", last["idx"]) + 1, "leaf_hash": last["leaf_hash"]}
        connection.execute(update(HEAD).values(at))
        entries = [_columns(row, ENTRY_COLUMNS) for row in batch]
        store.database.insert_entries(connection, cast("list[EntryColumns]", entries))
    for batch in _batches(kept[PAYLOADS.name]):
        members = [_columns(row, PAYLOAD_COLUMNS) for row in batch]
        store.database.insert_payloads(connection, cast("list[PayloadColumns]", members))
    for batch in _batches(kept[HEADS.name]):
        store.move_heads(connection, {str(row["key"]): cast("int", row["idx"]) for row in batch})
    for table in REST:
        for batch in _batches(kept[table.name]):
            connection.execute(insert(table), batch)
    connection.execute(update(HEAD).values(dict(head)))
    size = cast("int", head["size"])
    recorded = store.recorded(connection, 0, size)
    while told := list(islice(recorded, STEP)):
        for projection in projections:
            projection.apply(connection, told)
    store.move_projections(connection, size)


def _batches(given: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    while batch := list(islice(given, STEP)):
        yield batch


def _columns(row: Mapping[str, object], names: Sequence[str]) -> tuple[object, ...]:
    return tuple(row[name] for name in names)


def _line(values: Sequence[Json]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: object) -> Json:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    return cast("Json", value)


def _value(written: Json) -> object:
    if isinstance(written, dict):
        return base64.b64decode(str(written["base64"]))
    return written
