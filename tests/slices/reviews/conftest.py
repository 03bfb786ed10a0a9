"""A whole house in process, and a bank in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.slices.gates.bank import Bank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.living import World


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with Bank.made(tmp_path) as bank:
        yield bank


@pytest.fixture
def world(bank: Bank) -> World:
    return bank.world
