"""The time of the next entry, and whether the clock that gives it can be believed.

Two clocks are read: the wall clock, which can be set, and the machine's monotonic clock, which
cannot. Where they come apart by more than half a minute, or the wall clock lies that far behind
the last entry, nothing is recorded until a person answers for the time
(``muniment ledger recover --accept-clock``), and that is an entry. A restart changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from app.core.errors import Unavailable
from app.core.events.kinds.records import LogRecovered
from app.core.ledger.times import format_time
from app.ledger import operational

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.ledger.sql_store import SqlStore
    from app.settings import Clock, Monotonic

TICK = timedelta(microseconds=1)
APART = timedelta(seconds=30)
ACCEPT_CLOCK: Final = "accept-clock"
LOG, CLOCK = "log", "clock"
"""Kind and key of the operational row that says why the clock is not believed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks, read together. ``monotonic``: seconds since some moment."""

    wall: datetime
    monotonic: float


class Timekeeper:
    """Tells the time of entries; used by the sequencer's thread alone.

    ``doubt``: why the clock is not believed, None while it is; ``noted``: that is on disk.
    """

    def __init__(
        self,
        clock: Clock,
        monotonic: Monotonic | None,
        doubt: str | None = None,
        accepted: datetime | None = None,
    ) -> None:
        """``monotonic`` None: only the log itself is held against the clock.

        ``accepted``: what the wall clock said when a person took it for right although the
        log is ahead of it; None where it is not.
        """
        self._clock = clock
        self._monotonic = monotonic
        self._base = self._read()
        self._accepted = accepted
        self.doubt = doubt
        self.noted = doubt is not None

    @classmethod
    def opened(cls, store: SqlStore, clock: Clock, monotonic: Monotonic | None) -> Timekeeper:
        """Go on from what is on record about the clock."""
        with store.reading() as connection:
            kept = operational.get(connection, LOG, CLOCK)
            doubt = None if kept is None else str(kept["doubt"])
            return cls(clock, monotonic, doubt, _accepted(store, connection))

    def next_after(self, last: datetime) -> datetime:
        """Tell the time of the entry after one of ``last``: later than every one before it.

        Raises Unavailable while the clock is not believed.
        """
        now = self._read()
        self.doubt = self.doubt or self._doubt(now, last)
        if self.doubt is not None:
            raise Unavailable(
                self.doubt,
                remedy="set the clock right, then run `muniment ledger recover --accept-clock`",
                retry_after=30,
            )
        if now.wall >= last:
            self._accepted = None
        return max(now.wall, last + TICK)

    def accepting(self, last: datetime) -> datetime:
        """Tell the time of the entry by which a person answers for the clock."""
        return max(self._clock(), last + TICK)

    def accept(self) -> None:
        """Believe the clock from now on: that a person answers for it is on record."""
        self._base = self._read()
        self._accepted = self._base.wall
        self.doubt = None
        self.noted = False

    def note(self, connection: Connection) -> None:
        """Keep why the clock is not believed, if it is not: a restart does not forget it."""
        if self.doubt is not None and not self.noted:
            operational.put(connection, LOG, CLOCK, {"doubt": self.doubt})
            self.noted = True

    def _read(self) -> Reading:
        seconds = 0.0 if self._monotonic is None else self._monotonic()
        return Reading(self._clock(), seconds)

    def _doubt(self, now: Reading, last: datetime) -> str | None:
        lowest = last if self._accepted is None else min(last, self._accepted)
        if now.wall < lowest - APART:
            return (
                f"the clock says {format_time(now.wall)}, and the log was at {format_time(lowest)}"
            )
        if self._monotonic is None:
            return None
        passed = timedelta(seconds=now.monotonic - self._base.monotonic)
        drift = now.wall - self._base.wall - passed
        if abs(drift) > APART:
            return f"the clock was set by {drift.total_seconds():+.0f} s while the log was written"
        return None


def forget_doubt(connection: Connection) -> None:
    """Drop the note, beside the entry by which a person answers for the clock."""
    operational.delete(connection, LOG, CLOCK)


def _accepted(store: SqlStore, connection: Connection) -> datetime | None:
    """Find when a clock behind the log was accepted, if the log is ahead of it ever since.

    Then each entry since lies a microsecond after the one before it, for no clock led it.
    """
    head = store.head(connection)
    index = store.heads(connection, [f"type:{LogRecovered.TYPE}"]).get(f"type:{LogRecovered.TYPE}")
    if index is None or store.data(connection, index).get("because") != ACCEPT_CLOCK:
        return None
    entry, _ = store.entry(connection, index)
    still = entry.recorded_at + (head.size - 1 - index) * TICK
    return entry.occurred_at if format_time(still) == head.recorded_at else None
