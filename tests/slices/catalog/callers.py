"""Callers as identity would recognise them: here by a header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.access import Permission, Sight
from app.core.errors import Forbidden, RoleMissing, Unauthenticated
from tests.slices.catalog.story import CI

if TYPE_CHECKING:
    from fastapi import Request

    from app.core.events import Actor

READER = frozenset({Permission.READ, Permission.READ_DECISIONS})


@dataclass(frozen=True, slots=True)
class KnownCaller:
    permissions: frozenset[Permission]
    teams: frozenset[str] | None = None
    prefix: str | None = None
    actor: Actor = CI
    person: str | None = None
    answerable: str | None = "user-alice"

    @property
    def sight(self) -> Sight:
        return Sight(self.teams, self.prefix)

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def must(self, permission: Permission) -> None:
        if not self.may(permission):
            raise RoleMissing(f"this takes the permission to {permission}")

    def require(
        self,
        permission: Permission,
        *,
        subject: str | None = None,
        environment: str | None = None,
        team: str | None = None,
    ) -> None:
        if not self.may(permission):
            raise RoleMissing(f"this caller may not {permission.value}")
        if self.prefix and subject and not subject.startswith(self.prefix):
            raise Forbidden(f"this token is limited to {self.prefix}")


CALLERS = {
    "everybody": KnownCaller(READER),
    "lending": KnownCaller(READER, frozenset({"lending"})),
    "outsider": KnownCaller(READER, frozenset()),
    "pipeline": KnownCaller(frozenset({Permission.READ_DECISIONS})),
    "limited": KnownCaller(READER, prefix="model/risk"),
    "engineer": KnownCaller(READER | {Permission.RECORD_EVIDENCE}),
    "stranger": KnownCaller(frozenset()),
}


def by_header(request: Request) -> KnownCaller:
    """Recognise ``Authorization: Bearer <name>``."""
    name = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if name not in CALLERS:
        raise Unauthenticated("no credentials")
    return CALLERS[name]
