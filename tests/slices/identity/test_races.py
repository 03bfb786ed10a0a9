"""What must not happen when several do the same thing at the same moment."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from app.core.access import Scope
from app.core.errors import Refusal
from app.core.events.kinds.people import (
    AccessRefused,
    RoleGranted,
    SessionOpened,
    SessionRefused,
    TokenCreated,
    UserCreated,
)
from app.identity.issuing import Wanted
from app.identity.local import local_actor
from app.ledger.idempotency import make_key
from tests.slices.identity.town import OPERATOR, PASSWORD, Someone, authenticator

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.identity.assembly import Identity
    from app.ledger.record import Ledger
    from tests.slices.identity.town import Town

T = TypeVar("T")
HERE = "127.0.0.1"
MANY = 8
KEY = make_key(bytes(32), "somebody", "POST /x", "once", b"{}")


def at_once(act: Callable[[], T]) -> list[T | Refusal]:
    """Do the same thing in eight threads that start together."""
    outcomes: list[T | Refusal] = []
    start = threading.Barrier(MANY)

    def run() -> None:
        start.wait()
        try:
            outcomes.append(act())
        except Refusal as refusal:
            outcomes.append(refusal)

    threads = [threading.Thread(target=run) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def done(outcomes: list[T | Refusal]) -> list[T]:
    return [one for one in outcomes if not isinstance(one, Refusal)]


def recorded(ledger: Ledger, kind: type) -> int:
    with ledger.snapshot() as now:
        entries = ledger.store.recorded(now.connection, 0, now.size)
        return sum(isinstance(one.event, kind) for one in entries)


def test_one_first_administrator(identity: Identity, ledger: Ledger) -> None:
    names = iter("abcdefgh")
    outcomes = at_once(
        lambda: identity.accounts.found(next(names) + "da", "Ada", PASSWORD, OPERATOR)
    )
    assert len(done(outcomes)) == 1
    assert recorded(ledger, UserCreated) == 1


def test_one_account_of_a_name(town: Town, ledger: Ledger) -> None:
    principal = town.principal(town.found())
    outcomes = at_once(lambda: town.identity.accounts.invite(principal, "grace", "Grace"))
    assert len(done(outcomes)) == 1
    assert recorded(ledger, UserCreated) == 2


def test_one_invitation_and_one_token_under_a_key(town: Town, ledger: Ledger) -> None:
    principal = town.principal(town.found())
    identity = town.identity
    invited = at_once(lambda: identity.accounts.invite(principal, "grace", "Grace", KEY))
    assert len(done(invited)) == 1
    other = make_key(bytes(32), "somebody", "POST /y", "once", b"{}")
    wanted = Wanted("ci", (Scope.READ,))
    assert len(done(at_once(lambda: identity.tokens.create(principal, wanted, other)))) == 1
    assert recorded(ledger, TokenCreated) == 1


def test_one_session_for_a_code(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    code, before = town.code(ada), recorded(ledger, SessionOpened)
    opened = at_once(
        lambda: town.identity.sessions.open(ada.name, PASSWORD, totp=code, address=HERE)
    )
    assert len(done(opened)) == 1
    assert recorded(ledger, SessionOpened) == before + 1


def test_one_session_for_a_recovery_code(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    code, before = ada.recovery_codes[0], recorded(ledger, SessionOpened)
    opened = at_once(
        lambda: town.identity.sessions.open(ada.name, PASSWORD, recovery_code=code, address=HERE)
    )
    assert len(done(opened)) == 1
    assert recorded(ledger, SessionOpened) == before + 1


def test_one_confirmation_of_an_invitation(town: Town) -> None:
    accounts = town.identity.accounts
    invitation = accounts.invite(town.principal(town.found()), "grace", "Grace")
    scanned = authenticator(accounts.accept(invitation.secret, PASSWORD))
    code = town.code(Someone(invitation.user, "grace", scanned))
    assert len(done(at_once(lambda: accounts.confirm(invitation.secret, code, HERE)))) == 1


def test_one_confirmation_of_a_grant(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    grace = town.invite(ada, "grace")
    town.grant(ada, grace, "administrator")
    asked = town.grant(ada, grace, "model-validator")
    before, principal = recorded(ledger, RoleGranted), town.principal(grace)
    confirmed = at_once(lambda: town.identity.roles.confirm(principal, str(asked.pending)))
    assert len(done(confirmed)) == 1
    assert recorded(ledger, RoleGranted) == before + 1


def test_one_entry_for_many_refusals(town: Town, ledger: Ledger) -> None:
    refusals = town.identity.refusals
    at_once(lambda: refusals.session(None, HERE, "wrong", None))
    assert recorded(ledger, SessionRefused) == 1
    at_once(lambda: refusals.access(local_actor(1000), "local", "POST /x", "RoleMissing"))
    assert recorded(ledger, AccessRefused) == 1
    with ledger.snapshot() as now:
        assert now.entry(now.size - 1).subject == "log"


def test_guessing_in_parallel_gives_no_more_guesses(town: Town) -> None:
    ada = town.found()
    looked_at: list[str] = []
    real = town.identity.sessions.passwords._hasher  # noqa: SLF001 - what is counted is its work

    class Counting:
        def verify(self, hashed: str, password: str) -> bool:
            looked_at.append(password)
            return real.verify(hashed, password)

    town.identity.sessions.passwords._hasher = Counting()  # type: ignore[assignment]  # noqa: SLF001
    at_once(lambda: town.identity.sessions.open(ada.name, "guess", totp="0", address=HERE))
    assert len(looked_at) == 5
