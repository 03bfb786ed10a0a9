from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyotp
import pytest
from fastapi import FastAPI

from app.identity.api import identity_routes
from app.identity.duties import Duties
from app.identity.local import LocalOperator
from app.identity.routes import PeopleRoutes, note_refusals
from app.ledger.idempotency import make_key
from app.web.errors import Answers, answer_refusals
from app.web.listing import Cursors
from tests.slices.identity.asking import Http
from tests.slices.identity.town import OPERATOR, PASSWORD, authenticator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request
    from httpx import Response

    from app.core.jsonvalue import Json
    from app.identity.assembly import Identity
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.record import Ledger
    from app.web.callers import Caller
    from tests.slices.identity.town import Someone, Town

API = "/api/v1"


def key_of(request: Request, caller: Caller, document: Json) -> IdempotencyKey | None:
    written = request.headers.get("Idempotency-Key")
    if written is None:
        return None
    route = f"{request.method} {request.url.path}"
    return make_key(bytes(32), caller.actor.id, route, written, json.dumps(document).encode())


@pytest.fixture
def app(identity: Identity) -> FastAPI:
    app = FastAPI()
    answer_refusals(app)
    note_refusals(app, identity, Answers())
    app.include_router(
        identity_routes(
            PeopleRoutes(
                identity, key_of, Cursors(bytes(32)), Duties(identity.ledger, lambda _: ())
            )
        )
    )
    return app


@pytest.fixture
def http(app: FastAPI) -> Http:
    return Http(app)


@pytest.fixture
def local(app: FastAPI) -> Http:
    return Http(LocalOperator(app, 1000), "http://local")


def bearer(someone: Someone) -> dict[str, str]:
    return {"Authorization": f"Bearer {someone.session}"}


def size(ledger: Ledger) -> int:
    with ledger.snapshot() as now:
        return now.size


def problem(response: Response, status: int) -> Mapping[str, Json]:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    document: Mapping[str, Json] = response.json()
    return document


def test_somebody_is_invited_accepts_confirms_and_is_known(town: Town, http: Http) -> None:
    ada = town.found()
    made = http.post(
        f"{API}/invitations",
        json={"name": "grace", "printed_name": "Grace Hopper"},
        headers=bearer(ada),
    )
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    url = made.json()["url"]
    assert url.startswith("http://localhost:8000/invitations/")
    secret = url.rsplit("/", 1)[1]
    accepted = http.post(f"{API}/invitations/{secret}/accept", json={"password": PASSWORD})
    scanned = authenticator(accepted.json()["totp_uri"])
    code = scanned.at(town.clock.now)
    confirmed = http.post(f"{API}/invitations/{secret}/confirm", json={"totp": code})
    assert len(confirmed.json()["recovery_codes"]) == 10
    session = {"Authorization": f"Bearer {confirmed.json()['session']}"}
    me = http.get(f"{API}/me", headers=session).json()
    assert (me["name"], me["printed_name"], me["kind"]) == ("grace", "Grace Hopper", "person")
    assert me["permissions"] == [
        "read", "read decisions", "read the log", "read reports", "verify",
    ]  # fmt: skip
    assert http.delete(f"{API}/sessions/current", headers=session).status_code == 204
    problem(http.get(f"{API}/me", headers=session), 401)


def test_signing_in_over_http(town: Town, http: Http) -> None:
    ada = town.found()
    body = {"name": "ada", "password": PASSWORD, "totp": town.code(ada)}
    opened = http.post(f"{API}/sessions", json=body)
    assert opened.status_code == 200
    assert opened.headers["Cache-Control"] == "no-store"
    headers = {"Authorization": f"bearer {opened.json()['session']}"}
    me = http.get(f"{API}/me", headers=headers).json()
    assert [role["role"] for role in me["roles"]] == ["administrator"]
    problem(http.post(f"{API}/sessions", json=body), 401)


def test_must_enrol_is_answered_without_a_session(identity: Identity, http: Http) -> None:
    made = identity.accounts.found("ada", "Ada", PASSWORD, OPERATOR)
    answer = http.post(f"{API}/sessions", json={"name": "ada", "password": PASSWORD})
    assert answer.json() == {"session": None, "must_enrol": made.otpauth}


