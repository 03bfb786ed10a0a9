"""How Neo4j goes about a question: breadth first, pruned, and never path by path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.core.lineage.closure import Direction
from app.core.lineage.nodes import gid_of
from app.core.lineage.relations import LATEST
from app.lineage.neo4j_graph import connect, prepare
from app.lineage.neo4j_store import cone_query
from app.lineage.neo4j_writing import apply
from tests.contracts.test_lineage_store import GENERATIONS, recorded, version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neo4j import Session

    from tests.servers.neo4j.neo4j import Server

LINEAGE = Path(__file__).resolve().parents[3] / "app/lineage"
MOST_HITS = 1000


@pytest.fixture
def session(neo4j: Server) -> Iterator[Session]:
    graph = connect(neo4j.uri, *neo4j.auth, "neo4j")
    with graph.session() as session:
        prepare(session, "plans.test")
        yield session
    graph.driver.close()


def operators(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("children", ()):
        yield from operators(child)


THEN = ("seq_from", "seq_to", "valid_from", "valid_to")


@pytest.mark.parametrize("seen", [("now_to",), THEN], ids=["now", "then"])
@pytest.mark.parametrize("depth", [2, 12, 200, 10_000])
@pytest.mark.parametrize("direction", Direction)
def test_a_closure_is_searched_breadth_first_and_pruned(
    session: Session, direction: Direction, depth: int, seen: tuple[str, ...]
) -> None:
    asked = session.run(
        "EXPLAIN " + cone_query(direction, depth, now=seen != THEN),
        generation=1,
        start="",
        size=1,
        moment=LATEST,
    )
    plan = asked.consume().plan
    assert plan is not None
    found = [one for one in operators(plan) if "VarLengthExpand" in one["operatorType"]]
    assert [one["operatorType"] for one in found] == ["VarLengthExpand(Pruning,BFS,All)@neo4j"]
    details = found[0]["args"]["Details"]
    read = {name for name in (*THEN, "now_to") if f".{name} " in details}
    assert read == set(seen), "what the view sees is part of the search itself"
    kinds = {one["operatorType"] for one in operators(plan)}
    assert "NodeUniqueIndexSeek@neo4j" in kinds
    assert not {kind for kind in kinds if "Scan" in kind}


@pytest.mark.parametrize(
    ("direction", "start", "edges"),
    [(Direction.DOWNSTREAM, "dataset/d0/1", 64), (Direction.UPSTREAM, "dataset/d16/1", 112)],
    ids=["downstream", "upstream"],
)
def test_sixteen_diamonds_in_a_row_cost_no_more_than_a_thousand_hits(
    session: Session, direction: Direction, start: str, edges: int
) -> None:
    """Upstream each version also leads to what it is a version of: 48 edges more."""
    story = []
    for at in range(16):
        story += [version(f"d{at}l", f"d{at}"), version(f"d{at}r", f"d{at}")]
        story += [version(f"d{at + 1}", f"d{at}l", f"d{at}r")]
    generation = next(GENERATIONS)
    session.execute_write(apply, generation, recorded(story))
    asked = session.run(
        "PROFILE " + cone_query(direction, 200, now=True),
        generation=generation,
        start=gid_of(start),
        size=len(story),
        moment=LATEST,
    )
    assert len(list(asked)) == edges
    profile = asked.consume().profile
    assert profile is not None
    hits = sum(one.get("dbHits") or 0 for one in operators(profile))
    assert edges < hits <= MOST_HITS


PATHS = re.compile(r"shortestPath|SHORTEST|\b(?:p|path)\s*=\s*\(|RETURN\s+(?:DISTINCT\s+)?p\b")


def test_no_statement_asks_for_paths() -> None:
    texts = [path.read_text("utf-8") for path in LINEAGE.glob("neo4j_*.py")]
    assert len(texts) >= 5
    assert sum(text.count("MATCH") for text in texts) > 20
    assert [match.group() for text in texts for match in PATHS.finditer(text)] == []


@pytest.mark.parametrize(
    "text", ["MATCH p = (a)-->(b) RETURN p", "MATCH shortestPath((a)-[*]->(b))"]
)
def test_a_statement_that_did_would_be_noticed(text: str) -> None:
    assert PATHS.search(text)
