"""``muniment doctor``, with the log and the graph on servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.lineage.neo4j_graph import connect
from tests.acceptance.running import Server as Muniment
from tests.slices.cli.test_embedded import PASSWORD, go, vkey

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.neo4j.neo4j import Server
    from tests.slices.cli.test_embedded import Go

__all__ = ["go", "vkey"]

ALONE = "no server answers at http://localhost:9"


@pytest.fixture
def production(neo4j: Server, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name both servers in the settings, with nothing in either."""
    graph = connect(neo4j.uri, *neo4j.auth, "neo4j")
    with graph.session() as session:
        session.run("MATCH (n) DETACH DELETE n").consume()
    graph.driver.close()
    user, password = neo4j.auth
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", database_url)
    monkeypatch.setenv("MUNIMENT_NEO4J_URI", neo4j.uri)
    monkeypatch.setenv("MUNIMENT_NEO4J_USER", user)
    monkeypatch.setenv("MUNIMENT_NEO4J_PASSWORD", password)


def asked(go: Go) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Ask doctor; give what it shows and which problems it names."""
    code, out, _ = go("doctor", "--json")
    shown = json.loads(out)
    problems = [one["problem"] for one in shown["problems"]]
    assert code == (1 if problems else 0)
    return shown, problems


@pytest.mark.usefixtures("production")
def test_on_servers_both_engines_are_named_and_the_graphs_lag(go: Go, neo4j: Server) -> None:
    assert go("init", "--admin", "root", "--password-stdin", stdin=PASSWORD)[0] == 0
    shown, problems = asked(go)
    assert problems == [ALONE]
    assert shown["database"]["engine"].startswith("PostgreSQL ")
    assert shown["graph"]["graph_engine"].startswith("Neo4j 5.26")
    assert shown["graph"]["graph_lag"].endswith("it has not begun")
    assert neo4j.auth[1] not in json.dumps(shown)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        (
            "MUNIMENT_NEO4J_PASSWORD",
            "correct MUNIMENT_NEO4J_USER and MUNIMENT_NEO4J_PASSWORD",
        ),
        ("MUNIMENT_NEO4J_DATABASE", "correct MUNIMENT_NEO4J_DATABASE, or make that database"),
    ],
)
def test_what_keeps_it_from_the_graph_is_what_is_to_be_corrected(
    go: Go, monkeypatch: pytest.MonkeyPatch, variable: str, remedy: str
) -> None:
    assert go("init", "--admin", "root", "--password-stdin", stdin=PASSWORD)[0] == 0
    monkeypatch.setenv(variable, "another")
    code, out, _ = go("doctor", "--json")
    assert code == 1
    told = json.loads(out)["problems"][0]
    assert told["problem"].startswith("the graph does not answer, SQL does: Neo.ClientError.")
    assert "\n" not in told["problem"]
    assert told["remedy"] == remedy


@pytest.mark.usefixtures("production")
def test_a_graph_that_is_away_is_named_and_the_database_is_not(
    go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_NEO4J_URI", "bolt://127.0.0.1:9")
    _, (away, alone) = asked(go)
    assert away.startswith("the graph does not answer, SQL does: ")
    assert alone == ALONE


def test_a_graph_on_another_machine_that_proves_nothing_is_not_asked(
    go: Go, vkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_NEO4J_URI", "neo4j://graph.example:7687")
    monkeypatch.setenv("MUNIMENT_NEO4J_PASSWORD", "hush")
    shown, problems = asked(go)
    assert problems == ["nothing proves that the graph on the other machine answers", ALONE]
    assert shown["graph"] == {}


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({"MUNIMENT_PORT": "9"}, "http://localhost:9"),
        ({"MUNIMENT_PUBLIC_URL": "http://127.0.0.1:9", "MUNIMENT_PORT": "7"}, "http://127.0.0.1:9"),
    ],
)
def test_the_server_it_looks_for_is_that_of_the_settings(
    go: Go, vkey: str, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], address: str
) -> None:
    monkeypatch.delenv("MUNIMENT_URL")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert asked(go)[1] == [f"no server answers at {address}"]


def test_with_its_server_running_a_file_is_healthy(
    go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Muniment.founded(tmp_path)
    server.start()
    try:
        monkeypatch.setenv("MUNIMENT_URL", server.url)
        shown, problems = asked(go)
    finally:
        server.end()
    assert problems == []
    assert shown["database"]["engine"].startswith("SQLite ")
    assert shown["database"]["synchronous"] == "full"
    assert shown["graph"]["graph_engine"] == "none: SQL answers about lineage"
