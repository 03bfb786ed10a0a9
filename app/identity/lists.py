"""The lists of people and tokens, page by page, in the order they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import true

from app.core.ledger.times import format_time
from app.identity import reading
from app.identity.directory import People
from app.identity.tables import TOKENS, USERS
from app.web.listing import Listed

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

    from app.core.jsonvalue import Json
    from app.identity.values import Grant
    from app.ledger.snapshot import Snapshot
    from app.web.listing import Key

USER_COLUMNS = (
    "id", "name", "printed_name", "disabled", "enrolled_at", "roles", "created_at", "created_index",
)  # fmt: skip
TOKEN_COLUMNS = (
    "id", "name", "owner", "created_by", "scopes", "last4", "subject_prefix", "environment",
    "team", "created_at", "expires_at", "revoked", "created_index",
)  # fmt: skip


def users(now: Snapshot, size: int | None, after: Key | None, limit: int) -> Listed:
    """List accounts that the first ``size`` entries made, with the roles they hold now."""
    size = now.size if size is None else size
    found = reading.users(now.connection, *_part(USERS, size, after), limit=limit)
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
    now: Snapshot, owner: str | None, size: int | None, after: Key | None, limit: int
) -> Listed:
    """List tokens that the first ``size`` entries made. ``owner``: theirs alone, None: all."""
    size = now.size if size is None else size
    theirs = true() if owner is None else TOKENS.c.owner == owner
    found = reading.tokens(now.connection, *_part(TOKENS, size, after), theirs, limit=limit)
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
            "created_index": one.created_index,
        }
        for one in found
    ]
    return Listed(items, [(one.created_index,) for one in found], size)


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
