"""What the server's role may not do on PostgreSQL, and what is found out about who may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import errors, sql

from app.core.ledger.verdict import Outcome
from app.house import projections
from app.ledger.postgresql import PostgresqlDatabase
from app.verification.fsck import fsck
from tests.servers.postgresql import APP, OWNER, SUPERUSER
from tests.slices.ledger.desk import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.core.ledger.note import Verifier
    from app.core.ledger.verdict import Report
    from tests.servers.postgresql import Cluster

APPEND_ONLY = ("entries", "tiles", "checkpoints")
CHANGES = ("UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}")
COLUMNS = {"entries": "idx", "tiles": "level", "checkpoints": "size", "payloads": "idx"}
REST = "body, leaf_hash, subject, type, actor, recorded_at"
EVERY_CHANGE = [(table, change) for table in APPEND_ONLY for change in CHANGES]


class Filled:
    """A database with 300 entries, and ways to connect to it."""

    def __init__(self, cluster: Cluster, name: str, key: Verifier) -> None:
        self._cluster = cluster
        self._name = name
        self._key = key

    def connect(self, user: str) -> psycopg.Connection:
        return self._cluster.connect(self._name, user)

    def fsck(self) -> Report:
        url = self._cluster.url(self._name, APP)
        return fsck(PostgresqlDatabase(url), projections(), [self._key])


@pytest.fixture(scope="module")
def filled(
    postgresql: Cluster, prepared: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Verifier]]:
    with postgresql.database(prepared, OWNER) as name:
        folder: Path = tmp_path_factory.mktemp("filled")
        with Place(folder, postgresql.url(name, APP)).open(projections()) as desk:
            desk.record_many(300)
            desk.published(300)
            key = desk.signer.verifier
        yield name, key


@pytest.fixture
def database(postgresql: Cluster, filled: tuple[str, Verifier]) -> Iterator[Filled]:
    template, key = filled
    with postgresql.database(template, OWNER) as name:
        yield Filled(postgresql, name, key)


@pytest.fixture
def unchanged(postgresql: Cluster, filled: tuple[str, Verifier]) -> Filled:
    """The database itself, for tests whose every statement is refused."""
    return Filled(postgresql, *filled)


def change_of(table: str, change: str) -> sql.Composed:
    column = sql.Identifier(COLUMNS[table])
    names = [sql.Identifier(table), column, column][: change.count("{}")]
    return sql.SQL(change).format(*names)


@pytest.mark.parametrize(("table", "change"), EVERY_CHANGE)
def test_the_servers_role_cannot_change_what_was_appended(
    unchanged: Filled, table: str, change: str
) -> None:
    with unchanged.connect(APP) as connection:
        with pytest.raises(errors.InsufficientPrivilege, match=f"permission denied for.*{table}"):
            connection.execute(change_of(table, change))
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (300,)


@pytest.mark.parametrize(("table", "change"), EVERY_CHANGE)
@pytest.mark.parametrize("user", [OWNER, SUPERUSER])
def test_a_trigger_stops_the_owners_accidents_even_while_replicating(
    unchanged: Filled, user: str, table: str, change: str
) -> None:
    with unchanged.connect(user) as connection:
        if user == SUPERUSER:
            connection.execute("SET session_replication_role = replica")
        with pytest.raises(errors.IntegrityConstraintViolation, match=f"{table} are append-only"):
            connection.execute(change_of(table, change))


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO entries SELECT idx + 300, {REST} FROM entries WHERE idx = 0",  # noqa: S608
        f"INSERT INTO entries SELECT idx + 600, {REST} FROM entries",  # noqa: S608
    ],
)
def test_entries_that_do_not_continue_the_head_are_refused(
    unchanged: Filled, statement: str
) -> None:
    with unchanged.connect(APP) as connection:
        with pytest.raises(errors.IntegrityConstraintViolation, match="do not continue the head"):
            connection.execute(statement.encode())
        moved = b"UPDATE head SET size = size + 1;"
        with pytest.raises(errors.IntegrityConstraintViolation, match="do not continue the head"):
            connection.execute(moved + statement.encode())
        connection.execute("INSERT INTO entries SELECT * FROM entries WHERE idx < 0")
    assert unchanged.fsck().outcome is Outcome.VALID


@pytest.mark.parametrize("change", CHANGES)
def test_members_are_erased_by_the_one_function_alone(database: Filled, change: str) -> None:
    with database.connect(APP) as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(change_of("payloads", change))
        erase = "SELECT muniment_redact(7, ARRAY['licence', 'owner'])"
        assert connection.execute(erase).fetchone() == (2,)
        assert connection.execute(erase).fetchone() == (0,)
        left = "SELECT name FROM payloads WHERE idx = 7 AND salt IS NOT NULL ORDER BY name"
        assert ("licence",) not in connection.execute(left).fetchall()
    report = database.fsck()
    assert report.outcome is Outcome.ALTERED  # for no entry says so
    assert any("7" in str(finding) for check in report.checks for finding in check.findings)


def test_the_function_that_erases_looks_nowhere_else_and_is_not_everybodys(
    database: Filled, postgresql: Cluster
) -> None:
    with database.connect(SUPERUSER) as connection:
        shown = connection.execute(
            "SELECT prosecdef, proconfig FROM pg_proc WHERE proname = 'muniment_redact'"
        ).fetchone()
        assert shown == (True, ["search_path=pg_catalog, public, pg_temp"])
        connection.execute("CREATE ROLE passer_by LOGIN")
    with (
        database.connect("passer_by") as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT muniment_redact(7, ARRAY['licence'])")
    with postgresql.connect() as connection:
        connection.execute("DROP ROLE passer_by")


def test_an_owner_who_drops_the_triggers_and_edits_an_entry_is_found_out(database: Filled) -> None:
    assert database.fsck().outcome is Outcome.VALID
    with database.connect(OWNER) as connection:
        connection.execute("DROP TRIGGER entries_no_update ON entries")
        connection.execute(
            "UPDATE entries SET body = overlay(body placing 'X'::bytea from 40) WHERE idx = 123"
        )
    report = database.fsck()
    assert report.outcome is Outcome.ALTERED
    found = [finding for check in report.checks for finding in check.findings]
    assert 123 in {one.index for one in found}
    assert any("the trigger entries_no_update is gone" in one.detail for one in found)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE head SET root = sha256('x')", "table head: column root"),
        ("UPDATE heads SET idx = 3 WHERE key = 'dataset/d9'", "table heads says 3"),
        ("UPDATE datasets SET licence = 'other' WHERE name = 'd9'", "differs in column licence"),
        ("DELETE FROM datasets WHERE name = 'd9'", "row (d9) is missing"),
        ("UPDATE projections SET size = 5", "is not at version and size"),
        ("ALTER TABLE tiles DISABLE TRIGGER tiles_no_delete", "tiles_no_delete is gone"),
        ("UPDATE alembic_version SET version_num = '0001'", "alembic_version says 0001"),
    ],
)
def test_copies_that_an_owner_alters_are_found_out(
    database: Filled, statement: str, named: str
) -> None:
    with database.connect(OWNER) as connection:
        connection.execute(statement.encode())
    report = database.fsck()
    assert report.outcome is Outcome.ALTERED
    found = [finding.detail for check in report.checks for finding in check.findings]
    assert any(named in detail for detail in found), found
