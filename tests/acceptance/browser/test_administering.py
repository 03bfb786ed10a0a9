"""Two administrators at their browsers: somebody comes, gets roles, and loses a telephone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.acceptance.browser.seeing import Eyes
from tests.acceptance.browser.served import browsed
from tests.living import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.living import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with browsed(tmp_path_factory.mktemp("office")) as world:
        world.person("greta", "administrator")
        world.tick(86_400)
        yield world


@dataclass
class Office:
    """Both administrators' pages, with JavaScript or without."""

    eyes: Eyes
    world: World
    script: bool

    def page(self, name: str | None) -> Page:
        cookie = None if name is None else self.world.session(self.world.people[name])
        return self.eyes.open(cookie, script=self.script, width=320 if self.script else 1440)


@pytest.fixture(params=[True, False], ids=["with-javascript", "without"])
def office(browser: Browser, world: World, request: pytest.FixtureRequest) -> Iterator[Office]:
    eyes = Eyes(browser, world.house.settings.public_url)
    yield Office(eyes, world, request.param)
    eyes.close()
    assert eyes.complaints == []


def test_somebody_comes_gets_roles_and_begins_anew(office: Office) -> None:
    name = "ines" if office.script else "iris"
    ada, greta = office.page("ada"), office.page("greta")
    ada.goto("/admin/people")
    ada.get_by_label("Name to sign in with").fill(name)
    ada.get_by_label("Name under signatures").fill(name.title())
    ada.get_by_label("Why they come").fill("Validates credit models")
    ada.get_by_role("button", name="Make the invitation").click()
    expect(ada.get_by_text("This link is shown once")).to_be_visible()
    comes(office, link(ada))

    ada.get_by_role("link", name="Grant a role").click()
    ada.get_by_label("Role", exact=True).fill("model-validator")
    ada.get_by_role("button", name="Check for conflicts").click()
    expect(ada.get_by_text("does not hold the role reviewer")).to_be_visible()
    ada.get_by_label("Why").fill("Passed the course")
    ada.get_by_role("button", name="Ask for the second confirmation").click()
    expect(ada.get_by_text("say that you have")).to_be_visible()
    expect(ada.get_by_label("Why")).to_have_value("Passed the course")
    ada.get_by_label("I have read this").check()
    ada.get_by_role("button", name="Ask for the second confirmation").click()
    expect(ada.get_by_text("waits for another administrator")).to_be_visible()

    greta.goto("/admin")
    greta.get_by_role("link", name=f"model-validator for {name.title()}").click()
    expect(greta.get_by_text("Passed the course")).to_be_visible()
    greta.get_by_role("button", name="Confirm the grant").click()
    expect(greta.get_by_text("The role is granted")).to_be_visible()

    ada.goto("/admin/people")
    ada.get_by_role("link", name=name.title()).click()
    ada.get_by_role("link", name="Lost authenticator or password").click()
    ada.get_by_label("Why").fill("The telephone is lost")
    ada.get_by_role("button", name="Ask for the reset").click()
    expect(ada.get_by_text("Another administrator confirms it.")).to_be_visible()
    greta.goto("/admin")
    greta.get_by_role("link", name=f"Let {name.title()} begin anew").click()
    greta.get_by_role("button", name="Reset, and show the link").click()
    comes(office, link(greta))
    greta.get_by_role("link", name="To the account").click()
    expect(greta.get_by_text("Signs nothing yet")).to_be_visible()


def link(page: Page) -> str:
    """Read a link that is shown once."""
    [found] = re.findall(r"/invitations/[\w-]{43}", page.locator("pre code").inner_text())
    return str(found)


def comes(office: Office, path: str) -> None:
    """Let whoever has the link set a password; the authenticator is shown."""
    page = office.page(None)
    page.goto(path)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main button").click()
    expect(page.locator("main img")).to_be_visible()
