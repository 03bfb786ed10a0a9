"""Proof that a log only grew: made as RFC 6962 defines it, checked as RFC 9162 says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import ProofMismatch, Rejected
from app.core.ledger.merkle import EMPTY_ROOT, HASH_BYTES, node_hash, split
from app.core.ledger.subtrees import read_roots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.ledger.subtrees import Range, ReadTiles


def plan(old_size: int, new_size: int) -> list[Range]:
    """The ranges of leaves whose hashes are the proof, in its order.

    None for an old size of 0 or equal sizes. Raises Rejected: the old size is the larger.
    Source: RFC 6962, 2.1.2 (SUBPROOF).
    """
    if not 0 <= old_size <= new_size:
        raise Rejected(f"a log of {old_size} entries does not grow to {new_size}")
    if old_size in (0, new_size):
        return []
    ranges: list[Range] = []
    first, end = 0, new_size
    while end != old_size:
        middle = first + split(end - first)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    if first:
        ranges.append((first, end))
    return ranges[::-1]


def prove(old_size: int, new_size: int, read: ReadTiles) -> list[bytes]:
    """Answer the proof that the first ``old_size`` leaves did not change."""
    return read_roots(plan(old_size, new_size), new_size, read)


def check(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of ``old_root`` is the beginning of the tree of ``new_root``.

    Both roots are from checkpoints already verified. Raises ProofMismatch: the old tree is
    larger, or the proof has a wrong length or leads elsewhere. Source: RFC 9162, 2.1.4.2.
    """
    if not 0 <= old_size <= new_size:
        raise ProofMismatch(f"a log of {old_size} entries does not grow to {new_size}")
    if old_size in (0, new_size):
        _check_trivial(old_size, old_root, new_root if old_size == new_size else None, proof)
        return
    # A full subtree's own hash is not repeated in the proof.
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else [*proof]
    if not path or any(len(sibling) != HASH_BYTES for sibling in path):
        raise ProofMismatch("the consistency proof has a wrong length")
    old, new = _climb(path, old_size - 1, new_size - 1)
    if old != old_root:
        raise ProofMismatch(f"the consistency proof leads to another root at size {old_size}")
    if new != new_root:
        raise ProofMismatch(f"the consistency proof leads to another root at size {new_size}")


def _climb(path: Sequence[bytes], node: int, last: int) -> tuple[bytes, bytes]:
    """Compute both roots from the last leaves ``node`` of the old and ``last`` of the new."""
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofMismatch("the consistency proof is too long")
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofMismatch("the consistency proof is too short")
    return old, new


def _check_trivial(
    old_size: int, old_root: bytes, same_size_root: bytes | None, proof: Sequence[bytes]
) -> None:
    if proof:
        raise ProofMismatch("the consistency proof is too long: it needs no hash")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ProofMismatch("the root at size 0 is not that of the empty log")
    if same_size_root is not None and old_root != same_size_root:
        raise ProofMismatch(f"two different roots at size {old_size}")
