"""A recognised caller: who speaks, who answers for it, and what it may do to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.access import Permission, Sight
from app.core.errors import Forbidden, RoleMissing
from app.core.events import Actor, ActorKind, AuthMethod

if TYPE_CHECKING:
    from app.core.policy.facts import Role

READING = frozenset(
    {
        Permission.READ,
        Permission.READ_DECISIONS,
        Permission.READ_LOG,
        Permission.READ_REPORTS,
        Permission.READ_ACCESS_LOG,
        Permission.VERIFY,
    }
)


@dataclass(frozen=True, slots=True)
class Right:
    """Permissions of one role or token. ``team``: whose objects alone, None: everybody's."""

    permissions: frozenset[Permission]
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What else a token is limited to; None: not limited.

    ``subject_prefix``: whole parts of a subject, so ``model/credit`` covers
    ``model/credit/3`` and not ``model/credit-card``.
    """

    subject_prefix: str | None = None
    environment: str | None = None

    def check(self, permission: Permission, subject: str | None, environment: str | None) -> None:
        """Raise Forbidden where this lies outside.

        What names no subject is outside a limit by subject, unless it only reads; what
        names no environment is outside no environment.
        """
        sight = Sight(prefix=self.subject_prefix, environment=self.environment)
        if not (subject is None and permission in READING) and not sight.covers(subject or ""):
            raise Forbidden(f"this token is limited to {self.subject_prefix}")
        if environment is not None and not sight.reaches(environment):
            raise Forbidden(f"this token is limited to the environment {self.environment}")


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller, as recognised for one request; a ``Caller`` of ``app.web.callers``.

    ``person``: user id where a person calls. ``answerable``: user id of the person, or of
    the token's owner; None for the operator of this machine alone. ``approval_roles``: held
    by the person now. ``session``: key of the session it came by. ``everywhere``: what may
    be done without any role, to whatever belongs to no team.
    """

    actor: Actor
    person: str | None
    answerable: str | None
    rights: tuple[Right, ...]
    approval_roles: tuple[Role, ...] = ()
    limits: Limits = NO_LIMITS
    session: str | None = None
    everywhere: frozenset[Permission] = frozenset()

    @property
    def teams(self) -> frozenset[str] | None:
        """Teams the caller acts for; None: not limited to any."""
        teams = [right.team for right in self.rights]
        named = frozenset(team for team in teams if team is not None)
        return None if len(named) < len(set(teams)) else named

    @property
    def sight(self) -> Sight:
        """What the caller may see."""
        return Sight(self.teams, self.limits.subject_prefix, self.limits.environment)

    @property
    def is_local_operator(self) -> bool:
        return self.actor.auth is AuthMethod.LOCAL

    def may(self, permission: Permission) -> bool:
        """Tell whether the caller holds a permission at all."""
        held = any(permission in right.permissions for right in self.rights)
        return held or permission in self.everywhere

    def must(self, permission: Permission) -> None:
        """Check that the caller holds a permission at all. Raises RoleMissing."""
        if not self.may(permission):
            remedy = "use a token with the scope for it"
            if self.actor.kind is ActorKind.PERSON:
                remedy = "ask an administrator for a role that may"
            raise RoleMissing(f"this caller may not {permission.value}", remedy=remedy)

    def require(
        self,
        permission: Permission,
        *,
        subject: str | None = None,
        environment: str | None = None,
        team: str | None = None,
    ) -> None:
        """Check that the caller may do this to that.

        ``team``: of the object, None where it has none and everybody may. Raises RoleMissing
        without the permission, Forbidden for what lies outside a team or a token's limits.
        """
        self.must(permission)
        rights = [right for right in self.rights if permission in right.permissions]
        if team is not None and all(right.team not in (None, team) for right in rights):
            raise Forbidden(f"this belongs to the team {team}, whose member the caller is not")
        self.limits.check(permission, subject, environment)
