from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.errors import (
    Conflict,
    Forbidden,
    Missing,
    Rejected,
    RoleMissing,
    SelfApproval,
    Unauthenticated,
    Unavailable,
)
from app.core.events.kinds.people import RoleGranted, RoleRevoked, UserDisabled
from app.identity.agreement import Outcome
from app.identity.deciding import TRIES
from app.identity.directory import Directory, People
from app.identity.granting import Asked
from app.identity.local import local_principal

if TYPE_CHECKING:
    from app.core.events import Event
    from app.identity.assembly import Identity
    from app.identity.granting import Granted
    from app.ledger.record import Ledger
    from tests.slices.identity.town import Clock, Someone, Town


def said(ledger: Ledger, granted: Granted) -> Event:
    assert granted.grant is not None
    with ledger.snapshot() as now:
        [one] = ledger.store.recorded(now.connection, granted.grant, granted.grant + 1)
    return one.event


def approve(town: Town, by: tuple[Someone, Someone], to: Someone, role: str) -> Granted:
    """Let two administrators grant a role."""
    first, second = by
    asked = town.grant(first, to, role)
    assert asked.pending is not None
    return town.identity.roles.confirm(town.principal(second), asked.pending)


def test_an_administrator_holds_nothing_that_signs_or_records(town: Town) -> None:
    ada = town.found()
    principal = town.principal(ada)
    assert principal.approval_roles == ()
    assert {right.team for right in principal.rights} == {None}
    for permission in ("review", "record events", "draft policies"):
        assert permission not in {
            one.value for right in principal.rights for one in right.permissions
        }


def test_the_sole_administrator_grants_an_approval_role_and_it_is_marked(
    town: Town, ledger: Ledger
) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    granted = town.grant(ada, grace, "model-validator", scope="model/*@production")
    assert said(ledger, granted) == RoleGranted(
        role="model-validator",
        approval=True,
        grantors=(ada.id,),
        single_administrator=True,
        scope="model/*@production",
    )


