"""Checkpoints: what a log signs about itself.

    <origin>
    <size, decimal>
    <base64(root)>

Three lines and no extension lines, as the text of a signed note. Source: C2SP
tlog-checkpoint.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import BadSignature, Malformed
from app.core.ledger.canonical import MAX_INT
from app.core.ledger.merkle import HASH_BYTES
from app.core.ledger.note import decode_base64, open_note
from app.core.ledger.origin import check_origin
from app.core.ledger.trust import bounded, check_size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.core.ledger.trust import Key

_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``size``: entries in the log. ``root``: Merkle tree hash over them, 32 bytes."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text. Raises Malformed naming the line."""
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[-1]:
        raise Malformed("a checkpoint has three lines: origin, size, root")
    origin, size, encoded = lines[:_LINES]
    if not _SIZE.fullmatch(size) or int(size) > MAX_INT:
        raise Malformed(f"a checkpoint's size is a decimal number: {size[:40]!r}")
    root = decode_base64(encoded, "a checkpoint's root")
    if len(root) != HASH_BYTES:
        raise Malformed(f"a checkpoint's root has {HASH_BYTES} bytes, not {len(root)}")
    return Checkpoint(check_origin(origin), int(size), root)


def open_checkpoint(raw: bytes, trusted: Iterable[Key]) -> Checkpoint:
    """Verify a signed checkpoint and read it.

    Raises Malformed; BadSignature: see open_note, none of the trusted keys that signed bears
    the log's own name, or none of those may sign that size.
    """
    keys = bounded(trusted)
    note = open_note(raw, [key.verifier for key in keys])
    checkpoint = parse_checkpoint(note.text)
    own = [verifier for verifier in note.signed_by if verifier.name == checkpoint.origin]
    if not own:
        raise BadSignature(f"no trusted key of the log {checkpoint.origin} signed the checkpoint")
    check_size(keys, own, checkpoint.size)
    return checkpoint
