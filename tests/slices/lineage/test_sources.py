"""Which store answers, and that the answer says so: Neo4j where it can, SQL always."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, LiteralString

import pytest

from app.core.events import say
from app.core.lineage.closure import Direction
from app.lineage.asking import Terms
from app.lineage.asking import closure as asked_closure
from app.lineage.neo4j_graph import connect
from app.lineage.projector import Projector
from app.lineage.sources import Sources
from app.settings import Settings
from tests.core.lineage.histories import data_version
from tests.living import World
from tests.slices.ledger.desk import ERIN, about

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.ledger.record import Ledger
    from app.lineage.asking import Answer
    from app.lineage.ports import LineageStore
    from tests.living import Client
    from tests.servers.neo4j.neo4j import Server

ROUNDS = 2000 if os.environ.get("MUNIMENT_SOAK") == "1" else 40
DIGEST = "sha256:" + "0" * 64


def emptied(server: Server) -> Server:
    graph = connect(server.uri, *server.auth, "neo4j")
    with graph.session() as session:
        session.run("MATCH (n) DETACH DELETE n").consume()
    graph.driver.close()
    return server


@pytest.fixture
def world(tmp_path: Path, own_neo4j: Server) -> Iterator[World]:
    settings = Settings(neo4j_uri=own_neo4j.uri, neo4j_password=own_neo4j.auth[1])
    with World.open(tmp_path, settings) as world:
        yield world


@pytest.fixture
def client(world: World) -> Client:
    return world.client(world.person("erin", "engineer"))


def add(client: Client, number: int) -> int:
    """Register a version made from the one before it; tell the log's size then."""
    data: dict[str, Any] = {"digest": DIGEST, "uri": "u", "size": 1, "rows": 1}
    data |= {"schema": {"columns": []}, "derived_from": []}
    if number:
        data["derived_from"] = [f"dataset/d/{number - 1}"]
    else:
        about_it = {"owner": "o", "licence": "l", "description": "d"}
        body = {"type": "dataset.registered", "subject": "dataset/d", "data": about_it}
        assert client.post("/api/v1/events", json=body).status_code == 201
    body = {"type": "dataset.version_registered", "subject": f"dataset/d/{number}", "data": data}
    answer = client.post("/api/v1/events", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["log_size"])


