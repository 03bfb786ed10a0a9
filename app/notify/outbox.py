"""The outbox: what is to be told, kept as operational state until it is delivered or given up.

A notice is written in the transaction of the entry that causes it, so that none is lost and
none is sent of what was never recorded. It holds ids alone: names and addresses are looked up
when it is sent, so whatever is erased meanwhile is not sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from app.core.events.kinds.decisions import PromotionDecided, PromotionRequested, ReviewDismissed
from app.core.ledger.times import format_time, parse_time
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Table

    from app.core.jsonvalue import Json
    from app.ledger.ports import Recorded

OUTBOX = "outbox"
KEPT_FOR = timedelta(days=7)
LEASE = timedelta(minutes=2)
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
MOST_ATTEMPTS = 12
"""With waits of 10 s, 20 s and so on up to an hour, it is given up after some five hours."""


class About(StrEnum):
    """What people are told of. TEST: that an administrator tries out whether it works."""

    REVIEW_WAITING = "review.waiting"
    REVIEW_DISMISSED = "review.dismissed"
    PROMOTION_DECIDED = "promotion.decided"
    ALERT_RAISED = "alert.raised"
    TEST = "notice.test"


CAUSES: Mapping[str, About] = {
    PromotionRequested.TYPE: About.REVIEW_WAITING,
    ReviewDismissed.TYPE: About.REVIEW_DISMISSED,
    PromotionDecided.TYPE: About.PROMOTION_DECIDED,
    "alert.raised.v1": About.ALERT_RAISED,  # of the public contract
}


class By(StrEnum):
    """How it goes out. NOBODY_YET: whom it concerns is still to be found out."""

    NOBODY_YET = "nobody yet"
    WEBHOOK = "webhook"
    MAIL = "mail"


class State(StrEnum):
    """DEAD: given up; somebody may have it sent again."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing told to one place. ``index``: the entry that causes it, -1 for a test.

    ``to``: user id, for mail. ``attempts``: so far. ``next_at``: not before then.
    ``problem``: why the last attempt failed. ``over_at``: when it was delivered or given up.
    """

    about: About
    index: int
    subject: str
    by: By
    made_at: datetime
    next_at: datetime
    to: str | None = None
    state: State = State.WAITING
    attempts: int = 0
    problem: str | None = None
    over_at: datetime | None = None

    @property
    def id(self) -> str:
        """Name it: the same notice has the same id, however often it is sent."""
        place = f"{self.index:012d}" if self.index >= 0 else f"{self.made_at:test%Y%m%d%H%M%S}"
        return f"{place}-{self.by.value.replace(' ', '-')}" + (f"-{self.to}" if self.to else "")


class Outbox:
    """Takes notices in with the entries that cause them; beside the projections.

    It is none of them: it is not made again from the log, or everything would be told again.
    """

    name = "outbox"
    version = 1
    tables: tuple[Table, ...] = ()

    def apply(self, connection: Connection, recorded: Sequence[Recorded]) -> None:
        """Take in what entries cause, in their transaction. Never refuses."""
        for one in recorded:
            about = CAUSES.get(one.entry.type)
            if about is not None:
                at = one.entry.recorded_at
                put(connection, Notice(about, one.index, one.entry.subject, By.NOBODY_YET, at, at))


def put(connection: Connection, notice: Notice) -> None:
    """Keep a notice, in the place of the same one."""
    document: dict[str, Json] = {
        "about": notice.about.value,
        "index": notice.index,
        "subject": notice.subject,
        "by": notice.by.value,
        "made_at": format_time(notice.made_at),
        "next_at": format_time(notice.next_at),
        "to": notice.to,
        "state": notice.state.value,
        "attempts": notice.attempts,
        "problem": notice.problem,
        "over_at": None if notice.over_at is None else format_time(notice.over_at),
    }
    operational.put(connection, OUTBOX, notice.id, document)


def everything(connection: Connection) -> list[Notice]:
    """List all notices that are kept, the newest first."""
    found = [_read(one) for _, one in operational.each(connection, OUTBOX)]
    return sorted(found, key=lambda one: (one.made_at, one.id), reverse=True)


def find(connection: Connection, id_: str) -> Notice | None:
    """Find a notice by its id."""
    document = operational.get(connection, OUTBOX, id_)
    return None if document is None else _read(document)


def due(notices: Iterable[Notice], now: datetime) -> list[Notice]:
    """Choose what is to be sent now, the oldest first."""
    ready = [one for one in notices if one.state is State.WAITING and one.next_at <= now]
    return sorted(ready, key=lambda one: (one.next_at, one.id))


def claim(connection: Connection, id_: str, now: datetime) -> Notice | None:
    """Take a notice that is due, for two minutes; None where somebody else was faster.

    Whoever took it and was lost on the way has it sent again then: at least once, not once.
    """
    notice = find(connection, id_)
    if notice is None or notice.state is not State.WAITING or notice.next_at > now:
        return None
    taken = replace(notice, attempts=notice.attempts + 1, next_at=now + LEASE)
    put(connection, taken)
    return taken


def addressed(connection: Connection, notice: Notice, to: Sequence[Notice]) -> None:
    """Put what goes to each place where the notice to nobody yet was."""
    operational.delete(connection, OUTBOX, notice.id)
    for one in to:
        put(connection, one)


def delivered(connection: Connection, notice: Notice, now: datetime) -> None:
    """Note that it arrived."""
    put(connection, replace(notice, state=State.DELIVERED, problem=None, over_at=now))
    _trim(connection, now)


def failed(
    connection: Connection, notice: Notice, problem: str, now: datetime, *, for_good: bool = False
) -> None:
    """Note why it did not arrive, and when it is tried again; given up after twelve times."""
    if for_good or notice.attempts >= MOST_ATTEMPTS:
        put(connection, replace(notice, state=State.DEAD, problem=problem, over_at=now))
        return
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (notice.attempts - 1))
    put(connection, replace(notice, problem=problem, next_at=now + wait))


def again(connection: Connection, id_: str, now: datetime) -> bool:
    """Have a notice that is over sent again; tell whether there is such a one."""
    notice = find(connection, id_)
    if notice is None or notice.state is State.WAITING:
        return False
    put(
        connection,
        replace(notice, state=State.WAITING, attempts=0, next_at=now, over_at=None),
    )
    return True


def _trim(connection: Connection, now: datetime) -> None:
    """Forget what was delivered a week ago; what was given up stays until it is sent."""
    for key, one in list(operational.each(connection, OUTBOX)):
        arrived = one["state"] == State.DELIVERED.value
        if arrived and parse_time(str(one["over_at"])) + KEPT_FOR <= now:
            operational.delete(connection, OUTBOX, key)


def _read(document: Mapping[str, Json]) -> Notice:
    over_at, to, problem = document["over_at"], document["to"], document["problem"]
    return Notice(
        about=About(str(document["about"])),
        index=cast("int", document["index"]),
        subject=str(document["subject"]),
        by=By(str(document["by"])),
        made_at=parse_time(str(document["made_at"])),
        next_at=parse_time(str(document["next_at"])),
        to=None if to is None else str(to),
        state=State(str(document["state"])),
        attempts=cast("int", document["attempts"]),
        problem=None if problem is None else str(problem),
        over_at=None if over_at is None else parse_time(str(over_at)),
    )
