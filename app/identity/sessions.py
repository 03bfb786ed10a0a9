"""Signing in and out.

Whatever is wrong, the answer is one sentence and the work one argon2id: it does not tell
whether there is such an account, or which part was wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.errors import TooManyAttempts
from app.core.events import Actor, ActorKind, AuthMethod, say
from app.core.events.kinds.people import SecondFactorChanged, SessionOpened
from app.core.ledger.times import format_time, parse_time
from app.identity import attempts, credentials, opaque
from app.identity.authentication import ABSOLUTE, SESSION
from app.identity.directory import People
from app.identity.factor import otpauth, recovery_digest, step_of
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.errors import Unauthenticated
    from app.identity.credentials import Credentials
    from app.identity.factor import Secrets
    from app.identity.passwords import Passwords
    from app.identity.refusals import Refusals
    from app.identity.values import User
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.settings import Clock, Entropy

REMEMBERED_FOR = timedelta(days=1)
WRONG = "wrong name, password or code"
LOCKED = "locked after wrong answers"


@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to a sign-in. ``session``: the secret, shown once; None where ``must_enrol``.

    ``must_enrol``: otpauth address; signing in again with its first code opens the session.
    """

    session: str | None
    must_enrol: str | None = None


@dataclass(frozen=True, slots=True)
class _Account:
    """What is known about a name that somebody signs in with."""

    user: User | None
    held: Credentials | None
    needs_factor: bool
    key: str


@dataclass(frozen=True, slots=True)
class Sessions:
    """Opens and closes sessions."""

    ledger: Ledger
    passwords: Passwords
    secrets: Secrets
    refusals: Refusals
    clock: Clock
    entropy: Entropy

    def open(
        self,
        name: str,
        password: str,
        *,
        totp: str | None = None,
        recovery_code: str | None = None,
        address: str,
    ) -> Opened:
        """Sign in with a password and, once a factor is enrolled, a code of one kind.

        Raises Unauthenticated, TooManyAttempts.
        """
        now = self.clock()
        account = self._account(name)
        user = None if account.user is None else account.user.id
        self.begin(user, account.key, address)
        held = account.held
        right = self.passwords.verify(None if held is None else held.password, password)
        if not right or held is None or user is None:
            raise self.refuse(user, account.key, address)
        if totp is not None:
            step = step_of(self.secrets.open(held.secret, user), totp, now, held.step)
            if step is None:
                raise self.refuse(user, account.key, address)
            return self._open_with_code(user, account.key, step, enrol=not held.enrolled)
        if recovery_code is not None:
            code = recovery_digest(recovery_code)
            if not held.enrolled or code not in held.recovery:
                raise self.refuse(user, account.key, address)
            return self._open_with_recovery_code(user, account.key, code)
        if held.enrolled:
            raise self.refuse(user, account.key, address)
        if account.needs_factor:
            self.ledger.operate(lambda c: attempts.succeeded(c, account.key, now))
            return Opened(None, otpauth(self.secrets.open(held.secret, user), name))
        actor = Actor(user, ActorKind.PERSON, AuthMethod.PASSWORD)
        return self.record(actor, account.key, ("password",), _nothing)

    def close(self, key: str) -> None:
        """End a session, by the key under which it is kept."""
        self.ledger.operate(lambda connection: operational.delete(connection, SESSION, key))

    def begin(self, user: str | None, account: str, address: str) -> None:
        """Count an attempt. Raises TooManyAttempts, on record, while the account is locked."""
        now = self.clock()
        try:
            self.ledger.operate(lambda connection: attempts.begin(connection, account, now))
        except TooManyAttempts:
            self._note(user, account, address, LOCKED)
            raise

    def refuse(self, user: str | None, account: str, address: str) -> Unauthenticated:
        """Put a refusal on record and return what to raise."""
        self._note(user, account, address, WRONG)
        return credentials.wrong()

    def record(
        self,
        actor: Actor,
        account: str,
        methods: tuple[str, ...],
        spend: Callable[[Connection, Sequence[Recorded]], None],
        *,
        enrolled: bool = False,
        recovered: bool = False,
    ) -> Opened:
        """Record a session and keep it, in one transaction with what it used up.

        ``spend`` raises Unauthenticated where a code was used meanwhile.
        """
        secret, now = opaque.mint_secret(self.entropy), self.clock()
        changes = ["enrolled"] * enrolled + ["recovery_code_used"] * recovered
        subject = f"user/{actor.id}"
        saids = [say(subject, SecondFactorChanged(change)) for change in changes]

        def keep(connection: Connection, recorded: Sequence[Recorded]) -> None:
            spend(connection, recorded)
            attempts.succeeded(connection, account, now)
            _forget_ended(connection, now)
            document = {
                "user": actor.id,
                "opened_at": format_time(now),
                "seen_at": format_time(now),
                "methods": list(methods),
            }
            operational.put(connection, SESSION, opaque.digest(secret), document)

        self.ledger.record_all([*saids, say(subject, SessionOpened(methods))], actor, beside=keep)
        return Opened(secret)

    def _open_with_code(self, user: str, account: str, step: int, *, enrol: bool) -> Opened:
        def spend(connection: Connection, _: Sequence[Recorded]) -> None:
            credentials.spend_step(connection, user, step, enrol=enrol)

        actor = Actor(user, ActorKind.PERSON, AuthMethod.PASSWORD_TOTP)
        return self.record(actor, account, ("password", "totp"), spend, enrolled=enrol)

    def _open_with_recovery_code(self, user: str, account: str, code: str) -> Opened:
        def spend(connection: Connection, _: Sequence[Recorded]) -> None:
            credentials.spend_recovery_code(connection, user, code)

        actor = Actor(user, ActorKind.PERSON, AuthMethod.PASSWORD)
        methods = ("password", "recovery_code")
        return self.record(actor, account, methods, spend, recovered=True)

    def _account(self, name: str) -> _Account:
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            user = people.named(name)
            if user is None or user.disabled:
                return _Account(
                    None, None, needs_factor=False, key=attempts.account_key(None, name)
                )
            held = credentials.read(now.connection, user.id)
            needs_factor = any(one.needs_factor for one in people.grants(user.id))
            return _Account(user, held, needs_factor, attempts.account_key(user.id, name))

    def _note(self, user: str | None, account: str, address: str, because: str) -> None:
        with self.ledger.snapshot() as now:
            until = attempts.locked_until(now.connection, account, self.clock())
        self.refusals.session(user, address, because, until)


def _nothing(_: Connection, __: Sequence[Recorded]) -> None:
    """Use up nothing: a password is no one-time code."""


def _forget_ended(connection: Connection, now: datetime) -> None:
    """Drop sessions a day past their absolute end, so that they do not pile up.

    Until then one that ended still tells whose it was: what was typed under it is kept for
    that person.
    """
    for key, document in operational.each(connection, SESSION):
        if parse_time(str(document["opened_at"])) + ABSOLUTE + REMEMBERED_FOR <= now:
            operational.delete(connection, SESSION, key)
