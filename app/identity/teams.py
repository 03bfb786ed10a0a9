"""Which teams an actor of the log acts for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.access import Permission
from app.identity import reading
from app.identity.directory import People

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.events import Actor


def teams_of(connection: Connection, actor: Actor) -> frozenset[str] | None:
    """Tell the actor's teams; None for one that no team limits.

    A token has its own; a person those of the roles that let them record, unless one of
    these is for all teams. Who records nothing may still raise findings, by the roles that
    let them. A role that only reads opens nobody's objects to be written.
    """
    people = People(connection)
    token = people.token(actor.id)
    if token is not None:
        return None if token.team is None else frozenset({token.team})
    rights = reading.rights(people.grants(actor.id))
    teams = {one.team for one in rights if Permission.RECORD in one.permissions} or {
        one.team for one in rights if Permission.RAISE_FINDING in one.permissions
    }
    named = frozenset(team for team in teams if team is not None)
    return None if None in teams or not teams else named
