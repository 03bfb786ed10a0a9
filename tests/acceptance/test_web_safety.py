"""What a browser is told, and what is refused to it, for every route.

Headers, cookies, what is kept, forms of other sites, other hosts, ways out of this site.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from app.settings import Settings
from tests.acceptance.routes import ROWS
from tests.living import PASSWORD, Client, Person, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import httpx

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PAGE = {"Accept": "text/html"}
CHANGES = [name for name, row in ROWS.items() if row.page and not name.startswith("GET ")]
OWN = [name for name in CHANGES if not ROWS[name].public]
COOKIE = "muniment-dev"
LOG_RULES = {"no-store", "no-cache", "public, no-cache", "private, max-age=31536000, immutable"}
"""Of static files, and of a log that is not public: asked for again, or each reader's own."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture(scope="module")
def vera(world: World) -> Person:
    return world.person("vera", "reviewer")


def by_cookie(world: World, person: Person) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={world.session(person)}"}


def form_token(world: World, person: Person) -> str:
    page = world.client(None).get("/help", headers={**PAGE, **by_cookie(world, person)})
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found[1]


def size(world: World) -> int:
    with world.house.ledger.snapshot() as now:
        return now.size


def ask(client: Client, name: str, headers: Mapping[str, str]) -> httpx.Response:
    method, row = name.split(" ", maxsplit=1)[0], ROWS[name]
    sent: dict[str, Any] = {} if row.json is None else {"json": row.json}
    answer = client.ask(method, row.path, headers, **sent)
    if name.startswith("DELETE") and isinstance(client.caller, Person):
        client.caller.session = None  # one of them ends it
    return answer


@pytest.mark.parametrize("name", ROWS)
def test_every_answer_carries_the_headers(world: World, name: str) -> None:
    for caller in (None, world.ada):
        headers = ask(world.client(caller), name, PAGE).headers
        assert headers["Content-Security-Policy"] in {CSP, "sandbox", "default-src 'none'; sandbox"}
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Request-Id"]
        assert "Strict-Transport-Security" not in headers  # on loopback http it would mean nothing
        assert "Server" not in headers


@pytest.mark.parametrize("name", ROWS)
def test_nobody_keeps_what_is_not_for_everybody(world: World, name: str) -> None:
    """A shared cache, or the next person at this machine, finds nothing of it."""
    caching = ask(world.client(world.ada), name, PAGE).headers["Cache-Control"]
    if name.startswith(("GET /static", "GET /log/")):
        assert caching in LOG_RULES
    else:
        assert "no-store" in caching or caching == "private, no-cache"
    if ROWS[name].page:
        assert caching == "no-store"


FOREIGN: Mapping[str, dict[str, str]] = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour of this site": {"Sec-Fetch-Site": "same-site"},
    "another origin": {"Origin": "https://elsewhere.example"},
    "no origin at all": {"Origin": "null"},
    "another port": {"Origin": "http://localhost:9000"},
    "a frame that lies": {"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"},
}


@pytest.mark.parametrize("case", FOREIGN)
@pytest.mark.parametrize("name", CHANGES)
def test_no_other_site_changes_anything(world: World, vera: Person, name: str, case: str) -> None:
    """Even with the person's cookie and the token of their own form."""
    token = form_token(world, vera)
    headers = {**PAGE, **by_cookie(world, vera), **FOREIGN[case]}
    method, row = name.split(" ", maxsplit=1)[0], ROWS[name]
    form = {"form_token": token, "name": "vera", "password": PASSWORD, "totp": "000000"}
    world.client(None).ask(method, row.path, headers, data=form)  # the one that is on record
    before = size(world)
    answer = world.client(None).ask(method, row.path, headers, data=form)
    assert answer.status_code == 403
    assert "A page of another origin asked for this." in answer.text
    assert size(world) == before
    assert world.client(None).get("/account", headers=by_cookie(world, vera)).status_code == 200


