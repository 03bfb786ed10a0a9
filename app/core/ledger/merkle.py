"""The Merkle tree over the log's entries.

    empty tree   SHA-256("")
    leaf         SHA-256(0x00 ‖ entry)
    node         SHA-256(0x01 ‖ left ‖ right)

A tree of n leaves splits at the largest power of two below n. Source: RFC 6962, 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_BYTES = 32

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Largest power of two below ``size``, which is 2 or more."""
    return 1 << (size - 1).bit_length() - 1


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Merkle tree hash of leaves in order, as the definition has it.

    Source: RFC 6962, 2.1.
    """
    if not leaf_hashes:
        return EMPTY_ROOT
    if len(leaf_hashes) == 1:
        return leaf_hashes[0]
    middle = split(len(leaf_hashes))
    return node_hash(root(leaf_hashes[:middle]), root(leaf_hashes[middle:]))


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a growing tree: all that is needed to append to it.

    ``peaks``: hashes of the full subtrees that ``size`` leaves make up, largest (leftmost)
    first; one for each bit that is set in ``size``.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        """Answer the edge after one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """Answer the edge after more leaf hashes, in order."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            subtree = leaf
            # Each low bit that is set is a full subtree as large as the one being carried.
            carry = size
            while carry & 1:
                subtree = node_hash(peaks.pop(), subtree)
                carry >>= 1
            peaks.append(subtree)
            size += 1
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        """Merkle tree hash of the leaves so far."""
        return fold(self.peaks)


def fold(peaks: Sequence[bytes]) -> bytes:
    """Root of a tree from its full subtrees, largest first; none: the empty root."""
    if not peaks:
        return EMPTY_ROOT
    folded = peaks[-1]
    for peak in reversed(peaks[:-1]):
        folded = node_hash(peak, folded)
    return folded
