"""How much is asked: a sample in every run, the whole with ``MUNIMENT_SOAK=1``."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def questions() -> int:
    return 10_000 if os.environ.get("MUNIMENT_SOAK") == "1" else 500
