"""Events about people, their roles, tokens and sessions; the service records them.

Names and reasons are personal members: they lie in the payload, never in the entry, and may
be erased. ``reason``: why somebody changed it, in their own words; None where nobody asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class UserCreated:
    """An account exists, under ``user/<id>``; ``name`` signs in, ``printed_name`` signs."""

    TYPE: ClassVar[str] = "user.created.v1"
    name: str | None = None
    printed_name: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class UserDisabled:
    """The account is closed; its id is never used again."""

    TYPE: ClassVar[str] = "user.disabled.v1"
    disabled_by: str
    confirmed_by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RoleGranted:
    """A person holds a permission role or an approval role from now on.

    The grant's id is its entry index. ``approval``: false for the seven fixed permission
    roles. ``scope``: ``model/<glob>@<environment>``. ``grantors``: user ids, in order.
    ``single_administrator``: granted by the only administrator there was.
    """

    TYPE: ClassVar[str] = "role.granted.v1"
    role: str
    approval: bool
    grantors: tuple[str, ...]
    single_administrator: bool
    team: str | None = None
    scope: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RoleRevoked:
    """The grant recorded at entry ``grant`` no longer holds."""

    TYPE: ClassVar[str] = "role.revoked.v1"
    grant: int
    revoked_by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TokenCreated:
    """A service token exists, under ``token/<id>``.

    ``owner``: user id of the person who answers for what it does, fixed.
    ``last4``: end of the token, to tell tokens apart. ``expires_at``: RFC 3339 UTC.
    """

    TYPE: ClassVar[str] = "token.created.v1"
    name: str
    owner: str
    created_by: str
    scopes: tuple[str, ...]
    last4: str
    expires_at: str
    subject_prefix: str | None = None
    environment: str | None = None
    team: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TokenRevoked:
    """The token opens nothing any more."""

    TYPE: ClassVar[str] = "token.revoked.v1"
    revoked_by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SecondFactorChanged:
    """``change``: enrolled, replaced, recovery_code_used, reset_requested or reset."""

    TYPE: ClassVar[str] = "second_factor.changed.v1"
    change: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A person signed in. ``methods``: such as password, totp, recovery_code."""

    TYPE: ClassVar[str] = "session.opened.v1"
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """An administrator ended sessions of a person. ``sessions``: how many there were."""

    TYPE: ClassVar[str] = "session.ended.v1"
    sessions: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SessionRefused:
    """Sign-ins or signings were refused; one entry per account and address in 15 minutes."""

    TYPE: ClassVar[str] = "session.refused.v1"
    because: str
    locked_until: str | None = None


@dataclass(frozen=True, slots=True)
class AccessRefused:
    """Something was refused for want of a right; one entry per actor and address."""

    TYPE: ClassVar[str] = "access.refused.v1"
    because: str
    route: str
