"""Every page there is: readable by everybody, at every width, in both colour schemes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.browser.seeing import (
    MIDDLE,
    NARROW,
    WIDE,
    Eyes,
    overlaps,
    picture,
    pushed_sideways,
    too_small,
    violations,
)
from tests.acceptance.browser.visits import VISITS, Path, Town, person_of
from tests.acceptance.routes import ROWS

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = [name for name, row in ROWS.items() if row.page and name.startswith("GET ")]
LOOKS = (
    [(width, scheme) for width in (NARROW, MIDDLE, WIDE) for scheme in ("light", "dark")]
    if os.environ.get("MUNIMENT_SOAK")
    else [(NARROW, "light"), (WIDE, "dark")]
)


def test_every_page_is_visited() -> None:
    """``ROWS`` holds every route; test_bad_input.py sees to that."""
    assert set(VISITS) == set(PAGES)


def path_of(town: Town, path: Path) -> str:
    return path if isinstance(path, str) else path(town)


def cookie_of(town: Town, who: str | None) -> str | None:
    person = person_of(town, who)
    return None if person is None else town.world.session(person)


def check(page: Page, name: str) -> None:
    assert page.locator("h1").count() == 1
    assert pushed_sideways(page) == 0
    assert overlaps(page) == []
    assert too_small(page) == []
    picture(page, name)
    assert violations(page) == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_for_everybody(
    town: Town, eyes: Eyes, name: str, width: int, scheme: str
) -> None:
    visit = VISITS[name]
    page = eyes.open(cookie_of(town, visit.who), width=width, scheme=scheme)
    answer = page.goto(path_of(town, visit.path))
    assert answer is not None
    assert answer.status in {200, 404}
    check(page, f"{name} {width} {scheme}")


OTHER_STATES = [(name, number) for name in VISITS for number in range(len(VISITS[name].also))]


@pytest.mark.parametrize(("name", "number"), OTHER_STATES)
def test_a_page_in_another_state_is_for_everybody_too(
    town: Town, eyes: Eyes, name: str, number: int
) -> None:
    visit = VISITS[name]
    path = path_of(town, visit.also[number])
    for width, scheme in LOOKS:
        page = eyes.open(cookie_of(town, visit.who), width=width, scheme=scheme)
        page.goto(path)
        check(page, f"{name} state {number} {width} {scheme}")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_bears_large_text_and_other_colours(town: Town, eyes: Eyes, name: str) -> None:
    visit = VISITS[name]
    page = eyes.open(
        cookie_of(town, visit.who), width=NARROW, forced_colors="active", reduced_motion="reduce"
    )
    page.goto(path_of(town, visit.path))
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert pushed_sideways(page) == 0
    assert overlaps(page) == []
    picture(page, f"{name} large")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_the_same_without_javascript(town: Town, eyes: Eyes, name: str) -> None:
    visit = VISITS[name]
    page = eyes.open(cookie_of(town, visit.who), script=False)
    page.goto(path_of(town, visit.path))
    assert page.locator("h1").count() == 1
    assert page.locator("button.copy:visible").count() == 0
