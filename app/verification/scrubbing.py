"""Reading everything again, once a day: a slip of the disk is found before it is needed.

A pass goes over entries and their members in order, as many at a time as a tile holds, and then
over the stored files; how far it came is kept, so that a restart goes on there. The entries'
root is held against the checkpoint that was signed of them. What is found is recorded as
``log.check_failed``, and nothing is written after that until somebody has looked. Somebody may
ask for a pass at once: it is read without a rest.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.core.errors import Refusal, Unavailable
from app.core.events import Actor, ActorKind, AuthMethod, say
from app.core.events.decode import decode, encode
from app.core.events.kinds.records import LogCheckFailed
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.entry import genesis_prev, parse
from app.core.ledger.merkle import Frontier, leaf_hash
from app.core.ledger.note import parse_note
from app.core.ledger.payload import data_findings
from app.core.ledger.times import format_time, parse_time
from app.core.ledger.verdict import Finding, Outcome
from app.ledger import operational
from app.ledger.redactions import erasures_of
from app.verification.copies import blobs as check_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.settings import Clock

SCRUBBER = Actor("scrubber", ActorKind.WORKLOAD, AuthMethod.NONE)
LOG, SCRUB = "log", "scrub"
EVERY: Final = timedelta(hours=24)
STEP: Final = 256
FIRST_AFTER, LONGEST_PAUSE = 60.0, 5.0
LONGEST_DETAIL = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pass:
    """How far a pass came. ``size``: of the checkpoint it is held against.

    ``peaks``: of the tree over the first ``index`` entries, ``prev``: what the next entry names;
    both in hex. ``ended_at``: when it was done, None while it is not. ``asked_by``: who wanted it
    at once, None for one that was due. ``ended_before``: when the pass before it was done.
    """

    began_at: str
    size: int
    index: int
    peaks: tuple[str, ...]
    prev: str
    ended_at: str | None = None
    asked_by: str | None = None
    ended_before: str | None = None


def newest_pass(connection: Connection) -> Pass | None:
    """Read how far the newest pass came; None before the first."""
    kept = operational.get(connection, LOG, SCRUB)
    return None if kept is None else decode(Pass, kept)


class Scrubber:
    """Goes over the log; its thread lives from ``start`` to ``stop``."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._stopping = False
        self._called = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scrubber", daemon=True)

    def start(self) -> None:
        """Begin, a minute from now."""
        self._thread.start()

    def stop(self) -> None:
        """End; what was read stays noted."""
        self._stopping = True
        self._called.set()
        if self._thread.is_alive():
            self._thread.join()

    def ask(self, who: str) -> Pass:
        """Have everything read now: a pass under way without a rest, or a new one.

        ``who``: the actor's id. Raises Unavailable if nothing is written any more, or nothing
        is signed yet.
        """

        def begin(connection: Connection) -> Pass:
            last = newest_pass(connection)
            asked = (
                replace(last, asked_by=last.asked_by or who)
                if last is not None and last.ended_at is None
                else self._begun(connection, self._clock(), last, who)
            )
            if asked is None:
                raise Unavailable("no checkpoint is signed yet, so there is nothing to hold to")
            operational.put(connection, LOG, SCRUB, encode(asked))
            return asked

        asked = self._ledger.operate(begin)
        self._called.set()
        return asked

    def step(self) -> float:
        """Read the next part of a pass that is due; tell how many seconds to rest after it."""
        now_is = self._clock()
        with self._ledger.snapshot() as now:
            going = self._going(now, now_is)
            if going is None:
                return LONGEST_PAUSE
            found = list(_entries(now, going))
            moved = going if found else _moved(now, going)
            if not found and moved.index == moved.size:
                found = [*_root(now, moved), *check_files(now.connection)]
                moved = replace(moved, ended_at=format_time(now_is))
        if found:
            self._tell(found, going.size)
            return LONGEST_PAUSE
        asked_by = self._ledger.operate(lambda connection: _note(connection, moved))
        if asked_by is not None and moved.ended_at is None:
            return 0.0
        steps = max(1, moved.size // STEP)
        return min(LONGEST_PAUSE, EVERY.total_seconds() / (2 * steps))

    def _going(self, now: Snapshot, now_is: datetime) -> Pass | None:
        """Find the pass under way, or begin one that is due; None: it is too early."""
        last = newest_pass(now.connection)
        if last is not None and last.ended_at is None:
            return last
        if last is not None and parse_time(last.began_at) + EVERY > now_is:
            return None
        return self._begun(now.connection, now_is, last)

    def _begun(
        self, connection: Connection, now_is: datetime, last: Pass | None, who: str | None = None
    ) -> Pass | None:
        """Begin at the first entry; None while nothing is signed."""
        store = self._ledger.store
        size = store.published_size(connection)
        if not size:
            return None
        return Pass(
            began_at=format_time(now_is),
            size=size,
            index=0,
            peaks=(),
            prev=genesis_prev(store.origin).hex(),
            asked_by=who,
            ended_before=None if last is None else last.ended_at,
        )

    def _tell(self, found: list[Finding], size: int) -> None:
        """Record the first of what was found, and stop all writing."""
        said = found[0].sentence()
        log.critical("the log does not check: %s", said)
        failed = LogCheckFailed(
            "scrubber", "scrubber", "altered", f"{found[0].kind}: {said}"[:LONGEST_DETAIL], size
        )
        try:
            self._ledger.record(say("log", failed), SCRUBBER)
        finally:
            self._ledger.sequencer.halt(f"what is stored does not check: {said}")
            self._stopping = True

    def _run(self) -> None:
        rest = FIRST_AFTER
        while True:
            self._called.wait(rest)
            self._called.clear()
            if self._stopping:
                return
            try:
                rest = self.step()
            except Refusal as refusal:
                log.warning("nothing is read over for now: %s", refusal.detail)
                rest = FIRST_AFTER


def _note(connection: Connection, moved: Pass) -> str | None:
    """Keep how far a pass came, unless another one was begun; tell who wants it at once."""
    kept = newest_pass(connection)
    if kept is not None and kept.began_at == moved.began_at:
        moved = replace(moved, asked_by=kept.asked_by)
    elif kept is not None and kept.ended_at is None:
        return kept.asked_by
    operational.put(connection, LOG, SCRUB, encode(moved))
    return moved.asked_by


def _stop(going: Pass) -> int:
    return min(going.index + STEP, going.size)


def _entries(now: Snapshot, going: Pass) -> Iterator[Finding]:
    """Compare the next entries with the one before each, and their members with them."""
    previous = bytes.fromhex(going.prev)
    stop = _stop(going)
    members = now.store.members(now.connection, going.index, stop)
    stored = dict(now.store.indexed_bodies(now.connection, going.index, stop))
    for index in range(going.index, stop):
        raw = stored.get(index, b"")
        try:
            entry = parse(raw)
        except Refusal as refusal:
            yield Finding(Outcome.ALTERED, "entry", refusal.detail, index)
        else:
            if entry.index != index or entry.prev != previous:
                detail = "it does not continue the entry before it"
                yield Finding(Outcome.ALTERED, "chain", detail, index)
            yield from data_findings(index, entry.data, members[index])
            gone = {one.name for one in members[index] if one.value is None}
            for name in sorted(gone and gone - _erased(now, index)):
                detail = "the value is gone and no entry.redacted names it"
                yield Finding(Outcome.ALTERED, "unlogged erasure", detail, index, name)
        previous = leaf_hash(raw)


def _erased(now: Snapshot, index: int) -> set[str]:
    return {name for one in erasures_of(now, index) for name in one.event.members}


def _moved(now: Snapshot, going: Pass) -> Pass:
    """Take what was read into the pass."""
    stop = _stop(going)
    leaves = now.store.leaf_hashes(now.connection, going.index, stop)
    frontier = Frontier(going.index, tuple(map(bytes.fromhex, going.peaks))).extend(leaves)
    peaks = tuple(peak.hex() for peak in frontier.peaks)
    prev = leaves[-1].hex() if leaves else going.prev
    return replace(going, index=stop, peaks=peaks, prev=prev)


def _root(now: Snapshot, done: Pass) -> Iterator[Finding]:
    """Hold the root of all that was read against the one that was signed."""
    frontier = Frontier(done.size, tuple(map(bytes.fromhex, done.peaks)))
    note = now.store.checkpoint_from(now.connection, done.size)
    signed = None if note is None else parse_checkpoint(parse_note(note)[0])
    if signed is None or signed.size != done.size or frontier.root() != signed.root:
        detail = f"the first {done.size} entries are not those that were signed"
        yield Finding(Outcome.ALTERED, "tree", detail)
