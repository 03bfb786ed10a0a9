"""People decide in a browser: with JavaScript, without it, and by keyboard alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.browser.seeing import Eyes, picture
from tests.acceptance.browser.served import browsed
from tests.living import PASSWORD, expect
from tests.slices.gates.bank import Bank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.living import Person

REASON = "Read the card and every number; sound."


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    """A bank whose version 1 lacks nothing but a request and signatures."""
    with browsed(tmp_path) as world:
        bank = Bank.founded(world)
        bank.publish()
        bank.ready()
        yield bank


@pytest.fixture
def eyes(browser: Browser, bank: Bank) -> Iterator[Eyes]:
    eyes = Eyes(browser, bank.world.house.settings.public_url)
    yield eyes
    eyes.close()
    assert eyes.complaints == []


def opened(eyes: Eyes, bank: Bank, person: Person, path: str, *, script: bool = True) -> Page:
    """Let somebody open a page in a browser of their own."""
    page = eyes.open(bank.world.session(person), script=script)
    answer = page.goto(path)
    assert answer is not None
    assert answer.ok
    return page


def sign(bank: Bank, person: Person, page: Page) -> None:
    """Say who one is, and sign."""
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code that your authenticator shows").fill(bank.world.totp(person))
    page.get_by_role("button", name="Sign", exact=True).click()


def decide(page: Page, verdict: str = "Approve …", reason: str = REASON) -> None:
    """Choose, say why, and go on to check it."""
    page.get_by_role("link", name=verdict).click()
    page.get_by_label("Why").fill(reason)
    page.get_by_role("button", name="Check and sign …").click()


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_from_a_request_to_two_signatures(bank: Bank, eyes: Eyes, script: bool) -> None:
    path = "/promotions?subject=model/credit/1&environment=production"
    page = opened(eyes, bank, bank.erin, path, script=script)
    page.get_by_label("Why now").fill("ranks better")
    page.get_by_role("button", name="Ask for it").click()
    page.wait_for_url(re.compile(r"/promotions/p[0-9a-f]+$"))
    promotion = page.url.rsplit("/", 1)[1]
    assert page.get_by_text("You cannot review").count() == 1
    assert page.get_by_role("link", name="Approve …").count() == 0
    for person, verb in ((bank.vera, "as a review"), (bank.carl, "as an approval")):
        page = opened(eyes, bank, person, "/inbox", script=script)
        page.get_by_role("link", name="credit/1 → production").click()
        assert page.get_by_text("ranks better").count() >= 1
        decide(page)
        said = f"approve the promotion of model/credit/1 to production, {verb}."
        assert page.get_by_text(said).count() == 1
        bind = bank.show(promotion)["bind"]
        assert page.get_by_text(bind["rendered_view_digest"]).count() >= 1
        sign(bank, person, page)
        page.wait_for_url(re.compile(r"/reviews/[0-9]+$"))
        assert page.get_by_text("Signed and recorded").count() == 1
        with page.expect_download() as download:
            page.get_by_role("link", name="Inclusion proof").click()
        assert download.value.path().read_text().startswith("c2sp.org/tlog-proof@v1\n")
    picture(page, f"receipt {'with' if script else 'without'} script")
    assert bank.show(promotion)["state"] == "allowed"
    assert [one["reason"] for one in bank.events("review.submitted")] == [REASON, REASON]


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_the_author_is_told_why_and_finds_no_form(bank: Bank, eyes: Eyes, script: bool) -> None:
    for role in ("reviewer", "model-validator", "compliance"):
        bank.world.grant(bank.erin, role)
    promotion = bank.promote("model/credit/1")
    page = opened(eyes, bank, bank.erin, f"/promotions/{promotion}?decide=approve", script=script)
    assert page.get_by_text("you trained version 1").count() >= 1
    assert page.get_by_role("button", name="Check and sign …").count() == 0


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_whoever_is_overtaken_sees_what_moved_and_keeps_their_words(
    bank: Bank, eyes: Eyes, script: bool
) -> None:
    promotion = bank.promote("model/credit/1")
    page = opened(eyes, bank, bank.vera, f"/promotions/{promotion}", script=script)
    decide(page)
    bank.evaluated("model/credit/1", 0.71)
    sign(bank, bank.vera, page)
    assert page.get_by_text("2 checks changed while you were reading").count() == 1
    assert page.get_by_text("PASS, 0.7100 (asked >= 0.7000)").count() == 1
    assert page.get_by_label("Why").input_value() == REASON
    assert list(bank.events("review.submitted")) == []
    page.get_by_role("button", name="Check and sign …").click()
    sign(bank, bank.vera, page)
    page.wait_for_url(re.compile(r"/reviews/[0-9]+$"))
    assert len(list(bank.events("review.submitted"))) == 1


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_session_that_ends_takes_nothing_with_it(bank: Bank, eyes: Eyes, script: bool) -> None:
    promotion = bank.promote("model/credit/1")
    page = opened(eyes, bank, bank.vera, f"/promotions/{promotion}", script=script)
    page.get_by_role("link", name="Request changes …").click()
    page.get_by_label("Why").fill("typed before it ended")
    ended = bank.world.client(bank.vera).delete("/api/v1/sessions/current")
    assert ended.status_code in (200, 204)
    page.get_by_role("button", name="Check and sign …").click()
    assert page.get_by_role("heading", name="Sign in", exact=True).count() == 1
    page.get_by_label("Name").fill("vera")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code that your authenticator shows").fill(bank.world.totp(bank.vera))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(rf"/promotions/{promotion}"))
    assert list(bank.events("review.submitted")) == []


def test_by_keyboard_alone_in_four_interactions(bank: Bank, eyes: Eyes) -> None:
    """What opens, chooses or submits is counted; moving, typing and the code are not."""
    promotion = bank.promote("model/credit/1")
    page = opened(eyes, bank, bank.vera, "/inbox")
    counted: list[str] = []

    def press(key: str) -> None:
        counted.append(key)
        page.keyboard.press(key)

    page.keyboard.press("j")
    press("Enter")
    page.wait_for_url(f"**/promotions/{promotion}")
    press("a")
    page.wait_for_url("**?decide=approve*")
    page.locator("#reason:focus").wait_for()
    page.keyboard.type(REASON)
    page.keyboard.press("Tab")
    press("Enter")
    page.wait_for_url("**/sign")
    page.locator("#password:focus").wait_for()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type(bank.world.totp(bank.vera))
    press("Enter")
    page.wait_for_url(re.compile(r"/reviews/[0-9]+$"))
    assert len(counted) <= 4
    assert len(list(bank.events("review.submitted"))) == 1
    expect(201, bank.review(bank.carl, promotion, "approval"))
    assert bank.show(promotion)["state"] == "allowed"
