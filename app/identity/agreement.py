"""The last two administrators end each other's rights only together.

The first one to ask waits; the same request by the other one is the confirmation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import Conflict
from app.core.ledger.times import format_time, parse_time
from app.identity.directory import People
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.identity.principal import Principal
    from app.ledger.ports import Recorded

AGREEMENT = "agreement"
WAITS_FOR = timedelta(days=7)
LAST_TWO = 2


class Outcome(StrEnum):
    """``pending``: the other administrator has to ask for the same."""

    DONE = "done"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Seconding:
    """``due``: a second administrator has to ask too. ``first``: user id of who asked before.

    ``reason``: the first one's.
    """

    due: bool
    first: str | None = None
    reason: str | None = None


def seconding(
    connection: Connection,
    what: str,
    principal: Principal,
    user: str,
    now: datetime,
    *,
    ends: bool,
) -> Seconding:
    """Find out whether one administrator suffices to take this from ``user``.

    ``ends``: it would end the user's being an administrator. Raises Conflict for the last
    one. Whoever asks is an administrator: nobody else gets here.
    """
    administrators = People(connection).administrators()
    if not ends or user not in administrators or len(administrators) > LAST_TWO:
        return Seconding(due=False)
    if len(administrators) < LAST_TWO:
        raise Conflict("this is the last administrator", remedy="make another one first")
    asked = operational.get(connection, AGREEMENT, what)
    if asked is None or parse_time(str(asked["at"])) + WAITS_FOR <= now:
        return Seconding(due=True)
    first = str(asked["by"])
    if first == principal.person or first not in administrators:
        return Seconding(due=True)
    return Seconding(due=False, first=first, reason=_reason(asked))


@dataclass(frozen=True, slots=True)
class Request:
    """What one of the last two administrators asked for. ``what``: as ``seconding`` names it."""

    what: str
    by: str
    at: datetime
    reason: str | None


def requests(connection: Connection, now: datetime) -> list[Request]:
    """List what was asked for and waits for the other one, the oldest first."""
    kept = [
        Request(what, str(one["by"]), parse_time(str(one["at"])), _reason(one))
        for what, one in operational.each(connection, AGREEMENT)
    ]
    return sorted((one for one in kept if now < one.at + WAITS_FOR), key=lambda one: one.at)


def ask(
    connection: Connection, what: str, principal: Principal, now: datetime, reason: str | None
) -> None:
    """Note that the first of two has asked."""
    document: dict[str, Json] = {
        "by": principal.actor.id,
        "at": format_time(now),
        "reason": reason,
    }
    operational.put(connection, AGREEMENT, what, document)


def _reason(document: Mapping[str, Json]) -> str | None:
    reason = document.get("reason")
    return reason if isinstance(reason, str) else None


def settled(what: str) -> Callable[[Connection, Sequence[Recorded]], None]:
    """Drop what was asked, beside the entry that settles it."""

    def drop(connection: Connection, _: Sequence[Recorded]) -> None:
        operational.delete(connection, AGREEMENT, what)

    return drop
