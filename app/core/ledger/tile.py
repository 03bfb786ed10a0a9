"""How the tree and the entries are cut into files that never change once full.

    tile/<L>/<N>[.p/<W>]         W or 256 hashes of 32 bytes; item i of tile (L, N) is the
                                 root of the 256^L leaves from (256 N + i) 256^L on
    tile/entries/<N>[.p/<W>]     W or 256 entries, each after its length in two bytes

N is written in groups of three digits, all but the last with an ``x`` before it: 1234067 is
``x001/x234/067``. A partial file says its width W, 1 to 255. Source: C2SP tlog-tiles.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import Malformed
from app.core.ledger.entry import MAX_ENTRY_BYTES
from app.core.ledger.merkle import HASH_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TILE_WIDTH = 256
TILE_BITS = 8

ENTRIES = -1
"""Stands as the level of a file that holds entries, not hashes."""

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9]|[1-5][0-9]|6[0-3])"
    r"/(?P<groups>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Coordinates of a tile or, at level ENTRIES, of an entry bundle.

    ``width``: items in it, 1 to 256; below 256 it is partial.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def path(self) -> str:
        """Path below the log's prefix, without a leading slash."""
        level = "entries" if self.level == ENTRIES else self.level
        groups = f"{self.index % 1000:03d}"
        high = self.index // 1000
        while high:
            groups = f"x{high % 1000:03d}/{groups}"
            high //= 1000
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{groups}{partial}"


def parse_path(path: str) -> Tile:
    """Read what Tile.path writes. Raises Malformed for every other way to write it."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise Malformed(f"not the path of a tile: {path[:100]!r}")
    level = ENTRIES if match["level"] == "entries" else int(match["level"])
    index = int(re.sub(r"[x/]", "", match["groups"]))
    tile = Tile(level, index, int(match["width"] or TILE_WIDTH))
    if tile.path() != path:
        raise Malformed(f"not the one way to write the path of a tile: {path[:100]!r}")
    return tile


def items(level: int, size: int) -> int:
    """How many items level ``level`` has in all its tiles when the log has ``size`` leaves."""
    return size >> TILE_BITS * max(level, 0)


def tile_at(level: int, index: int, size: int) -> Tile:
    """The widest form of one tile in a log of ``size`` leaves. The tile has an item there."""
    return Tile(level, index, min(TILE_WIDTH, items(level, size) - index * TILE_WIDTH))


def is_served(tile: Tile, size: int) -> bool:
    """Whether a log of ``size`` leaves serves this file.

    Full tiles for ever; every partial width reached so far until the tile is full.
    """
    have = items(tile.level, size)
    end = (tile.index + 1) * TILE_WIDTH
    if tile.width == TILE_WIDTH:
        return end <= have
    return tile.index * TILE_WIDTH + tile.width <= have < end


def tiles(size: int) -> Iterator[Tile]:
    """Every hash tile of a log of ``size`` leaves in its widest form, level by level."""
    level = 0
    while have := items(level, size):
        yield from _level(level, have)
        level += 1


def bundles(size: int) -> Iterator[Tile]:
    """Every entry bundle of a log of ``size`` leaves in its widest form, in order."""
    yield from _level(ENTRIES, size)


def _level(level: int, have: int) -> Iterator[Tile]:
    full, width = divmod(have, TILE_WIDTH)
    for index in range(full):
        yield Tile(level, index)
    if width:
        yield Tile(level, full, width)


def completed(old_size: int, new_size: int) -> Iterator[Tile]:
    """The full hash tiles that a growth from ``old_size`` to ``new_size`` completes.

    Lowest level first, so that each is made of tiles before it.
    """
    level = 0
    while full := items(level + 1, new_size):
        for index in range(items(level + 1, old_size), full):
            yield Tile(level, index)
        level += 1


def join_hashes(hashes: Sequence[bytes]) -> bytes:
    """Encode a hash tile from its items in order."""
    return b"".join(hashes)


def split_hashes(raw: bytes, tile: Tile) -> list[bytes]:
    """Read a hash tile. Raises Malformed: another number of bytes than its width says."""
    if len(raw) != tile.width * HASH_BYTES:
        raise Malformed(f"{tile.path()} has {len(raw)} bytes, not {tile.width * HASH_BYTES}")
    return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]


def join_entries(entries: Sequence[bytes]) -> bytes:
    """Encode an entry bundle; each entry has at most 65,535 bytes."""
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise AssertionError("an entry is longer than its length can be written")
    return b"".join([b"%b%b" % (len(entry).to_bytes(2, "big"), entry) for entry in entries])


def split_entries(raw: bytes, tile: Tile) -> list[bytes]:
    """Read an entry bundle. Raises Malformed: cut short, or more or fewer than its width."""
    entries: list[bytes] = []
    at = 0
    while at < len(raw) and len(entries) < tile.width:
        start = at + 2
        at = start + int.from_bytes(raw[at:start], "big")
        entries.append(raw[start:at])
    if at != len(raw) or len(entries) != tile.width:
        raise Malformed(f"{tile.path()} does not hold {tile.width} whole entries")
    return entries
