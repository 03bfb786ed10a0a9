from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from app.core.errors import Conflict, Missing, Rejected, TooManyAttempts, Unauthenticated
from app.core.events.kinds.people import SecondFactorChanged, SessionOpened, SessionRefused
from app.identity import credentials
from app.identity.authentication import recognise_session
from tests.slices.identity.town import OPERATOR, PASSWORD, Someone, authenticator

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.events import Event
    from app.identity.assembly import Identity
    from app.identity.passwords import Passwords
    from app.ledger.record import Ledger
    from tests.slices.identity.town import Clock, Town

HERE = "127.0.0.1"


def events(ledger: Ledger) -> list[Event]:
    with ledger.snapshot() as now:
        return [one.event for one in ledger.store.recorded(now.connection, 0, now.size)]


def try_to_sign_in(town: Town, someone: Someone, **other: str) -> None:
    given = {"name": someone.name, "password": PASSWORD, "totp": town.code(someone)}
    town.identity.sessions.open(**{**given, **other}, address=HERE)


def test_the_first_sign_in_with_a_code_confirms_the_first_administrator(
    town: Town, ledger: Ledger
) -> None:
    ada = town.found()
    assert events(ledger)[-2:] == [
        SecondFactorChanged("enrolled"),
        SessionOpened(("password", "totp")),
    ]
    assert town.principal(ada).person == ada.id


def test_there_is_one_first_administrator(town: Town) -> None:
    town.found()
    with pytest.raises(Conflict, match="there are people already"):
        town.identity.accounts.found("eve", "Eve", PASSWORD, OPERATOR)


def test_names_are_payload_and_never_in_the_entry(town: Town, ledger: Ledger) -> None:
    town.invite(town.found(), "grace")
    with ledger.snapshot() as now:
        bodies = b"".join(ledger.store.bodies(now.connection, 0, now.size)).lower()
    assert b"grace" not in bodies  # no name of hexadecimal letters alone


@pytest.mark.parametrize(
    "wrong",
    [{"password": "correct horse bakery"}, {"totp": "000000"}, {"totp": ""}, {"totp": "é"}],
)
def test_a_wrong_part_is_refused_without_saying_which(town: Town, wrong: dict[str, str]) -> None:
    ada = town.found()
    with pytest.raises(Unauthenticated) as known:
        try_to_sign_in(town, ada, **wrong)
    with pytest.raises(Unauthenticated) as unknown:
        try_to_sign_in(town, ada, name="nobody")
    assert (known.value.detail, known.value.remedy) == (unknown.value.detail, unknown.value.remedy)


def test_a_password_alone_does_not_open_an_account_with_a_second_factor(town: Town) -> None:
    ada = town.found()
    with pytest.raises(Unauthenticated):
        town.identity.sessions.open(ada.name, PASSWORD, address=HERE)


