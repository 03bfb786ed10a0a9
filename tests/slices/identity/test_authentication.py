from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from fastapi import Request
from starlette.responses import Response

from app.core.access import Permission, Scope
from app.core.errors import Forbidden, RoleMissing, Unauthenticated
from app.core.events import Actor, ActorKind, AuthMethod
from app.identity import authentication
from app.identity.authentication import cookie_name
from app.identity.issuing import Wanted
from app.identity.pages import Pages
from app.identity.principal import Principal, Right
from app.identity.teams import teams_of
from app.ledger import operational

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.identity.assembly import Identity
    from app.identity.authentication import Recognised
    from app.ledger.record import Ledger
    from app.web.callers import Authenticate, Caller
    from app.web.desk import Desk
    from tests.slices.identity.town import Clock, Town


def asking(secret: str) -> Request:
    headers = [(b"authorization", f"Bearer {secret}".encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


def principal_of(*rights: Right) -> Principal:
    return Principal(Actor("u0", ActorKind.PERSON, AuthMethod.SESSION), "u0", "u0", rights)


def test_a_principal_is_what_other_rooms_ask_of_a_caller(identity: Identity) -> None:
    authenticate: Authenticate = identity.authentication
    caller: Caller = principal_of()
    assert authenticate is identity.authentication
    assert caller.person == "u0"


def test_the_cookie_is_bound_to_the_host_over_https_alone() -> None:
    assert cookie_name("https://muniment.example") == "__Host-s"
    assert cookie_name("http://localhost:8000") == "muniment-dev"
    assert cookie_name("http://[::1]:8000") == "muniment-dev"


def test_no_cookie_crosses_a_network_in_the_clear(
    town: Town, identity: Identity, desk: Desk
) -> None:
    assert cookie_name("http://muniment.example") is None
    assert cookie_name("http://192.0.2.1:8000") is None
    identity.authentication.cookie = None
    ada = town.found()
    cookie = [(b"cookie", f"muniment-dev={ada.session}; None={ada.session}".encode())]
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": cookie})
    with pytest.raises(Unauthenticated, match="no credentials"):
        identity.authentication(request)
    pages = Pages(identity, None, desk)
    assert "Set-Cookie" not in pages.signed_in(Response(), ada.session).headers


def test_a_token_is_read_from_the_database_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = town.found()
    issued = town.identity.tokens.create(town.principal(ada), Wanted("ci", (Scope.READ,)))
    read: list[str] = []
    real = authentication.recognise_token

    def counting(connection: Connection, token: str, now: datetime) -> Recognised:
        read.append(token)
        return real(connection, token, now)

    monkeypatch.setattr(authentication, "recognise_token", counting)
    for _ in range(3):
        assert town.identity.authentication(asking(issued.secret)).answerable == ada.id
    assert read == [issued.secret]


@pytest.mark.parametrize("how", ["revoked", "disabled", "expired"])
def test_a_token_that_is_remembered_ends_when_it_ends(town: Town, clock: Clock, how: str) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    identity = town.identity
    wanted = Wanted("ci", (Scope.READ,), owner=grace.id)
    issued = identity.tokens.create(town.principal(ada), wanted)
    assert identity.authentication(asking(issued.secret)).answerable == grace.id
    match how:
        case "revoked":
            identity.tokens.revoke(town.principal(ada), issued.id)
        case "disabled":
            identity.roles.disable(town.principal(ada), grace.id)
        case _:
            clock.now += timedelta(days=90)
    with pytest.raises(Unauthenticated):
        identity.authentication(asking(issued.secret))


def test_what_was_read_before_a_revocation_is_not_remembered_after_it(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = town.found()
    identity = town.identity
    issued = identity.tokens.create(town.principal(ada), Wanted("ci", (Scope.READ,)))
    real = authentication.recognise_token

    def slow(*given: object) -> object:
        known = real(*given)  # type: ignore[arg-type]
        monkeypatch.setattr(authentication, "recognise_token", real)
        identity.tokens.revoke(town.principal(ada), issued.id)
        return known

    monkeypatch.setattr(authentication, "recognise_token", slow)
    identity.authentication(asking(issued.secret))
    with pytest.raises(Unauthenticated):
        identity.authentication(asking(issued.secret))


def test_a_session_in_use_does_not_end_before_ten_hours(
    town: Town, ledger: Ledger, clock: Clock
) -> None:
    ada = town.found()
    opened = clock.now
    while clock.now + timedelta(minutes=20) < opened + timedelta(hours=10):
        clock.now += timedelta(minutes=20)
        assert town.identity.authentication(asking(ada.session)).person == ada.id
        ledger.operate(lambda connection: None)  # after the note that it is in use
    clock.now = opened + timedelta(hours=10)
    with pytest.raises(Unauthenticated, match="ended"):
        town.identity.authentication(asking(ada.session))


def test_a_session_that_was_closed_meanwhile_is_not_brought_back(
    town: Town, ledger: Ledger, clock: Clock
) -> None:
    ada = town.found()
    session = town.principal(ada).session
    assert session is not None
    town.identity.sessions.close(session)
    town.identity.authentication._touch(session, clock.now)  # noqa: SLF001 - the race itself
    ledger.operate(lambda connection: None)
    with pytest.raises(Unauthenticated, match="no such session"):
        town.identity.authentication(asking(ada.session))


def test_sessions_past_their_end_do_not_pile_up(town: Town, ledger: Ledger, clock: Clock) -> None:
    ada = town.found()
    for _ in range(5):
        clock.now += timedelta(hours=35)
        town.sign_in(ada)
    with ledger.snapshot() as now:
        kept = list(operational.each(now.connection, authentication.SESSION))
    assert len(kept) == 1


def test_a_person_without_roles_reads_what_belongs_to_everybody(town: Town) -> None:
    ada = town.found()
    grace = town.principal(town.invite(ada, "grace"))
    grace.require(Permission.READ)
    assert grace.teams == frozenset()
    with pytest.raises(Forbidden, match="team risk"):
        grace.require(Permission.READ, team="risk")
    with pytest.raises(RoleMissing, match="may not record events"):
        grace.require(Permission.RECORD)


def test_a_role_in_a_team_holds_for_its_objects_and_for_everybodys(town: Town) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    town.grant(ada, grace, "engineer", team="risk")
    principal = town.principal(grace)
    assert principal.teams == frozenset({"risk"})
    principal.require(Permission.RECORD, team="risk")
    principal.require(Permission.RECORD)
    with pytest.raises(Forbidden, match="team fraud"):
        principal.require(Permission.RECORD, team="fraud")
    with pytest.raises(Forbidden, match="team fraud"):
        principal.require(Permission.READ, team="fraud")


def test_a_role_without_a_team_holds_everywhere() -> None:
    engineer = Right(frozenset({Permission.RECORD}))
    risk = Right(frozenset({Permission.REVIEW}), "risk")
    principal = principal_of(engineer, risk)
    assert principal.teams is None
    principal.require(Permission.RECORD, team="fraud")
    with pytest.raises(Forbidden):
        principal.require(Permission.REVIEW, team="fraud")


def test_the_operators_request_is_recognised_by_its_socket_alone(identity: Identity) -> None:
    request = Request(
        {"type": "http", "method": "GET", "headers": [], "muniment.principal": "anybody"}
    )
    with pytest.raises(Unauthenticated, match="no credentials"):
        identity.authentication(request)


def test_an_actor_of_the_log_acts_for_the_teams_it_had(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    town.grant(ada, grace, "engineer", team="risk")
    limited = Wanted("ci", (Scope.READ,), team="fraud")
    tokens = [
        town.identity.tokens.create(town.principal(ada), wanted).id
        for wanted in (limited, Wanted("cd", (Scope.READ,)))
    ]
    actors = [Actor(id_, ActorKind.PERSON, AuthMethod.NONE) for id_ in (ada.id, grace.id, *tokens)]
    with ledger.snapshot() as now:
        teams = [teams_of(now.connection, actor) for actor in actors]
    assert [one.writes for one in teams] == [None, frozenset({"risk"}), frozenset({"fraud"}), None]
    assert [one.sees for one in teams] == [one.writes for one in teams]
