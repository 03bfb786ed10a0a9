"""A log in a temporary folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.slices.ledger.desk import Desk, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


ENGINES = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
"""For a test whose log is to lie on each engine."""


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give a folder for a log, or a database beside it for one that asks for PostgreSQL."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return Place(tmp_path, request.getfixturevalue("database_url"))
    return Place(tmp_path)


@pytest.fixture
def desk(place: Place) -> Iterator[Desk]:
    with place.open() as desk:
        yield desk
