"""The commands of whoever runs the service, with the log on PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.ledger.condition import condition_of
from app.ledger.opening import open_sqlite
from app.ledger.postgresql import PostgresqlDatabase
from app.ledger.preparing import prepare
from app.ledger.sqlite import SqliteDatabase
from app.migrations import schema
from app.settings import utc_now
from tests.living import World
from tests.servers.postgresql import APP, OWNER, Cluster
from tests.slices.cli.test_embedded import PASSWORD, go

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.slices.cli.test_embedded import Go

__all__ = ["go"]


@pytest.fixture
def name(postgresql: Cluster, prepared: str) -> Iterator[str]:
    """Name a new database of the production roles; nothing is in it."""
    with postgresql.database(owner=OWNER) as name:
        yield name


def test_an_owner_prepares_the_database_and_the_server_begins_the_log(
    go: Go, postgresql: Cluster, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_app, as_owner = postgresql.url(name, APP), postgresql.url(name, OWNER)
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", as_app)
    code, _, err = go("init", "--admin", "root", "--password-stdin", stdin=PASSWORD)
    assert code == 1
    assert "→ run `muniment migrate` as its owner" in err
    code, _, err = go("ledger", "fsck")
    assert (code, "holds no log" in err) == (2, True), "nothing was altered: nothing is there"

    monkeypatch.setenv("MUNIMENT_DATABASE_URL", as_owner)
    code, _, err = go("migrate", "--rebuild", "lineage")
    assert (code, "holds no log yet" in err) == (1, True)
    assert go("migrate")[:2] == (0, f"steps taken: {', '.join(schema.KNOWN)}\n")
    assert go("migrate", "--json")[1] == '{\n  "steps": []\n}\n'

    monkeypatch.setenv("MUNIMENT_DATABASE_URL", as_app)
    made = go("init", "--admin", "root", "--password-stdin", "--json", stdin=PASSWORD)
    vkey = json.loads(made[1])["vkey"]
    assert go("ledger", "fsck", "--vkey", vkey)[0] == 0
    code, _, err = go("user", "list")
    assert code == 4
    assert "the log is on a database server" in err

    monkeypatch.setenv("MUNIMENT_DATABASE_URL", as_owner)
    assert go("migrate", "--rebuild", "all")[:2] == (
        0,
        "rebuilt: identity, catalog, lineage, reviews\n",
    )
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", as_app)
    assert go("ledger", "fsck", "--vkey", vkey)[0] == 0


def test_doctor_says_what_the_log_is_kept_in_and_no_password(
    go: Go, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = database_url.replace(f"{APP}@", f"{APP}:hush@") + "&password=hush"
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", address)
    code, out, err = go("doctor", "--json")
    assert code == 1  # for no server answers, and that alone
    shown = json.loads(out)
    assert [one["problem"] for one in shown["problems"]] == [
        "no server answers at http://localhost:9"
    ]
    assert shown["database"]["engine"].startswith("PostgreSQL ")
    assert shown["database"]["encoding"] == "UTF8"
    assert shown["database"]["schema"] == schema.NEWEST
    durable = ("fsync", "full_page_writes")
    assert [shown["database"][one] for one in durable] == ["on", "on"]
    assert "hush" not in out + err
    assert "engine" in go("doctor")[1]


def test_a_database_on_another_machine_that_proves_nothing_is_not_asked(
    go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "postgresql+psycopg://muniment_app@db.example/muniment?sslmode=require"
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", address)
    for words in (("serve",), ("migrate",), ("ledger", "fsck"), ("doctor",)):
        code, _, err = go(*words)
        assert code == (2 if "fsck" in words else 1), words
        assert "→ add ?sslmode=verify-full" in err


def test_a_server_that_may_lose_a_commit_is_not_healthy(tmp_path: Path) -> None:
    with Cluster.running("fsync=off", "full_page_writes=off", "synchronous_commit=off") as cluster:
        template = cluster.prepared()
        database = PostgresqlDatabase(cluster.url(template, APP))
        found = condition_of(database, utc_now)
        assert [problem for problem, _ in found.problems] == [
            "a commit may be lost, or the database: fsync is off",
            "a commit may be lost, or the database: full_page_writes is off",
        ]
        with database.writing() as connection:
            shown = connection.exec_driver_sql("SHOW synchronous_commit").scalar()
        assert shown == "on"  # a writer says so itself
        database.close()


@pytest.mark.parametrize("user", [OWNER, APP])
def test_a_server_that_connects_as_the_owner_is_told(
    postgresql: Cluster, prepared: str, user: str
) -> None:
    database = PostgresqlDatabase(postgresql.url(prepared, user))
    found = condition_of(database, utc_now)
    told = ["the server connects as the owner of its tables, so no guard holds it back"]
    assert [problem for problem, _ in found.problems] == (told if user == OWNER else [])
    database.close()


def test_clocks_that_differ_an_old_schema_and_a_foreign_order_are_told(
    postgresql: Cluster, tmp_path: Path
) -> None:
    with postgresql.connect() as connection:
        connection.execute(
            "CREATE DATABASE foreign_order TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"
        )
    database = PostgresqlDatabase(postgresql.url("foreign_order"))
    found = condition_of(database, lambda: datetime.now(UTC) - timedelta(seconds=60))
    database.close()
    postgresql.drop("foreign_order")
    told = " ".join(problem for problem, _ in found.problems)
    for part in ("clock is +60", "encoding SQL_ASCII", "holds no log yet"):
        assert part in told


def test_a_server_that_is_away_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    database = PostgresqlDatabase(f"postgresql+psycopg://x@/nothing?host={tmp_path}")
    [(problem, _)] = condition_of(database, utc_now).problems
    assert "does not answer" in problem
    database.close()


@pytest.mark.parametrize("command", ["serve", "doctor", "ledger fsck", "migrate"])
def test_an_option_that_is_none_is_named_and_the_log_is_not_blamed(
    go: Go, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", "postgresql+psycopg://localhost:9/x?sslmod=off")
    code, _, err = go(*command.split())
    assert code in (1, 2)
    assert 'MUNIMENT_DATABASE_URL: invalid connection option "sslmod"' in err


def test_a_server_that_is_away_at_the_start_is_not_asked_again_with_a_key(
    go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", f"postgresql+psycopg://x@/none?host={tmp_path}")
    code, _, err = go("serve")
    assert code == 1
    assert "the database does not answer\n  → start its server, or correct MUNIMENT_" in err
    assert "Idempotency-Key" not in err


def test_a_file_is_durable_and_says_so(tmp_path: Path) -> None:
    open_sqlite(tmp_path / "ledger.db", None, bytes, []).close()
    database = SqliteDatabase(tmp_path / "ledger.db")
    found = condition_of(database, utc_now)
    database.close()
    assert found.problems == []
    assert found.facts["journal_mode"] == "wal"
    assert found.facts["synchronous"] == "full"
    assert found.facts["encoding"] == "UTF-8"


def test_over_http_a_server_that_is_away_is_503_and_nobody_restarts_anything(
    own_postgresql: Cluster, tmp_path: Path
) -> None:
    name = own_postgresql.create(own_postgresql.prepared(), OWNER)
    with World.open(tmp_path, database_url=own_postgresql.url(name, APP)) as world:
        erin = world.person("erin", "engineer")
        body = {
            "type": "dataset.registered",
            "subject": "dataset/a",
            "data": {"owner": "o", "licence": "MIT", "description": "d"},
        }
        headers = {"Idempotency-Key": "once"}
        client, nobody = world.client(erin), world.client(None)
        world.session(erin)
        own_postgresql.kill()
        for answer in (
            client.post("/api/v1/events", json=body, headers=headers),
            client.get("/api/v1/datasets"),
            nobody.get("/readyz"),
            nobody.get("/log/checkpoint"),
        ):
            assert answer.status_code in (503, 401), answer.text
            assert answer.status_code == 401 or int(answer.headers["Retry-After"]) > 0
        assert nobody.get("/readyz").status_code == 503
        assert nobody.get("/healthz").status_code == 200
        own_postgresql.start()
        assert nobody.get("/readyz").status_code == 200
        assert client.post("/api/v1/events", json=body, headers=headers).status_code == 201
        again = client.post("/api/v1/events", json=body, headers=headers)
        assert again.headers["Idempotent-Replayed"] == "true"


def test_the_server_has_to_be_of_the_databases_schema(
    go: Go, postgresql: Cluster, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = PostgresqlDatabase(postgresql.url(name, OWNER))
    prepare(database)
    database.close()
    with postgresql.connect(name) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0042'")
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", postgresql.url(name, APP))
    code, _, err = go("serve")
    assert code == 1
    assert "the database has schema 0042, which this program does not know" in err
