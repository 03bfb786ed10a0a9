"""Where the log ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.ledger.merkle import Frontier
    from app.ledger.tree import Tree


@dataclass(frozen=True, slots=True)
class Position:
    """Where the log ends: what the next entry continues.

    ``epoch``: how often the log was recovered, by entries that say so.
    """

    size: int
    leaf: bytes
    recorded_at: datetime
    frontier: Frontier
    tree: Tree
    epoch: int = 0
