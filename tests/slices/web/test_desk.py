"""Pages of a slice, as the desk makes them: whole, in part, refused, resumed."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI, Form, Request, Response
from jinja2 import DictLoader

from app.core.errors import Unavailable
from app.front import desk_of
from app.identity.pages import Pages
from app.identity.sign_in_pages import sign_in_again, sign_in_pages
from app.web.errors import Answers, answer_refusals
from app.web.problem_pages import ProblemPages, wants_page
from app.web.shell import Shell
from app.web.templates import TEMPLATES
from tests.living import PASSWORD, World
from tests.slices.identity.asking import Http

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from app.web.desk import Desk
    from tests.living import Person

PAGE = {"Accept": "text/html"}
FRAGMENT = {"HX-Request": "true"}
TEMPLATE = """{% extends "base.html" %}{% block body %}{{ ui.resumed(typed) }}
<form method="post" action="/notes">{{ ui.token(form_token) }}
<input type="hidden" name="draft" value="{{ draft }}">
{{ ui.area("text", "Text", typed.get("text")) }}
{% for one in "abc" %}
{{ ui.box("tag", one, one, one in typed.all("tag"), "tag-" ~ one) }}
{% endfor %}
<button>Send</button></form>{% endblock %}"""


@dataclass
class Noted:
    """A page with a form, as a slice would have it. ``sent``: what came in."""

    world: World
    http: Http
    sent: list[str] = field(default_factory=list)

    def cookie(self, session: str | None) -> dict[str, str]:
        return {"Cookie": f"muniment-dev={session}"}


def app_of(world: World, desk: Desk, sent: list[str]) -> FastAPI:
    app = FastAPI()
    pages = Pages(world.house.identity, None, desk)
    answers = Answers(ProblemPages(desk, partial(sign_in_again, desk)), wants_page)
    answer_refusals(app, answers)
    router = desk.router()

    @router.get("/notes")
    def show(request: Request) -> Response:
        desk.visitor(request)
        typed = desk.typed(request)
        return desk.page(
            request, "test/notes", title="Notes", typed=typed, draft=desk.draft(request)
        )

    @router.post("/notes")
    def take(
        request: Request,
        text: Annotated[str, Form()],
        tag: Annotated[tuple[str, ...], Form()] = (),
        draft: Annotated[str, Form()] = "",
    ) -> Response:
        sent.append(f"{text} {','.join(tag)}")
        desk.sent(request, draft)
        return desk.to(request, "/notes")

    @router.get("/broken")
    def broken() -> Response:
        raise Unavailable("the graph is not there", remedy="wait a little", retry_after=7)

    app.include_router(router)
    app.include_router(sign_in_pages(pages, desk))
    app.add_middleware(Shell, max_body=10_000)
    return app


@pytest.fixture
def noted(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Noted]:
    loader = TEMPLATES.loader
    assert loader is not None
    known = DictLoader({"test/notes.html": TEMPLATE})
    monkeypatch.setattr(loader, "get_source", _first(known, loader.get_source))
    with World.open(tmp_path_factory.mktemp("notes")) as world:
        sent: list[str] = []
        app = app_of(world, desk_of(world.house), sent)
        yield Noted(world, Http(app), sent)


def _first(known: DictLoader, otherwise: object) -> object:
    def source(environment: object, name: str) -> object:
        if name in known.mapping:
            return known.get_source(environment, name)  # type: ignore[arg-type]
        return otherwise(environment, name)  # type: ignore[operator]

    return source


def token(page: str) -> str:
    return str(re.findall(r'name="form_token" value="([0-9a-f]+)"', page)[-1])


def sign_in(noted: Noted, person: Person, page: str) -> httpx.Response:
    """Fill in the form of a sign-in page that was shown."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    form = {**fields, "name": person.name, "password": PASSWORD, "totp": noted.world.totp(person)}
    return noted.http.post("/sign-in", data=form, headers=PAGE)


def interrupted(noted: Noted, person: Person) -> httpx.Response:
    """Let somebody type for so long that their session ends, and send it."""
    session = noted.world.session(person)
    page = noted.http.get("/notes?about=x", headers={**PAGE, **noted.cookie(session)}).text
    noted.world.tick(45 * 60)
    return noted.http.post(
        "/notes",
        data={"form_token": token(page), "text": 'so <b>"sound"</b>', "tag": ["a", "c"]},
        headers={
            **PAGE,
            **noted.cookie(session),
            "Referer": "http://localhost:8000/notes?about=x&draft=old",
        },
    )


