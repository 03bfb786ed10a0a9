"""Telling the log that something which watches it fails: once, and not so as to fill it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.errors import Refusal
from app.core.events import Actor, ActorKind, AuthMethod, say
from app.core.events.kinds.records import LogCheckFailed, LogStarted
from app.core.ledger.times import format_time, parse_time
from app.ledger import cosigned

if TYPE_CHECKING:
    from app.ledger.record import Ledger
    from app.settings import Clock

log = logging.getLogger(__name__)
WATCHING = Actor("witnessing", ActorKind.SERVICE, AuthMethod.NONE)
SILENCE = timedelta(minutes=15)
STARTED = f"type:{LogStarted.TYPE}"
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Failed:
    """What failed. ``check``, ``source``, ``because``: see ``LogCheckFailed``.

    ``alarm``: it speaks against this log, and is told at once.
    """

    check: str
    source: str
    because: str
    detail: str
    alarm: bool = False


def tell(ledger: Ledger, clock: Clock, failed: Failed) -> None:
    """Write a failure to the server's own log, and make an entry of it if it is news."""
    level = logging.CRITICAL if failed.alarm else logging.WARNING
    log.log(level, "%s %s: %s", failed.check, failed.source, failed.detail)
    try:
        _record(ledger, clock, failed)
    except Refusal as refusal:
        log.warning("that could not be recorded: %s", refusal.detail)


def _record(ledger: Ledger, clock: Clock, failed: Failed) -> None:
    at = clock()
    with ledger.snapshot() as now:
        if now.head(STARTED) is None:
            return
        standing = cosigned.standing(now.connection, failed.source)
        size = now.store.published_size(now.connection) or 0
    if standing.failing == failed.because:
        return
    recent = bool(standing.told_at) and at - parse_time(standing.told_at) < SILENCE
    if recent and (not failed.alarm or standing.told == failed.because):
        return
    event = LogCheckFailed(
        failed.check, failed.source, failed.because, failed.detail[:LONGEST], size
    )
    told = replace(standing, failing=failed.because, told=failed.because, told_at=format_time(at))
    ledger.record(
        say("log", event),
        WATCHING,
        beside=lambda connection, _: cosigned.note_standing(connection, failed.source, told),
    )
