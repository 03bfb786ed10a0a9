"""Having checkpoints cosigned as they are published, by each witness in its own time.

One thread for each witness, so that one that is down, slow or lying holds up no other, and
none holds up a write. An entry is made when a witness stops to cosign or stops for another
reason, at most one in 15 minutes; when it speaks against this log, at once; and when the
quorum changes.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import httpx

from app.core.errors import Refusal, Rejected
from app.core.events import say
from app.core.events.kinds.records import LogQuorumChanged
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.consistency import prove
from app.core.ledger.note import parse_note
from app.core.ledger.quorum import WitnessPolicy, format_policy, parse_policy
from app.ledger import cosigned
from app.ledger.failures import STARTED, WATCHING, Failed, tell
from app.ledger.tiles import tile_reader
from app.ledger.witness_client import ALARMS, NotCosigned, Submission, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from app.core.ledger.quorum import KnownWitness
    from app.ledger.publisher import Publisher
    from app.ledger.record import Ledger
    from app.settings import Clock, Settings

log = logging.getLogger(__name__)
LOOK = 0.5
"""Seconds between two looks at whether to stop."""

TOLD = f"type:{LogQuorumChanged.TYPE}"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. ``patience``: for one answer. ``between``: two checkpoints that are cosigned.

    ``first``, ``longest``: pauses after a failure; each is twice the one before it.
    """

    patience: float = 10.0
    between: float = 2.0
    first: float = 1.0
    longest: float = 300.0


def witness_policy(settings: Settings) -> WitnessPolicy:
    """Read who is asked to cosign, and how many are enough; nobody unless set.

    Raises Rejected: the file cannot be read, or is no policy.
    """
    if settings.witnesses is None:
        return WitnessPolicy()
    remedy = "one `witness NAME KEY URL` a line, then `quorum NAME` (C2SP tlog-policy)"
    try:
        return parse_policy(settings.witnesses.read_bytes())
    except OSError as failure:
        detail = f"MUNIMENT_WITNESSES cannot be read: {failure.strerror}"
        raise Rejected(detail, remedy=remedy) from None
    except Refusal as refusal:
        raise Rejected(f"MUNIMENT_WITNESSES: {refusal.detail}", remedy=remedy) from None


def reached(policy: WitnessPolicy) -> tuple[KnownWitness, ...]:
    """Give the witnesses that can be asked: those with an address."""
    return tuple(witness for witness in policy.witnesses if witness.url is not None)


class Witnessing:
    """Has the log's checkpoints cosigned, from ``start`` to ``stop``."""

    def __init__(
        self,
        ledger: Ledger,
        publisher: Publisher,
        policy: WitnessPolicy,
        clock: Clock,
        pace: Pace | None = None,
    ) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self.policy = policy
        self._clock = clock
        self._pace = pace or Pace()
        self._stopping = threading.Event()
        runs: list[Callable[[], None]] = [self._watch]
        runs += [partial(self._ask_until_stopped, witness) for witness in reached(policy)]
        self._threads = [
            threading.Thread(target=run, name="witnessing", daemon=True) for run in runs
        ]

    def start(self) -> None:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more, and wait until nobody is being asked."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _watch(self) -> None:
        """Record the quorum once the log has begun, if it is not the one recorded last."""
        while not self._stopping.is_set():
            try:
                if self._note_quorum():
                    return
            except Refusal as refusal:
                log.warning("the quorum could not be recorded yet: %s", refusal.detail)
            self._stopping.wait(LOOK)

    def _note_quorum(self) -> bool:
        """Tell whether the quorum in force is the one on record now."""
        policy = format_policy(self.policy)
        with self._ledger.snapshot() as now:
            if now.head(STARTED) is None:
                return False
            told = now.head(TOLD)
            before = None if told is None else now.data(told).get("policy")
        if before == policy or (before is None and not self.policy.witnesses):
            return True
        witnesses = tuple(key.vkey() for key in self.policy.witness_keys())
        event = LogQuorumChanged(policy, self.policy.quorum, witnesses)
        self._ledger.record(say("log", event), WATCHING, expects={TOLD: told})
        return True

    def _ask_until_stopped(self, witness: KnownWitness) -> None:
        """Have one witness cosign whatever is published."""
        pause, size = self._pace.first, -1
        with httpx.Client(timeout=self._pace.patience, follow_redirects=False) as client:
            while not self._stopping.is_set():
                if not self._publisher.wait_for(size + 1, LOOK):
                    continue
                try:
                    size = self._ask(client, witness)
                    pause = self._pace.first
                    self._stopping.wait(self._pace.between)
                except (NotCosigned, Refusal) as failure:
                    self._note_failure(witness, failure)
                    self._stopping.wait(pause)
                    pause = min(2 * pause, self._pace.longest)

    def _ask(self, client: httpx.Client, witness: KnownWitness) -> int:
        """Have the newest checkpoint cosigned, and tell its size. Raises NotCosigned."""
        vkey = witness.key.vkey()
        with self._ledger.snapshot() as now:
            store = now.store
            note = store.checkpoint(now.connection) or b""
            standing = cosigned.standing(now.connection, vkey)
        text = parse_note(note)[0]
        size = parse_checkpoint(text).size

        def proof(old: int) -> Sequence[bytes]:
            with self._ledger.snapshot() as then:
                return prove(old, size, tile_reader(store, then.connection, size))

        line = submit(client, witness, Submission(text, size, note, proof), standing.size)
        kept = replace(standing, size=size, failing=None)

        def keep(connection: Connection) -> None:
            # A crash before the commit asks again: a witness cosigns the same tree twice.
            cosigned.put_line(connection, size, vkey, line)
            cosigned.note_standing(connection, vkey, kept)
            if cosigned.met(self.policy, note + cosigned.lines(connection, size)):
                cosigned.note_witnessed(connection, size)

        self._ledger.operate(keep)
        if standing.failing is not None:
            log.warning("the witness %s cosigns again", vkey)
        return size

    def _note_failure(self, witness: KnownWitness, failure: NotCosigned | Refusal) -> None:
        vkey = witness.key.vkey()
        if isinstance(failure, Refusal):
            # Our own log or database; it has its own alarm.
            log.warning("the witness %s was not asked: %s", vkey, failure.detail)
            return
        because, alarm = str(failure.trouble), failure.trouble in ALARMS
        tell(
            self._ledger,
            self._clock,
            Failed("witness", vkey, because, failure.detail, alarm=alarm),
        )
