"""Refusals on record, aggregated: nobody can grow the log by being refused.

One entry for each account or actor and address in a quarter of an hour, at the first
refusal; those that follow leave no trace here.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from app.core.errors import Conflict
from app.core.events import Actor, ActorKind, AuthMethod, say
from app.core.events.kinds.people import AccessRefused, SessionRefused
from app.core.ledger.times import format_time
from app.identity.addresses import network_of
from app.identity.attempts import forget_older, window_of
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.events import Said
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.settings import Clock

REFUSED = "refused"
UNKNOWN = "unknown"


class _OnRecord(Conflict):
    """Another thread was faster; there is nothing left to record."""


class Refusals:
    """Records refusals."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def session(
        self, user: str | None, address: str, because: str, locked_until: datetime | None
    ) -> None:
        """Record that a sign-in or signing was refused. ``user``: None for unknown names."""
        subject = user or UNKNOWN
        until = None if locked_until is None else format_time(locked_until)
        said = say(f"user/{subject}", SessionRefused(because, until))
        self._once(said, Actor(subject, ActorKind.PERSON, AuthMethod.NONE), address)

    def access(self, actor: Actor, address: str, route: str, because: str) -> None:
        """Record that a known caller was refused something. ``route``: method and pattern."""
        subject = "log"
        if actor.kind is ActorKind.PERSON:
            subject = f"user/{actor.id}"
        if actor.kind is ActorKind.SERVICE:
            subject = f"token/{actor.id}"
        self._once(say(subject, AccessRefused(because[:300], route[:300])), actor, address)

    def _once(self, said: Said, actor: Actor, address: str) -> None:
        now = self._clock()
        whose = f"{said.event.TYPE} {said.subject} {network_of(address)}"
        key = f"{window_of(now)}/{hashlib.sha256(whose.encode()).hexdigest()}"

        def note(connection: Connection, recorded: Sequence[Recorded]) -> None:
            if operational.get(connection, REFUSED, key) is not None:
                raise _OnRecord("on record")
            forget_older(connection, REFUSED, now)
            operational.put(connection, REFUSED, key, {"index": recorded[0].index})

        with self._ledger.snapshot() as snapshot:
            if operational.get(snapshot.connection, REFUSED, key) is not None:
                return
        try:
            self._ledger.record(said, actor, beside=note)
        except _OnRecord:
            return
