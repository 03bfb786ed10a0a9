"""A log on each engine, and those who have recorded things in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from app.ledger import publisher
from tests.faults.clients import Clients
from tests.faults.places import PostgresqlPlace, SqlitePlace, copy_beside
from tests.faults.rig import running
from tests.servers.postgresql import APP, OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.rig import Place
    from tests.servers.postgresql import Cluster

ALMOST_A_TILE = 255
"""Entries that every log begins with: the next one fills the first tile."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A log that somebody has used, and who did. ``database``: its name on a server."""

    place: Place
    clients: Clients
    database: str = ""


def begin(place: Place) -> Clients:
    clients = Clients()
    with running(place) as desk:
        names = [f"before-{number}" for number in range(ALMOST_A_TILE)]
        assert clients.post_all(desk, names, at_once=16) == []
        desk.published(ALMOST_A_TILE)
    return clients


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let checkpoints follow each other at once: more of them, and no test waits for one."""
    monkeypatch.setattr(publisher, "PAUSE", 0.0)


@pytest.fixture(scope="session")
def begun_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    place = SqlitePlace(tmp_path_factory.mktemp("begun"))
    return Begun(place, begin(place))


@pytest.fixture(scope="session")
def begun_postgresql(
    postgresql: Cluster, prepared: str, tmp_path_factory: pytest.TempPathFactory
) -> Begun:
    name = postgresql.create(prepared, OWNER)
    place = PostgresqlPlace(tmp_path_factory.mktemp("begun"), postgresql.url(name, APP))
    return Begun(place, begin(place), name)


@pytest.fixture(params=["sqlite", "postgresql"])
def begun(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Begun]:
    """Give each test, on each engine, a log of its own with 255 entries."""
    template: Begun = request.getfixturevalue(f"begun_{request.param}")
    folder, clients = copy_beside(template.place, tmp_path / "log"), template.clients.copy()
    if request.param == "sqlite":
        yield Begun(SqlitePlace(folder), clients)
        return
    cluster: Cluster = request.getfixturevalue("postgresql")
    with cluster.database(template.database, OWNER) as name:
        yield Begun(PostgresqlPlace(folder, cluster.url(name, APP)), clients, name)
