"""What the catalogue asks of other rooms; ``app.main`` hands it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.core.access import Membership
    from app.core.events import Actor
    from app.web.callers import Caller
    from app.web.pieces import Task


class TeamsOf(Protocol):
    """Which teams an actor is limited to, in the state that ``connection`` shows."""

    def __call__(self, connection: Connection, actor: Actor, /) -> Membership: ...


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a gate would say now. ``tasks``: one a rule, what is missing first.

    ``promotion``: id of the open one, if there is one, in state ``state``.
    """

    gate: str
    reason: str
    tasks: Sequence[Task]
    missing: int
    promotion: str | None = None
    state: str | None = None


class ReadyFor(Protocol):
    """Ask the gate's own evaluator what a version still needs; nothing is recorded."""

    def __call__(self, subject: str, environment: str, /) -> Readiness: ...


class RequestPromotion(Protocol):
    """Ask for a promotion and tell its id.

    Raises RoleMissing, Forbidden, Missing, Rejected, Conflict: one is open already.
    """

    def __call__(
        self, caller: Caller, subject: str, environment: str, reason: str | None, /
    ) -> str: ...
