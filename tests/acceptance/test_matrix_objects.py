"""Whose object it is, at every route that names one: the own team's, another's, one's own work.

``secret`` is there for the team red alone, ``shown`` is the team's and everybody sees it. Red
and blue have people for every role.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from app.core.access import Permission, PermissionRole, allowed
from tests.acceptance.matrix import NEEDS
from tests.acceptance.matrix_town import PAGE, Things, Town, about, ask
from tests.acceptance.routes import API
from tests.living import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.living import Person, Token

OF_NO_TEAM = (
    "/admin",
    "/ledger/integrity",
    "/runbooks/",
    "{secret}", "{slug}", "{file}", "{wire}", "{path:path}", "{user}", "{grant_id}", "{grant}",
    "{token}", "{session}", "/policies/{name}", "/environments/{digest}", "/graph/jobs/",
    "{promotion_id}/forget", "/events/{index}/proof", "/ledger/{index}/proof",
    "/events/{index}/redactions",
    "/ledger/{index}/redactions",
)  # fmt: skip
"""Parts of routes that name what belongs to no team; a proof is of a hash, a draft one's own."""
OF_NOTHING = frozenset(
    f"GET {path}"
    for path in (
        f"{API}/openapi.json", "/", "/help", "/sign-in", "/start", "/account", "/healthz",
        "/readyz", "/promotions", f"{API}/me", f"{API}/users", f"{API}/tokens",
        f"{API}/environments",
        f"{API}/policies", "/policies", f"{API}/schemas", f"{API}/consistency", "/log/checkpoint",
        "/log/checkpoint/witnessed", "/log/vkeys", "/log/trust.json", f"{API}/graph/status",
        f"{API}/evidence", f"{API}/role-grants",
    )
) | frozenset(
    f"POST {path}"
    for path in (
        "/sign-in", "/sign-out", "/account/password", "/account/authenticator",
        "/account/authenticator/confirm", f"{API}/sessions", f"{API}/invitations", f"{API}/tokens",
        f"{API}/policies", f"{API}/environments", f"{API}/log/recoveries", f"{API}/log/rotations",
        f"{API}/graph/rebuild", f"{API}/graph/reconcile",
    )
) | {f"DELETE {API}/sessions/current"}  # fmt: skip
"""Routes that are about no object of a team."""
LISTS = {
    "GET /inbox": 'value="{}"', f"GET {API}/reviews/inbox": "model/{}/",
    "GET /search": "model/{}/", f"GET {API}/search": "model/{}/",
    f"GET {API}/datasets": '"{}"', f"GET {API}/models": '"{}"', "GET /models": "models/{}",
    "GET /datasets": "datasets/{}", f"GET {API}/deployments": "model/{}/",
    "GET /deployments": "models/{}", f"GET {API}/promotions": "model/{}/",
    f"GET {API}/findings": "model/{}/", f"GET {API}/reports": "model/{}",
    "GET /reports": "model/{}", "GET /lineage": "model/{}/",
}  # fmt: skip
"""Lists, and how each names a model."""
THE_LOG = frozenset({f"GET {API}/events", "GET /ledger"})
"""Its lists tell everybody that something is on record; what, is asked entry by entry."""
NOT_THERE = frozenset(name for name in NEEDS if "/reviews/{index}" in name) | frozenset(
    {f"GET {API}/reports/{{job_id}}.{one}" for one in ("pdf", "json", "bundle.zip")}
)
"""Nobody has signed and the report was cancelled, as the own team is told."""
OWN_RULES = frozenset(
    {
        "POST /promotions/{promotion_id}/decide", "POST /promotions/{promotion_id}/sign",
        "POST /promotions/{promotion_id}/withdraw",
        f"POST {API}/promotions/{{promotion_id}}/withdraw",
        f"POST {API}/promotions/{{promotion_id}}/reviews",
        f"POST {API}/datasets/{{name}}/versions/{{version}}/approvals",
    }
)  # fmt: skip
"""Where a permission is not enough; see ``test_matrix_own_work.py``."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with World.open(tmp_path_factory.mktemp("town")) as world:
        yield Town.founded(world)


NOBODYS = Things("nobodys", "p0", "p0", "d0", "0-0", 10**9, "f-nobodys")


def outcome(answer: httpx.Response, name: str) -> tuple[int, list[str]]:
    """Tell what an answer comes to, but for names and what differs every time."""
    refused = answer.headers["Content-Type"].startswith("application/problem+json")
    said = answer.json()["detail"] if refused else answer.headers.get("Location", "")
    return answer.status_code, re.sub(r"[\w-]*\d[\w-]*", "", said.replace(name, "")).split()


def asked_as(need: Permission) -> list[PermissionRole]:
    """Choose who asks: one role that may and one that may not; in the soak every one."""
    roles: list[PermissionRole] = [
        one for one in PermissionRole if one is not PermissionRole.ADMINISTRATOR
    ]
    if os.environ.get("MUNIMENT_SOAK"):
        return roles
    may = [one for one in roles if allowed([one], need)]
    return [*may[:1], *(one for one in roles if one not in may)][:2]


def of_no_team(name: str) -> bool:
    return any(part in name for part in OF_NO_TEAM)


OF_A_TEAM = [
    name
    for name in NEEDS
    if not (of_no_team(name) or name in OF_NOTHING or name in LISTS or name in THE_LOG)
] + ["GET /lineage"]


def test_every_route_is_about_something_or_said_not_to_be() -> None:
    """A route that names nothing in its path and is no list stands in ``bodies`` or ``about``."""
    silent = Things("n", "p", "p", "d", "j", 0, "f")
    for name in OF_A_TEAM:
        path, parts = about(name, silent)
        told = f"{path} {parts}"
        assert "{" not in path
        assert any(one in told for one in ("/n", "/p", "/d", "/j", "/0", "'n", "/blobs/")), name
    assert set(NEEDS) >= OF_NOTHING | set(LISTS) | THE_LOG | NOT_THERE | OWN_RULES


@pytest.mark.parametrize("name", OF_A_TEAM)
def test_a_teams_own_is_there_for_its_members_and_for_nobody_else(town: Town, name: str) -> None:
    need, wrong = NEEDS[name], []
    assert isinstance(need, Permission)
    entry = "{index}" in name and "/reviews/" not in name
    for role in asked_as(need):
        red = town.red[role]
        blue, may = town.blue[role], allowed([role], need)
        theirs = ask(town, name, red, town.things["secret"])
        others = ask(town, name, blue, town.things["secret"])
        if not may:
            wrong += [(role, one) for one in (theirs, others) if one.status_code != 403]
            continue
        refused = {401, 403, 404} - ({403} if name in OWN_RULES else set())
        if theirs.status_code in refused - ({404} if name in NOT_THERE else set()):
            wrong.append((role, theirs))
        if entry and "redactions" not in name:
            told = "dataset/secret/1" in theirs.text, "dataset/secret/1" in others.text
            if others.status_code != 200 or told != (True, False):
                wrong.append((role, others))
        elif outcome(others, "secret") != outcome(ask(town, name, blue, NOBODYS), "nobodys"):
            wrong.append((role, others))
    assert [(role.value, one.status_code, one.text[:200]) for role, one in wrong] == []


@pytest.mark.parametrize("name", OF_A_TEAM)
def test_what_everybody_sees_is_written_by_its_team_alone(town: Town, name: str) -> None:
    need, wrong = NEEDS[name], []
    assert isinstance(need, Permission)
    reads = name.startswith("GET ") or name in OWN_RULES or need is Permission.CHECK_GATE
    for role in asked_as(need):
        blue = town.blue[role]
        if not allowed([role], need):
            continue
        answer = ask(town, name, blue, town.things["shown"])
        if reads:
            refused = {401, 403, 404} - ({403} if name in OWN_RULES else set())
            refused -= {404} if name in NOT_THERE else set()
            if answer.status_code in refused:
                wrong.append((role, answer))
        elif need is not Permission.CREATE_REPORT and answer.status_code != 403:
            wrong.append((role, answer))
    assert [(role.value, one.status_code, one.text[:200]) for role, one in wrong] == []


def listed(town: Town, name: str, caller: Person | Token, thing: str) -> bool:
    """Tell whether a list names a model, or the dataset of its name."""
    path = name.split(" ")[1]
    params = {"q": thing} if path.endswith("/search") else {}
    headers = {} if path.startswith(API) else PAGE
    answer = town.world.client(caller).get(path, params=params, headers=headers)
    assert answer.status_code == 200
    return LISTS[name].format(thing) in answer.text


@pytest.mark.parametrize("name", LISTS)
def test_no_list_names_what_is_another_teams_alone(town: Town, name: str) -> None:
    need = NEEDS[name]
    assert isinstance(need, Permission)
    there = [
        tuple(listed(town, name, who[role], thing) for who in (town.red, town.blue))
        for role in asked_as(need)
        for thing in ("secret", "shown")
        if allowed([role], need)
    ]
    assert set(there) == {(True, False), (True, True)}


LIMITED = [one for one in LISTS if one.startswith(f"GET {API}")]


@pytest.mark.parametrize("name", LIMITED)
def test_no_list_names_what_lies_outside_a_tokens_limits(town: Town, name: str) -> None:
    token = town.world.token
    kind = "dataset" if name.endswith("/datasets") else "model"
    rows = [
        (token("read", subject_prefix=f"{kind}/secret"), True, False),
        (token("read", subject_prefix=f"{kind}/shown"), False, True),
        (token("read", subject_prefix=f"{kind}/sho"), False, False),
        (token("read", team="blue"), False, True),
        (token("read", environment="production"), True, True),
    ]
    if any(one in name for one in ("/promotions", "/inbox", "/deployments")):
        rows.append((token("read", environment="staging"), False, False))
    for caller, secret, shown in rows:
        found = listed(town, name, caller, "secret"), listed(town, name, caller, "shown")
        assert found == (secret, shown)


@pytest.mark.parametrize("name", [one for one in OF_A_TEAM if one.startswith(f"GET {API}")])
def test_a_token_reads_nothing_outside_its_limits(town: Town, name: str) -> None:
    inside, outside = town.things["shown"], town.things["secret"]
    kind = "dataset" if "/datasets" in name else "model"
    limited = town.world.token("read", subject_prefix=f"{kind}/shown")
    if "{index}" in name:
        assert "dataset/" not in ask(town, name, limited, outside).text
        return
    if "/graph/why" not in name:  # asks about a dataset too
        refused = {401, 403} | (set() if name in NOT_THERE else {404})
        assert ask(town, name, limited, inside).status_code not in refused
    answer = ask(town, name, limited, outside)
    assert answer.status_code in (403, 404)
    assert "secret" not in answer.text.replace(answer.request.url.path, "").replace(
        "'model/secret/1'", ""
    ).replace("'dataset/secret/1'", "")
