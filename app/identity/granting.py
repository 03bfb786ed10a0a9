"""A role that is to be granted: how it is written down, and how it waits for a second person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.access import PermissionRole
from app.core.errors import Conflict, Fault, IdempotencyMismatch, Rejected
from app.core.events import say
from app.core.events.envelope import NAME
from app.core.events.kinds.people import RoleGranted
from app.core.ledger.times import format_time, parse_time
from app.identity.reasons import check_reason
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.events import Said
    from app.core.jsonvalue import Json
    from app.identity.directory import People

PENDING = "role_grant"
PENDING_FOR = timedelta(days=7)
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
    reason: str | None = None

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
        check_reason(self.reason)

    def said(self, grantors: tuple[str, ...], *, alone: bool) -> Said:
        """Say that it is granted."""
        event = RoleGranted(
            role=self.role,
            approval=self.approval,
            grantors=grantors,
            single_administrator=alone,
            team=self.team,
            scope=self.scope,
            reason=self.reason,
        )
        return say(f"user/{self.user}", event)


@dataclass(frozen=True, slots=True)
class Granted:
    """``grant``: entry index; or ``pending``: id that a second administrator confirms.

    ``replayed``: granted before, by the same request.
    """

    grant: int | None = None
    pending: str | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A grant that waits for a second administrator. ``by``: user id of who asked for it."""

    id: str
    asked: Asked
    by: str
    at: datetime

    @property
    def until(self) -> datetime:
        return self.at + PENDING_FOR


def waiting(connection: Connection, now: datetime) -> list[Waiting]:
    """List the grants that wait and have not lapsed, the oldest first."""
    kept = [_waiting(id_, one) for id_, one in operational.each(connection, PENDING)]
    return sorted((one for one in kept if now < one.until), key=lambda one: (one.at, one.id))


def find_waiting(connection: Connection, id_: str, now: datetime) -> Waiting | None:
    """Find a grant that waits and has not lapsed."""
    document = operational.get(connection, PENDING, id_)
    found = None if document is None else _waiting(id_, document)
    return None if found is None or found.until <= now else found


def drop_waiting(connection: Connection, id_: str) -> bool:
    """Forget what waits: it was granted. Tell whether it was there."""
    return operational.delete(connection, PENDING, id_)


def keep_waiting(connection: Connection, one: Waiting) -> None:
    """Keep what waits; under an id that somebody has seen, nothing else ever does.

    Raises IdempotencyMismatch.
    """
    document: dict[str, Json] = {
        "user": one.asked.user,
        "role": one.asked.role,
        "team": one.asked.team,
        "scope": one.asked.scope,
        "reason": one.asked.reason,
        "by": one.by,
        "at": format_time(one.at),
    }
    before = operational.get(connection, PENDING, one.id)
    if before is not None and {**before, "at": document["at"]} != document:
        raise IdempotencyMismatch("this key waits for another grant", remedy="send a new key")
    operational.put(connection, PENDING, one.id, document)


def check_new(people: People, asked: Asked) -> None:
    """Check that the person is there and does not hold the role already."""
    people.find(asked.user)
    held = [(one.role, one.team, one.scope) for one in people.grants(asked.user)]
    if (asked.role, asked.team, asked.scope) in held:
        raise Conflict(f"user {asked.user} holds {asked.role} already")


def _waiting(id_: str, document: Mapping[str, Json]) -> Waiting:
    asked = Asked(
        user=str(document["user"]),
        role=str(document["role"]),
        team=_text(document["team"]),
        scope=_text(document["scope"]),
        reason=_text(document.get("reason")),
    )
    return Waiting(id_, asked, str(document["by"]), parse_time(str(document["at"])))


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
