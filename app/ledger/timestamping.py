"""Timestamps on a schedule: the newest checkpoint, at most once in a while, if the log grew.

A timestamp says that the tree was there at that time at the latest; it is kept beside the
checkpoint, as operational state, and no entry is made of it. An authority that does not
answer, or answers with a token that does not hold, becomes an entry like a witness.
"""

from __future__ import annotations

import base64
import logging
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from app.core.errors import (
    BadSignature,
    ChainBroken,
    Malformed,
    Refusal,
    Rejected,
    Unavailable,
)
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.note import decode_base64, parse_note
from app.core.ledger.times import format_time, parse_time
from app.ledger import cosigned, operational
from app.ledger.failures import Failed, tell
from app.ledger.stamping import Stamp, read_roots, stamp

if TYPE_CHECKING:
    from cryptography import x509
    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.ledger.record import Ledger
    from app.settings import Clock, Settings

log = logging.getLogger(__name__)
TIMESTAMPS = "timestamps"
NEWEST = "newest"
LOOK = 1.0
"""Seconds between two looks at whether a checkpoint is due."""

PATIENCE = 20.0
"""Seconds for an answer."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Whom to ask. ``every``: time between two timestamps of a log that grows."""

    url: str
    roots: tuple[x509.Certificate, ...]
    every: timedelta

    @property
    def name(self) -> str:
        """Its address as it may be told: without a password or a key in it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, slots=True)
class Stamped:
    """A stored timestamp: of the checkpoint of ``size``."""

    size: int
    stamp: Stamp


def authority_of(settings: Settings) -> Authority | None:
    """Read whom to ask for timestamps; None if no address is set. Raises Rejected."""
    if settings.timestamp_url is None:
        return None
    remedy = "name the PEM file of the authority's root certificate"
    if urlsplit(settings.timestamp_url).scheme not in ("http", "https"):
        raise Rejected("MUNIMENT_TIMESTAMP_URL is no http address", remedy="unset it")
    if settings.timestamp_ca is None:
        raise Rejected("MUNIMENT_TIMESTAMP_URL is set without MUNIMENT_TIMESTAMP_CA", remedy=remedy)
    try:
        roots = read_roots(settings.timestamp_ca.read_bytes())
    except OSError as failure:
        detail = f"MUNIMENT_TIMESTAMP_CA cannot be read: {failure.strerror}"
        raise Rejected(detail, remedy=remedy) from None
    except Refusal as refusal:
        raise Rejected(f"MUNIMENT_TIMESTAMP_CA: {refusal.detail}", remedy=remedy) from None
    every = timedelta(minutes=settings.timestamp_minutes)
    return Authority(settings.timestamp_url, tuple(roots), every)


def newest(connection: Connection) -> Stamped | None:
    """Read the newest timestamp. Raises ChainBroken if its row is damaged."""
    document = operational.get(connection, TIMESTAMPS, NEWEST)
    if document is None:
        return None
    match document:
        case {"size": int(size), "response": str(response), "at": str(at)}:
            return Stamped(size, Stamp(decode_base64(response, "a timestamp"), parse_time(at)))
        case _:
            raise ChainBroken(f"the operational row ({TIMESTAMPS}, {NEWEST}) is of another form")


def keep(connection: Connection, stamped: Stamped) -> None:
    """Store a timestamp beside its checkpoint, and as the newest."""
    document: dict[str, Json] = {
        "size": stamped.size,
        "response": base64.b64encode(stamped.stamp.response).decode(),
        "at": format_time(stamped.stamp.at),
    }
    operational.put(connection, TIMESTAMPS, f"{stamped.size:016d}", document)
    operational.put(connection, TIMESTAMPS, NEWEST, document)


def sizes(connection: Connection) -> list[int]:
    """Tell of which sizes checkpoints were stamped, in order."""
    return sorted(int(key) for key, _ in operational.each(connection, TIMESTAMPS) if key != NEWEST)


def response(connection: Connection, size: int) -> bytes:
    """Read the authority's answer about the checkpoint of ``size``. Raises ChainBroken."""
    document = operational.get(connection, TIMESTAMPS, f"{size:016d}") or {}
    return decode_base64(str(document.get("response")), "a timestamp")


class Timestamping:
    """Has checkpoints stamped from ``start`` to ``stop``; does nothing without an authority."""

    def __init__(
        self, ledger: Ledger, authority: Authority | None, clock: Clock, look: float = LOOK
    ) -> None:
        self._ledger = ledger
        self._authority = authority
        self._clock = clock
        self._look = look
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="timestamping", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        authority = self._authority
        if authority is None:
            return
        with httpx.Client(timeout=PATIENCE, follow_redirects=False) as client:
            failures = 0
            while not self._stopping.wait(self._look * 2 ** min(failures, 8)):
                try:
                    failures = 0 if self._stamp_if_due(client, authority) else failures + 1
                except Refusal as refusal:
                    # Our own log or database; it has its own alarm.
                    log.warning("nothing was stamped: %s", refusal.detail)

    def _stamp_if_due(self, client: httpx.Client, authority: Authority) -> bool:
        """Have the newest checkpoint stamped, if the log grew and the last one is old enough.

        Tells whether the authority did not fail.
        """
        with self._ledger.snapshot() as now:
            note = now.store.checkpoint(now.connection)
            last = newest(now.connection)
            standing = cosigned.standing(now.connection, authority.name)
        if note is None:
            return True
        text = parse_note(note)[0]
        size = parse_checkpoint(text).size
        if last is not None and (
            last.size >= size or self._clock() - last.stamp.at < authority.every
        ):
            return True
        try:
            made = stamp(client, authority.url, text, authority.roots)
        except (Unavailable, Malformed, BadSignature) as refusal:
            because = "unreachable" if isinstance(refusal, Unavailable) else "bad token"
            failed = Failed("timestamp", authority.name, because, refusal.detail)
            tell(self._ledger, self._clock, failed)
            return False
        sound = replace(standing, size=size, failing=None)

        def store(connection: Connection) -> None:
            keep(connection, Stamped(size, made))
            cosigned.note_standing(connection, authority.name, sound)

        self._ledger.operate(store)
        if standing.failing is not None:
            log.warning("%s stamps again", authority.name)
        return True