def test_the_sixth_wrong_answer_is_429_with_retry_after(town: Town, http: Http) -> None:
    town.found()
    body = {"name": "ada", "password": "wrong", "totp": "000000"}
    for _ in range(5):
        assert problem(http.post(f"{API}/sessions", json=body), 401)["detail"] == (
            "name, password or code is wrong"
        )
    locked = http.post(f"{API}/sessions", json=body)
    problem(locked, 429)
    assert locked.headers["Retry-After"] == "900"


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "no credentials"),
        ("Basic YTpi", "Authorization is not `Bearer <token>`"),
        ("Bearer", "there is no such session"),
        ("Bearer nonsense", "there is no such session"),
        ("Bearer gvs_short", "the token is mistyped or cut off"),
    ],
)
def test_missing_and_wrong_credentials_are_401_and_say_how(
    http: Http, header: str | None, detail: str
) -> None:
    response = http.get(f"{API}/me", headers={"Authorization": header} if header else {})
    assert problem(response, 401)["detail"] == detail
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


BODIES = [
    ("/invitations", {"name": "x", "printed_name": "X"}),
    ("/invitations/secret/accept", {"password": PASSWORD}),
    ("/invitations/secret/confirm", {"totp": "000000"}),
    ("/sessions", {"name": "x", "password": PASSWORD}),
    ("/users/u0/roles", {"role": "engineer"}),
    ("/tokens", {"name": "ci", "scopes": ["read"]}),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_bad_bodies_get_the_right_status_and_store_nothing(
    town: Town, http: Http, ledger: Ledger, path: str, body: dict[str, Json]
) -> None:
    ada = town.found()
    before = size(ledger)
    good = json.dumps(body)
    first = next(iter(body))
    cases: list[tuple[str, str, int]] = [
        ("{", "application/json", 400),
        (good[:-1] + ',"x":NaN}', "application/json", 400),
        (good[:-1] + f',"{first}":"again"}}', "application/json", 422),
        (good[:-1] + ',"x":"\\ud800"}', "application/json", 422),
        ("\xff", "application/json", 400),
        ("[" * 100 + "]" * 100, "application/json", 413),
        (good, "text/plain", 415),
        (good, "", 415),
        ("[]", "application/json", 422),
        ("{}", "application/json", 422),
        (good[:-1] + ',"x":1}', "application/json", 422),
        (json.dumps({**body, first: 7}), "application/json", 422),
        (json.dumps({**body, first: ""}), "application/json", 422),
    ]
    for content, media, status in cases:
        response = http.post(
            f"{API}{path}",
            content=content.encode("latin-1"),
            headers={"Content-Type": media, **bearer(ada)},
        )
        document = problem(response, status)
        if status == 422:
            assert str(document["errors"][0]["pointer"]).startswith("#")  # type: ignore[index,call-overload]
    assert size(ledger) == before


def test_an_invitation_and_a_token_are_never_shown_again_under_their_key(
    town: Town, http: Http
) -> None:
    ada = town.found()
    headers = {"Idempotency-Key": "once", **bearer(ada)}
    invited = {"name": "grace", "printed_name": "Grace"}
    first = http.post(f"{API}/invitations", json=invited, headers=headers)
    again = http.post(f"{API}/invitations", json=invited, headers=headers)
    assert first.json()["id"] in str(problem(again, 409)["detail"])
    other = http.post(f"{API}/invitations", json={**invited, "name": "alan"}, headers=headers)
    assert problem(other, 409)["type"] == "/problems/idempotency-mismatch"
    wanted = {"name": "ci", "scopes": ["read"]}
    token = http.post(f"{API}/tokens", json=wanted, headers=headers)
    again = http.post(f"{API}/tokens", json=wanted, headers=headers)
    assert token.json()["id"] in str(problem(again, 409)["detail"])


def test_a_grant_under_the_same_key_is_answered_again(town: Town, http: Http) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    headers = {"Idempotency-Key": "once", **bearer(ada)}
    path = f"{API}/users/grace/roles"
    first = http.post(path, json={"role": "engineer"}, headers=headers)
    again = http.post(path, json={"role": "engineer"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [
        role["role"] for role in http.get(f"{API}/me", headers=bearer(grace)).json()["roles"]
    ] == ["engineer"]


def test_an_approval_role_of_two_administrators_is_asked_and_confirmed_over_http(
    town: Town, http: Http
) -> None:
    ada = town.found()
    grace, alan = town.invite(ada, "grace"), town.invite(ada, "alan")
    town.grant(ada, grace, "administrator")
    path = f"{API}/users/{alan.id}/roles"
    role = {"role": "model-validator", "scope": "model/*@production"}
    headers = {"Idempotency-Key": "k", **bearer(ada)}
    asked = http.post(path, json=role, headers=headers)
    assert asked.status_code == 202
    assert http.post(path, json=role, headers=headers).json() == asked.json()
    other = http.post(path, json={"role": "compliance"}, headers=headers)
    assert problem(other, 409)["type"] == "/problems/idempotency-mismatch"
    confirm = f"{API}/role-grants/{asked.json()['grant_id']}/confirm"
    assert problem(http.post(confirm, headers=bearer(ada)), 403)["type"] == (
        "/problems/self-approval"
    )
    done = http.post(confirm, headers=bearer(grace))
    assert done.status_code == 201
    problem(http.post(confirm, headers=bearer(grace)), 404)
    grant = done.json()["grant"]
    revoked = http.delete(f"{path}/{grant}", headers=bearer(ada))
    assert (revoked.status_code, revoked.json()) == (200, {"state": "done"})
    problem(http.delete(f"{path}/{grant}", headers=bearer(ada)), 404)


def test_a_token_made_over_http_works_until_it_is_revoked(town: Town, http: Http) -> None:
    ada = town.found()
    made = http.post(
        f"{API}/tokens",
        json={
            "name": "ci", "scopes": ["event:append", "read"], "owner": "ada",
            "subject_prefix": "model/credit", "environment": "staging",
            "expires_at": "2026-03-01T00:00:00Z",
        },
        headers=bearer(ada),
    )  # fmt: skip
    assert made.status_code == 201
    assert made.json()["expires_at"] == "2026-03-01T00:00:00.000000Z"
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    me = http.get(f"{API}/me", headers=headers).json()
    assert (me["kind"], me["owner"], me["id"]) == ("service", ada.id, made.json()["id"])
    [listed] = http.get(f"{API}/tokens", headers=bearer(ada)).json()["items"]
    assert listed["last4"] == made.json()["token"][-4:]
    assert made.json()["token"] not in str(listed)
    assert http.delete(f"{API}/tokens/{me['id']}", headers=bearer(ada)).status_code == 204
    assert problem(http.get(f"{API}/me", headers=headers), 401)["detail"] == "the token was revoked"


@pytest.mark.parametrize("expires_at", [1790000000, "2026-03-01", "2026-03-01T00:00:00", "soon"])
def test_a_time_is_written_with_its_zone(town: Town, http: Http, expires_at: str | int) -> None:
    ada = town.found()
    body = {"name": "ci", "scopes": ["read"], "expires_at": expires_at}
    refused = http.post(f"{API}/tokens", json=body, headers=bearer(ada))
    document = problem(refused, 422)
    assert document["errors"][0]["pointer"] == "#/expires_at"  # type: ignore[index,call-overload]


def test_lists_come_in_pages_and_as_csv(town: Town, http: Http) -> None:
    ada = town.found()
    for name in ("grace", "alan", "barbara"):
        town.invite(ada, name)
    first = http.get(f"{API}/users?limit=3", headers=bearer(ada)).json()
    rest = http.get(
        f"{API}/users?limit=3&cursor={first['next_cursor']}", headers=bearer(ada)
    ).json()
    names = [one["name"] for one in [*first["items"], *rest["items"]]]
    assert names == ["ada", "grace", "alan", "barbara"]
    assert rest["next_cursor"] is None
    csv = http.get(f"{API}/users", headers={"Accept": "text/csv", **bearer(ada)}).text
    assert len(csv.splitlines()) == 5


def test_whoever_manages_no_tokens_sees_their_own(town: Town, http: Http) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    for owner in ("ada", "grace"):
        body = {"name": f"of-{owner}", "scopes": ["read"], "owner": owner}
        assert http.post(f"{API}/tokens", json=body, headers=bearer(ada)).status_code == 201
    [own] = http.get(f"{API}/tokens", headers=bearer(grace)).json()["items"]
    assert own["name"] == "of-grace"
    assert http.delete(f"{API}/tokens/{own['id']}", headers=bearer(grace)).status_code == 204


def test_a_refusal_of_a_known_caller_is_recorded_once_in_a_quarter_of_an_hour(
    town: Town, http: Http, ledger: Ledger
) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    before = size(ledger)
    for _ in range(3):
        refused = http.post(
            f"{API}/invitations", json={"name": "x", "printed_name": "X"}, headers=bearer(grace)
        )
        assert problem(refused, 403)["type"] == "/problems/role-missing"
    assert size(ledger) == before + 1
    with ledger.snapshot() as now:
        entry, data = now.entry(before), now.data(before)
    assert (entry.type, entry.subject) == ("access.refused.v1", f"user/{grace.id}")
    assert data == {"because": "RoleMissing", "route": "POST /api/v1/invitations"}


def test_a_session_cookie_changes_things_from_our_own_pages_alone(town: Town, http: Http) -> None:
    ada = town.found()
    http.cookies["muniment-dev"] = ada.session
    assert http.get(f"{API}/me").json()["id"] == ada.id
    body = {"name": "grace", "printed_name": "Grace"}
    for evil in (
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:9000"},
        {"Origin": "null"},
    ):
        problem(http.post(f"{API}/invitations", json=body, headers=evil), 403)
    good = {"Sec-Fetch-Site": "same-origin"}
    assert http.post(f"{API}/invitations", json=body, headers=good).status_code == 201


def test_the_operator_of_this_machine_may_do_nothing_that_leads_to_approving(
    town: Town, local: Http
) -> None:
    ada = town.found()
    invited = local.post(f"{API}/invitations", json={"name": "grace", "printed_name": "G"})
    assert invited.status_code == 201
    roles = f"{API}/users/grace/roles"
    assert local.post(roles, json={"role": "engineer"}).status_code == 201
    for role in ("administrator", "policy_author", "model-validator"):
        problem(local.post(roles, json={"role": role}), 403)
    problem(local.post(f"{API}/users/{ada.id}/disable"), 403)
    problem(local.delete(f"{API}/sessions/current"), 409)
    with town.identity.ledger.snapshot() as now:
        [grant] = [
            one
            for one in now.store.recorded(now.connection, 0, now.size)
            if one.entry.subject == f"user/{ada.id}" and one.entry.type == "role.granted.v1"
        ]
    problem(local.delete(f"{API}/users/{ada.id}/roles/{grant.index}"), 403)


def test_a_token_of_the_local_operator_is_owned_by_the_sole_administrator(
    town: Town, local: Http, http: Http
) -> None:
    ada = town.found()
    body = {"name": "ci", "scopes": ["read"]}
    token = local.post(f"{API}/tokens", json=body).json()["token"]
    me = http.get(f"{API}/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert me["owner"] == ada.id
    grace = town.invite(ada, "grace")
    town.grant(ada, grace, "administrator")
    problem(local.post(f"{API}/tokens", json=body), 403)
    assert local.post(f"{API}/tokens", json={**body, "owner": "grace"}).status_code == 201


def test_nobody_but_the_socket_makes_a_local_operator(http: Http, town: Town) -> None:
    town.found()
    problem(http.get(f"{API}/me", headers={"muniment.principal": "local-operator/0"}), 401)


@pytest.mark.parametrize("grant", ["-1", "9007199254740992", "1e3", "x"])
def test_a_grant_is_an_entrys_index(town: Town, http: Http, grant: str) -> None:
    ada = town.found()
    problem(http.delete(f"{API}/users/{ada.id}/roles/{grant}", headers=bearer(ada)), 422)


def test_every_route_has_an_operation_id_and_says_what_it_refuses(app: FastAPI) -> None:
    operations = [
        operation for path in app.openapi()["paths"].values() for operation in path.values()
    ]
    assert len(operations) == 18
    assert len({one["operationId"] for one in operations}) == 18
    assert all(set(one["responses"]) & {"401", "404"} for one in operations)


def test_the_authenticator_is_told_whose_it_is(identity: Identity) -> None:
    made = identity.accounts.found("ada", "Ada", PASSWORD, OPERATOR)
    scanned = pyotp.parse_uri(made.otpauth)
    assert (scanned.name, scanned.issuer) == ("ada", "Muniment")
