"""How one key of a log comes after another, so that both vouch for it.

    muniment key rotation
    <origin>
    begun | finished | revoked
    <verifier key of the old key>
    <verifier key of the new key>

The text of a note that both keys sign; it stands in an entry of type ``log.key_rotated.v1``.
*begun* at entry i: the new key signs from size i + 1 on, and the old one goes on beside it.
*finished* at entry j: the old key signs up to size j. *revoked* at entry j: the old key is in
wrong hands; what it signs beyond size j counts for nothing. Whoever has the entries can so
tell for every size which keys sign it, and comes to the same answer as whoever signs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import BadSignature, ChainBroken, Malformed
from app.core.ledger.note import Verifier, open_note, parse_note, parse_vkey, sign_note
from app.core.ledger.origin import check_origin
from app.core.ledger.trust import TrustedKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_TITLE = "muniment key rotation"
_LINES = 5


class Step(StrEnum):
    """What happens to the old key."""

    BEGUN = "begun"
    FINISHED = "finished"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Rotation:
    """One step from an old key to a new one, both of the log's own name."""

    origin: str
    step: Step
    old: Verifier
    new: Verifier

    def text(self) -> str:
        """The text that both keys sign."""
        keys = f"{self.old.vkey()}\n{self.new.vkey()}"
        return f"{_TITLE}\n{self.origin}\n{self.step}\n{keys}\n"


def sign_rotation(
    rotation: Rotation, old: Callable[[bytes], bytes], new: Callable[[bytes], bytes]
) -> bytes:
    """Write the note of a step. ``old``, ``new``: make Ed25519 signatures."""
    return sign_note(rotation.text(), [(rotation.old, old), (rotation.new, new)])


def open_rotation(raw: bytes) -> Rotation:
    """Read the note of a step, and check that both keys signed it.

    Raises Malformed; BadSignature: one of them did not. That the old key is the log's own
    is for ``history`` to tell.
    """
    rotation = _parse(parse_note(raw)[0])
    signed_by = open_note(raw, [rotation.old, rotation.new]).signed_by
    if set(signed_by) != {rotation.old, rotation.new}:
        raise BadSignature("only one of the two keys signed the rotation")
    return rotation


def _parse(text: str) -> Rotation:
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[0] != _TITLE or lines[-1]:
        raise Malformed("a rotation has five lines: title, origin, step, old key, new key")
    _, origin, step, old, new, _ = lines
    if step not in set(Step):
        raise Malformed(f"a rotation is begun, finished or revoked, not {step[:40]!r}")
    rotation = Rotation(check_origin(origin), Step(step), parse_vkey(old), parse_vkey(new))
    if rotation.old.name != origin or rotation.new.name != origin:
        raise Malformed("both keys of a rotation bear the log's own name")
    if rotation.old == rotation.new:
        raise Malformed("a rotation is between two keys")
    return rotation


@dataclass(slots=True)
class _Keys:
    """The keys so far. ``newest``: the last to come; ``fading``: signs beside it, or None."""

    keys: list[TrustedKey]
    newest: Verifier
    fading: Verifier | None = None

    def end(self, old: Verifier, *, to: int | None = None, revoked: int | None = None) -> None:
        place = next(n for n, key in enumerate(self.keys) if key.verifier == old)
        self.keys[place] = replace(self.keys[place], to_size=to, revoked_at_size=revoked)
        self.fading = None

    def begin(self, new: Verifier, size: int) -> None:
        if new in [key.verifier for key in self.keys]:
            raise ChainBroken(f"{new.vkey()} was a key of this log before")
        self.keys.append(TrustedKey(new, size))
        self.newest = new


def history(first: Verifier, rotations: Iterable[tuple[int, Rotation]]) -> tuple[TrustedKey, ...]:
    """Tell which keys sign which sizes, in the order in which they came.

    ``first``: the key that the log began with. ``rotations``: with their entries' indexes, in
    order. Raises ChainBroken: a step that does not follow from those before it.
    """
    known = _Keys([TrustedKey(first)], first)
    for index, rotation in rotations:
        pair = (known.fading, known.newest) if known.fading else (known.newest, None)
        match rotation.step:
            case Step.BEGUN if pair == (rotation.old, None):
                known.begin(rotation.new, index + 1)
                known.fading = rotation.old
            case Step.FINISHED if pair == (rotation.old, rotation.new):
                known.end(rotation.old, to=index)
            case Step.REVOKED if pair == (rotation.old, rotation.new):
                known.end(rotation.old, revoked=index)
            case Step.REVOKED if pair == (rotation.old, None):
                known.begin(rotation.new, index + 1)
                known.end(rotation.old, revoked=index)
            case _:
                raise ChainBroken(
                    f"entry {index} says a rotation was {rotation.step}, which does not follow "
                    "from those before it"
                )
    return tuple(known.keys)


def signing(keys: Sequence[TrustedKey], size: int) -> tuple[Verifier, ...]:
    """Tell which keys sign a tree of ``size``, the newest first."""
    return tuple(key.verifier for key in reversed(keys) if key.objection(size) is None)
