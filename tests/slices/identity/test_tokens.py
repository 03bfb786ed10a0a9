from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.access import Permission, Scope
from app.core.errors import Forbidden, Missing, Rejected, RoleMissing, Unauthenticated
from app.identity import opaque
from app.identity.authentication import recognise_token
from app.identity.directory import Directory, People
from app.identity.issuing import Wanted
from app.identity.local import local_principal
from app.identity.principal import Limits
from app.ledger import operational

if TYPE_CHECKING:
    from app.identity.principal import Principal
    from app.ledger.record import Ledger
    from tests.slices.identity.town import Clock, Town


def use(town: Town, secret: str) -> Principal:
    with town.identity.ledger.snapshot() as now:
        return recognise_token(now.connection, secret, town.clock()).principal


def test_a_token_stands_for_its_scopes_and_its_owner(town: Town) -> None:
    ada = town.found()
    wanted = Wanted("ci", (Scope.GATE_CHECK, Scope.EVIDENCE_WRITE))
    issued = town.identity.tokens.create(town.principal(ada), wanted)
    principal = use(town, issued.secret)
    assert (principal.person, principal.answerable) == (None, ada.id)
    allowed = {one for one in Permission if principal.may(one)}
    assert allowed == {
        Permission.CHECK_GATE,
        Permission.READ_DECISIONS,
        Permission.RECORD_EVIDENCE,
    }
    with pytest.raises(RoleMissing):
        principal.require(Permission.READ)


def test_a_token_with_every_scope_never_reviews_publishes_or_grants(town: Town) -> None:
    ada = town.found()
    issued = town.identity.tokens.create(town.principal(ada), Wanted("all", tuple(Scope)))
    principal = use(town, issued.secret)
    for permission in (Permission.REVIEW, Permission.PUBLISH_POLICY, Permission.MANAGE_ROLES):
        assert not principal.may(permission)


def test_only_the_hash_of_a_token_is_kept(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    issued = town.identity.tokens.create(town.principal(ada), Wanted("ci", (Scope.READ,)))
    with ledger.snapshot() as now:
        kept = [*operational.each(now.connection, "token")]
        raw = b"".join(ledger.store.bodies(now.connection, 0, now.size))
    assert kept == [(issued.id, {"sha256": opaque.digest(issued.secret)})]
    assert issued.secret.encode() not in raw


def test_a_token_with_a_right_check_that_was_never_made_is_refused(
    town: Town,
) -> None:
    with pytest.raises(Unauthenticated, match="no such token"):
        use(town, opaque.mint_token(town.identity.tokens.entropy))


def test_a_token_ends_by_itself(town: Town, clock: Clock) -> None:
    ada = town.found()
    issued = town.identity.tokens.create(town.principal(ada), Wanted("ci", (Scope.READ,)))
    clock.now += timedelta(days=90) - timedelta(seconds=1)
    assert use(town, issued.secret).answerable == ada.id
    clock.now += timedelta(seconds=1)
    with pytest.raises(Unauthenticated, match="expired"):
        use(town, issued.secret)


def test_a_token_ends_with_its_owners_account(town: Town) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    wanted = Wanted("ci", (Scope.READ,), owner="grace")
    issued = town.identity.tokens.create(town.principal(ada), wanted)
    town.identity.roles.disable(town.principal(ada), grace.id)
    with pytest.raises(Unauthenticated, match="account of the token"):
        use(town, issued.secret)


def test_a_revoked_token_opens_nothing(town: Town) -> None:
    ada = town.found()
    issued = town.identity.tokens.create(town.principal(ada), Wanted("ci", (Scope.READ,)))
    town.identity.tokens.revoke(town.principal(ada), issued.id)
    with pytest.raises(Unauthenticated):
        use(town, issued.secret)
    with pytest.raises(Missing):
        town.identity.tokens.revoke(town.principal(ada), issued.id)


def test_nobody_revokes_the_token_of_another(town: Town) -> None:
    ada = town.found()
    grace, alan = town.invite(ada, "grace"), town.invite(ada, "alan")
    wanted = Wanted("ci", (Scope.READ,), owner=grace.id)
    issued = town.identity.tokens.create(town.principal(ada), wanted)
    with pytest.raises(RoleMissing):
        town.identity.tokens.revoke(town.principal(alan), issued.id)
    with pytest.raises(RoleMissing):
        town.identity.tokens.revoke(town.principal(alan), "t0000000000000000")
    town.identity.tokens.revoke(town.principal(grace), issued.id)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("CI", (Scope.READ,)),
        Wanted("ci", ()),
        Wanted("ci", (Scope.READ, Scope.READ)),
        Wanted("ci", (Scope.READ,), subject_prefix="/model"),
        Wanted("ci", (Scope.READ,), subject_prefix="model/*"),
        Wanted("ci", (Scope.READ,), environment="Production"),
        Wanted("ci", (Scope.READ,), team="a/b"),
    ],
)
def test_what_is_no_token_is_refused(town: Town, wanted: Wanted) -> None:
    ada = town.found()
    with pytest.raises(Rejected):
        town.identity.tokens.create(town.principal(ada), wanted)


