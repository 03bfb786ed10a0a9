"""How people get rights and lose them.

An approval role takes two administrators as soon as there are two. The last two
administrators lose that role, or their account, only with each other's confirmation.
Heads are expected to stand still, so nothing is decided on rights that have changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.access import Permission, PermissionRole
from app.core.errors import (
    Conflict,
    Forbidden,
    Missing,
    SelfApproval,
)
from app.core.events import say
from app.core.events.kinds.people import RoleRevoked, UserDisabled
from app.identity.agreement import Outcome, ask, seconding, settled
from app.identity.deciding import RIGHTS, deciding
from app.identity.directory import People
from app.identity.granting import (
    Asked,
    Granted,
    Waiting,
    check_new,
    drop_waiting,
    find_waiting,
    keep_waiting,
)
from app.identity.reasons import check_reason
from app.ledger.idempotency import find_use

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from app.identity.principal import Principal
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.settings import Clock, Entropy

ID_BYTES = 8
INDEPENDENT_AFTER = timedelta(hours=24)
"""How long somebody must have been administrator to count as a second one.

Else one person could make an administrator on the spot and grant with four hands.
"""
LOCALLY = frozenset(PermissionRole) - {PermissionRole.ADMINISTRATOR, PermissionRole.POLICY_AUTHOR}
"""What the operator of this machine may grant: nothing that leads to approving."""


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

    def revoke(
        self, principal: Principal, user: str, grant: int, reason: str | None = None
    ) -> Outcome:
        """Revoke a grant. Raises RoleMissing, Forbidden, Rejected, Missing, Conflict."""
        principal.require(Permission.MANAGE_ROLES)
        check_reason(reason)
        return deciding(lambda: self._revoke(principal, user, grant, reason))

    def disable(self, principal: Principal, user: str, reason: str | None = None) -> Outcome:
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
        check_reason(reason)
        outcome = deciding(lambda: self._disable(principal, user, reason))
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
            check_new(people, asked)
            administrators = people.administrators()
        if asked.approval and len(administrators) > 1:
            return self._begin(principal, asked, key)
        alone = len(administrators) < 2 or principal.is_local_operator  # noqa: PLR2004 - a second
        said = asked.said((principal.actor.id,), alone=alone)
        receipt = self.ledger.record(said, principal.actor, expects=expects, key=key)
        return Granted(grant=receipt.index)

    def _begin(self, principal: Principal, asked: Asked, key: IdempotencyKey | None) -> Granted:
        # The same request again waits under the same id.
        id_ = f"g{(self.entropy(ID_BYTES) if key is None else key.key_mac[:ID_BYTES]).hex()}"
        waits = Waiting(id_, asked, principal.actor.id, self.clock())
        self.ledger.operate(lambda connection: keep_waiting(connection, waits))
        return Granted(pending=id_)

    def _confirm(self, principal: Principal, pending: str) -> Granted:
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_ROLES)
            expects = now.heads(RIGHTS)
            waits = find_waiting(now.connection, pending, self.clock())
            if waits is None:
                raise Missing("no such grant waits for confirmation", remedy="ask for it again")
            check_new(people, waits.asked)
            administrators = people.administrators()
        by = waits.by
        if principal.person == by:
            raise SelfApproval(
                "whoever asked for a grant does not confirm it",
                remedy="another administrator has to",
            )
        if by not in administrators or principal.person not in administrators:
            raise Conflict("whoever asked or confirms administers no more", remedy="ask again")

        def settle(connection: Connection, _: Sequence[Recorded]) -> None:
            drop_waiting(connection, pending)

        newest = max(administrators[by], administrators[principal.person])
        alone = self.clock() < newest + INDEPENDENT_AFTER
        said = waits.asked.said((by, principal.person), alone=alone)
        receipt = self.ledger.record(said, principal.actor, expects=expects, beside=settle)
        return Granted(grant=receipt.index)

    def _revoke(self, principal: Principal, user: str, grant: int, reason: str | None) -> Outcome:
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
            return self._wait(principal, what, reason)
        event = RoleRevoked(grant, second.first or principal.actor.id, reason or second.reason)
        said = say(f"user/{held.user}", event)
        self.ledger.record(said, principal.actor, expects=expects, beside=settled(what))
        return Outcome.DONE

    def _disable(self, principal: Principal, user: str, reason: str | None) -> Outcome:
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_PEOPLE)
            expects = now.heads(RIGHTS)
            id_ = people.find(user).id
            what = f"disable/{id_}"
            second = seconding(now.connection, what, principal, id_, self.clock(), ends=True)
        if second.due:
            return self._wait(principal, what, reason)
        event = UserDisabled(
            disabled_by=second.first or principal.actor.id,
            confirmed_by=None if second.first is None else principal.actor.id,
            reason=reason or second.reason,
        )
        said = say(f"user/{id_}", event)
        self.ledger.record(said, principal.actor, expects=expects, beside=settled(what))
        return Outcome.DONE

    def _wait(self, principal: Principal, what: str, reason: str | None) -> Outcome:
        now = self.clock()
        self.ledger.operate(lambda connection: ask(connection, what, principal, now, reason))
        return Outcome.PENDING


def _check_local(principal: Principal, role: str) -> None:
    if principal.is_local_operator and role not in LOCALLY:
        raise Forbidden(
            f"the operator of this machine may not grant or revoke {role}",
            remedy="an administrator has to, signed in",
        )
