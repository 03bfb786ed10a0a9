"""Proof that an entry is in the log: made as RFC 6962 defines it, checked as RFC 9162 says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import ProofMismatch, Rejected
from app.core.ledger.merkle import HASH_BYTES, node_hash, split
from app.core.ledger.subtrees import read_roots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.ledger.subtrees import Range, ReadTiles


def plan(index: int, size: int) -> list[Range]:
    """The ranges of leaves whose hashes are the proof, nearest first.

    Raises Rejected: there is no such leaf. Source: RFC 6962, 2.1.1 (PATH).
    """
    if not 0 <= index < size:
        raise Rejected(f"entry {index} is not in a log of {size} entries")
    ranges: list[Range] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + split(end - first)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    return ranges[::-1]


def prove(index: int, size: int, read: ReadTiles) -> list[bytes]:
    """Answer the proof that leaf ``index`` is in the tree of ``size`` leaves."""
    return read_roots(plan(index, size), size, read)


def check(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Check that ``leaf`` is the hash of leaf ``index`` of ``size``.

    ``proof``: 32-byte siblings, nearest first. ``root_hash``: from a checkpoint already
    verified. Raises ProofMismatch: no such leaf, wrong length or wrong root.
    Source: RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofMismatch(f"entry {index} is not in a log of {size} entries")
    node, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != HASH_BYTES:
            raise ProofMismatch(f"the proof for entry {index} of {size} has a wrong length")
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofMismatch(f"the proof for entry {index} of {size} is too short")
    if computed != root_hash:
        raise ProofMismatch(f"the proof for entry {index} of {size} leads to another root")