@pytest.mark.parametrize("name", OWN)
def test_a_change_takes_the_token_of_the_persons_own_session(
    world: World, vera: Person, name: str
) -> None:
    method, row = name.split(" ", maxsplit=1)[0], ROWS[name]
    anothers = form_token(world, world.ada)
    headers = {**PAGE, **by_cookie(world, vera), "Sec-Fetch-Site": "same-origin"}
    for form in ({}, {"form_token": ""}, {"form_token": "é"}, {"form_token": anothers}):
        answer = world.client(None).ask(method, row.path, headers, data=form)
        assert answer.status_code == 403
        assert "not one of your session" in answer.text


@pytest.mark.parametrize("name", OWN)
def test_a_form_of_nobody_is_answered_with_the_sign_in_page(world: World, name: str) -> None:
    method, row = name.split(" ", maxsplit=1)[0], ROWS[name]
    answer = world.client(None).ask(method, row.path, PAGE, data={"reason": "typed"})
    assert answer.status_code == 401
    assert '<form method="post" action="/sign-in">' in answer.text


@pytest.mark.parametrize(
    "name",
    [name for name, row in ROWS.items() if row.page and not row.public and name[:3] == "GET"],
)
def test_a_page_that_is_not_for_everybody_leads_to_sign_in_and_back(
    world: World, name: str
) -> None:
    path = ROWS[name].path
    answer = world.client(None).get(path, headers=PAGE)
    assert answer.status_code == 303
    where = answer.headers["Location"]
    assert where.startswith("/sign-in?next=/")
    fragment = world.client(None).get(path, headers={"HX-Request": "true"})
    assert fragment.status_code == 401
    assert fragment.headers["HX-Redirect"] == where


def sign_in(world: World, person: Person, **more: str) -> httpx.Response:
    form = {"name": person.name, **world.signed(person), **more}
    return world.client(None).post("/sign-in", data=form, headers=PAGE)


