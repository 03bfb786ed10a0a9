"""How the graph in Neo4j is kept: what differs is found and set right, and it is made anew."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, LiteralString

import pytest

from app.core.access import Permission
from app.core.errors import ChainBroken
from app.lineage import neo4j_rebuild
from app.lineage.neo4j_graph import GraphDown
from app.lineage.neo4j_rebuild import digest_of, rebuild
from tests.core.lineage.histories import random_story
from tests.slices.lineage.conftest import FakeCaller, Stage
from tests.slices.lineage.faults import Crash
from tests.slices.lineage.test_keeping import done
from tests.slices.lineage.test_projector import caught_up, cursor, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neo4j import Session

    from app.ledger.record import Ledger
    from app.lineage.neo4j_graph import Cursor, Neo4j

KEEPER = FakeCaller(frozenset({Permission.READ, Permission.REBUILD, Permission.RECONCILE}))
NONE = {"missing": 0, "extra": 0, "altered": 0}


@pytest.fixture
def kept(followed: Stage) -> Stage:
    followed.door.caller = KEEPER
    followed.tells(random_story(3, 60))
    assert followed.projector is not None
    caught_up(followed.projector)
    return followed


def one(session: Session, rng: random.Random, query: LiteralString) -> str:
    """Choose one of the rows of a query, which has one column."""
    chosen: str = rng.choice(sorted(row[0] for row in session.run(query)))
    return chosen


def node(session: Session, rng: random.Random) -> tuple[str, int]:
    """Choose a node that nothing leads from to itself; tell how many relations it has."""
    chosen = one(session, rng, "MATCH (n:Entity) WHERE NOT (n)--(n) RETURN n.gid")
    row = session.run("MATCH (n:Entity {gid: $gid}) RETURN COUNT {(n)--()}", gid=chosen)
    return chosen, row.single(strict=True)[0]


def edge(session: Session, rng: random.Random) -> str:
    return one(session, rng, "MATCH ()-[r]->() RETURN r.eid")


def lose_a_node(session: Session, rng: random.Random) -> Mapping[str, int]:
    gid, degree = node(session, rng)
    session.run("MATCH (n:Entity {gid: $gid}) DETACH DELETE n", gid=gid).consume()
    return {"missing": 1 + degree}


def invent_a_node(session: Session, rng: random.Random) -> Mapping[str, int]:
    gid = f"run:made-up-{rng.random()}"
    session.run("CREATE (:Entity:Run {generation: 1, gid: $gid, seq_from: 1})", gid=gid).consume()
    return {"extra": 1}


def date_a_node_otherwise(session: Session, rng: random.Random) -> Mapping[str, int]:
    gid, _ = node(session, rng)
    session.run("MATCH (n:Entity {gid: $gid}) SET n.seq_from = 777", gid=gid).consume()
    return {"altered": 1}


def call_a_node_something_else(session: Session, rng: random.Random) -> Mapping[str, int]:
    """What it is called is a property that answers are made of: its label does not lie."""
    gid, _ = node(session, rng)
    session.run(
        "MATCH (n:Entity {gid: $gid}) REMOVE n:Run:Model:Dataset:Deployment:DatasetVersion:"
        "ModelVersion:DeploymentRevision SET n.colour = 'blue'",
        gid=gid,
    ).consume()
    return {"altered": 1}


def take_a_node_out(session: Session, rng: random.Random) -> Mapping[str, int]:
    """It stays there with all that leads to it, and no question finds it."""
    gid, degree = node(session, rng)
    session.run("MATCH (n:Entity {gid: $gid}) REMOVE n:Entity", gid=gid).consume()
    return {"missing": 1, "altered": degree}


def take_two_ends_out(session: Session, rng: random.Random) -> Mapping[str, int]:
    """An edge between them is out of sight, and has the name of the one to be added."""
    eid = one(session, rng, "MATCH (a)-[r]->(b) WHERE NOT (a)--(a) AND NOT (b)--(b) RETURN r.eid")
    row = session.run(
        "MATCH (a)-[r {eid: $eid}]->(b) "
        "RETURN COUNT {(a)--(b)} AS between, COUNT {(a)--()} + COUNT {(b)--()} AS all",
        eid=eid,
    ).single(strict=True)
    session.run(
        "MATCH (a)-[r {eid: $eid}]->(b) SET a.generation = $away, b.generation = $away",
        {"eid": eid, "away": rng.randint(10, 10**9)},
    ).consume()
    return {"missing": 2 + row["between"], "altered": row["all"] - 2 * row["between"]}


def lose_an_edge(session: Session, rng: random.Random) -> Mapping[str, int]:
    session.run("MATCH ()-[r {eid: $eid}]->() DELETE r", eid=edge(session, rng)).consume()
    return {"missing": 1}


def invent_an_edge(session: Session, rng: random.Random) -> Mapping[str, int]:
    first, second = node(session, rng)[0], node(session, rng)[0]
    session.run(
        "MATCH (a:Entity {gid: $first}) MATCH (b:Entity {gid: $second}) "
        "CREATE (a)-[:INPUT {eid: $eid, seq_from: 1}]->(b)",
        {"first": first, "second": second, "eid": str(rng.random())},
    ).consume()
    return {"extra": 1}


def end_an_edge(session: Session, rng: random.Random) -> Mapping[str, int]:
    session.run("MATCH ()-[r {eid: $eid}]->() SET r.seq_to = 58", eid=edge(session, rng)).consume()
    return {"altered": 1}


def date_an_edge_otherwise(session: Session, rng: random.Random) -> Mapping[str, int]:
    session.run(
        "MATCH ()-[r {eid: $eid}]->() SET r.valid_from = '2020'", eid=edge(session, rng)
    ).consume()
    return {"altered": 1}


def turn_an_edge_round(session: Session, rng: random.Random) -> Mapping[str, int]:
    eid = one(session, rng, "MATCH (a)-[r]->(b) WHERE a <> b AND type(r) = 'VERSION' RETURN r.eid")
    session.run(
        "MATCH (a)-[r:VERSION {eid: $eid}]->(b) WITH a, b, r, properties(r) AS all DELETE r "
        "WITH a, b, all CREATE (b)-[turned:VERSION]->(a) SET turned = all",
        eid=eid,
    ).consume()
    return {"altered": 1}


DEEDS = (
    lose_a_node, invent_a_node, date_a_node_otherwise, call_a_node_something_else,
    take_a_node_out, take_two_ends_out,
    lose_an_edge, invent_an_edge, end_an_edge, date_an_edge_otherwise, turn_an_edge_round,
)  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_each_thing_that_differs_is_found_set_right_and_recorded(
    kept: Stage, graph: Neo4j, deed: Callable[[Session, random.Random], Mapping[str, int]]
) -> None:
    """Eleven deeds, seven times each, and one by one: 77 of 77; nothing else is named."""
    rng = random.Random(deed.__name__)
    expected = truth(kept)
    for _ in range(7):
        with graph.session() as session:
            what = deed(session, rng)
        held = done(kept, "/api/v1/graph/reconcile")["result"]["neo4j"]
        assert {name: held[name] for name in NONE} == {**NONE, **what}
        assert held["examples"][0].split()[0] in what
        assert (held["digest"], digest_of(graph, 1)) == (expected, expected)
        with kept.ledger.snapshot() as now:
            assert now.entry(held["index"]).type == "graph.reconciled.v1"
            data = now.data(held["index"])
            assert {name: data[name] for name in NONE} == {**NONE, **what}
    held = done(kept, "/api/v1/graph/reconcile")["result"]["neo4j"]
    assert {name: held[name] for name in NONE} == NONE


@pytest.mark.parametrize(
    "change",
    [
        "SET c.origin = 'elsewhere.test'",
        "SET c.leaf = 'ff'",
        "SET c.size = c.size + 9",
        "DELETE c",
    ],
    ids=["other-log", "other-history", "longer-history", "no-cursor"],
)
def test_reconcile_of_another_logs_graph_touches_nothing(
    kept: Stage, graph: Neo4j, change: LiteralString
) -> None:
    with graph.session() as session:
        session.run("MATCH (c:Cursor) " + change).consume()
        session.run("MATCH ()-[r]->() DELETE r").consume()
    job = done(kept, "/api/v1/graph/reconcile")
    assert job["state"] == "failed"
    assert "run `muniment graph rebuild`" in job["problem"]
    assert digest_of(graph, 1) != truth(kept)


def generations(graph: Neo4j) -> set[int]:
    with graph.session() as session:
        rows = session.run("MATCH (n) WHERE n.generation IS NOT NULL RETURN DISTINCT n.generation")
        return {row[0] for row in rows}


def test_made_anew_it_has_the_same_digest_and_the_old_one_is_gone(
    kept: Stage, graph: Neo4j
) -> None:
    before = digest_of(graph, 1)
    job = done(kept, "/api/v1/graph/rebuild")
    assert job["result"]["neo4j"]["digest"] == before == truth(kept)
    assert cursor(graph).generation == 2
    assert generations(graph) == {2}
    assert kept.projector is not None
    caught_up(kept.projector)
    assert kept.projector.progress.answers


def test_a_damaged_graph_and_one_of_another_log_are_replaced(kept: Stage, graph: Neo4j) -> None:
    with graph.session() as session:
        session.run("MATCH (c:Cursor) SET c.origin = 'elsewhere.test', c.size = 900").consume()
        session.run("MATCH (n:Run) DETACH DELETE n").consume()
    job = done(kept, "/api/v1/graph/rebuild")
    assert job["result"]["neo4j"]["digest"] == truth(kept)
    assert (cursor(graph).origin, cursor(graph).size) == ("lineage.test", 60)


@pytest.mark.parametrize(
    "change",
    [
        "MATCH (c:Cursor) DELETE c",
        "MATCH (c:Cursor) REMOVE c.size",
        "MATCH (g:Graph) SET g.generation = 'first'",
    ],
    ids=["no-cursor", "no-size", "no-generation"],
)
def test_a_graph_that_does_not_know_how_far_it_is_is_not_gone_on_with_but_replaced(
    kept: Stage, graph: Neo4j, change: LiteralString
) -> None:
    with graph.session() as session:
        session.run(change).consume()
    assert kept.projector is not None
    with pytest.raises(GraphDown, match="run `muniment graph rebuild`"):
        kept.projector.cycle()
    assert rebuild(kept.ledger, graph, lambda *_: None) == truth(kept)
    caught_up(kept.projector)
    assert kept.projector.progress.answers


def test_what_another_server_has_made_anew_meanwhile_stays(
    kept: Stage, graph: Neo4j, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that has made the second generation finds the third one in force."""
    checked = neo4j_rebuild._checked  # noqa: SLF001 - between this step and the next others are at work

    def slowly(ledger: Ledger, graph: Neo4j, made: Cursor) -> str:
        monkeypatch.undo()
        name = checked(ledger, graph, made)
        for _ in range(2):
            assert rebuild(ledger, graph, lambda *_: None) == name
        return name

    monkeypatch.setattr(neo4j_rebuild, "_checked", slowly)
    with pytest.raises(GraphDown, match="meanwhile"):
        rebuild(kept.ledger, graph, lambda *_: None)
    assert cursor(graph).generation == 3
    assert digest_of(graph, 3) == truth(kept)


