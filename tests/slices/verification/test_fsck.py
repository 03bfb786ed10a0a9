"""fsck finds every altered byte, says where it is, and raises no false alarm."""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from app.core.ledger.verdict import Outcome, Report
from app.house import projections
from app.ledger.opening import LEDGER_TABLES
from app.ledger.sqlite import SqliteDatabase
from app.verification.fsck import fsck
from tests.slices.verification.populated import SIZE, dump, tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.slices.verification.populated import Populated

T = TypeVar("T")
SOAK = bool(os.environ.get("MUNIMENT_SOAK"))
COPIES = 50 if SOAK else 5
BY_INDEX = {"entries", "payloads", "idempotency"}
"""Tables whose rows stand for an entry: it is named by its index."""


def check(populated: Populated, path: Path) -> Report:
    return fsck(SqliteDatabase(path), projections(), [populated.key])


def sentences(report: Report) -> list[str]:
    return [one.sentence() for check in report.checks for one in check.findings]


def altering(path: Path, change: Callable[[sqlite3.Connection], T]) -> T:
    """Alter the file as its owner may, and put the triggers back as they were."""
    connection = sqlite3.connect(path)
    made = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    triggers = connection.execute(made).fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    answer = change(connection)
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return answer


def altered(value: object) -> object:
    """Change one byte, the type staying what it is; nothing becomes something."""
    match value:
        case None:
            return "x"
        case int():
            return value ^ 0x200
        case float():
            return value + 1
        case str():
            return value[:-1] + chr(ord(value[-1]) ^ 0x40) if value else "x"
        case bytes():
            return value[:-2] + bytes([value[-2] ^ 1]) + value[-1:]
        case _:
            raise AssertionError(value)


def alter_column(connection: sqlite3.Connection, table: str, place: int, column: str) -> Any:  # noqa: ANN401
    """Alter the column in the last row that has a value there; return that row."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - ours
    row = max(rows, key=lambda one: (one[place] is not None, rows.index(one)))
    where = " AND ".join(f"{name} IS ?" for name in columns)
    connection.execute(
        f"UPDATE {table} SET {column} = ? WHERE {where}",  # noqa: S608 - ours
        (altered(row[place]), *row),
    )
    return row


def test_a_whole_log_has_rows_in_every_table_and_is_valid(populated: Populated) -> None:
    report = check(populated, populated.path)
    assert report.outcome is Outcome.VALID, report.bottom_line
    assert report.bottom_line.startswith(f"VALID: ledger.test/log has {SIZE} entries")
    assert [name for name, rows in dump(populated.path).items() if not rows] == []


def test_untouched_copies_raise_no_alarm(populated: Populated, tmp_path: Path) -> None:
    for _ in range(COPIES):
        copy = populated.copy(tmp_path)
        altering(copy, lambda _: None)
        report = check(populated, copy)
        assert report.outcome is Outcome.VALID, sentences(report)


OWN = {table.name for table in LEDGER_TABLES}


def unnamed(report: Report, table: str, column: str, index: int | None) -> list[str]:
    """Tell that an altered column was not named, if so."""
    names = {f"table {table}"}
    if index is not None:
        names.add(f"entry {index}")
    named = any(name in one for one in sentences(report) for name in names)
    return [] if named and report.outcome is not Outcome.VALID else [f"{table}.{column}"]


def test_one_altered_byte_in_every_column_of_the_ledgers_own_tables_is_named(
    populated: Populated, tmp_path: Path
) -> None:
    missed = []
    for table in sorted(OWN):
        for place, column in enumerate(tables(populated.path)[table]):
            copy = populated.copy(tmp_path)
            row = altering(copy, partial(alter_column, table=table, place=place, column=column))
            index = row[tables(copy)[table].index("idx")] if table in BY_INDEX else None
            missed += unnamed(check(populated, copy), table, column, index)
    assert missed == []


def test_one_altered_byte_in_every_column_of_every_projection_is_named(
    populated: Populated, tmp_path: Path
) -> None:
    """The n-th column of all of them at once: each table answers for itself."""
    made = {name: cols for name, cols in tables(populated.path).items() if name not in OWN}
    missed = []
    for place in range(max(map(len, made.values()))):
        copy = populated.copy(tmp_path)
        chosen = {name: columns[place] for name, columns in made.items() if place < len(columns)}

        def change(connection: sqlite3.Connection, chosen: dict[str, str] = chosen) -> None:
            for table, column in chosen.items():
                at = made[table].index(column)
                alter_column(connection, table, at, column)

        altering(copy, change)
        report = check(populated, copy)
        for table, column in chosen.items():
            missed += unnamed(report, table, column, None)
    assert missed == []
