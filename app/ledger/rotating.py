"""Bringing a new key to the log, and taking leave of the old one.

The entry is what changes who signs: whoever signs a tree reads its entries first, so the
first checkpoint that covers the entry is signed as it says, on every server alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import Conflict, HeadMoved
from app.core.events import say
from app.core.events.kinds.records import LogKeyRotated
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.note import parse_note
from app.core.ledger.rotation import Rotation, Step, sign_rotation, signing
from app.ledger.keyring import ROTATED, STARTED, key_history

if TYPE_CHECKING:
    from app.core.events import Actor
    from app.core.ledger.note import Verifier
    from app.core.ledger.trust import TrustedKey
    from app.ledger.keyring import Keyring
    from app.ledger.receipt import Receipt
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was recorded, and between which keys."""

    receipt: Receipt
    rotation: Rotation


@dataclass(frozen=True, slots=True)
class Rotating:
    """Rotates the log's key. ``first``: the key it began with."""

    ledger: Ledger
    keyring: Keyring
    first: Verifier

    def history(self, now: Snapshot) -> tuple[TrustedKey, ...]:
        """Tell the log's keys with the sizes they sign, in the order in which they came."""
        return key_history(now.store, now.connection, self.first)

    def newest(self) -> Verifier:
        """Tell the key that signs now; while two do, the newer one."""
        with self.ledger.snapshot() as now:
            return signing(self.history(now), now.size)[0]

    def rotate(self, step: Step, actor: Actor) -> Rotated:
        """Take a step. Raises Conflict: it does not follow from those before it.

        A crash before the entry is committed leaves a key file that nothing names; the next
        attempt takes it. Afterwards the entry is what counts.
        """
        with self.ledger.snapshot() as now:
            if now.head(STARTED) is None:
                raise Conflict("the log has not begun yet", remedy="muniment init")
            told, keys = now.head(ROTATED), self.history(now)
            note = now.store.checkpoint(now.connection) or b""
        in_force = signing(keys, 2**53 - 1)
        rotation = self._step(step, keys, in_force)
        if step is not Step.FINISHED and len(in_force) == 1:
            # The new key begins with what the old one has signed, or nothing would say so.
            self.keyring.state_of(rotation.new).begin(parse_checkpoint(parse_note(note)[0]))
        old, new = (self.keyring.signer(key) for key in (rotation.old, rotation.new))
        statement = sign_rotation(rotation, old.sign, new.sign).decode()
        event = LogKeyRotated(str(step), rotation.old.vkey(), rotation.new.vkey(), statement)
        try:
            receipt = self.ledger.record(say("log", event), actor, expects={ROTATED: told})
        except HeadMoved:
            raise Conflict("somebody else rotates the key", remedy="look again") from None
        return Rotated(receipt, rotation)

    def _step(
        self, step: Step, keys: tuple[TrustedKey, ...], in_force: tuple[Verifier, ...]
    ) -> Rotation:
        newest, *fading = in_force
        if fading and step is not Step.BEGUN:
            return Rotation(self.keyring.origin, step, fading[0], newest)
        if fading:
            raise Conflict(
                "a rotation is going on: both keys sign",
                remedy="muniment ledger rotate-key --finish",
            )
        if step is Step.FINISHED:
            raise Conflict("no rotation is going on", remedy="muniment ledger rotate-key")
        new = self.keyring.make(len(keys) + 1).verifier
        return Rotation(self.keyring.origin, step, newest, new)
