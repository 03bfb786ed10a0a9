r"""Cosignatures: what a witness says about a checkpoint, as one more line of its note.

    — <witness name> <base64(key id (4) ‖ time (8, big-endian) ‖ signature (64))>

The witness signs ``cosignature/v1\ntime <unix seconds>\n`` and the checkpoint's text: as of
that time this was the largest tree of this log that it had seen, and the log had only grown.
The key id is that of a note's key with type 0x04, and a witness's verifier key is written
``<name>+<key id in hex>+<base64(0x04 ‖ public key)>``. Source: C2SP tlog-cosignature.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import BadSignature, Malformed
from app.core.ledger.note import (
    MAX_NOTE_BYTES,
    Signature,
    decode_base64,
    format_signature,
    parse_note,
    verifies,
)
from app.core.ledger.origin import check_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_COSIGNATURE = b"\x04"
_KEY_ID_BYTES = 4
_PUBLIC_BYTES = 32
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64
LAST_TIME = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Witness:
    """A key that may cosign: its name and Ed25519 public key (32 bytes)."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart; never those of a log's key."""
        named = self.name.encode() + b"\n" + _COSIGNATURE + self.public
        return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]

    def vkey(self) -> str:
        """The witness's verifier key, as it is handed to those who check."""
        key = base64.b64encode(_COSIGNATURE + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that verified. ``at``: unix seconds, by the witness's clock."""

    witness: Witness
    at: int


def parse_witness(text: str) -> Witness:
    """Read a witness's verifier key. Raises Malformed: another form, type or id."""
    # The base64 after the second plus sign may hold more of them.
    parts = text.split("+", 2)
    if len(parts) != 3:  # noqa: PLR2004 - name, id, key
        raise Malformed("a witness's key is <name>+<8 hex digits>+<base64>")
    name, key_id, encoded = parts
    key = decode_base64(encoded, "the witness's key")
    if len(key) != 1 + _PUBLIC_BYTES or not key.startswith(_COSIGNATURE):
        raise Malformed("the witness's key is not one of Ed25519 cosignatures (type 0x04)")
    witness = Witness(check_origin(name), key[1:])
    if witness.key_id.hex() != key_id:
        raise Malformed(f"the witness's key id is {witness.key_id.hex()}, not {key_id[:20]!r}")
    return witness


def message(text: str, at: int) -> bytes:
    """What a witness signs about the checkpoint of ``text`` at ``at`` (unix seconds)."""
    if not 0 <= at <= LAST_TIME:
        raise AssertionError(at)
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def cosign(text: str, at: int, witness: Witness, sign: Callable[[bytes], bytes]) -> str:
    """Write a cosignature's line, with its line feed. ``sign``: Ed25519 over a message."""
    blob = at.to_bytes(_TIME_BYTES, "big") + sign(message(text, at))
    return format_signature(Signature(witness.name, witness.key_id, blob))


def cosignatures(raw: bytes, witnesses: Iterable[Witness]) -> tuple[Cosignature, ...]:
    """Verify the cosignatures that known witnesses put on a note, in its order.

    Lines of others are not looked at; a witness that is there twice counts by its first
    line. Raises Malformed; BadSignature: the line of a known witness does not verify.
    """
    text, signatures = parse_note(raw)
    known = {(witness.name, witness.key_id): witness for witness in witnesses}
    found: dict[Witness, Cosignature] = {}
    for line in signatures:
        witness = known.get((line.name, line.key_id))
        if witness is not None:
            at = _check(text, witness, line.signature)
            found.setdefault(witness, Cosignature(witness, at))
    return tuple(found.values())


def answered(text: str, lines: bytes, witness: Witness) -> tuple[str, Cosignature]:
    """Find a witness's line among those that it answered for the checkpoint of ``text``.

    Returns the line as it is appended to the note, and what it says. Raises Malformed: no
    such lines; BadSignature: none is of this witness, or it does not verify.
    """
    if len(lines) > MAX_NOTE_BYTES:
        raise Malformed("a witness's answer is longer than any note")
    body, signatures = parse_note(text.encode() + b"\n" + lines)
    if body != text:
        raise Malformed("a witness answers with signature lines and nothing else")
    for line in signatures:
        if (line.name, line.key_id) == (witness.name, witness.key_id):
            at = _check(text, witness, line.signature)
            return format_signature(line), Cosignature(witness, at)
    raise BadSignature(f"the answer holds no cosignature of {witness.vkey()}")


def _check(text: str, witness: Witness, blob: bytes) -> int:
    """Verify what follows the key id; answer the time it names."""
    if len(blob) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise BadSignature(f"the cosignature of {witness.vkey()} is not one of 72 bytes")
    at = int.from_bytes(blob[:_TIME_BYTES], "big")
    if at > LAST_TIME or not verifies(witness.public, blob[_TIME_BYTES:], message(text, at)):
        raise BadSignature(f"the cosignature of {witness.vkey()} does not verify")
    return at
