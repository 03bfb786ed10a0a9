"""Rows of the identity tables, read into values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.access import ROLES, PermissionRole, Scope
from app.core.ledger.times import parse_time
from app.core.policy.facts import Role
from app.identity.principal import Limits, Right
from app.identity.tables import ROLE_GRANTS, TOKENS, USERS
from app.identity.values import Grant, Token, User

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row


def users(
    connection: Connection, *where: ColumnElement[bool], limit: int | None = None
) -> list[User]:
    """Read accounts in the order they were made."""
    ordered = select(USERS).where(*where).order_by(USERS.c.created_index)
    found = connection.execute(ordered.limit(limit))
    return [
        User(
            id=row.id,
            name=row.name,
            printed_name=row.printed_name,
            created_index=row.created_index,
            created_at=parse_time(row.created_at),
            disabled=row.disabled_index is not None,
            enrolled_at=_time(row.enrolled_at),
        )
        for row in found
    ]


def grants(
    connection: Connection, *where: ColumnElement[bool], limit: int | None = None
) -> list[Grant]:
    """Read role grants in the order they were made, revoked ones too."""
    ordered = select(ROLE_GRANTS).where(*where).order_by(ROLE_GRANTS.c.id)
    found = connection.execute(ordered.limit(limit))
    return [_grant(row) for row in found]


def tokens(
    connection: Connection, *where: ColumnElement[bool], limit: int | None = None
) -> list[Token]:
    """Read tokens in the order they were made, revoked ones too."""
    ordered = select(TOKENS).where(*where).order_by(TOKENS.c.created_index)
    found = connection.execute(ordered.limit(limit))
    return [
        Token(
            id=row.id,
            name=row.name,
            owner=row.owner,
            created_by=row.created_by,
            scopes=scopes(row.scopes),
            last4=row.last4,
            limits=Limits(row.subject_prefix, row.environment),
            team=row.team,
            created_index=row.created_index,
            created_at=parse_time(row.created_at),
            expires_at=parse_time(row.expires_at),
            revoked=row.revoked_index is not None,
        )
        for row in found
    ]


def scopes(written: str) -> tuple[Scope, ...]:
    """Read a stored list of scopes."""
    return tuple(Scope(one) for one in json.loads(written))


def active_grants(connection: Connection, user: str) -> list[Grant]:
    """Read the grants that a person holds now."""
    return grants(connection, ROLE_GRANTS.c.user == user, ROLE_GRANTS.c.revoked_index.is_(None))


def rights(held: Iterable[Grant]) -> tuple[Right, ...]:
    """Turn permission roles into what they permit."""
    return tuple(
        Right(ROLES[PermissionRole(one.role)], one.team) for one in held if not one.approval
    )


def approval_roles(held: Iterable[Grant]) -> tuple[Role, ...]:
    """Turn approval roles into what policies read."""
    return tuple(
        Role(
            role=one.role,
            grant=one.id,
            grantors=one.grantors,
            granted_at=one.granted_at,
            scope=one.scope,
            team=one.team,
            single_administrator=one.single_administrator,
            revoked_at=one.revoked_at,
        )
        for one in held
        if one.approval
    )


def _grant(row: Row[tuple[object, ...]]) -> Grant:
    return Grant(
        id=row.id,
        user=row.user,
        role=row.role,
        approval=row.approval,
        team=row.team,
        scope=row.scope,
        grantors=tuple(json.loads(row.grantors)),
        single_administrator=row.single_administrator,
        granted_at=parse_time(row.granted_at),
        revoked_at=_time(row.revoked_at),
    )


def _time(written: str | None) -> datetime | None:
    return None if written is None else parse_time(written)
