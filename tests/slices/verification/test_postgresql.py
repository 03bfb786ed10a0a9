"""fsck on PostgreSQL: whatever its owner alters, or its disk, is named, refused, or nothing."""

from __future__ import annotations

import os
import random
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from app.core.errors import Unavailable
from app.core.ledger.verdict import Outcome
from app.house import projections
from app.ledger.opening import LEDGER_TABLES
from app.ledger.postgresql import PostgresqlDatabase
from app.verification.fsck import fsck
from tests.servers.postgresql import APP, OWNER, Cluster
from tests.slices.ledger.desk import Place
from tests.slices.verification.populated import advancing, everything_there_is
from tests.slices.verification.test_flips import placed
from tests.slices.verification.test_fsck import BY_INDEX, altered, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.ledger.note import Verifier
    from app.core.ledger.verdict import Report

SOAK = bool(os.environ.get("MUNIMENT_SOAK"))
CLEAN = 100 if SOAK else 2
FLIPS = int(os.environ.get("MUNIMENT_FLIPS", "300" if SOAK else "3"))
TRIGGERS = (
    "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
    " WHERE NOT tgisinternal"
)
Rows = dict[str, list[tuple[Any, ...]]]


NOTHING = {"bigint": 1, "integer": 1, "boolean": True, "bytea": b"x"}
"""What nothing becomes, by the column's type; a text where it is not here."""


@dataclass(frozen=True)
class Kept:
    """A log with rows in every table, on a server that may be hurt.

    ``tables``: with their columns; ``types``: by table and column.
    """

    cluster: Cluster
    name: str
    key: Verifier
    tables: dict[str, list[str]]
    types: dict[tuple[str, str], str]

    def check(self) -> Report:
        database = PostgresqlDatabase(self.cluster.url(self.name, APP))
        return fsck(database, projections(), [self.key])

    @contextmanager
    def altering(self) -> Iterator[psycopg.Connection]:
        """Write as somebody who owns the server may, past every trigger and constraint."""
        with closing(self.cluster.connect(self.name)) as connection:
            connection.execute("SET session_replication_role = replica")
            for table, trigger in connection.execute(TRIGGERS).fetchall():
                connection.execute(_switch("DISABLE", table, trigger))
            try:
                yield connection
            finally:
                for table, trigger in connection.execute(TRIGGERS).fetchall():
                    connection.execute(_switch("ENABLE ALWAYS", table, trigger))

    def rows(self) -> Rows:
        """Read every row of every table."""
        with closing(self.cluster.connect(self.name)) as connection:
            asked = sql.SQL("SELECT * FROM {}")
            return {
                table: sorted(
                    connection.execute(asked.format(sql.Identifier(table))).fetchall(), key=repr
                )
                for table in self.tables
            }


def _switch(how: LiteralString, table: str, trigger: str) -> sql.Composed:
    switching = sql.SQL("ALTER TABLE {} {} TRIGGER {}")
    return switching.format(sql.Identifier(table), sql.SQL(how), sql.Identifier(trigger))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with Cluster.running() as cluster:
        name = cluster.create(cluster.prepared(), OWNER)
        place = Place(tmp_path_factory.mktemp("kept"), cluster.url(name, APP))
        clock = advancing(place)
        with place.open(projections()) as desk:
            everything_there_is(desk, clock)
            key = desk.signer.verifier
        with closing(cluster.connect(name)) as connection:
            found = connection.execute(
                "SELECT table_name, column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
            ).fetchall()
        made: dict[str, list[str]] = {}
        for table, column, _ in found:
            made.setdefault(table, []).append(column)
        types = {(table, column): kind for table, column, kind in found}
        yield Kept(cluster, name, key, made, types)


def test_a_whole_log_is_valid_however_often_it_is_checked(kept: Kept) -> None:
    assert [table for table, rows in kept.rows().items() if not rows] == []
    for _ in range(CLEAN):
        report = kept.check()
        assert report.outcome is Outcome.VALID, sentences(report)


OWN = {table.name for table in LEDGER_TABLES}


