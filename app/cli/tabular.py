"""Looking at a table in a file: columns, rows, row fingerprints. DuckDB reads, nothing leaves.

A row's fingerprint is the first 16 hex digits of the SHA-256 of its values as JSON text, in
column order, so that equal rows of two versions can be counted without showing them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

DIGITS = 16
BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """``columns``: (name, type) in the table's order. ``fingerprints``: one per row, or None."""

    columns: tuple[tuple[str, str], ...]
    rows: int
    fingerprints: list[str] | None


def look_at(path: Path, *, fingerprints: bool) -> Seen:
    """Read a CSV or Parquet file. Raises Malformed."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute(f"SET allowed_paths = [{_quoted(str(path.resolve()))}]")
            connection.execute("SET enable_external_access = false")
            table = _table(connection, path)
            columns = tuple(zip(table.columns, map(str, table.types), strict=True))
            rows = len(table)
            prints = _fingerprints(connection, path) if fingerprints else None
        except duckdb.Error as failure:
            said = str(failure).splitlines()[0]
            raise Malformed(
                f"{path.name} is no table that can be read: {said}",
                remedy="give a CSV file with a header, or a Parquet file",
            ) from None
    return Seen(columns, rows, prints)


def _table(
    connection: duckdb.DuckDBPyConnection, path: Path, *, as_text: bool = False
) -> duckdb.DuckDBPyRelation:
    name = str(path.resolve())
    with path.open("rb") as content:
        parquet = content.read(4) == b"PAR1"
    if parquet:
        return connection.read_parquet(name)
    return connection.read_csv(name, header=True, all_varchar=as_text)


def _fingerprints(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Fingerprint every row, in the file's order; CSV values as the text that stands there."""
    connection.execute(_table(connection, path, as_text=True).sql_query())
    prints = []
    while rows := connection.fetchmany(BATCH):
        for row in rows:
            text = json.dumps([None if one is None else str(one) for one in row])
            prints.append(hashlib.sha256(text.encode()).hexdigest()[:DIGITS])
    return prints


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