def test_an_unknown_name_costs_the_same_argon2_as_a_known_one(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = town.found()
    verified: list[str | None] = []
    passwords = town.identity.sessions.passwords
    real = passwords._hasher  # noqa: SLF001 - what is counted is the library's own work

    class Counting:
        def verify(self, hashed: str, password: str) -> bool:
            verified.append(hashed.split("$")[3])
            return real.verify(hashed, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    for name in (ada.name, "nobody"):
        with pytest.raises(Unauthenticated):
            try_to_sign_in(town, ada, name=name, password="wrong wrong wrong")
    assert len(verified) == 2
    assert verified[0] == verified[1]


def test_a_code_opens_one_session(town: Town) -> None:
    ada = town.found()
    code = town.code(ada)
    town.identity.sessions.open(ada.name, PASSWORD, totp=code, address=HERE)
    with pytest.raises(Unauthenticated):
        town.identity.sessions.open(ada.name, PASSWORD, totp=code, address=HERE)


def test_codes_of_the_neighbouring_steps_count_and_no_others(town: Town, clock: Clock) -> None:
    ada = town.found()
    for late in (-60, 60):
        code = ada.authenticator.at(clock.now + timedelta(minutes=10, seconds=late))
        clock.now += timedelta(minutes=10)
        with pytest.raises(Unauthenticated):
            town.identity.sessions.open(ada.name, PASSWORD, totp=code, address=HERE)
    for late in (-30, 0, 30):
        clock.now += timedelta(minutes=10)
        code = ada.authenticator.at(clock.now + timedelta(seconds=late))
        assert town.identity.sessions.open(ada.name, PASSWORD, totp=code, address=HERE).session


def test_a_code_older_than_the_last_one_used_is_refused(town: Town, clock: Clock) -> None:
    ada = town.found()
    clock.now += timedelta(minutes=10)
    ahead = ada.authenticator.at(clock.now + timedelta(seconds=30))
    now = ada.authenticator.at(clock.now)
    town.identity.sessions.open(ada.name, PASSWORD, totp=ahead, address=HERE)
    with pytest.raises(Unauthenticated):
        town.identity.sessions.open(ada.name, PASSWORD, totp=now, address=HERE)


def test_a_recovery_code_opens_one_session_and_is_recorded(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    code = ada.recovery_codes[3].upper().replace("-", " ")
    sessions = town.identity.sessions
    opened = sessions.open(ada.name, PASSWORD, recovery_code=code, address=HERE)
    assert opened.session is not None
    assert events(ledger)[-2:] == [
        SecondFactorChanged("recovery_code_used"),
        SessionOpened(("password", "recovery_code")),
    ]
    with pytest.raises(Unauthenticated):
        sessions.open(ada.name, PASSWORD, recovery_code=code, address=HERE)


def test_a_recovery_code_is_no_good_before_the_factor_is_confirmed(identity: Identity) -> None:
    made = identity.accounts.found("ada", "Ada", PASSWORD, OPERATOR)
    with pytest.raises(Unauthenticated):
        identity.sessions.open("ada", PASSWORD, recovery_code=made.recovery_codes[0], address=HERE)


def test_five_wrong_answers_lock_for_fifteen_minutes_whatever_comes_then(
    town: Town, clock: Clock
) -> None:
    ada = town.found()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            town.identity.sessions.open(ada.name, "wrong wrong", totp="0", address=HERE)
    with pytest.raises(TooManyAttempts) as locked:
        try_to_sign_in(town, ada)
    assert locked.value.retry_after == 15 * 60 - 30
    clock.now += timedelta(minutes=14, seconds=29)
    with pytest.raises(TooManyAttempts):
        town.identity.sessions.open(ada.name, PASSWORD, totp="0", address=HERE)
    clock.now += timedelta(seconds=1)
    assert town.sign_in(ada).person == ada.id


def test_wrong_answers_far_apart_do_not_lock(town: Town, clock: Clock) -> None:
    ada = town.found()
    for _ in range(20):
        clock.now += timedelta(minutes=4)
        with pytest.raises(Unauthenticated):
            town.identity.sessions.open(ada.name, "wrong wrong", totp="0", address=HERE)
    assert town.sign_in(ada).person == ada.id


def test_a_right_answer_forgives_the_wrong_ones_before_it(town: Town) -> None:
    ada = town.found()
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(Unauthenticated):
                town.identity.sessions.open(ada.name, "wrong wrong", totp="0", address=HERE)
        town.sign_in(ada)


def test_a_name_that_nobody_has_locks_in_the_same_way(town: Town) -> None:
    town.found()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            town.identity.sessions.open("nobody", "wrong wrong", totp="0", address=HERE)
    with pytest.raises(TooManyAttempts) as locked:
        town.identity.sessions.open("nobody", "wrong wrong", totp="0", address=HERE)
    assert locked.value.retry_after == 15 * 60


def test_being_refused_grows_the_log_by_one_entry_per_account_and_address(
    town: Town, ledger: Ledger, clock: Clock
) -> None:
    ada = town.found()
    before = len(events(ledger))
    for name in (ada.name, "nobody", "somebody"):
        for address in ("10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"):
            for _ in range(3):
                with pytest.raises((Unauthenticated, TooManyAttempts)):
                    town.identity.sessions.open(name, "wrong", totp="0", address=address)
    new = events(ledger)[before:]
    assert len(new) == 6
    assert all(isinstance(one, SessionRefused) for one in new)
    clock.now += timedelta(minutes=15)
    with pytest.raises(Unauthenticated):
        town.identity.sessions.open(ada.name, "wrong", totp="0", address="10.0.0.1")
    assert len(events(ledger)) == before + 7


def test_a_session_ends_after_half_an_hour_unused(town: Town, clock: Clock) -> None:
    ada = town.found()
    clock.now += timedelta(minutes=29, seconds=59)
    assert town.principal(ada).person == ada.id
    clock.now += timedelta(seconds=1)
    with pytest.raises(Unauthenticated, match="ended"):
        town.principal(ada)


def test_a_closed_session_opens_nothing(town: Town) -> None:
    ada = town.found()
    session = town.principal(ada).session
    assert session is not None
    town.identity.sessions.close(session)
    with pytest.raises(Unauthenticated, match="no such session"):
        town.principal(ada)


def test_an_invitation_works_once(town: Town, ledger: Ledger) -> None:
    accounts = town.identity.accounts
    ada = town.found()
    invitation = accounts.invite(town.principal(ada), "grace", "Grace Hopper")
    with pytest.raises(Conflict, match="no password yet"):
        accounts.confirm(invitation.secret, "000000", HERE)
    scanned = authenticator(accounts.accept(invitation.secret, PASSWORD))
    grace = Someone(invitation.user, "grace", scanned)
    with pytest.raises(Unauthenticated):
        accounts.confirm(invitation.secret, "000000", HERE)
    opened, codes = accounts.confirm(invitation.secret, town.code(grace), HERE)
    assert opened.session is not None
    assert len(set(codes)) == 10
    with pytest.raises(Missing):
        accounts.accept(invitation.secret, PASSWORD)
    with ledger.snapshot() as now:
        principal, _ = recognise_session(now.connection, opened.session, town.clock())
    assert principal.person == invitation.user


@dataclass(frozen=True)
class Interrupted:
    """Passwords whose hashing takes long enough for something else to happen."""

    passwords: Passwords
    meanwhile: Callable[[], object]

    def hash(self, password: str) -> str:
        self.meanwhile()
        return self.passwords.hash(password)


def test_whoever_else_has_the_link_cannot_replace_what_its_person_has_confirmed(
    town: Town, ledger: Ledger
) -> None:
    ada = town.found()
    accounts = town.identity.accounts
    invited = accounts.invite(town.principal(ada), "grace", "Grace")
    enrolled = authenticator(accounts.accept(invited.secret, PASSWORD))

    def confirm() -> None:
        accounts.confirm(invited.secret, enrolled.at(town.clock.now), HERE)

    late = replace(accounts, passwords=cast("Passwords", Interrupted(accounts.passwords, confirm)))
    with pytest.raises(Missing, match="used meanwhile"):
        late.accept(invited.secret, "another long password")
    with ledger.snapshot() as now:
        held = credentials.read(now.connection, invited.user)
    assert held is not None
    assert held.enrolled


def test_an_invitation_expires_after_a_week(town: Town, clock: Clock) -> None:
    ada = town.found()
    invitation = town.identity.accounts.invite(town.principal(ada), "grace", "Grace")
    clock.now += timedelta(days=7)
    with pytest.raises(Missing, match="expired"):
        town.identity.accounts.accept(invitation.secret, PASSWORD)


def test_nobody_accepts_with_a_made_up_secret(town: Town) -> None:
    town.found()
    with pytest.raises(Missing, match="no such invitation"):
        town.identity.accounts.accept("x" * 43, PASSWORD)


def test_a_name_is_taken_for_good(town: Town) -> None:
    ada = town.found()
    town.invite(ada, "grace")
    with pytest.raises(Conflict, match="taken"):
        town.invite(ada, "grace")


@pytest.mark.parametrize(
    ("name", "printed"), [("Ada", "Ada"), ("", "Ada"), ("a/b", "A"), ("ada", " "), ("ada", "A\n")]
)
def test_unusable_names_are_refused(town: Town, name: str, printed: str) -> None:
    with pytest.raises(Rejected):
        town.identity.accounts.found(name, printed, PASSWORD, OPERATOR)


@pytest.mark.parametrize(
    "password", ["elevenchars", "x" * 1025, "abababababababab", "ada-lovelace-1815"]
)
def test_a_short_endless_or_obvious_password_is_refused(town: Town, password: str) -> None:
    with pytest.raises(Rejected):
        town.identity.accounts.found("ada-lovelace", "Ada", password, OPERATOR)


def test_a_password_may_be_typed_on_another_keyboard(town: Town) -> None:
    composed, decomposed = "caf\u00e9 au lait s.v.p.", "cafe\u0301 au lait s.v.p."
    made = town.identity.accounts.found("ada", "Ada", composed, OPERATOR)
    ada = Someone(made.user, "ada", authenticator(made.otpauth))
    opened = town.identity.sessions.open("ada", decomposed, totp=town.code(ada), address=HERE)
    assert opened.session is not None


def test_whoever_holds_a_role_that_decides_must_enrol_before_a_session_opens(
    identity: Identity, town: Town
) -> None:
    made = identity.accounts.found("ada", "Ada", PASSWORD, OPERATOR)
    opened = identity.sessions.open("ada", PASSWORD, address=HERE)
    assert opened.session is None
    assert opened.must_enrol == made.otpauth


def test_whoever_holds_no_such_role_signs_in_with_a_password_until_they_do(
    town: Town,
) -> None:
    ada = town.found()
    accounts, sessions = town.identity.accounts, town.identity.sessions
    invitation = accounts.invite(town.principal(ada), "grace", "Grace")
    accounts.accept(invitation.secret, PASSWORD)
    opened = sessions.open("grace", PASSWORD, address=HERE)
    assert opened.session is not None
    grace = Someone(invitation.user, "grace", ada.authenticator, session=opened.session)
    town.grant(ada, grace, "engineer")
    assert town.principal(grace).person == grace.id
    town.grant(ada, grace, "model-validator")
    with pytest.raises(Unauthenticated, match="second factor"):
        town.principal(grace)
    assert sessions.open("grace", PASSWORD, address=HERE).session is None
