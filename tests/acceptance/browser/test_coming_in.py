"""How people come in, at a browser: with JavaScript and without it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from playwright.sync_api import expect

from app.house import open_house
from app.main import app_of
from app.settings import Settings
from tests.acceptance.browser.seeing import Eyes, picture, violations
from tests.acceptance.browser.served import free_port, listening
from tests.living import CHEAP, PASSWORD, Clock, Entropy, Http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

NAME = "ada"


@dataclass
class Arrival:
    """A server that nobody has an account on, and whoever sits before it."""

    eyes: Eyes
    setup: str
    clock: Clock
    script: bool

    def code(self, authenticator: pyotp.TOTP) -> str:
        """Wait half a minute, and read the authenticator."""
        self.clock.now += timedelta(seconds=30)
        return authenticator.at(self.clock.now)

    def page(self) -> Page:
        return self.eyes.open(script=self.script, width=320)


@contextmanager
def nobodys(folder: Path, browser: Browser, *, script: bool) -> Iterator[Arrival]:
    port = free_port()
    settings = Settings(
        data_dir=folder / "data",
        signer_state=folder / "state.json",
        public_url=f"http://localhost:{port}",
        port=port,
    )
    clock = Clock(datetime.now(UTC))
    app = app_of(open_house(settings, clock, Entropy(7), CHEAP, clock.monotonic))
    eyes = Eyes(browser, settings.public_url)
    with Http.serving(app), listening(app, port):
        yield Arrival(eyes, app.state.setup_address, clock, script)
        eyes.close()
    assert eyes.complaints == []


@pytest.fixture(params=[True, False], ids=["with-javascript", "without"])
def arrival(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Arrival]:
    with nobodys(tmp_path, browser, script=request.param) as arrival:
        yield arrival


def scan(page: Page) -> pyotp.TOTP:
    """Read the address under the QR code, as an authenticator reads the picture."""
    scanned = pyotp.parse_uri(page.locator("pre code").first.inner_text())
    assert isinstance(scanned, pyotp.TOTP)
    return scanned


def set_up(arrival: Arrival, page: Page) -> pyotp.TOTP:
    page.goto(arrival.setup)
    page.get_by_label("Name to sign in with").fill(NAME)
    page.get_by_label("Name as it is printed under signatures").fill("Ada Lovelace")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the first account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enrol an authenticator")
    expect(page.locator(".codes li")).to_have_count(10)
    authenticator = scan(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code that your authenticator shows").fill(arrival.code(authenticator))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    return authenticator


def sign_in(page: Page, name: str, code: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code that your authenticator shows").fill(code)
    page.get_by_role("button", name="Sign in").click()


def test_from_the_set_up_address_to_the_second_persons_first_sign_in(arrival: Arrival) -> None:
    page = arrival.page()
    page.goto("/sign-in?next=/account")
    expect(page.get_by_text("Nobody has an account here yet")).to_be_visible()
    ada = set_up(arrival, page)
    picture(page, f"welcome {arrival.script}")

    page.goto("/start")
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, Ada Lovelace")
    page.locator("details.user summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()

    page.goto("/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    sign_in(page, NAME, "000000")
    summary = page.locator(".summary")
    expect(summary).to_contain_text("Name, password or code is wrong")
    if arrival.script:
        expect(summary).to_be_focused()
        assert violations(page) == []
    picture(page, f"refused sign-in {arrival.script}")
    sign_in(page, NAME, arrival.code(ada))
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")

    invited = page.request.post(
        "/api/v1/invitations",
        data={"name": "grace", "printed_name": "Grace Hopper"},
        headers={"Origin": arrival.eyes.base},
    )
    assert invited.status == 201
    other = arrival.page()
    other.goto(str(invited.json()["url"]))
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Set the password").click()
    grace = scan(other)
    picture(other, f"enrol {arrival.script}")
    other.get_by_label("Code that your authenticator shows").fill(arrival.code(grace))
    other.get_by_role("button", name="Confirm").click()
    expect(other.locator(".codes li")).to_have_count(10)
    codes = other.locator(".codes code").all_inner_texts()
    other.context.clear_cookies()

    other.goto("/account")
    other.get_by_label("Name", exact=True).fill("grace")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_text("I have lost my authenticator").click()
    other.get_by_label("Recovery code").fill(codes[0])
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Your account")
    expect(other.get_by_text("9", exact=True)).to_be_visible()


def test_ones_own_authenticator_password_and_sessions(arrival: Arrival) -> None:
    page = arrival.page()
    ada = set_up(arrival, page)
    page.goto("/account")
    part = page.locator("section", has=page.get_by_role("heading", name="Replace the"))
    part.get_by_label("Password you have now").fill(PASSWORD)
    part.get_by_label("Code that your authenticator shows").fill(arrival.code(ada))
    part.get_by_role("button").click()
    anew = scan(page)
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_label("Code that your authenticator shows").fill("000000")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".summary")).to_be_visible()
    page.get_by_label("Code that your authenticator shows").fill(arrival.code(anew))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("The new authenticator is in force")).to_be_visible()

    part = page.locator("section", has=page.get_by_role("heading", name="Change the password"))
    part.get_by_label("Password you have now").fill("not this one at all")
    part.get_by_label("New password").fill(f"{PASSWORD} and more")
    part.get_by_label("Code that your authenticator shows").fill(arrival.code(anew))
    part.get_by_role("button").click()
    expect(page.locator(".summary")).to_contain_text("wrong")
    part.get_by_label("Password you have now").fill(PASSWORD)
    part.get_by_label("New password").fill(f"{PASSWORD} and more")
    part.get_by_label("Code that your authenticator shows").fill(arrival.code(anew))
    part.get_by_role("button").click()
    expect(page.get_by_text("The password is changed")).to_be_visible()

    page.get_by_role("button", name="End this session").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
