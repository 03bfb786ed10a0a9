"""A log on each engine, with everything that was recorded in it on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from app.ledger import publisher
from tests.faults.clients import Clients
from tests.faults.places import SqlitePlace
from tests.faults.rig import running

if TYPE_CHECKING:
    from tests.faults.rig import Place

ALMOST_A_TILE = 255
"""Entries that every log begins with: the next one fills the first tile."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A log that somebody has used, and who did."""

    place: Place
    clients: Clients


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


@pytest.fixture(params=["sqlite"])
def begun(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """Give a log of 255 entries of its own to each test, on each engine."""
    template = request.getfixturevalue(f"begun_{request.param}")
    place = template.place.copied(tmp_path_factory.mktemp(request.param))
    return Begun(place, template.clients.copy())
