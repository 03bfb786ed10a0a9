"""How people get rights and lose them.

An approval role takes two administrators as soon as there are two. The last two
administrators lose that role, or their account, only with each other's confirmation.
Heads are expected to stand still, so nothing is decided on rights that have changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.access import Permission, PermissionRole
from app.core.errors import (
    Conflict,
    Fault,
    Forbidden,
    IdempotencyMismatch,
    Missing,
    Rejected,
    SelfApproval,
)
from app.core.events import say
from app.core.events.envelope import NAME
from app.core.events.kinds.people import RoleGranted, RoleRevoked, UserDisabled
from app.core.ledger.times import format_time, parse_time
from app.identity.agreement import Outcome, ask, seconding, settled
from app.identity.deciding import RIGHTS, deciding
from app.identity.directory import People
from app.ledger import operational
from app.ledger.idempotency import find_use

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from app.core.events import Said
    from app.core.jsonvalue import Json
    from app.identity.principal import Principal
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.settings import Clock, Entropy

PENDING = "role_grant"
PENDING_FOR = timedelta(days=7)
ID_BYTES = 8
INDEPENDENT_AFTER = timedelta(hours=24)
"""How long somebody must have been administrator to count as a second one.

Else one person could make an administrator on the spot and grant with four hands.
"""
LOCALLY = frozenset(PermissionRole) - {PermissionRole.ADMINISTRATOR, PermissionRole.POLICY_AUTHOR}
"""What the operator of this machine may grant: nothing that leads to approving."""
PERMISSION_ROLES = frozenset(role.value for role in PermissionRole)
ROLE = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
SCOPE = re.compile(r"model/[a-z0-9*?.\[\]_-]{1,100}@[a-z0-9*?._-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """A role that is to be granted. ``team``, ``scope``: where it holds, None: everywhere."""

    user: str
    role: str
    team: str | None = None
    scope: str | None = None

    @property
    def approval(self) -> bool:
        return self.role not in PERMISSION_ROLES

    def check(self) -> None:
        """Raise Rejected unless it can be written down as a role."""
        faults = []
        if not ROLE.fullmatch(self.role):
            faults.append(Fault("#/role", "must match " + ROLE.pattern))
        if self.team is not None and not NAME.fullmatch(self.team):
            faults.append(Fault("#/team", "must match " + NAME.pattern))
        if self.scope is not None and not SCOPE.fullmatch(self.scope):
            faults.append(Fault("#/scope", "must be model/<glob>@<environment>"))
        if self.scope is not None and not self.approval:
            faults.append(Fault("#/scope", "is for approval roles; limit this one by team"))
        if faults:
            raise Rejected(f"{faults[0].pointer} {faults[0].message}", faults=faults)


@dataclass(frozen=True, slots=True)
class Granted:
    """``grant``: entry index; or ``pending``: id that a second administrator confirms.

    ``replayed``: granted before, by the same request.
    """

    grant: int | None = None
    pending: str | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Roles:
    """Grants and revokes roles, closes accounts. ``forget``: as of ``Tokens``."""

    ledger: Ledger
    clock: Clock
    entropy: Entropy
    forget: Callable[[], None]

    def grant(
        self, principal: Principal, asked: Asked, key: IdempotencyKey | None = None
    ) -> Granted:
        """Grant a role, or begin to where a second administrator is due.

        Raises RoleMissing, Forbidden, Rejected, Missing, Conflict where it is held already.
        """
        principal.require(Permission.MANAGE_ROLES)
        asked.check()
        _check_local(principal, asked.role)
        with self.ledger.snapshot() as now:
            asked = replace(asked, user=People(now.connection).find(asked.user).id)
        return deciding(lambda: self._grant(principal, asked, key))

    def confirm(self, principal: Principal, pending: str) -> Granted:
        """Grant what another administrator asked for.

        Raises RoleMissing, Missing, SelfApproval, Conflict where the one who asked
        administers no more.
        """
        principal.require(Permission.MANAGE_ROLES)
        return deciding(lambda: self._confirm(principal, pending))

    def revoke(self, principal: Principal, user: str, grant: int) -> Outcome:
        """Revoke a grant. Raises RoleMissing, Forbidden, Missing, Conflict."""
        principal.require(Permission.MANAGE_ROLES)
        return deciding(lambda: self._revoke(principal, user, grant))

    def disable(self, principal: Principal, user: str) -> Outcome:
        """Close an account; its sessions and tokens end. Raises as ``revoke``.

        It takes a signed-in administrator: the operator of this machine, who can make a token
        in anybody's name, may not end sessions.
        """
        principal.require(Permission.MANAGE_PEOPLE)
        if principal.person is None:
            raise Forbidden(
                "an account is closed by a person",
                remedy="an administrator has to, signed in; no token and no operator may",
            )
        outcome = deciding(lambda: self._disable(principal, user))
        self.forget()
        return outcome

    def _grant(self, principal: Principal, asked: Asked, key: IdempotencyKey | None) -> Granted:
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_ROLES)
            expects = now.heads(RIGHTS)
            use = find_use(now.connection, key)
            if use is not None:
                return Granted(grant=use.index, replayed=True)
            _check_new(people, asked)
            administrators = people.administrators()
        if asked.approval and len(administrators) > 1:
            return self._begin(principal, asked, key)
        alone = len(administrators) < 2 or principal.is_local_operator  # noqa: PLR2004 - a second
        said = _granted(asked, (principal.actor.id,), alone=alone)
        receipt = self.ledger.record(said, principal.actor, expects=expects, key=key)
        return Granted(grant=receipt.index)

    def _begin(self, principal: Principal, asked: Asked, key: IdempotencyKey | None) -> Granted:
        # The same request again waits under the same id.
        id_ = f"g{(self.entropy(ID_BYTES) if key is None else key.key_mac[:ID_BYTES]).hex()}"
        document: dict[str, Json] = {
            "user": asked.user,
            "role": asked.role,
            "team": asked.team,
            "scope": asked.scope,
            "by": principal.actor.id,
            "at": format_time(self.clock()),
        }
        self.ledger.operate(lambda connection: _keep_pending(connection, id_, document))
        return Granted(pending=id_)

    def _confirm(self, principal: Principal, pending: str) -> Granted:
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_ROLES)
            expects = now.heads(RIGHTS)
            document = operational.get(now.connection, PENDING, pending)
            if document is None or parse_time(str(document["at"])) + PENDING_FOR <= self.clock():
                raise Missing("no such grant waits for confirmation", remedy="ask for it again")
            asked = Asked(
                user=str(document["user"]),
                role=str(document["role"]),
                team=_text(document["team"]),
                scope=_text(document["scope"]),
            )
            _check_new(people, asked)
            administrators = people.administrators()
        by = str(document["by"])
        if principal.person == by:
            raise SelfApproval(
                "whoever asked for a grant does not confirm it",
                remedy="another administrator has to",
            )
        if by not in administrators or principal.person not in administrators:
            raise Conflict("whoever asked or confirms administers no more", remedy="ask again")

        def settle(connection: Connection, _: Sequence[Recorded]) -> None:
            operational.delete(connection, PENDING, pending)

        newest = max(administrators[by], administrators[principal.person])
        alone = self.clock() < newest + INDEPENDENT_AFTER
        said = _granted(asked, (by, principal.person), alone=alone)
        receipt = self.ledger.record(said, principal.actor, expects=expects, beside=settle)
        return Granted(grant=receipt.index)

    def _revoke(self, principal: Principal, user: str, grant: int) -> Outcome:
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_ROLES)
            expects = now.heads(RIGHTS)
            held = people.grant(grant)
            if held is None or held.revoked_at is not None or held.user != people.find(user).id:
                raise Missing(f"user {user[:100]} holds no grant {grant}")
            _check_local(principal, held.role)
            what = f"revoke/{grant}"
            ends = held.role == PermissionRole.ADMINISTRATOR
            second = seconding(now.connection, what, principal, held.user, self.clock(), ends=ends)
        if second.due:
            return self._wait(principal, what)
        said = say(f"user/{held.user}", RoleRevoked(grant, second.first or principal.actor.id))
        self.ledger.record(said, principal.actor, expects=expects, beside=settled(what))
        return Outcome.DONE

    def _disable(self, principal: Principal, user: str) -> Outcome:
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_PEOPLE)
            expects = now.heads(RIGHTS)
            id_ = people.find(user).id
            what = f"disable/{id_}"
            second = seconding(now.connection, what, principal, id_, self.clock(), ends=True)
        if second.due:
            return self._wait(principal, what)
        event = UserDisabled(
            disabled_by=second.first or principal.actor.id,
            confirmed_by=None if second.first is None else principal.actor.id,
        )
        said = say(f"user/{id_}", event)
        self.ledger.record(said, principal.actor, expects=expects, beside=settled(what))
        return Outcome.DONE

    def _wait(self, principal: Principal, what: str) -> Outcome:
        now = self.clock()
        self.ledger.operate(lambda connection: ask(connection, what, principal, now))
        return Outcome.PENDING


def _keep_pending(connection: Connection, id_: str, document: Mapping[str, Json]) -> None:
    """Keep what waits; under an id that somebody has seen, nothing else ever does."""
    before = operational.get(connection, PENDING, id_)
    if before is not None and {**before, "at": document["at"]} != document:
        raise IdempotencyMismatch("this key waits for another grant", remedy="send a new key")
    operational.put(connection, PENDING, id_, document)


def _check_local(principal: Principal, role: str) -> None:
    if principal.is_local_operator and role not in LOCALLY:
        raise Forbidden(
            f"the operator of this machine may not grant or revoke {role}",
            remedy="an administrator has to, signed in",
        )


def _check_new(people: People, asked: Asked) -> None:
    """Check that the person is there and does not hold the role already."""
    people.find(asked.user)
    held = [(one.role, one.team, one.scope) for one in people.grants(asked.user)]
    if (asked.role, asked.team, asked.scope) in held:
        raise Conflict(f"user {asked.user} holds {asked.role} already")


def _granted(asked: Asked, grantors: tuple[str, ...], *, alone: bool) -> Said:
    event = RoleGranted(
        role=asked.role,
        approval=asked.approval,
        grantors=grantors,
        single_administrator=alone,
        team=asked.team,
        scope=asked.scope,
    )
    return say(f"user/{asked.user}", event)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
