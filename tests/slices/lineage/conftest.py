"""A log in a temporary folder with the catalogue and the graph, and the graph's routes."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI

from app.catalog.projection import CatalogProjection
from app.core.errors import RoleMissing, Unauthenticated
from app.core.events import Actor, ActorKind, AuthMethod, say
from app.ledger.append import Appender
from app.ledger.opening import load_position, open_sqlite
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.lineage.api import LineageRoutes, lineage_routes
from app.lineage.drawing_api import drawing_routes
from app.lineage.graphviz import Graphviz
from app.lineage.jobs import Jobs
from app.lineage.keeping_api import KeepingRoutes, keeping_routes
from app.lineage.projection import LineageProjection
from app.lineage.sources import Sources
from app.web.errors import answer_refusals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from fastapi import Request

    from app.core.access import Permission
    from app.ledger.ports import Projection
    from tests.core.lineage.histories import Told

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

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

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
    """A log, and what is asked of its graph over HTTP."""

    ledger: Ledger
    app: FastAPI
    door: Door

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
    clock = Clock()
    projections: list[Projection] = [CatalogProjection(), LineageProjection()]
    store = open_sqlite(tmp_path / "ledger.db", "lineage.test", os.urandom, projections)
    appender = Appender(store, load_position(store), projections, clock, os.urandom)
    sequencer = Sequencer(store, appender)
    sequencer.start(lambda _: None)
    ledger, door, app = Ledger(store, sequencer, SCHEMAS, os.urandom), Door(), FastAPI()
    answer_refusals(app)
    routes = LineageRoutes(ledger, door, Sources(None))
    app.include_router(drawing_routes(routes, layout, "https://muniment.test"))
    app.include_router(lineage_routes(routes))
    jobs = Jobs(ledger, None, os.urandom)
    app.include_router(keeping_routes(KeepingRoutes(ledger, door, None, jobs)))
    yield Stage(ledger, app, door)
    sequencer.stop()
    store.close()
