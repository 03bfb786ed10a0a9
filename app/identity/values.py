"""People, grants and tokens as the rest of the house reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.access import PermissionRole

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.access import Scope
    from app.identity.principal import Limits

FACTOR_ROLES = frozenset({PermissionRole.ADMINISTRATOR, PermissionRole.POLICY_AUTHOR})
"""Permission roles that, like every approval role, are not used without a second factor."""


@dataclass(frozen=True, slots=True)
class User:
    """An account. ``name`` and ``printed_name`` are None where they were erased.

    ``enrolled_at``: since when the second factor is confirmed.
    """

    id: str
    name: str | None
    printed_name: str | None
    created_index: int
    created_at: datetime
    disabled: bool
    enrolled_at: datetime | None

    @property
    def called(self) -> str:
        """The name to show: as under signatures, else as at sign-in, else the id."""
        return self.printed_name or self.name or self.id


@dataclass(frozen=True, slots=True)
class Grant:
    """A role as granted. ``id``: entry index; ``grantors``: actor ids, in order."""

    id: int
    user: str
    role: str
    approval: bool
    team: str | None
    scope: str | None
    grantors: tuple[str, ...]
    single_administrator: bool
    granted_at: datetime
    revoked_at: datetime | None

    @property
    def needs_factor(self) -> bool:
        return self.approval or self.role in FACTOR_ROLES


@dataclass(frozen=True, slots=True)
class Token:
    """A service token. ``owner``: user id; ``created_by``: actor id."""

    id: str
    name: str
    owner: str
    created_by: str
    scopes: tuple[Scope, ...]
    last4: str
    limits: Limits
    team: str | None
    created_index: int
    created_at: datetime
    expires_at: datetime
    revoked: bool
