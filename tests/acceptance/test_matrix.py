"""Who may do what to what: every role and scope at every route, and every object's door.

The expectation is ``matrix.py``, whose rows are the routes that the application serves.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from app.core.access import PermissionRole, Scope, allowed, allowed_by_token
from tests.acceptance.matrix import FORMS, NEEDS, Anyone, in_person, may
from tests.acceptance.routes import ROWS, served
from tests.living import Person, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.living import Token

PAGE = {"Accept": "text/html"}
WRITING = {"Sec-Fetch-Site": "same-origin", **PAGE}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("world")) as world:
        for role in PermissionRole:
            world.person(role.value.replace("_", "-"), role.value)
        yield world


@pytest.fixture(scope="module")
def tokens(world: World) -> dict[Scope, Token]:
    return {scope: world.token(scope) for scope in Scope}


def form_token(world: World, person: Person) -> str:
    page = world.client(person).get("/help", headers=PAGE).text
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def ask(world: World, name: str, caller: Person | Token | None) -> httpx.Response:
    """Ask a route as the table of routes does, with a complete form for a page."""
    method, row = name.split(" ", maxsplit=1)[0], ROWS[name]
    parts: dict[str, Any] = {} if row.json is None else {"json": row.json}
    if row.page and method == "POST":
        token = form_token(world, caller) if isinstance(caller, Person) else ""
        parts = {"data": {**FORMS.get(name, {}), "form_token": token}, "headers": WRITING}
        if name.endswith("/documents"):
            parts["data"]["kind"] = "card"
            parts["files"] = {"file": ("card.json", b"{}", "application/json")}
    answer = world.client(caller).ask(method, row.path, **parts)
    if name in ("POST /sign-out", "DELETE /api/v1/sessions/current") and isinstance(caller, Person):
        caller.session = None
    return answer


def test_every_route_has_a_row_that_says_who_may(world: World) -> None:
    assert set(NEEDS) == served(world.app)
    for name, need in NEEDS.items():
        assert ROWS[name].public is (need is Anyone.EVERYBODY)


@pytest.mark.parametrize("name", NEEDS)
def test_roles_do_what_they_may_and_nothing_else(world: World, name: str) -> None:
    wrong = []
    refused = (403,) if ROWS[name].public else (401, 403)  # a wrong password is 401 to anybody
    for role in PermissionRole:
        may_ask = may(name, partial(allowed, [role]))
        person = world.people[role.value.replace("_", "-")]
        status = ask(world, name, person).status_code
        if status != 403 if not may_ask else status in refused:
            wrong.append((role.value, status))
    assert wrong == []


@pytest.mark.parametrize("name", NEEDS)
def test_tokens_do_what_they_may_and_nothing_else(
    world: World, tokens: dict[Scope, Token], name: str
) -> None:
    wrong = []
    refused = (403,) if ROWS[name].public else (401, 403)
    for scope, token in tokens.items():
        may_ask = may(name, partial(allowed_by_token, [scope])) and not in_person(name)
        status = ask(world, name, token).status_code
        if status != 403 if not may_ask else status in refused:
            wrong.append((scope.value, status))
    assert wrong == []


@pytest.mark.parametrize("name", [one for one in NEEDS if not ROWS[one].public])
def test_nobody_does_anything(world: World, name: str) -> None:
    assert ask(world, name, None).status_code in (401, 303)
