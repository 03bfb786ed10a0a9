"""What doctor says of the graph: what it runs on, how far behind it is, and what is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.ledger.sql_store import Head
from app.lineage.condition import condition_of
from app.lineage.neo4j_graph import connect, prepare
from app.settings import utc_now
from tests.servers.neo4j.neo4j import VERSION

if TYPE_CHECKING:
    from app.lineage.neo4j_graph import Neo4j

HEAD = Head("graph.test", 7, bytes(32), bytes(32), "2026-01-01T00:00:00.000000Z", 0)


def begun(graph: Neo4j, size: int, *quarantined: int) -> None:
    """Let the graph have taken in so many entries of the log, but for some."""
    with graph.session() as session:
        prepare(session, HEAD.origin)
        session.run(
            "MATCH (c:Cursor) SET c.size = $size, c.quarantined = $quarantined",
            size=size,
            quarantined=list(quarantined),
        ).consume()


def test_a_graph_that_has_not_begun_is_told_and_no_problem(graph: Neo4j) -> None:
    found = condition_of(graph, HEAD, utc_now)
    assert found.problems == []
    assert found.facts["graph_engine"] == f"Neo4j {VERSION} (community)"
    assert found.facts["graph_lag"] == "7 entries: it has not begun"


def test_how_far_it_is_behind_is_told(graph: Neo4j) -> None:
    begun(graph, 5)
    found = condition_of(graph, HEAD, utc_now)
    assert found.problems == []
    assert found.facts["graph_lag"] == "2 entries, at 5"


@pytest.mark.parametrize(
    ("head", "lag", "problem"),
    [
        (
            replace(HEAD, origin="other.test"),
            "not to be told: it follows another log",
            "the graph is that of another log, graph.test",
        ),
        (
            replace(HEAD, size=4),
            "0 entries, at 5",
            "the graph has 5 entries and the log 4: the log went back",
        ),
    ],
)
def test_a_graph_of_another_history_is_a_problem(
    graph: Neo4j, head: Head, lag: str, problem: str
) -> None:
    begun(graph, 5)
    found = condition_of(graph, head, utc_now)
    assert [said for said, _ in found.problems] == [problem]
    assert found.facts["graph_lag"] == lag


def test_entries_that_it_lacks_are_named(graph: Neo4j) -> None:
    begun(graph, 7, 3, 4)
    [(problem, remedy)] = condition_of(graph, HEAD, utc_now).problems
    assert problem == "the graph lacks 2 entries that it could not take in: 3, 4"
    assert "graph rebuild" in remedy


def test_clocks_that_differ_are_told(graph: Neo4j) -> None:
    found = condition_of(graph, None, lambda: datetime.now(UTC) - timedelta(minutes=1))
    [(problem, _)] = found.problems
    assert re.match(r"the graph server's clock is \+(60|59|58)\.\d s from", problem)
    assert "graph_lag" not in found.facts


def test_a_server_that_is_away_is_a_problem_and_no_crash() -> None:
    graph = connect("bolt://127.0.0.1:9", "neo4j", "nothing", "neo4j")
    [(problem, _)] = condition_of(graph, HEAD, utc_now).problems
    graph.driver.close()
    assert problem.startswith("the graph does not answer, SQL does: ")
