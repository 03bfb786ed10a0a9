"""How newly claimed edges change what was believed: close and open again, never delete.

Edges that exclude each other stand on one *line*. At every moment at most one edge of a line
holds, and an edge claimed for a moment holds from then until the next moment something else
was claimed for. So the order in which the log was told things does not matter, telling them
again changes nothing, and what was believed before stays on record under its own indexes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from app.core.lineage.relations import EXCLUSIVE, RelationType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.core.lineage.relations import Edge

Line: TypeAlias = tuple[str, ...]
Key: TypeAlias = tuple[str, str, RelationType, str, int]


def key_of(edge: Edge) -> Key:
    """Name an edge: no two ever have the same key, and its end is no part of it."""
    return (edge.dst, edge.src, edge.type, edge.role, edge.seq_from)


def line_of(edge: Edge) -> Line:
    """Name the line that an edge stands on: equal for edges that exclude each other."""
    if edge.type in EXCLUSIVE:
        return (edge.dst,)
    return (edge.dst, edge.src, edge.type, edge.role)


@dataclass(frozen=True, slots=True)
class Revision:
    """``ended``: edges believed before, with the ``seq_to`` they get. ``begun``: new ones."""

    ended: tuple[Edge, ...]
    begun: tuple[Edge, ...]


def revise(believed: Iterable[Edge], claimed: Iterable[Edge]) -> Revision:
    """Say what changes when ``claimed`` is told, in this order.

    ``believed``: every edge that is believed so far on the lines of those claimed.
    ``claimed``: edges as ``delta`` opens them, their indexes rising. An edge that is begun
    and corrected within ``claimed`` is among ``begun`` with its end.
    """
    lines: dict[Line, dict[Key, Edge]] = {}
    for edge in believed:
        lines.setdefault(line_of(edge), {})[key_of(edge)] = edge
    ended: dict[Key, Edge] = {}
    begun: dict[Key, Edge] = {}
    for claim in claimed:
        line = lines.setdefault(line_of(claim), {})
        gone, new = _told(tuple(line.values()), claim)
        for edge in gone:
            del line[key_of(edge)]
            into = begun if key_of(edge) in begun else ended
            into[key_of(edge)] = replace(edge, seq_to=claim.seq_from)
        for edge in new:
            line[key_of(edge)] = begun[key_of(edge)] = edge
    return Revision(tuple(ended.values()), tuple(begun.values()))


def _told(line: Sequence[Edge], claim: Edge) -> tuple[list[Edge], list[Edge]]:
    """Say which edges of a line go, and which come, by one claim.

    Of two claims for the same moment the one told later holds.
    """
    earlier = [edge for edge in line if edge.valid_from <= claim.valid_from]
    later = [edge for edge in line if edge.valid_from > claim.valid_from]
    before = max(earlier, key=lambda edge: edge.valid_from, default=None)
    after = min(later, key=lambda edge: edge.valid_from, default=None)
    gone: list[Edge] = []
    new: list[Edge] = []
    if before is not None:
        if _same(before, claim):
            return [], []
        gone.append(before)
        if before.valid_from < claim.valid_from:
            shorter = replace(before, seq_from=claim.seq_from, valid_to=claim.valid_from)
            new.append(shorter)
    if after is None:
        new.append(claim)
    elif _same(after, claim):
        gone.append(after)
        new.append(replace(claim, valid_to=after.valid_to))
    else:
        new.append(replace(claim, valid_to=after.valid_from))
    return gone, new


def _same(one: Edge, other: Edge) -> bool:
    return (one.src, one.type) == (other.src, other.type)
