"""How much is tried: a sample in every run, the whole with ``MUNIMENT_SOAK=1``."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Counts:
    """``values`` per property, trees of every size up to ``sizes``, ``far`` random proofs."""

    values: int
    sizes: int
    far: int


@pytest.fixture(scope="session")
def counts() -> Counts:
    if os.environ.get("MUNIMENT_SOAK") == "1":
        return Counts(values=100_000, sizes=300, far=20_000)
    return Counts(values=2_000, sizes=64, far=200)
