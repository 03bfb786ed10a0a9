"""How a newly claimed edge changes what was believed: close and open again, never delete.

Edges that exclude each other stand on one *line*. At every moment at most one edge of a line
holds, and an edge claimed for a moment holds from then until the next moment something else
was claimed for. So the order in which the log was told things does not matter, telling them
again changes nothing, and what was believed before stays on record under its own indexes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from app.core.lineage.relations import EXCLUSIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.lineage.relations import Edge

Line: TypeAlias = tuple[str, ...]

_EXCLUSIVE_LINE: Final = "exclusive"


def line_of(edge: Edge) -> Line:
    """Name the line that an edge stands on: equal for edges that exclude each other."""
    if edge.type in EXCLUSIVE:
        return (edge.dst, _EXCLUSIVE_LINE)
    return (edge.dst, edge.src, edge.type, edge.role)


@dataclass(frozen=True, slots=True)
class Revision:
    """``ended``: believed edges, with the ``seq_to`` they get. ``begun``: new ones."""

    ended: tuple[Edge, ...] = ()
    begun: tuple[Edge, ...] = ()


def revise(believed: Sequence[Edge], claimed: Edge) -> Revision:
    """Say what changes when ``claimed`` is told.

    ``believed``: every edge of the same line that is believed so far, in any order.
    ``claimed``: as ``delta`` opens it. Of two edges claimed for the same moment, the one told
    later holds.
    """
    before = max(
        (edge for edge in believed if edge.valid_from <= claimed.valid_from),
        key=lambda edge: edge.valid_from,
        default=None,
    )
    if before is not None and _same(before, claimed):
        return Revision()
    after = min(
        (edge for edge in believed if edge.valid_from > claimed.valid_from),
        key=lambda edge: edge.valid_from,
        default=None,
    )
    ended, begun = [], []
    if before is not None:
        ended.append(before)
        if before.valid_from < claimed.valid_from:
            kept = replace(before, seq_from=claimed.seq_from, valid_to=claimed.valid_from)
            begun.append(kept)
    if after is None:
        begun.append(claimed)
    elif _same(after, claimed):
        ended.append(after)
        begun.append(replace(claimed, valid_to=after.valid_to))
    else:
        begun.append(replace(claimed, valid_to=after.valid_from))
    return Revision(tuple(replace(edge, seq_to=claimed.seq_from) for edge in ended), tuple(begun))


def _same(one: Edge, other: Edge) -> bool:
    return (one.src, one.type) == (other.src, other.type)
