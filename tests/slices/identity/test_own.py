"""One's own account: whatever changes how somebody signs in takes who they are once more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Conflict, Missing, Rejected, TooManyAttempts, Unauthenticated
from app.core.events.kinds.people import SecondFactorChanged
from tests.slices.identity.town import PASSWORD, authenticator

if TYPE_CHECKING:
    from app.identity.assembly import Identity
    from app.ledger.record import Ledger
    from tests.slices.identity.town import Clock, Someone, Town

HERE = "127.0.0.1"
NEW = "a new sentence to remember"


@pytest.fixture
def ada(town: Town) -> Someone:
    return town.found()


def test_the_sessions_that_last_are_listed_and_the_one_in_use_is_marked(
    town: Town, identity: Identity, ada: Someone, clock: Clock
) -> None:
    first = ada.session
    clock.now += timedelta(minutes=10)
    town.sign_in(ada)
    listed = identity.own.sessions(town.principal(ada))
    assert [one.current for one in listed] == [True, False]
    assert listed[0].methods == ("password", "totp")
    clock.now += timedelta(minutes=25)
    assert [one.current for one in identity.own.sessions(town.principal(ada))] == [True]
    assert first != ada.session


def test_a_session_of_ones_own_is_ended_and_nobody_elses(
    town: Town, identity: Identity, ada: Someone
) -> None:
    grace = town.invite(ada, "grace")
    theirs = identity.own.sessions(town.principal(grace))[0]
    with pytest.raises(Missing):
        identity.own.end_session(town.principal(ada), theirs.id)
    identity.own.end_session(town.principal(grace), theirs.id)
    with pytest.raises(Unauthenticated):
        town.principal(grace)


def test_a_new_password_takes_the_old_one_and_a_fresh_code_and_ends_other_sessions(
    town: Town, identity: Identity, ada: Someone
) -> None:
    other = ada.session
    town.sign_in(ada)
    principal = town.principal(ada)
    with pytest.raises(Unauthenticated):
        identity.own.change_password(principal, "wrong", town.code(ada), NEW, HERE)
    with pytest.raises(Unauthenticated):
        identity.own.change_password(principal, PASSWORD, "000000", NEW, HERE)
    with pytest.raises(Rejected):
        identity.own.change_password(principal, PASSWORD, town.code(ada), "short", HERE)
    code = town.code(ada)
    identity.own.change_password(principal, PASSWORD, code, NEW, HERE)
    assert identity.own.sessions(principal)[0].current
    ada.session, current = other, ada.session
    with pytest.raises(Unauthenticated):
        town.principal(ada)
    ada.session = current
    with pytest.raises(Unauthenticated):
        identity.own.change_password(principal, NEW, code, PASSWORD, HERE)
    opened = identity.sessions.open(ada.name, NEW, totp=town.code(ada), address=HERE)
    assert opened.session is not None


def test_an_authenticator_is_replaced_by_its_owner_and_that_is_on_record(
    town: Town, identity: Identity, ada: Someone, ledger: Ledger, clock: Clock
) -> None:
    principal = town.principal(ada)
    with pytest.raises(Conflict):
        identity.own.confirm_replacement(principal, "000000", HERE)
    made = identity.own.begin_replacement(principal, PASSWORD, town.code(ada), HERE)
    old, new = ada.authenticator, authenticator(made.otpauth)
    assert len(set(made.recovery_codes)) == 10
    town.sign_in(ada)  # the old one holds until the new one has shown a code
    with pytest.raises(Unauthenticated):
        identity.own.confirm_replacement(principal, old.at(clock.now), HERE)
    identity.own.confirm_replacement(principal, new.at(clock.now), HERE)
    clock.now += timedelta(minutes=1)
    with pytest.raises(Unauthenticated):
        identity.sessions.open(ada.name, PASSWORD, totp=old.at(clock.now), address=HERE)
    ada.authenticator = new
    town.sign_in(ada)
    assert identity.own.recovery_codes_left(town.principal(ada)) == 10
    opened = identity.sessions.open(
        ada.name, PASSWORD, recovery_code=made.recovery_codes[0], address=HERE
    )
    assert opened.session is not None
    with ledger.snapshot() as now:
        changes = [
            recorded.event
            for recorded in ledger.store.recorded(now.connection, 0, now.size)
            if isinstance(recorded.event, SecondFactorChanged)
        ]
    assert [one.change for one in changes] == ["enrolled", "replaced", "recovery_code_used"]


def test_a_recovery_code_replaces_no_authenticator(
    town: Town, identity: Identity, ada: Someone
) -> None:
    code = ada.recovery_codes[0]
    with pytest.raises(Unauthenticated):
        identity.own.begin_replacement(town.principal(ada), PASSWORD, code, HERE)


def test_a_replacement_that_waited_too_long_is_void(
    town: Town, identity: Identity, ada: Someone, clock: Clock
) -> None:
    principal = town.principal(ada)
    made = identity.own.begin_replacement(principal, PASSWORD, town.code(ada), HERE)
    clock.now += timedelta(minutes=16)
    with pytest.raises(Conflict):
        identity.own.confirm_replacement(principal, authenticator(made.otpauth).at(clock.now), HERE)


def test_guessing_at_ones_own_account_locks_it(
    town: Town, identity: Identity, ada: Someone
) -> None:
    principal = town.principal(ada)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            identity.own.change_password(principal, "wrong", "000000", NEW, HERE)
    with pytest.raises(TooManyAttempts):
        identity.own.change_password(principal, PASSWORD, town.code(ada), NEW, HERE)


def test_who_has_no_factor_yet_enrols_one_with_the_password_alone(
    town: Town, identity: Identity, ada: Someone, clock: Clock
) -> None:
    accounts = identity.accounts
    invitation = accounts.invite(town.principal(ada), "grace", "Grace")
    accounts.accept(invitation.secret, PASSWORD)
    opened = identity.sessions.open("grace", PASSWORD, address=HERE)
    grace = type(ada)(invitation.user, "grace", ada.authenticator, session=str(opened.session))
    principal = town.principal(grace)
    assert identity.own.recovery_codes_left(principal) is None
    identity.own.change_password(principal, PASSWORD, "", NEW, HERE)
    made = identity.own.begin_replacement(principal, NEW, "", HERE)
    identity.own.confirm_replacement(principal, authenticator(made.otpauth).at(clock.now), HERE)
    assert identity.own.recovery_codes_left(principal) == 10
    with pytest.raises(Unauthenticated):
        identity.own.change_password(principal, NEW, "", PASSWORD, HERE)
