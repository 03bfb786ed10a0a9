"""Service tokens: made for a purpose, owned by a person, gone within a year."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.core.access import Permission, Scope
from app.core.errors import Fault, Forbidden, Missing, Rejected
from app.core.events import say
from app.core.events.envelope import NAME
from app.core.events.kinds.people import TokenCreated, TokenRevoked
from app.core.ledger.times import format_time
from app.identity import opaque
from app.identity.authentication import TOKEN_SECRET
from app.identity.deciding import RIGHTS, check_unused, deciding, shown_before
from app.identity.directory import People
from app.identity.principal import NO_LIMITS
from app.identity.reasons import check_reason
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from app.identity.principal import Principal
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.settings import Clock, Entropy

DEFAULT_LIFE = timedelta(days=90)
LONGEST_LIFE = timedelta(days=365)
PREFIX = re.compile(r"[a-z]+(/[a-z0-9][a-z0-9._-]{0,99}){0,2}/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token that is to be made. ``owner``: user id or name; None: whoever makes it.

    ``expires_at``: aware, at most a year ahead; None: in 90 days.
    """

    name: str
    scopes: tuple[Scope, ...]
    owner: str | None = None
    subject_prefix: str | None = None
    environment: str | None = None
    team: str | None = None
    expires_at: datetime | None = None
    reason: str | None = None

    def check(self, now: datetime) -> None:
        """Raise Rejected unless it is a token that may exist."""
        faults = [
            Fault(f"#/{name}", "must match " + NAME.pattern)
            for name, value in (
                ("name", self.name),
                ("environment", self.environment),
                ("team", self.team),
            )
            if value is not None and not NAME.fullmatch(value)
        ]
        if not self.scopes or len(set(self.scopes)) < len(self.scopes):
            faults.append(Fault("#/scopes", "must be different scopes, at least one"))
        if self.subject_prefix is not None and not PREFIX.fullmatch(self.subject_prefix):
            faults.append(Fault("#/subject_prefix", "must be the first parts of a subject"))
        if self.expires_at is not None and not now < self.expires_at <= now + LONGEST_LIFE:
            faults.append(Fault("#/expires_at", "must lie ahead, and at most a year"))
        if faults:
            raise Rejected(f"{faults[0].pointer} {faults[0].message}", faults=faults)
        check_reason(self.reason)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token. ``secret``: the token itself, shown this once."""

    id: str
    secret: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and revokes tokens. ``forget``: drop what is remembered of tokens."""

    ledger: Ledger
    clock: Clock
    entropy: Entropy
    forget: Callable[[], None]

    def create(
        self, principal: Principal, wanted: Wanted, key: IdempotencyKey | None = None
    ) -> Issued:
        """Make a token. Its owner answers for what it does, for good.

        Raises RoleMissing; Forbidden for a limited token, or for the local operator where
        there is no sole administrator to own it; Rejected, Missing, Conflict for a used key.
        """
        principal.require(Permission.MANAGE_TOKENS)
        if principal.limits != NO_LIMITS or principal.teams is not None:
            raise Forbidden("a limited token makes no other tokens")
        wanted.check(self.clock())
        return deciding(lambda: self._create(principal, wanted, key))

    def _create(self, principal: Principal, wanted: Wanted, key: IdempotencyKey | None) -> Issued:
        secret = opaque.mint_token(self.entropy)
        id_ = opaque.token_id(secret)
        with self.ledger.snapshot() as now:
            check_unused(now, key, "token")
            expects = now.heads(RIGHTS)
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_TOKENS)
            owner = _owner(people, principal, wanted)
        event = TokenCreated(
            name=wanted.name,
            owner=owner,
            created_by=principal.answerable or principal.actor.id,
            scopes=tuple(scope.value for scope in wanted.scopes),
            last4=secret[-4:],
            expires_at=format_time(wanted.expires_at or self.clock() + DEFAULT_LIFE),
            subject_prefix=wanted.subject_prefix,
            environment=wanted.environment,
            team=wanted.team,
            reason=wanted.reason,
        )

        def keep(connection: Connection, _: Sequence[Recorded]) -> None:
            operational.put(connection, TOKEN_SECRET, id_, {"sha256": opaque.digest(secret)})

        appended = self.ledger.submit(
            [say(f"token/{id_}", event)],
            principal.actor,
            expects=expects,
            key=key,
            resource=id_,
            beside=keep,
        ).result()
        if appended.replayed:
            raise shown_before("token", appended.resource)
        return Issued(id_, secret, event.expires_at)

    def revoke(self, principal: Principal, id_: str, reason: str | None = None) -> None:
        """Revoke a token; its owner may too. Raises RoleMissing, Rejected, Missing."""
        check_reason(reason)
        deciding(lambda: self._revoke(principal, id_, reason))
        self.forget()

    def _revoke(self, principal: Principal, id_: str, reason: str | None) -> None:
        subject = f"token/{id_}"
        with self.ledger.snapshot() as now:
            token = People(now.connection).token(id_)
            expects = {} if token is None else now.heads([subject])
        if token is None or principal.person != token.owner:
            principal.require(Permission.MANAGE_TOKENS)
        if token is None or token.revoked:
            raise Missing(f"there is no token {id_[:100]}")
        said = say(subject, TokenRevoked(principal.actor.id, reason))
        self.ledger.record(said, principal.actor, expects=expects)


def _owner(people: People, principal: Principal, wanted: Wanted) -> str:
    """Find who shall answer for a token."""
    if wanted.owner is not None:
        return people.find(wanted.owner).id
    if principal.answerable is not None:
        return principal.answerable
    administrators = list(people.administrators())
    if len(administrators) != 1:
        raise Forbidden("a token needs an owner here", remedy="name a person with --owner")
    return administrators[0]
