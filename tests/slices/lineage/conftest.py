"""A log in a temporary folder with the catalogue and the graph, and the graph's routes."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI

from app.catalog.projection import CatalogProjection
from app.core.access import Sight
from app.core.errors import RoleMissing, Unauthenticated
from app.core.events import Actor, ActorKind, AuthMethod, say
from app.ledger.append import Appender
from app.ledger.opening import load_position, open_postgresql, open_sqlite
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.lineage.api import LineageRoutes, lineage_routes
from app.lineage.drawing_api import drawing_routes
from app.lineage.graphviz import Graphviz
from app.lineage.jobs import Jobs
from app.lineage.keeping_api import KeepingRoutes, keeping_routes
from app.lineage.neo4j_graph import Neo4j, connect
from app.lineage.projection import LineageProjection
from app.lineage.projector import Projector
from app.lineage.sources import Sources
from app.web.errors import answer_refusals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from fastapi import Request

    from app.core.access import Permission
    from app.ledger.ports import Projection
    from tests.core.lineage.histories import Told
    from tests.servers.neo4j.neo4j import Server

CI = Actor("token-ci", ActorKind.SERVICE, AuthMethod.TOKEN)
SCHEMAS = load_schemas()


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass(frozen=True)
class FakeCaller:
    """Somebody who holds the permissions that are named."""

    permissions: frozenset[Permission]
    actor: Actor = CI
    person: str | None = None
    answerable: str | None = None
    teams: frozenset[str] | None = None
    prefix: str | None = None
    environment: str | None = None

    @property
    def sight(self) -> Sight:
        return Sight(self.teams, self.prefix, self.environment)

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def must(self, permission: Permission) -> None:
        if not self.may(permission):
            raise RoleMissing(f"this takes the permission to {permission}")

    def require(
        self,
        permission: Permission,
        *,
        subject: str | None = None,
        environment: str | None = None,
        team: str | None = None,
    ) -> None:
        if not self.may(permission):
            raise RoleMissing(f"this takes the permission to {permission}")


@dataclass
class Door:
    """Lets in whoever stands there."""

    caller: FakeCaller | None = None

    def __call__(self, request: Request) -> FakeCaller:
        if self.caller is None:
            raise Unauthenticated("no credentials")
        return self.caller


@dataclass
class Stage:
    """A log, and what is asked of its graph over HTTP.

    ``projector``: not started; whoever starts it, it is stopped at the end.
    """

    ledger: Ledger
    app: FastAPI
    door: Door
    projector: Projector | None = None

    @classmethod
    @contextmanager
    def built(
        cls,
        folder: Path,
        layout: Graphviz,
        graph: Neo4j | None = None,
        database_url: str | None = None,
    ) -> Iterator[Stage]:
        """Build it in a folder. ``graph``: that shall follow the log; it is closed at the end."""
        clock = Clock()
        projections: list[Projection] = [CatalogProjection(), LineageProjection()]
        if database_url is None:
            store = open_sqlite(folder / "ledger.db", "lineage.test", os.urandom, projections)
        else:
            store = open_postgresql(database_url, "lineage.test", os.urandom, projections)
        appender = Appender(store, load_position(store), projections, clock, os.urandom)
        sequencer = Sequencer(store, appender)
        sequencer.start(lambda _: None)
        ledger, door, app = Ledger(store, sequencer, SCHEMAS, os.urandom), Door(), FastAPI()
        answer_refusals(app)
        projector = None if graph is None else Projector(ledger, graph)
        sources = Sources(projector)
        routes = LineageRoutes(ledger, door, sources)
        app.include_router(drawing_routes(routes, layout, "https://muniment.test"))
        app.include_router(lineage_routes(routes))
        jobs = Jobs(ledger, projector, os.urandom)
        app.include_router(keeping_routes(KeepingRoutes(ledger, door, projector, jobs)))
        yield cls(ledger, app, door, projector)
        sources.close()
        if projector is not None:
            projector.stop()
        sequencer.stop()
        store.close()

    def in_sql(self) -> Stage:
        """Put the same questions about the same log to SQL."""
        app = FastAPI()
        answer_refusals(app)
        app.include_router(lineage_routes(LineageRoutes(self.ledger, self.door, Sources(None))))
        return Stage(self.ledger, app, self.door)

    def tells(self, story: Sequence[Told]) -> None:
        self.ledger.record_all([say(one.subject, one.event, one.at) for one in story], CI)

    def get(self, path: str, params: Mapping[str, str] | None = None) -> httpx.Response:
        return self.ask("GET", path, params)

    def post(self, path: str) -> httpx.Response:
        return self.ask("POST", path)

    def ask(
        self, method: str, path: str, params: Mapping[str, str] | None = None
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, params=params)

        return asyncio.run(ask())


@pytest.fixture(scope="session")
def layout() -> Iterator[Graphviz]:
    """One process that lays out for everybody, for its start costs a second."""
    layout = Graphviz()
    yield layout
    layout.close()


@pytest.fixture
def stage(tmp_path: Path, layout: Graphviz) -> Iterator[Stage]:
    with Stage.built(tmp_path, layout) as stage:
        yield stage


@pytest.fixture(params=["neo4j"])
def server(request: pytest.FixtureRequest) -> Server:
    """Give a Neo4j in whose database nothing is."""
    server: Server = request.getfixturevalue("neo4j")
    graph = connect(server.uri, *server.auth, "neo4j")
    with graph.session() as session:
        empty = "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
        session.run(empty).consume()
    graph.driver.close()
    return server


@pytest.fixture
def graph(server: Server) -> Iterator[Neo4j]:
    graph = connect(server.uri, *server.auth, "neo4j")
    yield graph
    graph.driver.close()


@pytest.fixture
def followed(tmp_path: Path, layout: Graphviz, server: Server) -> Iterator[Stage]:
    """Build a log whose graph is kept in Neo4j too, by a projector that is not started yet."""
    with Stage.built(tmp_path, layout, connect(server.uri, *server.auth, "neo4j")) as stage:
        yield stage