@pytest.mark.parametrize(
    "going",
    [
        "https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example",
        "javascript:alert(1)", "\\\\elsewhere.example", "/\t/elsewhere.example", "elsewhere",
    ],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(world: World, vera: Person, going: str) -> None:
    assert sign_in(world, vera, going=going).headers["Location"] == "/"
    asked = world.client(None).get("/sign-in", params={"next": going}, headers=PAGE)
    assert 'name="going" value="/"' in asked.text
    signed = {**PAGE, **by_cookie(world, vera)}
    again = world.client(None).get("/sign-in", params={"next": going}, headers=signed)
    assert again.headers["Location"] == "/"


def test_signing_in_leads_back_and_gives_a_session_of_this_host_alone(
    world: World, vera: Person
) -> None:
    answer = sign_in(world, vera, going="/account?done=x")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/account?done=x"
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(
        rf"{COOKIE}=[\w-]{{40,}}; HttpOnly; Max-Age=36000; Path=/; SameSite=lax", cookie
    )
    first = cookie.partition(";")[0]
    assert world.client(None).get("/account", headers={"Cookie": first}).status_code == 200
    second = sign_in(world, vera).headers["Set-Cookie"].partition(";")[0]
    assert first != second  # nothing that a browser had before is taken for a session


def test_over_https_the_cookie_and_the_connection_are_held_to_it(tmp_path: Path) -> None:
    settings = replace(Settings(), public_url="https://muniment.example")
    with World.open(tmp_path, settings) as world:
        headers = {**PAGE, "Host": "muniment.example", "Origin": "https://muniment.example"}
        form = {"name": "ada", **world.signed(world.ada)}
        answer = world.client(None).post("/sign-in", data=form, headers=headers)
        assert answer.status_code == 303
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-s=")
        assert "; Secure" in cookie
        assert "; Path=/" in cookie
        assert "Domain" not in cookie


def test_whatever_is_wrong_the_sign_in_page_says_the_same(world: World, vera: Person) -> None:
    right = {"name": "vera", "password": PASSWORD, "totp": "000000"}
    told = set()
    for wrong in (
        {**right, "name": "nobody-of-that-name"},
        {**right, "password": "wrong horse battery staple"},
        right,
        {**right, "totp": "", "recovery_code": "aaaa-bbbb-cccc-dddd"},
    ):
        answer = world.client(None).post("/sign-in", data=wrong, headers=PAGE)
        assert answer.status_code == 401
        assert "Set-Cookie" not in answer.headers
        assert PASSWORD not in answer.text
        told.add(re.sub(r'value="[^"]*"', "", answer.text))
    assert len(told) == 1
    world.tick(16 * 60)


def test_an_account_that_is_locked_says_until_when(world: World, vera: Person) -> None:
    wrong = {"name": "vera", "password": "wrong horse battery staple", "totp": "000000"}
    for _ in range(5):
        world.client(None).post("/sign-in", data=wrong, headers=PAGE)
    locked = world.client(None).post("/sign-in", data=wrong, headers=PAGE)
    assert locked.status_code == 429
    assert int(locked.headers["Retry-After"]) > 0
    assert "Try again in 15 minutes." in locked.text
    world.tick(16 * 60)


def test_signing_out_ends_the_session_on_the_server_too(world: World, vera: Person) -> None:
    session = sign_in(world, vera).headers["Set-Cookie"].partition(";")[0]
    signed = {**PAGE, "Cookie": session}
    page = world.client(None).get("/help", headers=signed).text
    token = re.findall(r'name="form_token" value="([0-9a-f]+)"', page)[0]
    out = world.client(None).post("/sign-out", data={"form_token": token}, headers=signed)
    assert out.status_code == 303
    assert out.headers["Location"] == "/"
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    assert out.headers["Clear-Site-Data"] == '"cache"'
    assert world.client(None).get("/account", headers=signed).status_code == 303


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("LOCALHOST:8000", 200),
        ("elsewhere.example", 421),
        ("localhost.elsewhere.example", 421),
        ("localhost:8000@elsewhere.example", 421),
        ("10.0.0.7:8000", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_another_host_is_not_this_one(world: World, host: str, status: int) -> None:
    assert world.client(None).get("/", headers={"Host": host}).status_code == status
    assert world.client(None).get("/healthz", headers={"Host": host}).status_code == 200


def test_a_browser_that_came_by_an_address_is_led_to_the_name(world: World) -> None:
    """A session's cookie is of one name, and a passkey of no address."""
    answer = world.client(None).get("/sign-in?next=/x", headers={**PAGE, "Host": "127.0.0.1:8000"})
    assert answer.status_code == 307
    assert answer.headers["Location"] == "http://localhost:8000/sign-in?next=/x"
    program = world.client(None).get("/", headers={"Host": "127.0.0.1:8000"})
    assert program.status_code == 200


def test_no_page_lets_itself_be_framed(world: World) -> None:
    for path in ("/", "/sign-in", "/account", "/nowhere"):
        policy = world.client(world.ada).get(path, headers=PAGE).headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy


def test_a_token_or_the_operator_opens_no_page(world: World) -> None:
    refused = world.client(world.token("read")).get("/account", headers=PAGE)
    assert refused.status_code == 403
    assert "Pages are for people who signed in." in refused.text


@pytest.mark.parametrize("public", [True, False])
def test_only_a_public_log_may_be_kept_by_caches_that_many_share(
    tmp_path: Path, public: bool
) -> None:
    with World.open(tmp_path, replace(Settings(), log_public=public)) as world:
        world.house.publisher.wait_for(1, 10)
        tile = world.client(world.ada).get("/log/tile/0/000.p/1")
    assert tile.status_code == 200
    assert tile.headers["Cache-Control"].startswith("public, " if public else "private, ")
