"""What every store of the graph must give: the answers that ``core`` gives of plain edges.

A store is built from a story; whatever is asked of it is also asked of the oracle.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from app.core.ledger.entry import DataCommitment, Entry, EntryActor
from app.core.lineage import closure as core
from app.core.lineage.closure import Direction, State, Status
from app.core.lineage.nodes import NodeKind, gid_of
from app.core.lineage.relations import LATEST, Edge, View
from app.ledger.ports import Recorded
from app.lineage import asking
from app.lineage.asking import NO_END, Terms
from app.lineage.neo4j_graph import connect, prepare
from app.lineage.neo4j_store import Neo4jLineageStore
from app.lineage.neo4j_writing import apply
from app.lineage.projection import LineageProjection
from app.lineage.sql_store import SqlLineageStore
from tests.core.lineage.histories import (
    Told,
    data_version,
    hour,
    moment,
    nodes,
    random_story,
    tell,
)

if TYPE_CHECKING:
    from neo4j import Session

    from app.lineage.ports import LineageStore
    from tests.servers.neo4j.neo4j import Server
    from tests.servers.postgresql import Cluster

Build: TypeAlias = Callable[[Sequence[Told]], "LineageStore"]
DEPTHS = (1, 2, 3, 12, 13, 200)
QUESTIONS = 10_000 if os.environ.get("MUNIMENT_SOAK") == "1" else 500


def recorded(story: Sequence[Told]) -> list[Recorded]:
    return [_recorded(index, told) for index, told in enumerate(story)]


def _recorded(index: int, told: Told) -> Recorded:
    entry = Entry(
        log="contract.test",
        index=index,
        prev=bytes(32),
        subject_prev=None,
        type_prev=None,
        id="00000000-0000-7000-8000-000000000000",
        type=told.event.TYPE,
        source="api",
        subject=told.subject,
        occurred_at=told.at,
        recorded_at=hour(10_000 + index),
        actor=EntryActor("ci", "service", "token"),
        schema=bytes(32),
        data=DataCommitment(bytes(32), 0, 2),
        idem=None,
    )
    return Recorded(index, entry, told.event)


@contextmanager
def on_sqlite(request: pytest.FixtureRequest) -> Iterator[Build]:
    with ExitStack() as open_:
        yield lambda story: build_sql(open_, "sqlite://", story)


@contextmanager
def on_postgresql(request: pytest.FixtureRequest) -> Iterator[Build]:
    """Each story gets a schema of its own."""
    cluster: Cluster = request.getfixturevalue("postgresql")
    names = itertools.count()
    with cluster.database() as database, ExitStack() as open_:

        def build(story: Sequence[Told]) -> LineageStore:
            schema = f"story_{next(names)}"
            with cluster.connect(database) as connection:
                connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
            url = f"{cluster.url(database)}&options=-csearch_path%3D{schema}"
            return build_sql(open_, url, story)

        yield build


@contextmanager
def on_neo4j(request: pytest.FixtureRequest) -> Iterator[Build]:
    """Each story gets a generation of its own."""
    server: Server = request.getfixturevalue("neo4j")
    graph = connect(server.uri, *server.auth, "neo4j")
    with ExitStack() as open_:
        open_.callback(graph.driver.close)
        session = open_.enter_context(graph.session())
        prepare(session, "contract.test")
        yield lambda story: build_neo4j(session, story)


def build_sql(open_: ExitStack, url: str, story: Sequence[Told]) -> LineageStore:
    engine = create_engine(url)
    open_.callback(engine.dispose)
    connection = open_.enter_context(engine.connect())
    projection = LineageProjection()
    SQLModel.metadata.create_all(connection, tables=list(projection.tables))
    rest, sizes = recorded(story), random.Random(len(story))
    while rest:  # in batches of the sizes that a group commit may have
        size = sizes.randint(1, 7)
        projection.apply(connection, rest[:size])
        rest = rest[size:]
    return SqlLineageStore(connection, len(story))


def build_neo4j(session: Session, story: Sequence[Told]) -> LineageStore:
    generation = next(GENERATIONS)
    rest, sizes = recorded(story), random.Random(len(story))
    while rest:
        size = sizes.randint(1, 40)
        session.execute_write(apply, generation, rest[:size])
        rest = rest[size:]
    return Neo4jLineageStore(session, generation, len(story))


ENGINES = {"sqlite": on_sqlite, "postgresql": on_postgresql, "neo4j": on_neo4j}
GENERATIONS = itertools.count(1000)


@pytest.fixture(params=ENGINES)
def build(request: pytest.FixtureRequest) -> Iterator[Build]:
    with ENGINES[request.param](request) as building:
        yield building


def test_random_questions_are_answered_as_by_the_oracle(build: Build) -> None:
    """One question in four each: closure up, closure down, impact, why."""
    asked = 0
    for seed in itertools.count():
        if asked >= QUESTIONS:
            break
        rng = random.Random(seed)
        story = random_story(seed, 40)
        store, edges = build(story), tell(story)
        for _ in range(20):
            terms = Terms(
                as_of_seq=rng.choice([None, rng.randint(10, 40)]),
                moment=rng.choice([LATEST, moment(rng.uniform(0, 40)), moment(rng.randint(0, 40))]),
                depth=rng.choice(DEPTHS),
                kinds=rng.choice([None, {NodeKind.DEPLOYMENT}, {NodeKind.DATASET_VERSION}]),
                limit=rng.choice([None, None, 2, 10]),
            )
            asked += _ask(store, edges, story, terms, rng)


def _ask(
    store: LineageStore,
    edges: Sequence[Edge],
    story: Sequence[Told],
    terms: Terms,
    rng: random.Random,
) -> int:
    size = len(story) if terms.as_of_seq is None else terms.as_of_seq
    view = View(size, terms.moment)
    known = sorted(nodes(story[:size]))
    start, end = rng.choice(known), rng.choice(known)
    told = len(story)
    for direction in Direction:
        expected = core.closure(
            edges,
            start,
            direction,
            view,
            depth=terms.depth,
            kinds=terms.kinds,
            limit=terms.limit,
        )
        answer = asking.closure(store, told, start, direction, terms)
        assert (answer.result, answer.status) == (expected, expected.status)
    state = rng.choice([None, State.LIVE])
    affected = core.impact(
        edges,
        start,
        view,
        depth=terms.depth,
        kinds=terms.kinds,
        state=state,
        limit=terms.limit,
    )
    assert asking.impact(store, told, start, terms, state).result == affected
    path = core.why(edges, start, end, view, depth=terms.depth)
    assert asking.why(store, told, start, end, terms).result == path
    return 4


def test_as_of_a_size_it_is_the_graph_rebuilt_to_that_size(build: Build) -> None:
    for seed in range(10):
        rng = random.Random(seed)
        story = random_story(seed, 40)
        whole = build(story)
        for _ in range(4):
            size, at = rng.randint(5, 40), rng.choice([LATEST, moment(rng.uniform(0, 40))])
            rebuilt = build(story[:size])
            for start, direction in itertools.product(nodes(story[:size]), Direction):
                then = asking.closure(whole, 40, start, direction, Terms(size, at))
                now = asking.closure(rebuilt, size, start, direction, Terms(None, at))
                assert then.result.nodes == now.result.nodes
                assert _claims(then.result.edges) == _claims(now.result.edges)


def _claims(edges: Sequence[Edge]) -> list[tuple[object, ...]]:
    """Edges without ``seq_to``, which entries after that size may have set."""
    return [
        (edge.src, edge.type, edge.role, edge.dst, edge.seq_from, edge.valid_from, edge.valid_to)
        for edge in edges
    ]


def test_a_node_is_there_since_the_entry_that_names_it_first(build: Build) -> None:
    story = random_story(1, 40)
    store = build(story)
    for size in (0, 1, 10, 40):
        there = nodes(story[:size])
        for gid in nodes(story) | {"dataset:never"}:
            assert store.has(gid, size) == (gid in there)


def test_the_graph_tells_how_far_it_is(build: Build) -> None:
    store = build(random_story(2, 17))
    assert store.graph_seq == 17
    assert store.source in {"sql", "neo4j"}


def test_a_question_without_time_says_timeout(build: Build) -> None:
    store = build(chain(50))
    cone = store.cone(link(0), Direction.DOWNSTREAM, View(51), 200, -1)
    assert cone.status is Status.TIMEOUT


@pytest.mark.parametrize("direction", Direction)
def test_a_chain_of_190_is_whole_and_one_of_210_is_truncated(
    build: Build, direction: Direction
) -> None:
    for length, status in ((190, Status.COMPLETE), (210, Status.TRUNCATED)):
        store = build(chain(length))
        start = link(0) if direction is Direction.DOWNSTREAM else link(length)
        answer = asking.closure(store, length + 1, start, direction, Terms())
        assert answer.status is status
        to_the_dataset = 0 if direction is Direction.DOWNSTREAM else 1
        farthest = max(one.distance for one in answer.result.nodes)
        assert farthest == min(length + to_the_dataset, 200)


def test_of_sixteen_diamonds_each_edge_comes_once(build: Build) -> None:
    story = []
    for at in range(16):
        story += [version(f"d{at}l", f"d{at}"), version(f"d{at}r", f"d{at}")]
        story += [version(f"d{at + 1}", f"d{at}l", f"d{at}r")]
    store = build(story)
    for depth in (12, 200):
        view, start = View(len(story)), gid_of("dataset/d0/1")
        cone = store.cone(start, Direction.DOWNSTREAM, view, depth, NO_END)
        assert len(cone.edges) == len(set(cone.edges)) <= 64


def version(name: str, *sources: str) -> Told:
    event = data_version(*(f"dataset/{one}/1" for one in sources))
    return Told(f"dataset/{name}/1", event, hour(0))


def link(at: int) -> str:
    return gid_of(f"dataset/d{at}/1")


def chain(length: int) -> list[Told]:
    return [version("d0"), *(version(f"d{at + 1}", f"d{at}") for at in range(length))]
