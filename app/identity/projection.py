"""What each event about people changes in their tables, in the append transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, update

from app.core.events.kinds.people import (
    RoleGranted,
    RoleRevoked,
    SecondFactorChanged,
    TokenCreated,
    TokenRevoked,
    UserCreated,
    UserDisabled,
)
from app.core.events.kinds.records import EntryRedacted
from app.core.ledger.canonical import canonical
from app.core.ledger.times import format_time
from app.identity.tables import ROLE_GRANTS, TOKENS, USERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

    from app.ledger.ports import Recorded

ENROLLED = "enrolled"
RESET = "reset"
PERSONAL = frozenset({"name", "printed_name"})


class IdentityProjection:
    """Users, their roles and tokens, as the log has them."""

    name = "identity"
    version = 1
    tables: tuple[Table, ...] = (USERS, ROLE_GRANTS, TOKENS)

    def apply(self, connection: Connection, recorded: Sequence[Recorded]) -> None:
        """Take in entries, in order; those about anything else change nothing."""
        for one in recorded:
            _apply(connection, one)


def _apply(connection: Connection, one: Recorded) -> None:
    at = format_time(one.entry.recorded_at)
    id_ = one.entry.subject.partition("/")[2]
    match one.event:
        case UserCreated():
            connection.execute(insert(USERS), _user(one.event, id_, one.index, at))
        case UserDisabled():
            change = update(USERS).where(USERS.c.id == id_)
            connection.execute(change.values(disabled_index=one.index))
        case SecondFactorChanged(change=change) if change in {ENROLLED, RESET}:
            since = at if change == ENROLLED else None
            connection.execute(update(USERS).where(USERS.c.id == id_).values(enrolled_at=since))
        case RoleGranted():
            connection.execute(insert(ROLE_GRANTS), _grant(one.event, id_, one.index, at))
        case RoleRevoked(grant=grant):
            revoked = update(ROLE_GRANTS).where(ROLE_GRANTS.c.id == grant)
            connection.execute(revoked.values(revoked_index=one.index, revoked_at=at))
        case TokenCreated():
            connection.execute(insert(TOKENS), _token(one.event, id_, one.index, at))
        case TokenRevoked():
            gone = update(TOKENS).where(TOKENS.c.id == id_)
            connection.execute(gone.values(revoked_index=one.index))
        case EntryRedacted(index=index, members=members):
            erased = dict.fromkeys(PERSONAL & set(members))
            if erased:
                connection.execute(
                    update(USERS).where(USERS.c.created_index == index).values(erased)
                )
        case _:
            pass


def _user(event: UserCreated, id_: str, index: int, at: str) -> dict[str, object]:
    return {
        "id": id_,
        "name": event.name,
        "printed_name": event.printed_name,
        "created_index": index,
        "created_at": at,
        "disabled_index": None,
        "enrolled_at": None,
    }


def _grant(event: RoleGranted, user: str, index: int, at: str) -> dict[str, object]:
    return {
        "id": index,
        "user": user,
        "role": event.role,
        "approval": event.approval,
        "team": event.team,
        "scope": event.scope,
        "grantors": canonical(list(event.grantors)).decode(),
        "single_administrator": event.single_administrator,
        "granted_at": at,
        "revoked_index": None,
        "revoked_at": None,
    }


def _token(event: TokenCreated, id_: str, index: int, at: str) -> dict[str, object]:
    return {
        "id": id_,
        "name": event.name,
        "owner": event.owner,
        "created_by": event.created_by,
        "scopes": canonical(list(event.scopes)).decode(),
        "last4": event.last4,
        "subject_prefix": event.subject_prefix,
        "environment": event.environment,
        "team": event.team,
        "created_index": index,
        "created_at": at,
        "expires_at": event.expires_at,
        "revoked_index": None,
    }
