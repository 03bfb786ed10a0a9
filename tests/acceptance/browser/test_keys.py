"""Working by keyboard: single keys that can be switched off, focus, what is copied and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.acceptance.browser.seeing import reports

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.acceptance.browser.seeing import Eyes
    from tests.acceptance.browser.visits import Town


@pytest.fixture
def page(town: Town, eyes: Eyes) -> Page:
    page = eyes.open(
        town.world.session(town.world.ada),
        permissions=["clipboard-read", "clipboard-write"],
        timezone_id="Asia/Tokyo",
        locale="en-GB",
    )
    page.goto("/search?q=applicants")
    return page


def test_one_key_each_searches_and_helps(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type("?j")
    expect(page.locator("#q")).to_have_value("applicants?j")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("h1")).to_have_text("Help")


def test_rows_are_walked_and_opened(page: Page) -> None:
    rows = page.locator(".queue > li")
    assert rows.count() > 1
    page.keyboard.press("j")
    expect(rows.nth(0).locator("a").first).to_be_focused()
    page.keyboard.press("j")
    expect(rows.nth(1).locator("a").first).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_have_class("at")


def test_single_keys_are_switched_off_and_stay_off(page: Page) -> None:
    page.goto("/help")
    page.get_by_label("Switch single keys off in this browser").check()
    page.goto("/account")
    page.keyboard.press("?")
    page.keyboard.press("/")
    expect(page.locator("#q")).not_to_be_focused()
    expect(page.locator("h1")).to_have_text("Your account")
    page.goto("/help")
    page.get_by_label("Switch single keys off in this browser").uncheck()
    page.locator("h1").click()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()


def test_the_first_tab_leads_past_everything_to_the_page(page: Page) -> None:
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_menu_opens_by_key_and_closes_by_escape(page: Page) -> None:
    summary = page.locator("details.user summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Your account")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Your account")).not_to_be_visible()
    expect(summary).to_be_focused()


def test_a_time_tells_the_readers_own_on_focus(page: Page) -> None:
    page.goto("/account")
    time = page.locator("main time").first
    time.focus()
    expect(time).to_contain_text("GMT+9")
    time.blur()
    expect(time).not_to_contain_text("GMT+9")
    expect(time).to_contain_text("UTC")


def test_a_command_is_copied(page: Page) -> None:
    page.goto("/start")
    button = page.locator(".command .copy").first
    text = page.locator(".command code").first.inner_text()
    button.click()
    expect(page.locator("#said")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == text


def test_what_the_policy_blocks_is_heard(town: Town, page: Page, eyes: Eyes) -> None:
    """Or the absence of complaints elsewhere would say nothing."""
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")
    page.wait_for_timeout(100)
    found = reports(page)
    assert len(found) == 1
    assert found[0].startswith("style-src-attr inline")
    eyes.complaints.clear()
    page.evaluate("window.reports = []")