def test_what_was_typed_when_a_session_ended_is_there_after_the_sign_in(noted: Noted) -> None:
    ada = noted.world.ada
    asked = interrupted(noted, ada)
    assert asked.status_code == 401
    assert "What you typed is kept and was not sent" in asked.text
    assert "sound" not in asked.text
    assert noted.sent == []
    opened = sign_in(noted, ada, asked.text)
    assert opened.status_code == 303
    back = urlsplit(opened.headers["Location"])
    assert back.path == "/notes"
    assert parse_qs(back.query)["about"] == ["x"]
    [draft] = parse_qs(back.query)["draft"]
    cookie = {"Cookie": opened.headers["Set-Cookie"].partition(";")[0]}
    page = noted.http.get(opened.headers["Location"], headers={**PAGE, **cookie})
    assert "Not sent, not signed" in page.text
    assert "so &lt;b&gt;&#34;sound&#34;&lt;/b&gt;</textarea>" in page.text
    assert re.findall(r'value="(\w)" checked', page.text) == ["a", "c"]
    form = {
        "form_token": token(page.text), "text": "sound", "tag": ["a", "c"], "draft": draft,
    }  # fmt: skip
    done = noted.http.post("/notes", data=form, headers={**PAGE, **cookie})
    assert done.status_code == 303
    assert noted.sent == ["sound a,c"]
    again = noted.http.get(opened.headers["Location"], headers={**PAGE, **cookie})
    assert "Not sent, not signed" not in again.text


def test_what_one_person_typed_is_not_shown_to_who_signs_in_next(noted: Noted) -> None:
    vera = noted.world.person("vera")
    asked = interrupted(noted, noted.world.ada)
    opened = sign_in(noted, vera, asked.text)
    assert opened.headers["Location"] == "/"
    draft = re.findall(r'name="draft" value="([^"]+)"', asked.text)[0]
    cookie = {"Cookie": opened.headers["Set-Cookie"].partition(";")[0]}
    page = noted.http.get(f"/notes?draft={draft}", headers={**PAGE, **cookie})
    assert "sound" not in html.unescape(page.text)


def test_a_form_sent_under_no_session_at_all_is_said_to_be_lost(noted: Noted) -> None:
    asked = noted.http.post("/notes", data={"text": "lost"}, headers=PAGE)
    assert asked.status_code == 401
    assert "what you sent could not be kept" in asked.text
    assert 'name="draft" value=""' in asked.text
    assert 'name="going" value="/notes"' in asked.text


def test_more_than_a_form_holds_is_not_kept(noted: Noted) -> None:
    session = noted.world.session(noted.world.ada)
    noted.world.tick(45 * 60)
    form = {"text": "x" * 70_000}
    asked = noted.http.post("/notes", data=form, headers={**PAGE, **noted.cookie(session)})
    assert asked.status_code == 413


def test_htmx_gets_the_part_of_a_page_with_its_title(noted: Noted) -> None:
    cookie = noted.cookie(noted.world.session(noted.world.ada))
    whole = noted.http.get("/notes", headers={**PAGE, **cookie})
    part = noted.http.get("/notes", headers={**FRAGMENT, **cookie})
    assert whole.text.startswith("<!doctype html>")
    assert part.text.strip().startswith("<title>Notes ")
    assert "<html" not in part.text
    assert part.text.count("<h1 ") == 1
    assert part.headers["Vary"] == "HX-Request"
    restored = {**FRAGMENT, "HX-History-Restore-Request": "true", **cookie}
    assert noted.http.get("/notes", headers=restored).text.startswith("<!doctype html>")


def test_after_a_change_htmx_is_told_where_to_go(noted: Noted) -> None:
    cookie = noted.cookie(noted.world.session(noted.world.ada))
    page = noted.http.get("/notes", headers={**PAGE, **cookie}).text
    form = {"form_token": token(page), "text": "sound"}
    done = noted.http.post("/notes", data=form, headers={**FRAGMENT, **cookie})
    assert done.status_code == 204
    assert done.headers["HX-Location"] == "/notes"


def test_a_failure_says_what_to_do_as_a_page_and_as_a_document(noted: Noted) -> None:
    page = noted.http.get("/broken", headers=PAGE)
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "7"
    assert "The graph is not there." in page.text
    assert "wait a little" in page.text
    assert '<a class="button" href="/broken">Try again</a>' in page.text
    assert page.headers["X-Request-Id"] in page.text
    part = noted.http.get("/broken", headers=FRAGMENT)
    assert part.status_code == 503
    assert "<html" not in part.text
    document = noted.http.get("/broken")
    assert document.headers["Content-Type"] == "application/problem+json"
    missing = noted.http.get("/nowhere", headers=PAGE)
    assert missing.status_code == 404
    assert "<h1" in missing.text
    assert noted.http.get("/api/v1/nowhere", headers=PAGE).headers["Content-Type"] == (
        "application/problem+json"
    )
    wrong = noted.http.delete("/notes", headers=PAGE)
    assert wrong.status_code == 405
    assert wrong.headers["Allow"] == "GET"
    assert "<h1" in wrong.text