def test_the_first_administrator_was_made_by_nobody_else(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    with ledger.snapshot() as now:
        [grant] = People(now.connection).grants(ada.id)
    assert (grant.role, grant.grantors, grant.single_administrator) == (
        "administrator",
        ("local-operator/1000",),
        True,
    )


def test_two_administrators_grant_an_approval_role_together(
    town: Town, ledger: Ledger, clock: Clock
) -> None:
    ada = town.found()
    grace, alan = town.invite(ada, "grace"), town.invite(ada, "alan")
    town.grant(ada, grace, "administrator")
    clock.now += timedelta(hours=24)
    town.sign_in(ada)
    town.sign_in(grace)
    granted = approve(town, (ada, grace), alan, "model-validator")
    event = said(ledger, granted)
    assert isinstance(event, RoleGranted)
    assert event.grantors == (ada.id, grace.id)
    assert not event.single_administrator


def test_an_administrator_made_on_the_spot_is_no_second_one(
    town: Town, ledger: Ledger, clock: Clock
) -> None:
    ada = town.found()
    puppet, alan = town.invite(ada, "puppet"), town.invite(ada, "alan")
    clock.now += timedelta(days=30)
    town.sign_in(ada)
    town.grant(ada, puppet, "administrator")
    clock.now += timedelta(hours=23)
    town.sign_in(ada)
    town.sign_in(puppet)
    event = said(ledger, approve(town, (ada, puppet), alan, "model-validator"))
    assert isinstance(event, RoleGranted)
    assert event.single_administrator


def test_whoever_asks_for_a_grant_does_not_confirm_it(town: Town) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    town.grant(ada, grace, "administrator")
    asked = town.grant(ada, grace, "model-validator")
    with pytest.raises(SelfApproval):
        town.identity.roles.confirm(town.principal(ada), str(asked.pending))


def test_a_grant_is_not_confirmed_once_its_asker_administers_no_more(
    town: Town,
) -> None:
    ada = town.found()
    grace, alan = town.invite(ada, "grace"), town.invite(ada, "alan")
    made = [town.grant(ada, one, "administrator").grant for one in (grace, alan)]
    asked = town.grant(grace, grace, "model-validator")
    town.identity.roles.revoke(town.principal(ada), grace.id, int(made[0] or 0))
    with pytest.raises(Conflict, match="administers no more"):
        town.identity.roles.confirm(town.principal(alan), str(asked.pending))


def test_a_grant_waits_for_a_week(town: Town, clock: Clock) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    town.grant(ada, grace, "administrator")
    asked = town.grant(ada, grace, "model-validator")
    clock.now += timedelta(days=7)
    town.sign_in(grace)
    with pytest.raises(Missing):
        town.identity.roles.confirm(town.principal(grace), str(asked.pending))


def test_a_grant_is_confirmed_once(town: Town) -> None:
    ada = town.found()
    grace, alan = town.invite(ada, "grace"), town.invite(ada, "alan")
    town.grant(ada, grace, "administrator")
    town.grant(ada, alan, "administrator")
    asked = town.grant(ada, grace, "model-validator")
    town.identity.roles.confirm(town.principal(grace), str(asked.pending))
    with pytest.raises(Missing):
        town.identity.roles.confirm(town.principal(alan), str(asked.pending))


@pytest.mark.parametrize(
    "asked",
    [
        Asked("ada", "Model-Validator"),
        Asked("ada", "x" * 65),
        Asked("ada", "model-validator", scope="dataset/x@production"),
        Asked("ada", "model-validator", scope="model/x"),
        Asked("ada", "engineer", scope="model/*@production"),
        Asked("ada", "engineer", team="Team A"),
    ],
)
def test_what_is_no_role_is_refused(town: Town, asked: Asked) -> None:
    ada = town.found()
    with pytest.raises(Rejected):
        town.identity.roles.grant(town.principal(ada), asked)


def test_nobody_holds_the_same_role_twice(town: Town) -> None:
    ada = town.found()
    town.grant(ada, ada, "engineer")
    town.grant(ada, ada, "engineer", team="risk")
    with pytest.raises(Conflict, match="already"):
        town.grant(ada, ada, "engineer")


def test_a_role_is_granted_to_people_there_are(town: Town) -> None:
    ada = town.found()
    with pytest.raises(Missing):
        town.identity.roles.grant(town.principal(ada), Asked("u0000000000000000", "engineer"))


def test_nobody_grants_confirms_revokes_or_disables_without_the_role(town: Town) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    roles, principal = town.identity.roles, town.principal(grace)
    with pytest.raises(RoleMissing):
        roles.grant(principal, Asked(grace.id, "reviewer"))
    with pytest.raises(RoleMissing):
        roles.confirm(principal, "g0")
    with pytest.raises(RoleMissing):
        roles.revoke(principal, ada.id, 1)
    with pytest.raises(RoleMissing):
        roles.disable(principal, ada.id)


def test_a_role_that_ended_since_sign_in_does_not_count(town: Town) -> None:
    ada = town.found()
    grace, alan = town.invite(ada, "grace"), town.invite(ada, "alan")
    made = town.grant(ada, grace, "administrator")
    town.grant(ada, alan, "administrator")
    before = town.principal(grace)
    assert made.grant is not None
    town.identity.roles.revoke(town.principal(ada), grace.id, made.grant)
    with pytest.raises(RoleMissing, match="any more"):
        town.identity.roles.grant(before, Asked(grace.id, "engineer"))


def test_the_last_administrator_stays(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    with ledger.snapshot() as now:
        [grant] = People(now.connection).grants(ada.id)
    with pytest.raises(Conflict, match="last administrator"):
        town.identity.roles.disable(town.principal(ada), ada.id)
    with pytest.raises(Conflict, match="last administrator"):
        town.identity.roles.revoke(town.principal(ada), ada.id, grant.id)


def test_the_last_two_administrators_end_each_other_only_together(
    town: Town, ledger: Ledger
) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    town.grant(ada, grace, "administrator")
    roles = town.identity.roles
    assert roles.disable(town.principal(ada), grace.id) is Outcome.PENDING
    assert roles.disable(town.principal(ada), grace.id) is Outcome.PENDING
    assert town.principal(grace).person == grace.id
    assert roles.disable(town.principal(grace), grace.id) is Outcome.DONE
    with ledger.snapshot() as now:
        [last] = ledger.store.recorded(now.connection, now.size - 1, now.size)
        assert list(People(now.connection).administrators()) == [ada.id]
    assert last.event == UserDisabled(disabled_by=ada.id, confirmed_by=grace.id)
    with pytest.raises(Unauthenticated, match="closed"):
        town.principal(grace)


def test_the_role_of_one_of_the_last_two_ends_only_together(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    made = town.grant(ada, grace, "administrator").grant
    assert made is not None
    roles = town.identity.roles
    assert roles.revoke(town.principal(ada), grace.id, made) is Outcome.PENDING
    assert roles.revoke(town.principal(grace), grace.id, made) is Outcome.DONE
    with ledger.snapshot() as now:
        [last] = ledger.store.recorded(now.connection, now.size - 1, now.size)
    assert last.event == RoleRevoked(grant=made, revoked_by=ada.id)


def test_what_one_administrator_asked_is_forgotten_after_a_week(town: Town, clock: Clock) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    town.grant(ada, grace, "administrator")
    roles = town.identity.roles
    roles.disable(town.principal(ada), grace.id)
    clock.now += timedelta(days=7)
    town.sign_in(grace)
    assert roles.disable(town.principal(grace), grace.id) is Outcome.PENDING


def test_of_three_administrators_one_suffices(town: Town) -> None:
    ada = town.found()
    for name in ("grace", "alan"):
        town.grant(ada, town.invite(ada, name), "administrator")
    assert town.identity.roles.disable(town.principal(ada), "grace") is Outcome.DONE


def test_the_second_grant_of_administrator_keeps_somebody_in_office(town: Town) -> None:
    ada = town.found()
    extra = town.grant(ada, ada, "administrator", team="risk").grant
    assert extra is not None
    with pytest.raises(Conflict, match="last administrator"):
        town.identity.roles.revoke(town.principal(ada), ada.id, extra)


def test_a_closed_account_is_nobody(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    town.grant(ada, grace, "reviewer")
    town.grant(ada, grace, "model-validator")
    with ledger.snapshot() as now:
        assert [one.id for one in Directory().people(now.connection)] == [grace.id]
    town.identity.roles.disable(town.principal(ada), grace.id)
    with ledger.snapshot() as now:
        assert Directory().people(now.connection) == ()
    with pytest.raises(Missing):
        town.grant(ada, grace, "engineer")
    with pytest.raises(Missing):
        town.identity.roles.disable(town.principal(ada), grace.id)
    with pytest.raises(Unauthenticated):
        town.sign_in(grace)


def test_only_reviewers_with_an_approval_role_could_review(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    people = {name: town.invite(ada, name) for name in ("only-role", "only-may", "both", "ended")}
    for name in ("only-may", "both", "ended"):
        town.grant(ada, people[name], "reviewer")
    for name in ("only-role", "both"):
        town.grant(ada, people[name], "model-validator")
    ended = town.grant(ada, people["ended"], "model-validator").grant
    assert ended is not None
    town.identity.roles.revoke(town.principal(ada), people["ended"].id, ended)
    with ledger.snapshot() as now:
        [person] = Directory().people(now.connection)
        [role] = People(now.connection).approval_roles(people["ended"].id)
    assert person.id == people["both"].id
    assert [one.role for one in person.roles] == ["model-validator"]
    assert role.revoked_at is not None
    assert role.single_administrator


def test_the_operator_of_this_machine_grants_no_way_to_approve(town: Town) -> None:
    ada = town.found()
    operator = local_principal(1000)
    for role in ("model-validator", "administrator", "policy_author"):
        with pytest.raises(Forbidden):
            town.identity.roles.grant(operator, Asked(ada.id, role))
    with pytest.raises(Forbidden):
        town.identity.roles.disable(operator, ada.id)
    assert town.identity.roles.grant(operator, Asked(ada.id, "engineer")).grant is not None


def test_heads_that_keep_moving_end_in_try_again_later(
    town: Town, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    principal, tries = town.principal(ada), []
    administrators = People.administrators

    def somebody_is_faster(people: People) -> object:
        tries.append(1)
        if len(tries) <= TRIES:
            monkeypatch.setattr(People, "administrators", administrators)
            team = f"team-{len(tries)}"
            identity.roles.grant(principal, Asked(ada.id, "engineer", team=team))
            monkeypatch.setattr(People, "administrators", somebody_is_faster)
        return administrators(people)

    monkeypatch.setattr(People, "administrators", somebody_is_faster)
    with pytest.raises(Unavailable):
        identity.roles.grant(principal, Asked(grace.id, "engineer"))
    assert len(tries) == TRIES
    assert identity.roles.grant(principal, Asked(grace.id, "engineer")).grant is not None
