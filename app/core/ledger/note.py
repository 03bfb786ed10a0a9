"""Signed notes: a text, an empty line, and lines that sign the text.

    <text, ends with a line feed>
    <empty line>
    — <name> <base64(key id (4 bytes) ‖ signature)>

The dash is U+2014. Ed25519 (type 0x01) signs exactly the text with its last line feed. The
key id is the first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key). A verifier key is
written ``<name>+<key id in hex>+<base64(0x01 ‖ public key)>``. Source: C2SP signed-note.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.core.errors import BadSignature, Malformed, TooLarge
from app.core.ledger.origin import check_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100

_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_PUBLIC_BYTES = 32
_DASH = "\N{EM DASH} "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key that may have signed: its name and Ed25519 public key (32 bytes)."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart; no secret and no proof."""
        named = self.name.encode() + b"\n" + _ED25519 + self.public
        return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]

    def vkey(self) -> str:
        """The verifier key, as it is handed to those who check."""
        key = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line. ``signature``: what follows the key id, of any length."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note of which at least one trusted key signed the text."""

    text: str
    signed_by: tuple[Verifier, ...]


def parse_vkey(text: str) -> Verifier:
    """Read a verifier key. Raises Malformed: another form, another algorithm, a wrong id."""
    # The base64 after the second plus sign may hold more of them.
    parts = text.split("+", 2)
    if len(parts) != 3:  # noqa: PLR2004 - name, id, key
        raise Malformed("a verifier key is <name>+<8 hex digits>+<base64>")
    name, key_id, encoded = parts
    key = decode_base64(encoded, "the verifier key")
    if len(key) != 1 + _PUBLIC_BYTES or not key.startswith(_ED25519):
        raise Malformed("the verifier key is not one of Ed25519")
    verifier = Verifier(check_origin(name), key[1:])
    if verifier.key_id.hex() != key_id:
        raise Malformed(f"the verifier key's id is {verifier.key_id.hex()}, not {key_id[:20]!r}")
    return verifier


def sign_note(text: str, signers: Sequence[tuple[Verifier, Callable[[bytes], bytes]]]) -> bytes:
    """Write the note of ``text``, signed by each signer in order.

    Each signer is its verifier and what makes an Ed25519 signature (64 bytes) of a message.
    """
    if not text.endswith("\n"):
        raise AssertionError("a note's text ends with a line feed")
    message = text.encode()
    lines = [
        format_signature(Signature(verifier.name, verifier.key_id, sign(message)))
        for verifier, sign in signers
    ]
    return f"{text}\n{''.join(lines)}".encode()


def format_signature(line: Signature) -> str:
    """Write one signature line, with its line feed."""
    return f"{_DASH}{line.name} {base64.b64encode(line.key_id + line.signature).decode()}\n"


def parse_note(raw: bytes) -> tuple[str, list[Signature]]:
    """Take a note apart; nothing is verified yet.

    Raises Malformed: not UTF-8, control characters, no empty line, none or more than 100
    signatures, a line of another form. TooLarge above 1,000,000 bytes.
    """
    if len(raw) > MAX_NOTE_BYTES:
        raise TooLarge(f"a note has at most {MAX_NOTE_BYTES} bytes")
    try:
        note = raw.decode()
    except UnicodeDecodeError:
        raise Malformed("the note is not UTF-8") from None
    if _CONTROL.search(note):
        raise Malformed("the note holds a control character")
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise Malformed("the note has no signatures after an empty line")
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise Malformed(f"the note has more than {MAX_SIGNATURES} signatures")
    return text + "\n", [_parse_signature(line) for line in lines]


def _parse_signature(line: str) -> Signature:
    name, separator, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not separator:
        raise Malformed("a signature line is not a dash, a name and base64")
    blob = decode_base64(encoded, "a signature line")
    if len(blob) <= _KEY_ID_BYTES:
        raise Malformed("a signature line holds no signature")
    return Signature(check_origin(name), blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:])


def open_note(raw: bytes, trusted: Iterable[Verifier]) -> Note:
    """Verify a note. Signatures of keys that are not trusted are not looked at.

    Raises Malformed; BadSignature if no trusted key signed, or if one that is named does
    not verify: then the whole note is refused. Source: C2SP signed-note, "Signatures".
    """
    text, signatures = parse_note(raw)
    known = {(verifier.name, verifier.key_id): verifier for verifier in trusted}
    message = text.encode()
    signed_by: list[Verifier] = []
    for line in signatures:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            continue
        if not verifies(verifier.public, line.signature, message):
            raise BadSignature(f"the signature of {verifier.vkey()} does not verify")
        if verifier not in signed_by:
            signed_by.append(verifier)
    if not signed_by:
        raise BadSignature("no trusted key signed the note")
    return Note(text, tuple(signed_by))


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether ``public`` (32 bytes) signed the message. Source: RFC 8032."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def decode_base64(text: str, where: str) -> bytes:
    """Decode standard base64 with padding, written the one canonical way. Raises Malformed."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{where} is not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise Malformed(f"{where} is not canonical base64")
    return raw
