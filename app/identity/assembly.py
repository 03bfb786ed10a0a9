"""The parts of this room, put together once for ``app.main``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.identity.accounts import Accounts, Invitation
from app.identity.authentication import Authentication
from app.identity.factor import Secrets
from app.identity.issuing import Tokens
from app.identity.open_sessions import Ending
from app.identity.own import OwnAccount
from app.identity.passwords import STRONG, Passwords
from app.identity.refusals import Refusals
from app.identity.resetting import Resetting
from app.identity.roles import Roles
from app.identity.sessions import Sessions
from app.identity.signing import Signing

if TYPE_CHECKING:
    from collections.abc import Callable

    from argon2 import PasswordHasher

    from app.ledger.record import Ledger
    from app.settings import Clock, Entropy


@dataclass(frozen=True, slots=True)
class Keys:
    """``totp``: 32 bytes. ``sign``: Ed25519 under the approvals key, whose verifier is ``vkey``."""

    totp: bytes
    sign: Callable[[bytes], bytes]
    vkey: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything this room does. ``public_url``: without a slash at its end."""

    ledger: Ledger
    public_url: str
    authentication: Authentication
    accounts: Accounts
    sessions: Sessions
    roles: Roles
    tokens: Tokens
    signing: Signing
    refusals: Refusals
    own: OwnAccount
    ending: Ending
    resetting: Resetting
    clock: Clock

    def link(self, made: Invitation) -> str:
        """Give the address that opens an account, once."""
        return f"{self.public_url}/invitations/{made.secret}"


def assemble(
    ledger: Ledger,
    clock: Clock,
    entropy: Entropy,
    keys: Keys,
    public_url: str,
    hasher: PasswordHasher = STRONG,
) -> Identity:
    """Build the room. ``hasher``: a cheaper one is for tests alone."""
    passwords = Passwords(entropy, hasher)
    secrets = Secrets(keys.totp, entropy)
    refusals = Refusals(ledger, clock)
    authentication = Authentication(ledger, clock, public_url)
    sessions = Sessions(ledger, passwords, secrets, refusals, clock, entropy)
    return Identity(
        ledger=ledger,
        public_url=public_url,
        authentication=authentication,
        accounts=Accounts(ledger, passwords, secrets, sessions, clock, entropy),
        sessions=sessions,
        roles=Roles(ledger, clock, entropy, authentication.forget),
        tokens=Tokens(ledger, clock, entropy, authentication.forget),
        signing=Signing(ledger, passwords, secrets, sessions, clock, keys.sign, keys.vkey),
        refusals=refusals,
        own=OwnAccount(ledger, passwords, secrets, sessions, clock),
        ending=Ending(ledger, clock),
        resetting=Resetting(ledger, clock, entropy),
        clock=clock,
    )