def origins(client: Client, number: int, **query: int) -> dict[str, Any]:
    asked = {"node": f"dataset/d/{number}", "direction": "upstream", "limit": 5000, **query}
    answer = client.get("/api/v1/graph/closure", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def until(client: Client, source: str, number: int) -> dict[str, Any]:
    """Ask until that store answers; each answer on the way has to be right, too."""
    patience = time.monotonic() + 60
    while True:
        answer = origins(client, number)
        assert len(answer["result"]["nodes"]) == number + 2
        if answer["source"] == source:
            return answer
        assert time.monotonic() < patience, answer
        time.sleep(0.1)


def test_what_was_just_written_is_in_the_answer_whoever_gives_it(client: Client) -> None:
    """2,000 rounds in soak, 99 of 100 from Neo4j there."""
    add(client, 0)
    until(client, "neo4j", 0)
    found: Counter[str] = Counter()
    for number in range(1, ROUNDS + 1):
        size = add(client, number)
        answer = origins(client, number, min_seq=size, depth=20)
        nearest = min(number, 20) + 1
        assert len([n for n in answer["result"]["nodes"] if n["distance"] <= 20]) >= nearest
        assert answer["graph_seq"] >= size
        assert answer["log_size"] == size
        found[answer["source"]] += 1
    assert sum(found.values()) == ROUNDS
    assert set(found) <= {"neo4j", "sql"}
    if ROUNDS >= 2000:
        assert found["neo4j"] >= 0.99 * ROUNDS, found


def test_without_its_server_sql_answers_and_it_catches_up_by_itself(
    client: Client, own_neo4j: Server
) -> None:
    add(client, 0)
    until(client, "neo4j", 0)
    own_neo4j.kill()
    for number in range(1, 6):
        size = add(client, number)
        answer = origins(client, number, min_seq=size)
        assert (answer["source"], answer["status"]) == ("sql", "complete")
        assert len(answer["result"]["nodes"]) == number + 2
    status = client.get("/api/v1/graph/status").json()
    assert (status["answers"], status["lag"] > 0) == ("sql", True)
    assert status["last_error"]
    own_neo4j.start()
    until(client, "neo4j", 5)
    assert client.get("/api/v1/graph/status").json()["lag"] == 0


def test_a_server_that_stands_still_keeps_nobody_waiting(client: Client, own_neo4j: Server) -> None:
    add(client, 0)
    until(client, "neo4j", 0)
    own_neo4j.signal(signal.SIGSTOP)
    try:
        for _ in range(2):  # the first finds out, the second knows
            answer = origins(client, 0, timeout_ms=300)
            assert answer["source"] == "sql"
        size = add(client, 1)
        assert origins(client, 1, min_seq=size)["source"] == "sql"
    finally:
        own_neo4j.signal(signal.SIGCONT)
    until(client, "neo4j", 1)


def ask(ledger: Ledger, sources: Sources, terms: Terms, node: str) -> Answer[Any]:
    def question(store: LineageStore, left: Terms) -> Answer[Any]:
        return asked_closure(store, size, node, Direction.UPSTREAM, left)

    with ledger.snapshot() as now:
        size = now.size
        return sources.ask(now, terms, question)


@pytest.fixture
def alone(tmp_path: Path, neo4j: Server) -> Iterator[tuple[Ledger, Projector]]:
    """Make a log and a projector that takes in entries only when it is told to."""
    emptied(neo4j)
    with World.open(tmp_path) as world:
        projector = Projector(world.house.ledger, connect(neo4j.uri, *neo4j.auth, "neo4j"))
        yield world.house.ledger, projector
        projector.stop()


def followed(alone: tuple[Ledger, Projector], *names: str) -> int:
    """Record datasets and let the graph take them in; tell the log's size then."""
    ledger, projector = alone
    for name in names:
        ledger.record(about(name), ERIN)
    while projector.cycle():
        pass
    return projector.progress.graph_seq


def test_a_graph_that_is_behind_is_not_asked_for_more_than_it_has(
    alone: tuple[Ledger, Projector],
) -> None:
    ledger, projector = alone
    sources = Sources(projector)
    size = followed(alone, "a")
    assert ask(ledger, sources, Terms(min_seq=size), "dataset/a").source == "neo4j"
    ledger.record(about("b"), ERIN)
    behind = ask(ledger, sources, Terms(), "dataset/a")
    assert (behind.source, behind.graph_seq, behind.log_size) == ("neo4j", size, size + 1)
    assert ask(ledger, sources, Terms(min_seq=size + 1), "dataset/a").source == "sql"
    assert ask(ledger, sources, Terms(as_of_seq=size + 1), "dataset/a").source == "sql"
    assert ask(ledger, sources, Terms(), "dataset/b").source == "sql", "it never heard of b"
    sources.close()


def test_a_graph_that_is_replaced_while_it_is_asked_has_not_answered(
    alone: tuple[Ledger, Projector],
) -> None:
    ledger, projector = alone
    sources = Sources(projector)
    followed(alone, "a")

    def question(store: LineageStore, left: Terms) -> Answer[Any]:
        if store.source == "neo4j":
            with projector.graph.session() as session:
                session.run("MATCH (g:Graph) SET g.generation = 2").consume()
                session.run(
                    "MATCH (c:Cursor) CREATE (d:Cursor) SET d = c, d.generation = 2"
                ).consume()
        return asked_closure(store, size, "dataset/a", Direction.UPSTREAM, left)

    with ledger.snapshot() as now:
        size = now.size
        assert sources.ask(now, Terms(), question).source == "sql"
    sources.close()


@pytest.mark.parametrize(
    "change",
    [
        "MATCH (c:Cursor) SET c.origin = 'another.test/log'",
        "MATCH (c:Cursor) SET c.leaf = 'ff'",
        "MATCH (c:Cursor) SET c.size = 1",
        "MATCH (c:Cursor) SET c.size = 'many'",
        "MATCH (c:Cursor) REMOVE c.quarantined",
        "MATCH (c:Cursor) DELETE c",
        "MATCH (n) DETACH DELETE n",
    ],
)
def test_a_graph_of_another_log_or_history_is_not_believed_for_a_moment(
    alone: tuple[Ledger, Projector], change: LiteralString
) -> None:
    ledger, projector = alone
    sources = Sources(projector)
    size = followed(alone, "a")
    with projector.graph.session() as session:
        session.run(change).consume()
    asked = Terms(min_seq=size)
    answer = ask(ledger, sources, asked, "dataset/a")
    assert (answer.source, answer.status, answer.graph_seq) == ("sql", "complete", size)
    assert not projector.progress.answers
    sources.close()


@pytest.mark.parametrize(
    "change",
    [
        "SET r.claim = 'no claim'",
        "SET r.claim = '[1, 2, 3, 4, 5, 6, 7]'",
        "SET r.claim = replace(r.claim, 'version', 'vision')",
        "REMOVE r.claim",
        "SET r.seq_to = 'never'",
        "REMOVE r.seq_to",
    ],
)
def test_an_edge_that_cannot_be_read_is_no_failure_of_the_question(
    alone: tuple[Ledger, Projector], change: LiteralString
) -> None:
    ledger, projector = alone
    sources = Sources(projector)
    ledger.record(about("a"), ERIN)
    ledger.record(say("dataset/a/1", data_version()), ERIN)
    followed(alone)
    with projector.graph.session() as session:
        session.run("MATCH ()-[r]->() " + change).consume()
    answer = ask(ledger, sources, Terms(), "dataset/a/1")
    assert (answer.source, len(answer.result.nodes)) == ("sql", 2)
    assert "cannot be read" in str(projector.progress.last_error)
    sources.close()


def test_both_stores_share_the_time_of_a_question(
    alone: tuple[Ledger, Projector], neo4j: Server
) -> None:
    ledger, projector = alone
    sources = Sources(projector)
    size = followed(alone, "a")
    left: list[float] = []

    def question(store: LineageStore, terms: Terms) -> Answer[Any]:
        left.append(terms.timeout)
        return asked_closure(store, size, "dataset/a", Direction.UPSTREAM, terms)

    neo4j.signal(signal.SIGSTOP)
    try:
        for timeout, answers in ((0.0, True), (1.0, True), (8.0, False)):
            with ledger.snapshot() as now:
                assert sources.ask(now, Terms(timeout=timeout), question).source == "sql"
            assert (left[-1] > 0) == (timeout > 0), "SQL has its share of it"
            assert left[-1] <= timeout
            assert projector.progress.answers is answers, "little patience proves nothing"
    finally:
        neo4j.signal(signal.SIGCONT)
    sources.close()
    for thread in threading.enumerate():
        if thread.name.startswith("graph"):
            thread.join()


def test_a_question_that_waits_for_others_says_nothing_against_the_server(
    alone: tuple[Ledger, Projector],
) -> None:
    ledger, projector = alone
    sources = Sources(projector, at_once=1)
    size = followed(alone, "a")
    begun, ended = threading.Event(), threading.Event()

    def long(store: LineageStore, left: Terms) -> Answer[Any]:
        begun.set()
        ended.wait()
        return asked_closure(store, size, "dataset/a", Direction.UPSTREAM, left)

    def first() -> None:
        with ledger.snapshot() as now:
            answered.append(sources.ask(now, Terms(), long).source)

    answered: list[str] = []
    one = threading.Thread(target=first)
    one.start()
    begun.wait()
    assert ask(ledger, sources, Terms(timeout=8.0), "dataset/a").source == "sql"
    assert projector.progress.answers
    ended.set()
    one.join()
    assert answered == ["neo4j"]
    sources.close()


def test_why_sql_answers_is_told_once_from_the_start_on(
    alone: tuple[Ledger, Projector], caplog: pytest.LogCaptureFixture
) -> None:
    _, projector = alone
    for because in ("wrong password", "wrong password", "gone"):
        projector.down(because)
    told = [record.getMessage() for record in caplog.records if "SQL answers" in record.message]
    assert [line.rpartition(": ")[2] for line in told] == ["wrong password", "gone"]
