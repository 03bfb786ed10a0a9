"""The lists of people and tokens, page by page, in the order they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, not_, or_, select, true

from app.core.access import PermissionRole
from app.core.ledger.times import format_time
from app.identity import reading
from app.identity.directory import People
from app.identity.tables import ROLE_GRANTS, TOKENS, USERS
from app.identity.token_use import last_used
from app.web.listing import Listed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Table

    from app.core.jsonvalue import Json
    from app.identity.values import Grant
    from app.ledger.snapshot import Snapshot
    from app.web.listing import Key

USER_COLUMNS = (
    "id", "name", "printed_name", "disabled", "enrolled_at", "roles", "created_at", "created_index",
)  # fmt: skip
GRANT_COLUMNS = (
    "grant", "user", "role", "approval", "team", "scope", "grantors", "single_administrator",
    "granted_at", "state", "revoked_at",
)  # fmt: skip
TOKEN_COLUMNS = (
    "id", "name", "owner", "created_by", "scopes", "last4", "subject_prefix", "environment",
    "team", "created_at", "expires_at", "revoked", "last_used_at", "created_index",
)  # fmt: skip


def users(
    now: Snapshot, size: int | None, after: Key | None, limit: int, *where: ColumnElement[bool]
) -> Listed:
    """List accounts that the first ``size`` entries made, with the roles they hold now."""
    size = now.size if size is None else size
    found = reading.users(now.connection, *_part(USERS, size, after), *where, limit=limit)
    people = People(now.connection)
    items: list[dict[str, Json]] = [
        {
            "id": one.id,
            "name": one.name,
            "printed_name": one.printed_name,
            "disabled": one.disabled,
            "enrolled_at": None if one.enrolled_at is None else format_time(one.enrolled_at),
            "roles": [role_of(grant) for grant in people.grants(one.id)],
            "created_at": format_time(one.created_at),
            "created_index": one.created_index,
        }
        for one in found
    ]
    return Listed(items, [(one.created_index,) for one in found], size)


def tokens(
    now: Snapshot,
    owner: str | None,
    size: int | None,
    after: Key | None,
    limit: int,
    *where: ColumnElement[bool],
) -> Listed:
    """List tokens that the first ``size`` entries made. ``owner``: theirs alone, None: all."""
    size = now.size if size is None else size
    theirs = true() if owner is None else TOKENS.c.owner == owner
    found = reading.tokens(now.connection, *_part(TOKENS, size, after), theirs, *where, limit=limit)
    items: list[dict[str, Json]] = [
        {
            "id": one.id,
            "name": one.name,
            "owner": one.owner,
            "created_by": one.created_by,
            "scopes": list(one.scopes),
            "last4": one.last4,
            "subject_prefix": one.limits.subject_prefix,
            "environment": one.limits.environment,
            "team": one.team,
            "created_at": format_time(one.created_at),
            "expires_at": format_time(one.expires_at),
            "revoked": one.revoked,
            "last_used_at": last_used(now.connection, one.id),
            "created_index": one.created_index,
        }
        for one in found
    ]
    return Listed(items, [(one.created_index,) for one in found], size)


def of_people(words: str, state: str, role: str) -> tuple[ColumnElement[bool], ...]:
    """Say which accounts are asked for; empty texts ask for nothing.

    ``words``: in a name or the id. ``state``: open, closed, or ``no-factor``: open and without
    a confirmed authenticator. ``role``: held now.
    """
    texts = (USERS.c.name, USERS.c.printed_name, USERS.c.id)
    found: list[ColumnElement[bool]] = [
        or_(*(func.lower(one).contains(word, autoescape=True) for one in texts))
        for word in words.lower().split()
    ]
    if state:
        closed = USERS.c.disabled_index.is_not(None)
        found.append(closed if state == "closed" else not_(closed))
    if state == "no-factor":
        found.append(USERS.c.enrolled_at.is_(None))
    if role:
        holders = select(ROLE_GRANTS.c.user).where(
            ROLE_GRANTS.c.role == role, ROLE_GRANTS.c.revoked_index.is_(None)
        )
        found.append(USERS.c.id.in_(holders))
    return tuple(found)


def grants(
    now: Snapshot, size: int | None, after: Key | None, limit: int, *where: ColumnElement[bool]
) -> Listed:
    """List roles as they were granted by the first ``size`` entries, revoked ones too."""
    size = now.size if size is None else size
    first = -1 if after is None else after[0]
    part = (ROLE_GRANTS.c.id < size, ROLE_GRANTS.c.id > first)
    found = reading.grants(now.connection, *part, *where, limit=limit)
    items: list[dict[str, Json]] = [
        {
            **role_of(one),
            "user": one.user,
            "grantors": list(one.grantors),
            "state": "held" if one.revoked_at is None else "revoked",
            "revoked_at": None if one.revoked_at is None else format_time(one.revoked_at),
        }
        for one in found
    ]
    return Listed(items, [(one.id,) for one in found], size)


def of_roles(role: str, kind: str, state: str, user: str) -> tuple[ColumnElement[bool], ...]:
    """Say which grants are asked for; empty texts ask for nothing.

    ``kind``: approval or permission. ``state``: held or revoked. ``user``: whose, by id.
    """
    found: list[ColumnElement[bool]] = []
    if role:
        found.append(ROLE_GRANTS.c.role == role)
    if kind:
        found.append(ROLE_GRANTS.c.approval.is_(kind == "approval"))
    if state:
        held = ROLE_GRANTS.c.revoked_index.is_(None)
        found.append(held if state == "held" else not_(held))
    if user:
        found.append(ROLE_GRANTS.c.user == user)
    return tuple(found)


def roles_known(connection: Connection) -> tuple[str, ...]:
    """Name every role that there is or ever was, those of permission first."""
    told = connection.execute(select(ROLE_GRANTS.c.role).distinct().order_by(ROLE_GRANTS.c.role))
    return tuple(dict.fromkeys([*PermissionRole, *told.scalars()]))


def of_tokens(state: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Say which tokens are asked for. ``state``: active, expired, revoked; empty: all."""
    revoked = TOKENS.c.revoked_index.is_not(None)
    over = TOKENS.c.expires_at <= format_time(at)
    match state:
        case "active":
            return (not_(revoked), not_(over))
        case "expired":
            return (not_(revoked), over)
        case "revoked":
            return (revoked,)
        case _:
            return ()


def role_of(grant: Grant) -> dict[str, Json]:
    """Write a role as it is held."""
    return {
        "grant": grant.id,
        "role": grant.role,
        "approval": grant.approval,
        "team": grant.team,
        "scope": grant.scope,
        "single_administrator": grant.single_administrator,
        "granted_at": format_time(grant.granted_at),
    }


def _part(table: Table, size: int, after: Key | None) -> tuple[ColumnElement[bool], ...]:
    first = -1 if after is None else after[0]
    return table.c.created_index < size, table.c.created_index > first
