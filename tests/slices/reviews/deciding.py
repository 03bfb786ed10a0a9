"""Deciding on pages as a browser without JavaScript does it: forms with what stands in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

    from tests.living import Person, World

REASON = "looked at everything"


@dataclass
class Sent:
    """A form as a page holds it. ``fields``: what it would send if nothing were touched."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Sent] = []
        self._text: str | None = None
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Sent(given.get("action", "")))
            self._open = True
        if not self._open or "name" not in given:
            return
        if tag == "textarea":
            self._text = given["name"]
            self.found[-1].fields[given["name"]] = [""]
        ticked = given.get("type") not in ("radio", "checkbox") or "checked" in given
        if tag == "input" and ticked:
            self.found[-1].fields.setdefault(given["name"], []).append(given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self.found[-1].fields[self._text][0] += data

    def handle_endtag(self, tag: str) -> None:
        self._text = None if tag == "textarea" else self._text
        self._open = False if tag == "form" else self._open


def forms(page: httpx.Response) -> dict[str, Sent]:
    """Read a page's forms, by the last part of where they are sent."""
    reader = _Forms()
    reader.feed(page.text)
    return {one.action.rsplit("/", 1)[-1]: one for one in reader.found}


def browser(world: World) -> dict[str, str]:
    """Give the headers of a browser that is at the public address."""
    host = urlsplit(world.house.settings.public_url).netloc
    return {"Accept": "text/html,application/xhtml+xml", "Host": host}


def look(world: World, person: Person, path: str) -> httpx.Response:
    """Open a page."""
    return world.client(person).get(path, headers=browser(world))


def send(world: World, person: Person, form: Sent, **filled: str | list[str]) -> httpx.Response:
    """Send a form with some of its fields filled in."""
    fields = {**form.fields, **{name.rstrip("_"): value for name, value in filled.items()}}
    return world.client(person).post(form.action, data=fields, headers=browser(world))


def decide(
    world: World,
    person: Person,
    promotion: str,
    decision: str = "approve",
    **filled: str | list[str],
) -> httpx.Response:
    """Open the form under a promotion, fill it in, and send it on to be checked."""
    page = look(world, person, f"/promotions/{promotion}?decide={decision}")
    return send(world, person, forms(page)["decide"], **{"reason": REASON, **filled})


def checked(world: World, person: Person, promotion: str) -> Sent:
    """Open the page that says what will be signed, and give its form."""
    page = look(world, person, f"/promotions/{promotion}/sign")
    assert page.status_code == 200, page.text
    return forms(page)["sign"]


def sign(world: World, person: Person, form: Sent, **changed: str) -> httpx.Response:
    """Sign what a check page showed, with password and a fresh code."""
    world.session(person)
    return send(world, person, form, **{**world.signed(person), **changed})
