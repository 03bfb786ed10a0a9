"""Who calls: what every router asks of identity, without knowing how it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fastapi import Request

    from app.core.access import Permission, Sight
    from app.core.events import Actor


class Caller(Protocol):
    """A person with a session, or a token, as recognised for one request."""

    @property
    def actor(self) -> Actor:
        """Who speaks, as entries name them."""

    @property
    def person(self) -> str | None:
        """User id of the person who calls; None for a token."""

    @property
    def answerable(self) -> str | None:
        """User id of the person answering for the call: the caller, or the token's owner.

        None only for the operator of this machine.
        """

    @property
    def sight(self) -> Sight:
        """What the caller may see."""

    def may(self, permission: Permission) -> bool:
        """Tell whether the caller holds a permission at all."""

    def must(self, permission: Permission) -> None:
        """Raise RoleMissing unless the caller holds a permission; what for is not looked at."""

    def require(
        self,
        permission: Permission,
        *,
        subject: str | None = None,
        environment: str | None = None,
        team: str | None = None,
    ) -> None:
        """Raise RoleMissing or Forbidden unless the caller may do this to that."""


class Authenticate(Protocol):
    """Recognise the caller of a request. Raises Unauthenticated."""

    def __call__(self, request: Request) -> Caller: ...
