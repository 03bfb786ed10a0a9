"""A log on each engine that keeps one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.slices.ledger.desk import Desk, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(tmp_path)
    return Place(tmp_path, request.getfixturevalue("database_url"))


@pytest.fixture
def desk(place: Place) -> Iterator[Desk]:
    with place.open() as desk:
        yield desk
