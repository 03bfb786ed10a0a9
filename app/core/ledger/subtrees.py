"""Hashes of ranges of leaves, out of tiles: plan, one read, compute.

A proof is a list of ranges (``inclusion``, ``consistency``). Each range falls apart into
full subtrees, each of which lies in one tile; all tiles are asked for at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.core.ledger.merkle import fold, root
from app.core.ledger.tile import TILE_BITS, TILE_WIDTH, Tile, split_hashes, tile_at

ReadTiles: TypeAlias = Callable[[Sequence[Tile]], Sequence[bytes]]
"""Answers the bytes of each tile asked for, in that order."""

Range: TypeAlias = tuple[int, int]
"""Leaves from the first number up to and without the second."""


@dataclass(frozen=True, slots=True)
class Subtree:
    """The 2^height leaves from index * 2^height on."""

    height: int
    index: int


def subtrees(leaves: Range) -> list[Subtree]:
    """Cut a range that begins at a multiple of a power of two not below its length.

    Largest first; folded together (``merkle.fold``) they give the range's tree hash.
    """
    first, end = leaves
    parts: list[Subtree] = []
    while first < end:
        height = (end - first).bit_length() - 1
        parts.append(Subtree(height, first >> height))
        first += 1 << height
    return parts


def read_roots(ranges: Sequence[Range], size: int, read: ReadTiles) -> list[bytes]:
    """Answer the Merkle tree hash of each range of a log of ``size`` leaves.

    Raises Malformed if a tile has not the length its width says.
    """
    parts = [subtrees(leaves) for leaves in ranges]
    wanted = sorted({_tile(subtree, size) for part in parts for subtree in part})
    found = {tile: split_hashes(raw, tile) for tile, raw in zip(wanted, read(wanted), strict=True)}
    return [
        fold([_hash(subtree, found[_tile(subtree, size)]) for subtree in part]) for part in parts
    ]


def _tile(subtree: Subtree, size: int) -> Tile:
    level, height = divmod(subtree.height, TILE_BITS)
    return tile_at(level, (subtree.index << height) // TILE_WIDTH, size)


def _hash(subtree: Subtree, hashes: Sequence[bytes]) -> bytes:
    height = subtree.height % TILE_BITS
    first = (subtree.index << height) % TILE_WIDTH
    return root(hashes[first : first + (1 << height)])
