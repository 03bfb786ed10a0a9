"""Which teams an actor of the log acts for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.identity.directory import People

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.events import Actor


def teams_of(connection: Connection, actor: Actor) -> frozenset[str] | None:
    """Tell the actor's teams; None for one that no team limits.

    A token has its own; a person those of their roles, unless one role is for all teams.
    """
    people = People(connection)
    token = people.token(actor.id)
    if token is not None:
        return None if token.team is None else frozenset({token.team})
    teams = {one.team for one in people.grants(actor.id) if not one.approval}
    named = frozenset(team for team in teams if team is not None)
    return None if None in teams or not teams else named