@pytest.mark.parametrize("after", range(4))
def test_a_crash_in_the_middle_leaves_the_one_in_force_untouched(
    kept: Stage, graph: Neo4j, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In four steps of 15 entries; the next attempt clears away what was left."""
    monkeypatch.setattr(neo4j_rebuild, "STEP", 15)
    before, expected = cursor(graph), truth(kept)

    def told(size: int, _: int) -> None:
        if size == 15 * after:
            raise Crash

    with pytest.raises(Crash):
        rebuild(kept.ledger, graph, told)
    assert cursor(graph) == before
    assert digest_of(graph, 1) == expected
    assert rebuild(kept.ledger, graph, lambda *_: None) == expected
    assert generations(graph) == {2}


def test_a_graph_that_came_out_wrong_is_not_put_in_force(kept: Stage, graph: Neo4j) -> None:
    """Somebody meddles with the new one while it is made."""
    before = cursor(graph)

    def told(size: int, of: int) -> None:
        if size == of:
            with graph.session() as session:
                session.run("MATCH (n:Entity:Run {generation: 2}) DETACH DELETE n").consume()

    with pytest.raises(ChainBroken, match="the one in force stays"):
        rebuild(kept.ledger, graph, told)
    assert cursor(graph) == before


def test_entries_recorded_meanwhile_are_in_the_new_graph(kept: Stage, graph: Neo4j) -> None:
    more = [random_story(4, 20)]

    def told(size: int, of: int) -> None:
        if size == of and more:
            kept.tells(more.pop())
            assert kept.projector is not None
            caught_up(kept.projector)  # so that the old one has gone further than the new one

    assert rebuild(kept.ledger, graph, told) == truth(kept)
    assert cursor(graph).size == 80
