"""Going on from where another writer has brought the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import ChainBroken
from app.core.ledger.times import parse_time
from app.ledger.position import Position

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.ledger.sql_store import SqlStore

STEP = 1000


def follow(store: SqlStore, connection: Connection, known: Position) -> Position:
    """Read what was appended since ``known``, by whomever, and tell where the log ends now.

    Raises ChainBroken: the log is behind what was known, or does not continue it.
    """
    head = store.head(connection)
    if head.size == known.size and head.leaf_hash == known.leaf:
        return known
    tree, frontier = known.tree.copy(), known.frontier
    for start in range(known.size, head.size, STEP):
        leaves = store.leaf_hashes(connection, start, min(start + STEP, head.size))
        for leaf in leaves:
            tree.append(leaf)
        frontier = frontier.extend(leaves)
    tree.take_full()  # whoever appended the entries has stored them
    if head.size <= known.size or frontier.size != head.size or frontier.root() != head.root:
        raise ChainBroken(
            f"the log of {head.size} entries does not continue the {known.size} known here",
            remedy="run `muniment ledger fsck`, then restart the server",
        )
    return Position(
        head.size, head.leaf_hash, parse_time(head.recorded_at), frontier, tree, head.epoch
    )