@pytest.mark.parametrize("days", [-1, 0, 366])
def test_a_token_lives_between_now_and_a_year(town: Town, clock: Clock, days: int) -> None:
    ada = town.found()
    until = clock.now + timedelta(days=days)
    with pytest.raises(Rejected):
        town.identity.tokens.create(
            town.principal(ada), Wanted("ci", (Scope.READ,), expires_at=until)
        )


def test_a_token_needs_an_owner_that_there_is(town: Town) -> None:
    ada = town.found()
    with pytest.raises(Missing):
        town.identity.tokens.create(
            town.principal(ada), Wanted("ci", (Scope.READ,), owner="nobody")
        )


def test_nobody_makes_tokens_without_the_role(town: Town) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    with pytest.raises(RoleMissing):
        town.identity.tokens.create(town.principal(grace), Wanted("ci", (Scope.READ,)))


def test_a_token_that_makes_tokens_is_its_owners_work(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    grace, alan = town.invite(ada, "grace"), town.invite(ada, "alan")
    tokens = town.identity.tokens
    admin = tokens.create(town.principal(ada), Wanted("admin", (Scope.ADMIN,), owner=grace.id))
    made = tokens.create(use(town, admin.secret), Wanted("ci", (Scope.READ,), owner=alan.id))
    with ledger.snapshot() as now:
        behind = Directory().answerable(
            now.connection, [made.id, admin.id, alan.id, "local-operator/1000", "u0", "t0"]
        )
    assert behind == {
        made.id: {alan.id, grace.id},
        admin.id: {grace.id, ada.id},
        alan.id: {alan.id},
        "local-operator/1000": set(),
        "u0": set(),
        "t0": set(),
    }


@pytest.mark.parametrize(
    "limit", [{"team": "risk"}, {"environment": "staging"}, {"subject_prefix": "token"}]
)
def test_a_limited_token_makes_no_unlimited_ones(town: Town, limit: dict[str, str]) -> None:
    ada = town.found()
    tokens = town.identity.tokens
    admin = tokens.create(town.principal(ada), Wanted("admin", (Scope.ADMIN,), **limit))  # type: ignore[arg-type]
    with pytest.raises(Forbidden):
        tokens.create(use(town, admin.secret), Wanted("ci", (Scope.READ,)))


def test_no_token_closes_an_account(town: Town) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    wanted = Wanted("admin", (Scope.ADMIN,), owner=ada.id)
    issued = town.identity.tokens.create(local_principal(1000), wanted)
    with pytest.raises(Forbidden, match="closed by a person"):
        town.identity.roles.disable(use(town, issued.secret), grace.id)


def test_the_local_operators_token_is_owned_by_the_sole_administrator_or_refused(
    town: Town, ledger: Ledger
) -> None:
    ada = town.found()
    operator = local_principal(1000)
    issued = town.identity.tokens.create(operator, Wanted("ci", (Scope.READ,)))
    with ledger.snapshot() as now:
        behind = Directory().answerable(now.connection, [issued.id])
    assert behind == {issued.id: {ada.id}}
    town.grant(ada, town.invite(ada, "grace"), "administrator")
    with pytest.raises(Forbidden, match="needs an owner"):
        town.identity.tokens.create(operator, Wanted("ci", (Scope.READ,)))


@pytest.mark.parametrize(
    ("prefix", "subject", "inside"),
    [
        ("model/credit", "model/credit", True),
        ("model/credit", "model/credit/3", True),
        ("model/credit/", "model/credit/3", True),
        ("model/credit", "model/credit-card/3", False),
        ("model", "model/credit", True),
        ("model/credit/3", "model/credit", False),
        ("model/credit", "dataset/credit", False),
    ],
)
def test_a_limit_by_subject_goes_by_whole_parts(prefix: str, subject: str, inside: bool) -> None:
    limits = Limits(subject_prefix=prefix)
    if inside:
        limits.check(Permission.RECORD, subject, None)
    else:
        with pytest.raises(Forbidden, match="limited to"):
            limits.check(Permission.RECORD, subject, None)


def test_a_token_limited_by_subject_writes_nothing_without_one(town: Town) -> None:
    limits = Limits(subject_prefix="model/credit")
    limits.check(Permission.READ, None, None)
    with pytest.raises(Forbidden):
        limits.check(Permission.RECORD, None, None)


def test_a_token_limited_to_an_environment_touches_no_other(town: Town) -> None:
    limits = Limits(environment="staging")
    limits.check(Permission.RECORD_DEPLOYMENT, "deployment/staging/x", "staging")
    limits.check(Permission.RECORD, "dataset/credit", None)
    with pytest.raises(Forbidden, match="staging"):
        limits.check(Permission.RECORD_DEPLOYMENT, "deployment/production/x", "production")


def test_a_token_that_is_refused_something_is_named_in_the_log(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    issued = town.identity.tokens.create(town.principal(ada), Wanted("ci", (Scope.READ,)))
    actor = use(town, issued.secret).actor
    town.identity.refusals.access(actor, "192.0.2.1", "POST /api/v1/events", "RoleMissing")
    with ledger.snapshot() as now:
        assert now.entry(now.size - 1).subject == f"token/{issued.id}"


def test_who_is_not_there_has_no_printed_name(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    with ledger.snapshot() as now:
        people = People(now.connection)
        assert people.printed_name(ada.id) == "Ada"
        assert people.printed_name("u0000000000000000") is None
        assert [one.id for one in people.everybody()] == [ada.id]
