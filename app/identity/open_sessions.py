"""Sessions that have not ended: whose they are, and ending others' on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.access import Permission
from app.core.errors import Forbidden, Missing
from app.core.events import say
from app.core.events.kinds.people import SessionEnded
from app.core.ledger.times import parse_time
from app.identity.authentication import ABSOLUTE, IDLE, SESSION
from app.identity.deciding import RIGHTS, deciding
from app.identity.directory import People
from app.identity.reasons import check_reason
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.identity.principal import Principal
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.settings import Clock

SHOWN = 12
"""So many characters of a session's key name it; the key itself is a hash of the secret."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that has not ended. ``id``: the first digits of the key it is kept under."""

    id: str
    user: str
    opened_at: datetime
    seen_at: datetime
    methods: tuple[str, ...]


def open_sessions(connection: Connection, at: datetime) -> list[OpenSession]:
    """List everybody's sessions, the last used first."""
    found = [
        OpenSession(
            id=key[:SHOWN],
            user=str(document["user"]),
            opened_at=parse_time(str(document["opened_at"])),
            seen_at=parse_time(str(document["seen_at"])),
            methods=_words(document["methods"]),
        )
        for key, document in operational.each(connection, SESSION)
    ]
    lasting = [one for one in found if at < one.seen_at + IDLE and at < one.opened_at + ABSOLUTE]
    return sorted(lasting, key=lambda one: (one.seen_at, one.id), reverse=True)


def end_all(connection: Connection, user: str) -> int:
    """End every session of a person; tell how many."""
    theirs = [
        key for key, document in operational.each(connection, SESSION) if document["user"] == user
    ]
    return sum(operational.delete(connection, SESSION, key) for key in theirs)


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends sessions of others; one's own are ended in one's own account."""

    ledger: Ledger
    clock: Clock

    def end(
        self, principal: Principal, user: str, reason: str | None, session: str | None = None
    ) -> int:
        """End one session of a person, or all; tell how many ended.

        It takes a person: the operator of this machine and tokens end nobody's session.
        Raises RoleMissing, Forbidden, Rejected, Missing where there is none.
        """
        principal.require(Permission.MANAGE_PEOPLE)
        if principal.person is None:
            raise Forbidden(
                "a session is ended by a person",
                remedy="an administrator has to, signed in; no token and no operator may",
            )
        check_reason(reason)
        return deciding(lambda: self._end(principal, user, reason, session))

    def _end(self, principal: Principal, user: str, reason: str | None, session: str | None) -> int:
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_PEOPLE)
            expects = now.heads(RIGHTS)
            open_ = [
                one.id
                for one in open_sessions(now.connection, self.clock())
                if one.user == user and session in (None, one.id)
            ]
        if not open_:
            raise Missing("there is no such session", remedy="it may have ended already")

        def end(connection: Connection, _: Sequence[Recorded]) -> None:
            for key, document in list(operational.each(connection, SESSION)):
                if document["user"] == user and key[:SHOWN] in open_:
                    operational.delete(connection, SESSION, key)

        said = say(f"user/{user}", SessionEnded(len(open_), reason))
        self.ledger.record(said, principal.actor, expects=expects, beside=end)
        return len(open_)


def _words(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
