"""The growing tree as the writer keeps it: the hashes of each level's unfinished tile.

Level 0 holds leaf hashes; when 256 are there the tile is full, is stored, and its root
becomes a hash of the level above (C2SP tlog-tiles).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.ledger.merkle import root

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 256


@dataclass(slots=True)
class Tree:
    """``levels[L]``: hashes of the unfinished tile of level L, fewer than 256.

    ``full``: tiles finished since the last ``take_full``, by (level, number).
    """

    levels: list[list[bytes]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    full: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def copy(self) -> Tree:
        """Copy it, so that a batch that is not committed leaves no trace."""
        return Tree([list(level) for level in self.levels], list(self.counts), dict(self.full))

    def append(self, leaf: bytes) -> None:
        """Add the next leaf hash."""
        self._add(0, leaf)

    def _add(self, level: int, added: bytes) -> None:
        if level == len(self.levels):
            self.levels.append([])
            self.counts.append(0)
        hashes = self.levels[level]
        hashes.append(added)
        if len(hashes) < WIDTH:
            return
        self.full[level, self.counts[level]] = b"".join(hashes)
        self.counts[level] += 1
        self.levels[level] = []
        self._add(level + 1, root(hashes))

    def take_full(self) -> dict[tuple[int, int], bytes]:
        """Give the tiles finished since last asked, and forget them."""
        taken, self.full = self.full, {}
        return taken

    def peaks(self) -> tuple[bytes, ...]:
        """Give the roots of the full subtrees that all leaves so far make up, largest first.

        Every unfinished tile is the right edge of its level, and higher levels lie to the
        left of lower ones.
        """
        return tuple(peak for hashes in reversed(self.levels) for peak in _peaks(hashes))


def _peaks(hashes: list[bytes]) -> list[bytes]:
    """Give the roots of the full subtrees that the hashes make up, largest first."""
    peaks: list[bytes] = []
    start = 0
    for bit in range(len(hashes).bit_length() - 1, -1, -1):
        if len(hashes) >> bit & 1:
            peaks.append(root(hashes[start : start + (1 << bit)]))
            start += 1 << bit
    return peaks


def load_tree(
    size: int,
    leaf_hashes: Callable[[int, int], list[bytes]],
    tile_root: Callable[[int, int], bytes],
) -> Tree:
    """Build the tree of a stored log.

    ``leaf_hashes``: of entries from a first index up to, not with, another.
    ``tile_root``: Merkle root of the hashes of a full tile, by (level, number).
    """
    tree = Tree()
    level, count = 0, size
    while count or level == 0:
        full, partial = divmod(count, WIDTH)
        first = full * WIDTH
        if level == 0:
            hashes = leaf_hashes(first, size)
        else:
            hashes = [tile_root(level - 1, number) for number in range(first, first + partial)]
        tree.levels.append(hashes)
        tree.counts.append(full)
        level, count = level + 1, full
    return tree
