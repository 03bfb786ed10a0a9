"""A whole house in process, and a bank in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.living import World
from tests.slices.gates.bank import Bank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.open(tmp_path) as world:
        yield world


@pytest.fixture
def bank(world: World) -> Bank:
    return Bank.founded(world)
