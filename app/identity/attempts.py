"""Guessing is slow: five wrong answers in 15 minutes lock an account for 15 minutes.

An attempt is counted before it is looked at, so that many at once get no more tries than
one after the other. Names that no account has are counted the same way.
"""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import delete

from app.core.errors import TooManyAttempts
from app.core.ledger.times import format_time, parse_time
from app.ledger import operational

if TYPE_CHECKING:
    from sqlalchemy import Connection

ATTEMPTS = "attempts"
MOST_WRONG = 5
WINDOW = timedelta(minutes=15)


def account_key(user: str | None, name: str) -> str:
    """Name what is counted: the account, or the name that nobody has."""
    return user or "no-" + hashlib.sha256(name.encode()).hexdigest()[:32]


def begin(connection: Connection, account: str, now: datetime) -> None:
    """Count an attempt. Raises TooManyAttempts while the account is locked."""
    counted, locked_until = _read(connection, account, now)
    if locked_until is not None and now < locked_until:
        seconds = math.ceil((locked_until - now).total_seconds())
        raise TooManyAttempts(
            "too many wrong answers; this account is locked for a while",
            remedy="wait, then try again",
            retry_after=seconds,
        )
    counted.append(now)
    until = now + WINDOW if len(counted) >= MOST_WRONG else None
    forget_older(connection, ATTEMPTS, now)
    _write(connection, account, now, counted, until)


def succeeded(connection: Connection, account: str, now: datetime) -> None:
    """Forget an account's attempts: whoever it was has proven who they are."""
    for window in _windows(now):
        operational.delete(connection, ATTEMPTS, f"{window}/{account}")


def locked_until(connection: Connection, account: str, now: datetime) -> datetime | None:
    """Tell until when an account is locked; None where it is not."""
    until = _read(connection, account, now)[1]
    return until if until is not None and now < until else None


def window_of(now: datetime) -> str:
    """Name the quarter of an hour that a moment lies in; names sort by time."""
    return f"{math.floor(now.timestamp() / WINDOW.total_seconds()):012d}"


def forget_older(connection: Connection, kind: str, now: datetime) -> None:
    """Delete documents, keyed by window first, that are two windows old or older."""
    rows = operational.ROWS
    oldest = _windows(now)[1]
    connection.execute(delete(rows).where(rows.c.kind == kind, rows.c.key < oldest))


def _windows(now: datetime) -> tuple[str, str]:
    return window_of(now), window_of(now - WINDOW)


def _read(
    connection: Connection, account: str, now: datetime
) -> tuple[list[datetime], datetime | None]:
    """Read the attempts of the last 15 minutes, and until when they lock."""
    counted: list[datetime] = []
    until: datetime | None = None
    for window in _windows(now):
        document = operational.get(connection, ATTEMPTS, f"{window}/{account}")
        if document is None:
            continue
        times = map(parse_time, cast("list[str]", document["at"]))
        counted += [moment for moment in times if moment > now - WINDOW]
        if document["locked_until"] is not None:
            until = parse_time(str(document["locked_until"]))
    return counted, until


def _write(
    connection: Connection,
    account: str,
    now: datetime,
    counted: list[datetime],
    until: datetime | None,
) -> None:
    """Store what counts in the newest window alone."""
    succeeded(connection, account, now)
    document = {
        "at": [format_time(one) for one in counted],
        "locked_until": None if until is None else format_time(until),
    }
    operational.put(connection, ATTEMPTS, f"{window_of(now)}/{account}", document)
