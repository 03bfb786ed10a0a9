"""How the log stands, put together from what the server keeps: for people who look after it.

It is the server's own word. What proves the log to somebody who does not trust the server are
its checkpoints and proofs, checked with a key that came another way.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.core.errors import Refusal
from app.core.events.kinds.records import EntryRedacted
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.note import parse_note
from app.ledger import cosigned, timestamping
from app.ledger.sql_store import CHECKPOINTS, ENTRIES
from app.verification.scrubbing import newest_pass
from app.verification.trust_page import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.core.ledger.entry import Entry
    from app.core.ledger.quorum import WitnessPolicy
    from app.core.ledger.trust import TrustedKey
    from app.ledger.snapshot import Snapshot
    from app.verification.scrubbing import Pass

SEGMENTS: Final = 40
SHOWN: Final = 10
READ, BEFORE, SIGNED, UNSIGNED = "read", "read before", "signed", "not signed yet"


@dataclass(frozen=True, slots=True)
class Segment:
    """Entries ``start`` to ``stop`` (exclusive) that all stand alike: one of the four words."""

    start: int
    stop: int
    state: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A stored checkpoint. ``root``: base64; ``witnesses``: how many have cosigned it."""

    size: int
    root: str
    witnesses: int
    stamped: bool


@dataclass(frozen=True, slots=True)
class Watching:
    """How it stands with one witness. ``failing``: why it does not cosign, None while it does."""

    name: str
    vkey: str
    size: int
    failing: str | None


@dataclass(frozen=True, slots=True)
class Integrity:
    """What there is to say. ``happened``: entries about the log itself, the newest first."""

    size: int
    going: Pass | None
    segments: Sequence[Segment]
    checkpoints: Sequence[Signed]
    witnesses: Sequence[Watching]
    quorum: str
    witnessed: int | None
    stamped: tuple[int, datetime] | None
    keys: Sequence[TrustedKey]
    happened: Sequence[Entry]

    def to_json(self) -> dict[str, Json]:
        """Give it as a file."""
        going = self.going
        return {
            "size": self.size,
            "pass": None
            if going is None
            else {
                "began_at": going.began_at,
                "ended_at": going.ended_at,
                "size": going.size,
                "read": going.index,
            },
            "segments": [
                {"start": one.start, "stop": one.stop, "state": one.state} for one in self.segments
            ],
            "checkpoints": [
                {
                    "size": one.size,
                    "root": one.root,
                    "witnesses": one.witnesses,
                    "stamped": one.stamped,
                }
                for one in self.checkpoints
            ],
            "witnesses": [
                {"name": one.name, "vkey": one.vkey, "size": one.size, "failing": one.failing}
                for one in self.witnesses
            ],
            "witnessed_size": self.witnessed,
            "stamped_size": None if self.stamped is None else self.stamped[0],
            "keys": [
                {"key": key.document(), "fingerprint": fingerprint(key.verifier)}
                for key in self.keys
            ],
            "entries": [one.index for one in self.happened],
        }


def integrity_of(now: Snapshot, policy: WitnessPolicy, keys: Sequence[TrustedKey]) -> Integrity:
    """Put it together at one size. Raises ChainBroken if a row of it is damaged."""
    going = newest_pass(now.connection)
    stamp = timestamping.newest(now.connection)
    published = now.store.published_size(now.connection) or 0
    return Integrity(
        size=now.size,
        going=going,
        segments=segments(now.size, published, going),
        checkpoints=list(_checkpoints(now.connection)),
        witnesses=[
            Watching(one.name, vkey, standing.size, standing.failing)
            for one in policy.witnesses
            for vkey in (one.key.vkey(),)
            for standing in (cosigned.standing(now.connection, vkey),)
        ],
        quorum=policy.quorum,
        witnessed=cosigned.witnessed_size(now.connection),
        stamped=None if stamp is None else (stamp.size, stamp.stamp.at),
        keys=tuple(reversed(keys)),
        happened=_happened(now),
    )


def segments(size: int, published: int, going: Pass | None) -> list[Segment]:
    """Cut the log where its state changes: read in the newest pass, before it, only signed."""
    read = 0 if going is None else going.index
    whole = going is not None and going.ended_before is not None
    bounds = [
        (READ, read),
        (BEFORE, going.size if going is not None and whole else read),
        (SIGNED, published),
        (UNSIGNED, size),
    ]
    found, start = [], 0
    for state, stop in bounds:
        if stop > start:
            found.append(Segment(start, stop, state))
            start = stop
    return found


def strip(found: Sequence[Segment], parts: int = SEGMENTS) -> list[str]:
    """Give the state of each of ``parts`` equal parts of the log: the least that holds in it."""
    size = found[-1].stop if found else 0
    words = []
    for part in range(min(parts, size)):
        last = size * (part + 1) // min(parts, size) - 1
        words.append(next(one.state for one in found if one.start <= last < one.stop))
    return words


def _checkpoints(connection: Connection) -> Iterator[Signed]:
    stamped = set(timestamping.sizes(connection))
    newest = select(CHECKPOINTS).order_by(CHECKPOINTS.c.size.desc()).limit(SHOWN)
    for row in connection.execute(newest).all():
        try:
            root = base64.b64encode(parse_checkpoint(parse_note(row.note)[0]).root).decode()
        except Refusal:
            root = "it cannot be read"
        cosigners = cosigned.lines(connection, row.size).count(b"\n")
        yield Signed(row.size, root, cosigners, row.size in stamped)


def _happened(now: Snapshot) -> list[Entry]:
    """Find what was done to the log: keys, recoveries, failed checks, erasures."""
    wanted = (ENTRIES.c.subject == "log") | (ENTRIES.c.type == EntryRedacted.TYPE)
    newest = select(ENTRIES.c.idx).where(wanted).order_by(ENTRIES.c.idx.desc()).limit(SHOWN)
    return [now.entry(index) for index in now.connection.execute(newest).scalars()]
