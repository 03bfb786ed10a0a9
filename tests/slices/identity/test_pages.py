from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from starlette.responses import Response

from app.core.errors import Conflict
from app.core.events import say
from app.core.events.kinds.people import SessionRefused
from app.identity.directory import People
from app.identity.pages import Pages, identity_pages
from app.identity.setup import Setup
from app.web.errors import answer_refusals
from tests.slices.identity.asking import Http
from tests.slices.identity.town import OPERATOR, PASSWORD, authenticator

if TYPE_CHECKING:
    from app.identity.assembly import Identity
    from app.ledger.record import Ledger
    from app.web.desk import Desk
    from tests.slices.identity.town import Clock, Entropy, Town

FIRST = say("log", SessionRefused("stands for what a log begins with"))


@pytest.fixture
def setup(identity: Identity, clock: Clock, entropy: Entropy) -> Setup:
    return Setup(identity.accounts, OPERATOR, lambda: [FIRST], clock, entropy)


@pytest.fixture
def http(identity: Identity, setup: Setup, desk: Desk) -> Http:
    app = FastAPI()
    answer_refusals(app)
    app.include_router(identity_pages(Pages(identity, setup, desk)))
    return Http(app)


def otpauth(page: str) -> str:
    [address] = re.findall(r"<code>(otpauth://[^<]+)</code>", page)
    return html.unescape(address)


def codes(page: str) -> list[str]:
    return re.findall(r"<li><code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>", page)


def clean(page: str) -> None:
    """Check that a strict content security policy blocks nothing of a page."""
    assert re.findall(r"<script[^>]*>(?!</script>)", page) == []
    assert "<style" not in page
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:", page)
    assert page.count("<h1 ") == 1
    inputs = re.findall(r'<input id="([^"]+)"', page)
    assert inputs == re.findall(r'<label (?:class="away" )?for="([^"]+)"', page)


FORM = {"name": "ada", "printed_name": "Ada Lovelace", "password": PASSWORD}


def test_the_first_administrator_is_made_on_a_page(
    http: Http, setup: Setup, ledger: Ledger, clock: Clock
) -> None:
    asked = http.get(f"/setup/{setup.secret}")
    assert asked.status_code == 200
    assert asked.headers["Cache-Control"] == "no-store"
    clean(asked.text)
    made = http.post(f"/setup/{setup.secret}", data=FORM)
    assert made.status_code == 200
    clean(made.text)
    assert len(set(codes(made.text))) == 10
    assert 'src="data:image/svg+xml' in made.text
    code = authenticator(otpauth(made.text)).at(clock.now)
    wrong = http.post(f"/setup/{setup.secret}/confirm", data={**FORM, "totp": "000000"})
    assert wrong.status_code == 401
    assert "Name, password or code is wrong." in wrong.text
    clean(wrong.text)
    done = http.post(f"/setup/{setup.secret}/confirm", data={**FORM, "totp": code})
    assert done.status_code == 200
    clean(done.text)
    cookie = done.headers["Set-Cookie"]
    assert cookie.startswith("muniment-dev=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    with ledger.snapshot() as now:
        [first] = ledger.store.recorded(now.connection, 0, 1)
        assert list(People(now.connection).administrators())
    assert first.event == FIRST.event


def test_set_up_happens_once(http: Http, setup: Setup) -> None:
    http.post(f"/setup/{setup.secret}", data=FORM)
    again = http.post(f"/setup/{setup.secret}", data={**FORM, "name": "eve"})
    assert again.status_code == 409
    clean(again.text)
    assert "There are people already." in again.text


@pytest.mark.parametrize("path", ["", "/confirm"])
def test_set_up_takes_the_printed_secret_within_half_an_hour(
    http: Http, setup: Setup, clock: Clock, path: str
) -> None:
    form = {**FORM, "totp": "000000"}
    assert http.post(f"/setup/{'x' * 43}{path}", data=form).status_code == 404
    assert http.post(f"/setup/é{path}", data=form).status_code == 404
    clock.now += timedelta(minutes=30)
    late = http.post(f"/setup/{setup.secret}{path}", data=form)
    assert late.status_code == 404
    clean(late.text)


def test_set_up_is_for_this_machine_alone(http: Http, setup: Setup) -> None:
    for address in ("192.0.2.1", "2001:db8::1", "somewhere"):
        http.client = address
        assert http.get(f"/setup/{setup.secret}").status_code == 403
    http.client = "::1"
    assert http.get(f"/setup/{setup.secret}").status_code == 200


def test_without_set_up_the_page_says_so(identity: Identity, desk: Desk) -> None:
    app = FastAPI()
    app.include_router(identity_pages(Pages(identity, None, desk)))
    assert Http(app).get("/setup/anything").status_code == 404


def test_a_refused_form_is_shown_again_with_what_was_typed_but_the_password(
    http: Http, setup: Setup
) -> None:
    form = {"name": "<Ada>", "printed_name": "Ada & Co", "password": PASSWORD}
    refused = http.post(f"/setup/{setup.secret}", data=form)
    assert refused.status_code == 422
    clean(refused.text)
    assert "&lt;Ada&gt;" in refused.text
    assert "Ada &amp; Co" in refused.text
    assert PASSWORD not in refused.text


def test_an_invitation_is_accepted_on_a_page(town: Town, http: Http) -> None:
    ada = town.found()
    invitation = town.identity.accounts.invite(town.principal(ada), "grace", "Grace Hopper")
    path = f"/invitations/{invitation.secret}"
    asked = http.get(path)
    assert asked.status_code == 200
    clean(asked.text)
    short = http.post(path, data={"password": "short"})
    assert short.status_code == 422
    clean(short.text)
    accepted = http.post(path, data={"password": PASSWORD})
    clean(accepted.text)
    assert codes(accepted.text) == []
    wrong = http.post(f"{path}/confirm", data={"totp": "000000"})
    assert wrong.status_code == 401
    clean(wrong.text)
    code = authenticator(otpauth(accepted.text)).at(town.clock.now)
    done = http.post(f"{path}/confirm", data={"totp": code})
    assert done.status_code == 200
    clean(done.text)
    assert len(set(codes(done.text))) == 10
    assert "muniment-dev=" in done.headers["Set-Cookie"]
    assert http.get(path).status_code == 404
    assert http.post(path, data={"password": PASSWORD}).status_code == 404
    assert http.post(f"{path}/confirm", data={"totp": code}).status_code == 404


def test_over_https_the_cookie_is_for_this_host_and_secure(
    town: Town, identity: Identity, desk: Desk
) -> None:
    identity.authentication.cookie = "__Host-s"
    ada = town.found()
    pages = Pages(identity, None, desk)
    cookie = pages.signed_in(Response(), ada.session).headers["Set-Cookie"]
    assert cookie.startswith("__Host-s=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    gone = pages.forgotten(Response())
    assert gone.headers["Set-Cookie"].startswith('__Host-s="";')
    assert "Max-Age=0" in gone.headers["Set-Cookie"]
    assert "Secure" in gone.headers["Set-Cookie"]


def test_two_set_ups_at_once_make_one_administrator(identity: Identity) -> None:
    identity.accounts.found("ada", "Ada", PASSWORD, OPERATOR, [FIRST])
    with pytest.raises(Conflict):
        identity.accounts.found("eve", "Eve", PASSWORD, OPERATOR, [FIRST])
