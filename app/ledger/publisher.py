"""What gets signed: the log as it is read back from the disk, never as it is in memory.

One flipped bit under a signature makes a log worthless for ever. So before each
checkpoint the new entries are read again from storage, hashed again, chained again, and
the root is computed on a path of its own from the last signed tree; only if that is the
root in the head is it signed.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from app.core.errors import ChainBroken, Refusal, SignerAway, StorageFull, Unavailable
from app.core.ledger.checkpoint import Checkpoint
from app.core.ledger.entry import genesis_prev, parse
from app.core.ledger.merkle import Frontier, fold, leaf_hash
from app.core.ledger.note import sign_note
from app.core.ledger.rotation import signing
from app.core.ledger.tile import TILE_WIDTH, completed, join_hashes
from app.core.ledger.trust import TrustedKey
from app.ledger.keyring import key_history
from app.ledger.opening import read_tree
from app.settings import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.ledger.entry import Entry
    from app.ledger.keyring import Keyring
    from app.ledger.sequencer import Sequencer
    from app.ledger.signing import Signed, Signer, SignerState
    from app.ledger.sql_store import SqlStore
    from app.settings import Clock

log = logging.getLogger(__name__)
PAUSE = 0.4
"""Seconds between two checkpoints of a busy log."""

LOOK = 1.0
"""Seconds between two looks at a log that others write to, and at one that did not answer."""


class Publisher:
    """Signs a checkpoint after each growth of the log; its thread is the only signer."""

    def __init__(
        self,
        store: SqlStore,
        sequencer: Sequencer,
        signer: Signer,
        state: SignerState,
        clock: Clock = utc_now,
        keyring: Keyring | None = None,
    ) -> None:
        self._store = store
        self._sequencer = sequencer
        self._signer = signer
        self._state = state
        self._clock = clock
        self._keyring = keyring
        self._keys: tuple[TrustedKey, ...] = (TrustedKey(signer.verifier),)
        self._grown = threading.Event()
        self._published = threading.Condition()
        self._signed: Signed | None = None
        self._size = -1
        self._verified: tuple[int, datetime | None] = (0, None)
        self._frontier = Frontier()
        self._leaf = genesis_prev(store.origin)
        self._stopping = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Check the log against what was signed last, publish it as it is, and go on.

        Raises Unavailable if the signer state is gone, ChainBroken if the log is behind what
        was signed or another one.
        """
        self._resume()
        self.publish()
        self._thread.start()

    def stop(self) -> None:
        """Publish what is there, then end."""
        self._stopping = True
        self._ended.set()
        self._grown.set()
        self._thread.join()

    def grown(self, _size: int) -> None:
        """Hear that the log has grown."""
        self._grown.set()

    def wait_for(self, size: int, seconds: float) -> bool:
        """Wait until a checkpoint of at least ``size`` is published; tell whether it is."""
        with self._published:
            return self._published.wait_for(lambda: self._size >= size, seconds)

    @property
    def verified(self) -> tuple[int, datetime | None]:
        """Tell how many entries were read back and found whole, and when the last of them was."""
        return self._verified

    def _run(self) -> None:
        while not self._stopping:
            self._grown.wait(LOOK if self._store.shared else None)
            self._grown.clear()
            try:
                self.publish()
            except Exception as failure:
                because = failure.detail if isinstance(failure, Refusal) else repr(failure)
                if self._passes(failure):
                    log.warning("no checkpoint for now: %s", because)
                    self._ended.wait(LOOK)
                    continue
                log.critical("no checkpoint is signed any more: %s", because, exc_info=True)
                self._sequencer.halt(because)
                return
            threading.Event().wait(PAUSE)

    def _passes(self, failure: Exception) -> bool:
        """Tell what ends by itself: a server that is away; nothing was signed but not stored."""
        away = isinstance(failure, Unavailable | StorageFull)
        if isinstance(failure, SignerAway):  # it takes a person, and until then nothing is signed
            return False
        return away and self._store.shared and self._sequencer.halted is None

    def _resume(self) -> None:
        signed = self._signed = self._state.read()
        with self._store.reading() as connection:
            head = self._store.head(connection)
            stored = self._store.published_size(connection)
            if signed is None:
                if head.size or stored is not None:
                    raise Unavailable(
                        f"the log has {head.size} entries, and what was signed of it is not known",
                        remedy="compare with a saved checkpoint, then "
                        "run `muniment ledger recover --adopt`",
                    )
                return
            if signed.size > head.size:
                raise ChainBroken(
                    f"the log has {head.size} entries, but size {signed.size} was signed before: "
                    "it has been truncated or restored from an old backup",
                    remedy="find the lost entries, or run `muniment ledger recover`",
                )
            peaks = read_tree(self._store, connection, signed.size).peaks()
            if fold(peaks) != signed.root:
                raise ChainBroken(
                    f"the first {signed.size} entries are not those that were signed",
                    remedy="run `muniment ledger fsck` to see what was altered",
                )
            self._frontier = Frontier(signed.size, peaks)
            if signed.size:
                self._leaf = leaf_hash(self._store.entry_bytes(connection, signed.size - 1))

    def publish(self) -> None:
        """Re-read what is new, sign it, store the checkpoint.

        A crash after the state has moved and before the checkpoint is stored loses nothing:
        the next start signs the same tree again, with the same bytes.
        Raises ChainBroken: what is stored does not lead to the head's root, or another
        process signed for this log. Where others write to the log they sign, too, each what
        continues the last tree signed; one that was overtaken raises Unavailable.
        """
        if self._store.shared and self._state.read() != self._signed:
            self._resume()
        with self._store.reading() as connection:
            head = self._store.head(connection)
            if head.size == self._size:
                return
            frontier, leaf = self._read_back(connection, head.size)
            if self._keyring is not None:
                self._keys = key_history(self._store, connection, self._signer.verifier)
        if frontier.root() != head.root or leaf != head.leaf_hash:
            raise ChainBroken(f"what is stored does not lead to the head at size {head.size}")
        checkpoint = Checkpoint(self._store.origin, head.size, head.root)
        signers = self._signers(head.size)
        self._signed = self._advance(checkpoint, signers)
        note = sign_note(checkpoint.text(), [(one.verifier, one.sign) for one in signers])
        self._sequencer.operate(lambda writing: self._insert(writing, head.size, note)).result()
        with self._published:
            self._frontier, self._leaf, self._size = frontier, leaf, head.size
            self._verified = (head.size, self._clock())
            self._published.notify_all()

    def _signers(self, size: int) -> list[Signer]:
        """Find the keys that sign a tree of that size, as its entries say; the newest first."""
        if self._keyring is None:
            return [self._signer]
        return [self._keyring.signer(key) for key in signing(self._keys, size)]

    def _advance(self, checkpoint: Checkpoint, signers: Sequence[Signer]) -> Signed:
        """Note for every key that signs what it is about to sign."""
        try:
            signed = self._state.advance(self._signed, checkpoint)
            if self._keyring is not None:
                states = [self._keyring.state_of(one.verifier) for one in signers]
                for state in states:
                    state.advance(state.read(), checkpoint)
                self._state = states[0]
            return signed
        except ChainBroken:
            if self._store.shared and self._state.read() != self._signed:
                raise Unavailable("another process signed in the meantime") from None
            raise

    def _insert(self, connection: Connection, size: int, note: bytes) -> None:
        """Store the note unless one of that size, or a newer one, is there."""
        stored = self._store.published_size(connection)
        if stored is None or stored < size:
            self._store.insert_checkpoint(connection, size, note)

    def _read_back(self, connection: Connection, size: int) -> tuple[Frontier, bytes]:
        """Hash the entries after the last signed one again; check chain, place and tiles."""
        start = self._frontier.size
        previous, leaves = self._leaf, []
        for index, raw in enumerate(self._store.bodies(connection, start, size), start):
            entry = _readable(index, raw)
            if entry.index != index or entry.prev != previous:
                raise ChainBroken(f"entry {index} does not continue the one before it")
            previous = leaf_hash(raw)
            leaves.append(previous)
        for tile in completed(start, size):
            first = tile.index * TILE_WIDTH
            if tile.level == 0 and first >= start:
                expected = join_hashes(leaves[first - start : first - start + TILE_WIDTH])
                if self._store.tile(connection, 0, tile.index) != expected:
                    raise ChainBroken(f"the stored {tile.path()} is not made of its entries")
        frontier = self._frontier.extend(leaves)
        if fold(read_tree(self._store, connection, size).peaks()) != frontier.root():
            raise ChainBroken(f"the stored tiles do not lead to the entries' root at size {size}")
        return frontier, previous


def _readable(index: int, raw: bytes) -> Entry:
    try:
        return parse(raw)
    except Refusal as refusal:
        raise ChainBroken(f"entry {index} cannot be read: {refusal.detail}") from None
