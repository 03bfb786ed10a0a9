"""The ``.tlog-proof`` file: all that is needed to check one entry, without the log.

    c2sp.org/tlog-proof@v1
    extra <base64>             optional, whatever the log's makers put there
    index <i>
    <base64 of a hash>         one a line, nearest to the leaf first
    <empty line>
    <signed checkpoint, verbatim>

Source: C2SP tlog-proof.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from app.core.errors import Malformed, TooLarge
from app.core.ledger.canonical import MAX_INT
from app.core.ledger.merkle import HASH_BYTES
from app.core.ledger.note import MAX_NOTE_BYTES, decode_base64

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})")

# A tree of 2^53 leaves is 53 levels high.
_MAX_HASHES = 53


@dataclass(frozen=True, slots=True)
class ProofFile:
    """``hashes``: inclusion proof. ``checkpoint``: a signed note's bytes, not verified yet."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def format_proof(proof: ProofFile) -> bytes:
    """Write a ``.tlog-proof`` file."""
    extra = [] if proof.extra is None else [f"extra {base64.b64encode(proof.extra).decode()}"]
    hashes = [base64.b64encode(sibling).decode() for sibling in proof.hashes]
    lines = [_HEADER, *extra, f"index {proof.index}", *hashes, "", ""]
    return "\n".join(lines).encode() + proof.checkpoint


def parse_proof(raw: bytes) -> ProofFile:
    """Read a ``.tlog-proof`` file; nothing is verified yet. Raises Malformed, TooLarge."""
    if len(raw) > 2 * MAX_NOTE_BYTES:
        raise TooLarge(f"a proof file has at most {2 * MAX_NOTE_BYTES} bytes")
    head, separator, checkpoint = raw.partition(b"\n\n")
    if not separator:
        raise Malformed("the proof file has no checkpoint after an empty line")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed("the proof file's first part is not ASCII") from None
    if header != _HEADER:
        raise Malformed(f"the proof file does not begin with {_HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra "), "the extra line")
    index = _INDEX.fullmatch(lines[0]) if lines else None
    if index is None or int(index[1]) > MAX_INT:
        raise Malformed("the proof file has no line 'index <number>' in its place")
    hashes = tuple(decode_base64(line, "a hash of the proof") for line in lines[1:])
    if len(hashes) > _MAX_HASHES or any(len(sibling) != HASH_BYTES for sibling in hashes):
        raise Malformed(f"the proof's hashes are not up to {_MAX_HASHES} of {HASH_BYTES} bytes")
    return ProofFile(int(index[1]), hashes, checkpoint, extra)
