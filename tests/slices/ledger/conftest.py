"""A log in a temporary folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.slices.ledger.desk import Desk, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def desk(place: Place) -> Iterator[Desk]:
    with place.open() as desk:
        yield desk
