"""What a log asks of a witness: to look at a checkpoint, and at the growth since its last one.

    old <size of the last checkpoint that the witness cosigned, or 0>
    <base64 of a hash>         the consistency proof, one a line, at most 63
    <empty line>
    <signed checkpoint, verbatim>

Source: C2SP tlog-witness, "add-checkpoint".
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from app.core.errors import Malformed, TooLarge
from app.core.ledger.canonical import MAX_INT
from app.core.ledger.merkle import HASH_BYTES
from app.core.ledger.note import MAX_NOTE_BYTES, decode_base64

_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})")
_MAX_HASHES = 63


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """``proof``: from size ``old`` to the checkpoint's. ``checkpoint``: not verified yet."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes


def format_request(request: AddCheckpoint) -> bytes:
    """Write the body of a request."""
    hashes = [base64.b64encode(sibling).decode() for sibling in request.proof]
    return "\n".join([f"old {request.old}", *hashes, "", ""]).encode() + request.checkpoint


def parse_request(raw: bytes) -> AddCheckpoint:
    """Read the body of a request; nothing is verified yet. Raises Malformed, TooLarge."""
    if len(raw) > 2 * MAX_NOTE_BYTES:
        raise TooLarge(f"a request has at most {2 * MAX_NOTE_BYTES} bytes")
    head, separator, checkpoint = raw.partition(b"\n\n")
    if not separator:
        raise Malformed("the request has no checkpoint after an empty line")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed("the request's first part is not ASCII") from None
    old = _OLD.fullmatch(first)
    if old is None or int(old[1]) > MAX_INT:
        raise Malformed("the request does not begin with 'old <size>'")
    proof = tuple(decode_base64(line, "a hash of the proof") for line in lines)
    if len(proof) > _MAX_HASHES or any(len(sibling) != HASH_BYTES for sibling in proof):
        raise Malformed(f"the proof's hashes are not up to {_MAX_HASHES} of {HASH_BYTES} bytes")
    return AddCheckpoint(int(old[1]), proof, checkpoint)
