"""Which teams an actor of the log acts for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.access import Membership, Permission
from app.identity import reading
from app.identity.directory import People

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.events import Actor


def teams_of(connection: Connection, actor: Actor) -> Membership:
    """Tell the actor's teams.

    A token has its own. A person writes for those of the roles that let them record, unless
    one of these is for all teams, and sees those of every role. Who records nothing may
    still raise findings, by the roles that let them. A role that only reads opens nobody's
    objects to be written.
    """
    people = People(connection)
    token = people.token(actor.id)
    if token is not None:
        own = None if token.team is None else frozenset({token.team})
        return Membership(own, own)
    rights = reading.rights(people.grants(actor.id))
    writing = {one.team for one in rights if Permission.RECORD in one.permissions} or {
        one.team for one in rights if Permission.RAISE_FINDING in one.permissions
    }
    return Membership(_named(writing), _named({one.team for one in rights}))


def _named(teams: set[str | None]) -> frozenset[str] | None:
    """Give the teams; None where one of them is all of them, or there are none."""
    named = frozenset(team for team in teams if team is not None)
    return None if None in teams or not teams else named
