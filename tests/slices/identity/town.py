"""A clock and entropy that tests hold, and people who come and get rights as people do."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.identity.authentication import recognise_session
from app.identity.granting import Asked, Granted
from app.identity.local import local_actor

if TYPE_CHECKING:
    from app.identity.assembly import Identity
    from app.identity.principal import Principal

APPROVALS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WEAK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Cheap, for tests alone; one test holds what the real one costs."""
PASSWORD = "correct horse battery"
OPERATOR = local_actor(1000)


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Entropy:
    """Seeded bytes."""

    source: random.Random = field(default_factory=lambda: random.Random(1))

    def __call__(self, count: int) -> bytes:
        return self.source.randbytes(count)


def authenticator(address: str) -> pyotp.TOTP:
    """Scan an otpauth address."""
    scanned = pyotp.parse_uri(address)
    assert isinstance(scanned, pyotp.TOTP)
    return scanned


@dataclass
class Someone:
    """A person at their authenticator."""

    id: str
    name: str
    authenticator: pyotp.TOTP
    recovery_codes: tuple[str, ...] = ()
    session: str = ""


@dataclass
class Town:
    """People who come and get rights the way people do."""

    identity: Identity
    clock: Clock

    def code(self, someone: Someone) -> str:
        """Show a code that was not used yet: the next one, half a minute later."""
        self.clock.pass_(seconds=30)
        return someone.authenticator.at(self.clock.now)

    def sign_in(self, someone: Someone) -> Principal:
        opened = self.identity.sessions.open(
            someone.name, PASSWORD, totp=self.code(someone), address="127.0.0.1"
        )
        assert opened.session is not None
        someone.session = opened.session
        return self.principal(someone)

    def principal(self, someone: Someone) -> Principal:
        with self.identity.ledger.snapshot() as now:
            return recognise_session(now.connection, someone.session, self.clock())[0]

    def found(self, name: str = "ada") -> Someone:
        made = self.identity.accounts.found(name, name.title(), PASSWORD, OPERATOR)
        someone = Someone(made.user, name, authenticator(made.otpauth), made.recovery_codes)
        self.sign_in(someone)
        return someone

    def invite(self, by: Someone, name: str) -> Someone:
        """Let somebody be invited, accept and enrol."""
        accounts = self.identity.accounts
        invitation = accounts.invite(self.principal(by), name, name.title())
        someone = Someone(
            invitation.user,
            name,
            authenticator(accounts.accept(invitation.secret, PASSWORD)),
        )
        opened, codes = accounts.confirm(invitation.secret, self.code(someone), "127.0.0.1")
        someone.session, someone.recovery_codes = str(opened.session), codes
        return someone

    def grant(self, by: Someone, to: Someone, role: str, **where: str) -> Granted:
        return self.identity.roles.grant(self.principal(by), Asked(to.id, role, **where))
