"""Neo4j is kept in step with the log, whatever breaks at whichever step."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from typing import TYPE_CHECKING

import pytest
from neo4j.exceptions import ServiceUnavailable
from sqlalchemy import text

from app.core.access import Permission
from app.core.errors import Unavailable
from app.core.lineage.whole import beliefs_digest, digest
from app.lineage.neo4j_graph import TYPES, GraphDown, eid_of, prepare, read_cursor
from app.lineage.neo4j_rebuild import digest_of, held, rebuild
from app.lineage.projector import Projector, project
from app.lineage.reconcile import replay
from tests.core.lineage.histories import random_story
from tests.slices.lineage.conftest import FakeCaller, Stage
from tests.slices.lineage.faults import Crash, Faulty
from tests.slices.lineage.test_keeping import done

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.lineage.graphviz import Graphviz
    from app.lineage.neo4j_graph import Cursor, Neo4j

SOAK = os.environ.get("MUNIMENT_SOAK") == "1"
EVENTS, BREADTH, BATCH = (10_000, 300, 500) if SOAK else (300, 10, 75)
KEEPER = FakeCaller(frozenset({Permission.READ, Permission.REBUILD, Permission.RECONCILE}))


def cursor(graph: Neo4j) -> Cursor:
    with graph.session() as session:
        found = session.execute_read(read_cursor)
    assert found is not None
    return found


def caught_up(projector: Projector) -> None:
    while projector.cycle():
        pass


def truth(stage: Stage) -> str:
    with stage.ledger.snapshot() as now:
        whole = replay(now.store, now.connection, now.size)
    return f"sha256:{digest(whole.nodes, whole.edges.values())}"


def until(claim: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def projector(stage: Stage, graph: Neo4j) -> Projector:
    return Projector(stage.ledger, graph, batch=BATCH)


@pytest.fixture
def faulty(graph: Neo4j) -> Faulty:
    return Faulty(graph.driver)


def test_it_follows_a_log_from_its_first_entry_to_its_last(followed: Stage, graph: Neo4j) -> None:
    assert followed.projector is not None
    followed.projector.start()
    for seed in range(5):
        followed.tells(random_story(seed, 30))
        size = 30 * (seed + 1)
        until(lambda: followed.projector.progress.graph_seq == size)  # type: ignore[union-attr]  # noqa: B023 - awaited at once
        assert followed.projector.progress.answers
        assert digest_of(graph, 1) == truth(followed)


def test_an_empty_log_is_an_empty_graph_that_may_be_asked(projector: Projector) -> None:
    assert not projector.cycle()
    assert projector.progress.answers
    assert projector.progress.graph_seq == 0


@pytest.mark.parametrize(
    "fault", [Crash, lambda: ServiceUnavailable("the line was cut")], ids=["crash", "cut"]
)
def test_at_whichever_step_it_fails_the_graph_is_the_logs(
    stage: Stage, faulty: Faulty, fault: Callable[[], BaseException]
) -> None:
    """Each batch fails before every statement of it, before its commit, and after that."""
    stage.tells(random_story(4, 60))
    graph, steps = faulty.graph(), faulty.steps
    steps.fault = fault
    projector = Projector(stage.ledger, graph, batch=20)
    projector.cycle()
    moves = [0, 20, 40, 60]
    while (before := cursor(graph).size) < 60:
        steps.at = 0
        while cursor(graph).size == before:
            seen = steps.failed
            with pytest.raises((Crash, GraphDown)):
                projector.cycle()
            assert steps.failed == seen + 1
            steps.at += 1
            if fault is Crash:
                projector = Projector(stage.ledger, graph, batch=20)
        assert cursor(graph).size in moves
        assert steps.at > 10  # that many steps were there to fail at
    steps.at = None
    caught_up(projector)
    assert projector.progress.answers
    assert digest_of(graph, 1) == truth(stage)


def test_crashes_at_each_step_and_three_deliveries_of_everything_change_no_digest(
    stage: Stage, graph: Neo4j, faulty: Faulty
) -> None:
    for start in range(0, EVENTS, 1000):
        stage.tells(random_story(1, EVENTS, BREADTH)[start : start + 1000])
    steps = faulty.steps
    with graph.session() as session:
        at = prepare(session, stage.ledger.store.origin)
    while at.size < EVENTS:
        stop = min(at.size + BATCH, EVENTS)
        steps.at = 0
        while cursor(graph) == at:
            with pytest.raises(Crash):
                project(stage.ledger, faulty.graph(), at, stop)
            steps.at += 1
        moved = cursor(graph)
        assert moved.size == stop
        for _ in range(2):
            assert project(stage.ledger, graph, at, stop) == moved
        at = moved
    assert digest_of(graph, 1) == truth(stage)


def test_told_in_any_order_and_three_times_over_it_believes_the_same(
    tmp_path: Path, layout: Graphviz, graph: Neo4j
) -> None:
    story, rng = [*random_story(1, EVENTS, BREADTH)], random.Random(8)
    beliefs = set()
    for number, told in enumerate((story, rng.sample(story * 3, 3 * EVENTS))):
        (folder := tmp_path / str(number)).mkdir()
        with Stage.built(folder, layout) as stage:
            for start in range(0, len(told), 1000):
                stage.tells(told[start : start + 1000])
            projector = Projector(stage.ledger, graph, batch=BATCH)
            if number:  # the second log takes the first one's place
                rebuild(stage.ledger, graph, lambda *_: None)
            caught_up(projector)
            beliefs.add(beliefs_digest(*held(graph, cursor(graph).generation)))
            assert projector.progress.graph_seq == len(told)
    assert len(beliefs) == 1


def test_two_of_them_on_one_database_do_each_entry_once(stage: Stage, graph: Neo4j) -> None:
    """As two processes of one organisation have them, on a log that grows."""
    both = [Projector(stage.ledger, graph, batch=7) for _ in range(2)]
    both[0].cycle()  # whose set-up the other one finds
    problems: list[BaseException] = []
    told = threading.Event()

    def follow(projector: Projector) -> None:
        try:
            while projector.cycle() or not told.is_set():
                pass
        except BaseException as problem:
            problems.append(problem)
            raise

    threads = [threading.Thread(target=follow, args=(one,)) for one in both]
    for thread in threads:
        thread.start()
    for start in range(0, 200, 20):
        stage.tells(random_story(9, 200)[start : start + 20])
    told.set()
    for thread in threads:
        thread.join()
    assert problems == []
    for one in both:
        caught_up(one)
        assert one.progress.graph_seq == 200
    assert digest_of(graph, 1) == truth(stage)


def test_the_graph_of_another_log_is_left_alone(
    stage: Stage, graph: Neo4j, projector: Projector
) -> None:
    stage.tells(random_story(2, 20))
    caught_up(projector)
    with graph.session() as session:
        session.run("MATCH (c:Cursor) SET c.origin = 'elsewhere.test'").consume()
    before = cursor(graph)
    stage.tells(random_story(3, 20))
    with pytest.raises(GraphDown, match=r"elsewhere\.test; run `muniment graph rebuild`"):
        projector.cycle()
    assert cursor(graph) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "c.leaf = 'ab'",
            "the graph's last entry 19 is not the log's; run `muniment graph rebuild`",
        ),
        ("c.size = 21", "taken in 21 entries of a log of 20; run `muniment graph rebuild`"),
    ],
    ids=["other-history", "longer-history"],
)
def test_the_graph_of_another_history_of_this_log_is_left_alone(
    stage: Stage, graph: Neo4j, projector: Projector, change: str, said: str
) -> None:
    stage.tells(random_story(2, 20))
    caught_up(projector)
    with graph.session() as session:
        session.run(f"MATCH (c:Cursor) SET {change}").consume()
    with pytest.raises(GraphDown, match=said):
        projector.cycle()


def test_a_projector_says_why_it_does_not_go_on(followed: Stage, graph: Neo4j) -> None:
    assert followed.projector is not None
    followed.tells(random_story(2, 20))
    followed.projector.cycle()
    with graph.session() as session:
        session.run("MATCH (c:Cursor) SET c.origin = 'elsewhere.test'").consume()
    followed.projector.start()
    until(lambda: not followed.projector.progress.answers)  # type: ignore[union-attr]
    followed.door.caller = KEEPER
    status = followed.get("/api/v1/graph/status").json()
    assert status["answers"] == "sql"
    assert "elsewhere.test" in status["last_error"]


@pytest.fixture
def poisoned(followed: Stage) -> Stage:
    """Build a log in which a payload of entry 17 is damaged, as a bad disk would."""
    followed.door.caller = KEEPER
    followed.tells(random_story(2, 40))
    damage = text("UPDATE payloads SET value = CAST('{' AS BLOB) || value WHERE idx = 17")
    followed.ledger.operate(lambda connection: connection.execute(damage).rowcount)
    return followed


def mend(stage: Stage) -> None:
    mending = text("UPDATE payloads SET value = substr(value, 2) WHERE idx = 17")
    stage.ledger.operate(lambda connection: connection.execute(mending).rowcount)


def test_an_entry_that_cannot_be_read_is_told_apart_named_and_not_passed_over_in_silence(
    poisoned: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    projector = poisoned.projector
    assert projector is not None
    with caplog.at_level(logging.CRITICAL):
        caught_up(projector)
    [alarm] = [one for one in caplog.records if one.levelno == logging.CRITICAL]
    assert "entry 17 is not in the graph" in alarm.getMessage()
    assert (projector.progress.graph_seq, projector.progress.quarantined) == (40, (17,))
    status = poisoned.get("/api/v1/graph/status").json()
    assert (status["quarantined"], status["answers"], status["lag"]) == ([17], "sql", 0)
    assert status["last_error"] == "entries [17] could not be taken in"
    asked = poisoned.get("/api/v1/graph/closure", {"node": "model/m/1", "direction": "upstream"})
    assert asked.json()["source"] == "sql"


def test_an_entry_that_was_quarantined_is_taken_in_by_reconcile(
    poisoned: Stage, graph: Neo4j
) -> None:
    projector = poisoned.projector
    assert projector is not None
    caught_up(projector)
    lost = done(poisoned, "/api/v1/graph/reconcile")
    assert lost["state"] == "failed"  # the log itself cannot be read yet
    assert cursor(graph).quarantined == (17,)
    mend(poisoned)
    held_now = done(poisoned, "/api/v1/graph/reconcile")
    assert held_now["state"] == "done"
    assert held_now["result"]["neo4j"]["missing"] > 0
    caught_up(projector)
    assert projector.progress.answers
    assert digest_of(graph, 1) == truth(poisoned)


def test_an_entry_that_neo4j_refuses_is_quarantined_and_reconcile_sets_it_right(
    followed: Stage, graph: Neo4j
) -> None:
    """Somebody has put an edge with the name of one to come between other nodes."""
    projector = followed.projector
    assert projector is not None
    followed.door.caller = KEEPER
    story = random_story(2, 40)
    followed.tells(story)
    with followed.ledger.snapshot() as now:
        whole = replay(now.store, now.connection, 40)
    edge = next(edge for edge in whole.edges.values() if edge.seq_from > 10)
    with graph.session() as session:
        session.run(
            f"CREATE (:Entity {{generation: 1, gid: 'run:x'}})-[:{TYPES[edge.type]} {{eid: $eid}}]"
            "->(:Entity {generation: 1, gid: 'run:y'})",
            eid=eid_of(1, edge),
        ).consume()
    caught_up(projector)
    assert projector.progress.quarantined == (edge.seq_from,)
    assert done(followed, "/api/v1/graph/reconcile")["state"] == "done"
    caught_up(projector)
    assert projector.progress.answers
    assert digest_of(graph, 1) == truth(followed)


def test_a_log_that_cannot_be_read_for_a_while_is_no_entrys_fault(
    stage: Stage, graph: Neo4j, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.tells(random_story(2, 20))
    projector = Projector(stage.ledger, graph, batch=1)
    projector.cycle()
    with monkeypatch.context() as patch:

        def away(*_: object) -> object:
            raise Unavailable("the database does not answer")

        patch.setattr(type(stage.ledger.store), "recorded", away)
        with pytest.raises(Unavailable):
            projector.cycle()
    caught_up(projector)
    assert projector.progress.quarantined == ()
    assert digest_of(graph, 1) == truth(stage)


def test_it_goes_on_by_itself_when_the_line_is_cut_again_and_again(
    tmp_path: Path, layout: Graphviz, faulty: Faulty
) -> None:
    with Stage.built(tmp_path, layout, faulty.graph()) as stage:
        assert stage.projector is not None
        faulty.steps.fault = lambda: ServiceUnavailable("the line was cut")
        faulty.steps.at = 3
        stage.projector.start()
        stage.tells(random_story(6, 60))
        until(lambda: faulty.steps.failed > 1)
        assert "the line was cut" in str(stage.projector.progress.last_error)
        faulty.steps.at = None
        until(lambda: stage.projector.progress.graph_seq == 60)  # type: ignore[union-attr]
        assert stage.projector.progress.answers
        assert stage.projector.progress.last_error is None
