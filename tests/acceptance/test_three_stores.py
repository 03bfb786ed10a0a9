"""One story, recorded on three engines: whatever is asked over HTTP is answered alike.

The same questions go to a server with a file, one with PostgreSQL and one with a file and Neo4j.
"""

from __future__ import annotations

import itertools
import os
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from app.core.events import say
from app.core.lineage.nodes import NodeKind
from app.lineage.neo4j_graph import connect
from app.settings import Settings
from tests.core.lineage.histories import moment, nodes, random_story
from tests.living import World, expect
from tests.servers.postgresql import APP, OWNER
from tests.slices.ledger.desk import ERIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.living import Client
    from tests.servers.neo4j.neo4j import Server
    from tests.servers.postgresql import Cluster

QUESTIONS = 2000 if os.environ.get("MUNIMENT_SOAK") == "1" else 150
SEED, EVENTS, BREADTH = 12, 400, 4
STORY = random_story(SEED, EVENTS, BREADTH)
SOURCES = {"sqlite": "sql", "postgresql": "sql", "neo4j": "neo4j"}


@contextmanager
def told(engine: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Open a server on the engine, record the story there, and let somebody ask."""
    settings = Settings()
    if engine == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgresql")
        with (
            cluster.database(request.getfixturevalue("prepared"), OWNER) as name,
            World.open(folder, database_url=cluster.url(name, APP)) as world,
        ):
            yield recorded(world)
        return
    if engine == "neo4j":
        server: Server = request.getfixturevalue("neo4j")
        graph = connect(server.uri, *server.auth, "neo4j")
        with graph.session() as session:
            empty = "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
            session.run(empty).consume()
        graph.driver.close()
        settings = Settings(neo4j_uri=server.uri, neo4j_password=server.auth[1])
    with World.open(folder, settings) as world:
        yield recorded(world)


def recorded(world: World) -> Client:
    erin = world.person("erin", "engineer")
    client = world.client(erin)
    world.session(erin)
    world.house.ledger.record_all([say(one.subject, one.event, one.at) for one in STORY], ERIN)
    return client


def questions(rng: random.Random, size: int) -> Iterator[tuple[str, Mapping[str, str | int]]]:
    """Ask for closures both ways, impact and why, now and as of any size and time."""
    known, kinds = sorted(nodes(STORY)), [kind.value for kind in NodeKind]
    while True:
        seen: dict[str, str | int] = {"depth": rng.choice([1, 2, 3, 12, 13, 200])}
        if rng.random() < 0.5:
            seen["as_of_seq"] = rng.randint(size - EVENTS, size)
        if rng.random() < 0.5:
            seen["as_of_time"] = moment(rng.uniform(-EVENTS, 2 * EVENTS))
        if rng.random() < 0.3:
            seen["limit"] = rng.randint(1, 20)
        node, other = rng.choice([*known, "run/never"]), rng.choice(known)
        which = rng.randrange(4)
        some = {"kinds": ",".join(rng.sample(kinds, 3))} if rng.random() < 0.3 else {}
        state = {"state": rng.choice(["live", "past"])} if rng.random() < 0.5 else {}
        direction = "upstream" if which else "downstream"
        if which < 2:
            yield "closure", {"node": node, "direction": direction, **some, **seen}
        elif which == 2:
            yield "impact", {"node": node, "why": 1, **state, **seen}
        else:
            yield "why", {"from": node, "to": other, **seen}


def answered(client: Client, what: str, asked: Mapping[str, str | int], source: str) -> Any:  # noqa: ANN401 - JSON
    """Ask until ``source`` answers: a slow machine may let another one answer meanwhile."""
    patience = time.monotonic() + 60
    while True:
        answer = client.get(f"/api/v1/graph/{what}", params=asked)
        if answer.status_code == 404:
            return answer.json()["detail"]
        found = expect(200, answer)
        if found["source"] == source:
            return found["status"], found["result"], found["log_size"]
        assert time.monotonic() < patience, found
        time.sleep(0.05)


@pytest.mark.parametrize("other", ["postgresql", "neo4j"])
@pytest.mark.parametrize("one", ["sqlite"])
def test_random_questions_have_one_answer(
    one: str, other: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """2,000 of them in soak."""
    (tmp_path / one).mkdir()
    (tmp_path / other).mkdir()
    with (
        told(one, tmp_path / one, request) as first,
        told(other, tmp_path / other, request) as second,
    ):
        size = expect(200, first.get("/api/v1/graph/status"))["log_size"]
        found = 0
        asking = questions(random.Random(SEED), size)
        for what, asked in itertools.islice(asking, QUESTIONS):
            expected = answered(first, what, asked, SOURCES[one])
            assert answered(second, what, asked, SOURCES[other]) == expected, (what, asked)
            found += isinstance(expected, tuple) and any(expected[1].values())
        assert found > QUESTIONS / 3  # of the rest many are about what was not there yet
