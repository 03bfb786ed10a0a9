"""Tiles and entry bundles, as they are served and as proofs are made from them.

Full tiles are stored once; partial ones and bundles are computed from what is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import Missing
from app.core.ledger.merkle import root
from app.core.ledger.tile import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    is_served,
    join_entries,
    join_hashes,
    split_hashes,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.ledger.subtrees import ReadTiles
    from app.ledger.sql_store import SqlStore


def read_tile(store: SqlStore, connection: Connection, tile: Tile, size: int) -> bytes:
    """Give the bytes of a tile or entry bundle of the log at ``size``.

    Raises Missing if the log has no such file at that size.
    """
    if not is_served(tile, size):
        raise Missing(f"{tile.path()} is not a file of the log at size {size}")
    first = tile.index * TILE_WIDTH
    if tile.level == ENTRIES:
        return join_entries(store.bodies(connection, first, first + tile.width))
    if tile.width == TILE_WIDTH:
        return _full(store, connection, tile.level, tile.index)
    if tile.level == 0:
        return join_hashes(store.leaf_hashes(connection, first, first + tile.width))
    below = range(first, first + tile.width)
    return join_hashes([tile_root(store, connection, tile.level - 1, number) for number in below])


def tile_reader(store: SqlStore, connection: Connection, size: int) -> ReadTiles:
    """Read hash tiles of the log at ``size``, the way proofs ask for them."""
    return lambda wanted: [read_tile(store, connection, tile, size) for tile in wanted]


def _full(store: SqlStore, connection: Connection, level: int, number: int) -> bytes:
    stored = store.tile(connection, level, number)
    if stored is None:
        raise Missing(f"{Tile(level, number).path()} is not stored")
    return stored


def tile_root(store: SqlStore, connection: Connection, level: int, number: int) -> bytes:
    """Give the root of a full tile's hashes; full tiles never change, so it is remembered."""
    known = store.tile_roots.get((level, number))
    if known is None:
        raw = _full(store, connection, level, number)
        known = store.tile_roots[level, number] = root(split_hashes(raw, Tile(level, number)))
    return known
