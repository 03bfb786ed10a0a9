"""What was typed into a form whose session had ended: kept for that person, for a day.

A draft is bound to the person of the session that ended, never to who signs in next; it is
not signed, holds no password and no code, and is of no effect until it is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from app.core.ledger.times import format_time, parse_time
from app.identity import opaque
from app.identity.authentication import SESSION
from app.ledger import operational
from app.web.visitors import Typed

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import Request
    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.identity.authentication import Authentication
    from app.ledger.record import Ledger
    from app.settings import Clock, Entropy

DRAFT = "draft"
KEPT_FOR = timedelta(days=1)
MOST_KEPT = 20


@dataclass(frozen=True, slots=True)
class Drafts:
    """Keeps drafts; a ``Drafts`` of ``app.web.visitors``."""

    ledger: Ledger
    authentication: Authentication
    clock: Clock
    entropy: Entropy

    def keep(self, request: Request, path: str, typed: Typed) -> str | None:
        """Keep a form for whoever's session this was, the oldest of twenty gives way.

        None where the session is one that nobody had, or was ended on purpose.
        """
        cookie = self.authentication.cookie
        secret = None if cookie is None else request.cookies.get(cookie)
        if secret is None:
            return None
        id_, now = opaque.mint_secret(self.entropy), self.clock()
        kept = False

        def keep(connection: Connection) -> None:
            nonlocal kept
            session = operational.get(connection, SESSION, opaque.digest(secret))
            if session is None:
                return
            document: dict[str, Json] = {
                "user": str(session["user"]),
                "path": path,
                "fields": [list(field) for field in typed.fields],
                "at": format_time(now),
            }
            _make_room(connection, str(session["user"]), now)
            operational.put(connection, DRAFT, opaque.digest(id_), document)
            kept = True

        self.ledger.operate(keep)
        return id_ if kept else None

    def page(self, user: str, draft: str) -> str | None:
        """Find the page that a person's draft belongs to."""
        document = self._read(user, draft)
        return None if document is None else str(document["path"])

    def typed(self, user: str, draft: str) -> Typed:
        """Give what was typed; nothing where there is no such draft of this person."""
        document = self._read(user, draft)
        if document is None:
            return Typed()
        fields = cast("list[list[str]]", document["fields"])
        return Typed(tuple((name, value) for name, value in fields))

    def drop(self, user: str, draft: str) -> None:
        """Forget a draft of this person."""
        if self._read(user, draft) is not None:
            key = opaque.digest(draft)
            self.ledger.operate(lambda connection: operational.delete(connection, DRAFT, key))

    def _read(self, user: str, draft: str) -> dict[str, Json] | None:
        with self.ledger.snapshot() as now:
            document = operational.get(now.connection, DRAFT, opaque.digest(draft))
        if document is None or document["user"] != user:
            return None
        return document if parse_time(str(document["at"])) + KEPT_FOR > self.clock() else None


def _make_room(connection: Connection, user: str, now: datetime) -> None:
    """Forget what is a day old, and the oldest of a person who has many."""
    theirs: list[tuple[str, str]] = []
    for key, document in operational.each(connection, DRAFT):
        at = str(document["at"])
        if parse_time(at) + KEPT_FOR <= now:
            operational.delete(connection, DRAFT, key)
        elif document["user"] == user:
            theirs.append((at, key))
    for _, key in sorted(theirs)[: max(0, len(theirs) - MOST_KEPT + 1)]:
        operational.delete(connection, DRAFT, key)