def alter(connection: psycopg.Connection, kept: Kept, table: str, column: str) -> Any:  # noqa: ANN401
    """Alter the column in the last row that has a value there; return what it takes to undo it."""
    columns = kept.tables[table]
    asked = sql.SQL("SELECT ctid, * FROM {}").format(sql.Identifier(table))
    rows = connection.execute(asked).fetchall()
    place = columns.index(column) + 1
    row = max(rows, key=lambda one: (one[place] is not None, rows.index(one)))
    value = row[place]
    new = not value if isinstance(value, bool) else altered(value)
    if value is None:
        new = NOTHING.get(kept.types[table, column], "x")
    changed = sql.SQL("UPDATE {} SET {} = %s WHERE ctid = %s RETURNING ctid").format(
        sql.Identifier(table), sql.Identifier(column)
    )
    (now,) = connection.execute(changed, (new, row[0])).fetchall()[0]
    index = row[1 + columns.index("idx")] if table in BY_INDEX else None
    return changed, (value, now), index


@pytest.mark.parametrize("of_projections", [False, True])
def test_one_altered_byte_in_every_column_is_named(kept: Kept, of_projections: bool) -> None:
    """The n-th column of all tables of a kind at once: each answers for itself."""
    made = {one: cols for one, cols in kept.tables.items() if (one in OWN) != of_projections}
    if not of_projections:
        made = {one: cols for one, cols in made.items() if one != "entries"}
    missed = []
    for place in range(0, max(map(len, made.values())), 3 if of_projections and not SOAK else 1):
        chosen = {name: cols[place] for name, cols in made.items() if place < len(cols)}
        missed += unnamed(kept, chosen)
    assert missed == []


def test_one_altered_byte_in_every_column_of_an_entry_is_named(kept: Kept) -> None:
    missed = []
    for column in kept.tables["entries"][:: 1 if SOAK else 2]:
        missed += unnamed(kept, {"entries": column})
    assert missed == []


def unnamed(kept: Kept, chosen: dict[str, str]) -> list[str]:
    """Alter these columns, check, undo it; tell which of them were not named."""
    with kept.altering() as connection:
        undoing = {table: alter(connection, kept, table, col) for table, col in chosen.items()}
    found = sentences(kept.check())
    with kept.altering() as connection:
        for changed, values, _ in undoing.values():
            connection.execute(changed, values)
    missed = []
    for table, column in chosen.items():
        index = undoing[table][2]
        names = {f"table {table}"} | ({f"entry {index}"} if index is not None else set())
        if not any(name in one for one in found for name in names):
            missed.append(f"{table}.{column}")
    return missed


def test_a_flipped_bit_in_a_heap_page_is_named_or_refused_or_changed_no_row(kept: Kept) -> None:
    """Tables by turns. Without checksums, so that nothing but fsck notices."""
    source, before = random.Random(33), kept.rows()
    with closing(kept.cluster.connect(kept.name)) as connection:
        connection.execute("CHECKPOINT")
        paths = {
            table: connection.execute("SELECT pg_relation_filepath(%s)", (table,)).fetchall()[0][0]
            for table in sorted(kept.tables)
        }
    missed = []
    for turn in range(FLIPS):
        table = sorted(paths)[turn % len(paths)] if SOAK else source.choice(sorted(paths))
        kept.cluster.stop()
        file = kept.cluster.data / paths[table]
        whole = file.read_bytes()
        at, bit = source.randrange(len(whole)), source.randrange(8)
        hurt = bytearray(whole)
        hurt[at] ^= 1 << bit
        file.write_bytes(hurt)
        kept.cluster.start()
        if not noticed(kept, before):
            missed.append((table, at, bit))
        kept.cluster.stop()
        file.write_bytes(whole)
        kept.cluster.start()
    print(f"seed 33: {FLIPS} flips, {len(missed)} missed")  # noqa: T201 - the soak's figure
    assert missed == []
    assert kept.check().outcome is Outcome.VALID


def noticed(kept: Kept, before: Rows) -> bool:
    try:
        report = kept.check()
    except Unavailable:
        return True  # PostgreSQL itself does not read it
    if report.outcome is not Outcome.VALID:
        return placed(report)
    return kept.rows() == before
