"""One browser for each module of tests, one served world, and a context for each test.

Playwright holds this thread's event loop while it is open, so a browser lives no longer than
its module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.browser.seeing import Eyes, chromium
from tests.acceptance.browser.served import browsed
from tests.acceptance.browser.visits import SEED, Town

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A served world in which something has happened; tests that share it only look."""
    with browsed(tmp_path_factory.mktemp("town")) as world:
        town = Town(world, {})
        for play in SEED:
            play(town)
        yield town


@pytest.fixture
def eyes(browser: Browser, town: Town) -> Iterator[Eyes]:
    """Open pages of the town; at the end nothing may have been blocked or broken."""
    eyes = Eyes(browser, town.world.house.settings.public_url)
    yield eyes
    eyes.close()
    assert eyes.complaints == []
