"""What the catalogue asks of other rooms; ``app.main`` hands it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.events import Actor


class TeamsOf(Protocol):
    """Which teams an actor writes for, in the state that ``connection`` shows."""

    def __call__(self, connection: Connection, actor: Actor, /) -> frozenset[str] | None:
        """Answer the actor's teams; None for one that no team limits."""
