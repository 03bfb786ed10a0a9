"""The schema is led from the first landed one to today's, on both engines, and is the models'."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, inspect, text

from app.core.errors import Unavailable
from app.core.ledger.audit import LoggedEntry, audit_log
from app.core.ledger.payload import Member
from app.core.ledger.verdict import Outcome
from app.house import projections
from app.ledger.opening import LEDGER_TABLES, open_postgresql, open_sqlite
from app.ledger.postgresql import PostgresqlDatabase
from app.ledger.preparing import prepare
from app.ledger.sqlite import SqliteDatabase
from app.migrations import schema
from app.migrations.guards import POSTGRESQL_TRIGGERS, SQLITE
from app.verification.fsck import fsck
from tests.servers.postgresql import APP, OWNER
from tests.slices.ledger.desk import ORIGIN, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from app.core.ledger.note import Verifier
    from tests.servers.postgresql import Cluster

ENTRIES = 10_000
FIRST_SCHEMA = (Path(__file__).parent / "first_schema.sql").read_text("utf-8")


def models() -> MetaData:
    """Gather the tables of every room."""
    gathered = MetaData()
    for table in (*LEDGER_TABLES, *(table for one in projections() for table in one.tables)):
        table.to_metadata(gathered)
    return gathered


def described(connection: Connection) -> dict[str, Any]:
    """Describe every table: columns, types, defaults, keys, indexes, unique constraints."""
    shown = inspect(connection)
    return {
        table: {
            "columns": {
                one["name"]: (str(one["type"]), one["nullable"], one["default"])
                for one in shown.get_columns(table)
            },
            "key": shown.get_pk_constraint(table)["constrained_columns"],
            "indexes": sorted(
                (one["name"], one["column_names"]) for one in shown.get_indexes(table)
            ),
            "unique": sorted(one["column_names"] for one in shown.get_unique_constraints(table)),
        }
        for table in shown.get_table_names()
        if table != "alembic_version"
    }


def sql_of(connection: Connection) -> dict[str, str]:
    """Give what SQLite keeps of its triggers and of tables without row ids."""
    rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master WHERE sql NOT NULL"))
    return {
        row.name: row.sql if row.type == "trigger" else str("WITHOUT ROWID" in row.sql)
        for row in rows
        if row.name != "alembic_version"
    }


def test_on_sqlite_the_steps_lead_to_the_models() -> None:
    stepped, modelled = create_engine("sqlite://"), create_engine("sqlite://")
    with stepped.begin() as one, modelled.begin() as other:
        assert schema.upgrade(one) == schema.KNOWN
        models().create_all(other)
        for trigger in SQLITE:
            other.exec_driver_sql(trigger)
        assert compare_metadata(MigrationContext.configure(one), models()) == []
        assert described(one) == described(other)
        assert sql_of(one) == sql_of(other)
        assert schema.upgrade(one) == ()
    stepped.dispose()
    modelled.dispose()


def test_on_postgresql_the_steps_lead_to_the_models(postgresql: Cluster, prepared: str) -> None:
    with postgresql.database() as name:
        stepped = create_engine(postgresql.url(prepared))
        modelled = create_engine(postgresql.url(name))
        with stepped.begin() as one, modelled.begin() as other:
            models().create_all(other)
            compared = MigrationContext.configure(one)
            assert compare_metadata(compared, models()) == []
            assert described(one) == described(other)
            assert inspect(one).get_sequence_names() == []
            assert schema.version(one) == schema.NEWEST
        stepped.dispose()
        modelled.dispose()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Verifier]:
    """Record ten thousand entries in a log of today."""
    place = Place(tmp_path_factory.mktemp("source"))
    with place.open(projections()) as desk:
        desk.record_many(ENTRIES)
        desk.published(ENTRIES)
        key = desk.signer.verifier
    return place.database, key


def rows_of(source: Path, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    connection = sqlite3.connect(source)
    named = ", ".join(f'"{name}"' for name in columns)
    yield from connection.execute(f"SELECT {named} FROM {table}")  # noqa: S608
    connection.close()


def audited(connection: Connection, key: Verifier) -> Outcome:
    """Check entries, members and the checkpoint as strangers do, with no table of ours."""
    members: dict[int, list[Member]] = {}
    for row in connection.execute(
        text("SELECT idx, name, commitment, salt, value FROM payloads ORDER BY idx, name")
    ):
        members.setdefault(row.idx, []).append(
            Member(row.name, row.commitment, row.salt, row.value)
        )
    entries = [
        LoggedEntry(row.idx, row.body, members[row.idx])
        for row in connection.execute(text("SELECT idx, body FROM entries ORDER BY idx"))
    ]
    assert len(entries) == ENTRIES
    newest = text("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
    return audit_log(entries, connection.execute(newest).scalar_one(), [key]).outcome


def test_a_file_of_the_first_landed_schema_is_led_here_with_ten_thousand_entries(
    source: tuple[Path, Verifier], tmp_path: Path
) -> None:
    current, key = source
    path = tmp_path / "ledger.db"
    old = sqlite3.connect(path)
    old.executescript(FIRST_SCHEMA)
    tables = [row[0] for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
        marks = ", ".join("?" * len(columns))
        insert = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608
        old.executemany(insert, rows_of(current, table, columns))
    old.commit()
    old.close()
    database = SqliteDatabase(path)
    with database.reading() as connection:
        assert schema.version(connection) == schema.FIRST
        assert audited(connection, key) is Outcome.VALID
    database.close()

    open_sqlite(path, None, bytes, projections()).close()

    report = fsck(SqliteDatabase(path), projections(), [key])
    assert report.outcome is Outcome.VALID, report.bottom_line
    database = SqliteDatabase(path)
    with database.reading() as connection:
        assert schema.version(connection) == schema.NEWEST
        assert audited(connection, key) is Outcome.VALID
        assert compare_metadata(MigrationContext.configure(connection), models()) == []
    database.close()


def test_a_database_of_the_first_schema_is_led_here_with_ten_thousand_entries(
    source: tuple[Path, Verifier], postgresql: Cluster, prepared: str
) -> None:
    current, key = source
    with postgresql.database(owner=OWNER) as name:
        as_owner, as_app = postgresql.url(name, OWNER), postgresql.url(name, APP)
        owner = create_engine(as_owner)
        with owner.begin() as connection:
            assert schema.upgrade(connection, schema.FIRST) == (schema.FIRST,)
        with psycopg.connect(as_owner.replace("+psycopg", "")) as loading:
            fill(loading, current)
        with owner.connect() as connection:
            assert schema.version(connection) == schema.FIRST
            assert audited(connection, key) is Outcome.VALID
        told = f"has schema 0001, this program schema {schema.NEWEST}"
        with pytest.raises(Unavailable, match=told):
            open_postgresql(as_owner, None, bytes, projections())

        database = PostgresqlDatabase(as_owner)
        assert prepare(database) == schema.KNOWN[1:]
        database.close()

        open_postgresql(as_app, ORIGIN, bytes, projections()).close()
        report = fsck(PostgresqlDatabase(as_app), projections(), [key])
        assert report.outcome is Outcome.VALID, report.bottom_line
        with owner.connect() as connection:
            assert audited(connection, key) is Outcome.VALID
        owner.dispose()


def fill(connection: psycopg.Connection, source: Path) -> None:
    """Copy every table of a SQLite log."""
    columns: dict[str, dict[str, str]] = {}
    for table, column, type_ in connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    ):
        columns.setdefault(table, {})[column] = type_
    for table, types in columns.items():
        named = ", ".join(f'"{name}"' for name in types)
        copying = f"COPY {table} ({named}) FROM STDIN".encode()
        with connection.cursor() as cursor, cursor.copy(copying) as copy:
            for row in rows_of(source, table, list(types)):
                copy.write_row(
                    [
                        bool(value) if type_ == "boolean" and value is not None else value
                        for value, type_ in zip(row, types.values(), strict=True)
                    ]
                )


def test_a_schema_of_a_newer_program_is_refused_by_name(
    tmp_path: Path, postgresql: Cluster, prepared: str
) -> None:
    path = tmp_path / "ledger.db"
    open_sqlite(path, ORIGIN, bytes, []).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '0777'")
    connection.commit()
    connection.close()
    with pytest.raises(Unavailable, match="schema 0777, which this program does not know"):
        open_sqlite(path, ORIGIN, bytes, [])
    with postgresql.database(prepared, OWNER) as name:
        with postgresql.connect(name) as owner:
            owner.execute("UPDATE alembic_version SET version_num = '0777'")
        with pytest.raises(Unavailable, match="schema 0777, which this program does not know"):
            open_postgresql(postgresql.url(name, APP), ORIGIN, bytes, [])
        database = PostgresqlDatabase(postgresql.url(name, OWNER))
        with pytest.raises(Unavailable, match="schema 0777, which this program does not know"):
            prepare(database)
        database.close()


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("ENCODING 'SQL_ASCII' LOCALE 'C'", "encoding SQL_ASCII and collation C"),
        ("ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de'", "of a language"),
    ],
)
def test_a_database_that_sorts_by_a_language_is_refused_with_the_one_that_would_do(
    postgresql: Cluster, how: str, named: str
) -> None:
    with postgresql.connect() as connection:
        connection.execute(f"CREATE DATABASE sorted TEMPLATE template0 {how}".encode())
    database = PostgresqlDatabase(postgresql.url("sorted"))
    with pytest.raises(Unavailable, match=named) as refused:
        prepare(database)
    assert "TEMPLATE template0 ENCODING UTF8 LOCALE 'C'" in str(refused.value.remedy)
    database.close()
    postgresql.drop("sorted")


def test_every_trigger_is_always_on(postgresql: Cluster, prepared: str) -> None:
    with postgresql.connect(prepared) as connection:
        asked = "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal"
        found: dict[str, object] = dict(connection.execute(asked).fetchall())
    assert found.keys() == POSTGRESQL_TRIGGERS.keys()
    assert {str(one) for one in found.values()} <= {"A", "b'A'"}
