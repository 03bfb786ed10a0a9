"""The answers, computed over plain edges: closure, impact and why-path.

A store hands over edges and computes nothing of its own: distance, why-path and what was left
out are found here, once. An answer is COMPLETE only if nothing that was asked for is missing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from app.core.lineage.nodes import NodeKind, kind_of
from app.core.lineage.relations import FLOW, RelationType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from app.core.lineage.relations import Edge, View

DEPTH: Final = 200
"""How many hops are followed unless told otherwise."""


class Direction(StrEnum):
    """UPSTREAM: towards what it came from. DOWNSTREAM: towards what came of it."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


class Status(StrEnum):
    """TRUNCATED: there is more, left out at a bound. TIMEOUT: there may be more."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"
    TIMEOUT = "timeout"


class State(StrEnum):
    """LIVE: this is what runs. PAST: it ran, and something else or nothing does now."""

    LIVE = "live"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class Reached:
    """A node of an answer. ``distance``: hops of the shortest way; the start has 0."""

    gid: str
    distance: int


@dataclass(frozen=True, slots=True)
class Closure:
    """``nodes``: by distance, then gid. ``edges``: those among them, in the same order."""

    nodes: tuple[Reached, ...]
    edges: tuple[Edge, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class Related:
    """A node of an answer, with the shortest way between it and the start in ``why``.

    ``why``: from cause to effect. ``state``: of a deployment and its revisions downstream.
    """

    gid: str
    distance: int
    why: tuple[Edge, ...]
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Impact:
    """``affected``: by distance, then gid, without the start."""

    affected: tuple[Related, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class Ancestry:
    """``ancestors``: by distance, then gid, without the start."""

    ancestors: tuple[Related, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class WhyPath:
    """``path``: from cause to effect; empty from a node to itself, None where none is."""

    path: tuple[Edge, ...] | None
    status: Status


def closure(
    edges: Iterable[Edge],
    start: str,
    direction: Direction,
    view: View,
    *,
    depth: int = DEPTH,
    kinds: Collection[NodeKind] | None = None,
    limit: int | None = None,
) -> Closure:
    """Find everything that ``start`` came from, or everything that came of it.

    ``kinds``: what to list besides the start; all of them are followed all the same.
    ``limit``: how many nodes to list, the nearest first.
    """
    search = _Search.over(edges, start, direction, view, depth)
    asked = [
        one
        for one in search.reached
        if kinds is None or one.distance == 0 or kind_of(one.gid) in kinds
    ]
    nodes = asked[:limit]
    listed = {one.gid for one in nodes}
    among = [edge for edge in search.seen if edge.src in listed and edge.dst in listed]
    return Closure(
        tuple(nodes),
        tuple(sorted(among, key=search.order)),
        _status(search.beyond or len(nodes) < len(asked)),
    )


def impact(
    edges: Iterable[Edge],
    start: str,
    view: View,
    *,
    depth: int = DEPTH,
    kinds: Collection[NodeKind] | None = None,
    state: State | None = None,
    limit: int | None = None,
) -> Impact:
    """Find what ``start`` affects, and why: the question of every incident.

    ``kinds``, ``state``: what to list. ``limit``: how many, the nearest first.
    """
    search = _Search.over(edges, start, Direction.DOWNSTREAM, view, depth)
    live = {edge.src for edge in search.seen if edge.type is RelationType.LIVE}
    asked = [
        (one, in_state)
        for one in search.reached[1:]
        for in_state in [_state(one.gid, live)]
        if (kinds is None or kind_of(one.gid) in kinds) and state in {None, in_state}
    ]
    affected = tuple(
        Related(one.gid, one.distance, search.path(one.gid), in_state)
        for one, in_state in asked[:limit]
    )
    return Impact(affected, _status(search.beyond or len(affected) < len(asked)))


def why(
    edges: Iterable[Edge], cause: str, effect: str, view: View, *, depth: int = DEPTH
) -> WhyPath:
    """Find the shortest way from ``cause`` to ``effect``.

    Of several, the one whose gids come first, compared one by one from the effect back to
    the cause; of parallel edges the first by type, role and index.
    """
    search = _Search.over(edges, effect, Direction.UPSTREAM, view, depth)
    if cause not in search.distance:
        return WhyPath(None, _status(search.beyond))
    return WhyPath(search.path(cause), Status.COMPLETE)


def ancestors(edges: Iterable[Edge], start: str, view: View, *, depth: int = DEPTH) -> Ancestry:
    """Find what ``start`` came from, each with the shortest way from it to ``start``."""
    search = _Search.over(edges, start, Direction.UPSTREAM, view, depth)
    found = (Related(one.gid, one.distance, search.path(one.gid)) for one in search.reached[1:])
    return Ancestry(tuple(found), _status(search.beyond))


def _status(more: bool) -> Status:  # noqa: FBT001 - read at the call as a condition
    return Status.TRUNCATED if more else Status.COMPLETE


def _state(gid: str, live: Collection[str]) -> State | None:
    match kind_of(gid):
        case NodeKind.DEPLOYMENT:
            return State.LIVE  # only a live revision leads here
        case NodeKind.DEPLOYMENT_REVISION:
            return State.LIVE if gid in live else State.PAST
        case _:
            return None


@dataclass(frozen=True, slots=True)
class _Search:
    """A search breadth first from ``start``, one level of distance after the other.

    ``via``: for each node but the start the edge by which it is reached from nearer the
    start. ``beyond``: some node lies past the depth. ``seen``: every edge that may be used.
    """

    start: str
    direction: Direction
    seen: Sequence[Edge]
    distance: Mapping[str, int]
    via: Mapping[str, Edge]
    beyond: bool

    @classmethod
    def over(
        cls, edges: Iterable[Edge], start: str, direction: Direction, view: View, depth: int
    ) -> _Search:
        seen = [edge for edge in edges if edge.type in FLOW and view.sees(edge)]
        ahead: defaultdict[str, list[Edge]] = defaultdict(list)
        for edge in seen:
            ahead[_near(edge, direction)].append(edge)
        distance = {start: 0}
        via: dict[str, Edge] = {}
        level = [start]
        for hops in range(1, depth + 1):
            found = _next_level(level, ahead, direction, distance)
            distance |= dict.fromkeys(found, hops)
            via |= found
            # The first of several equally short ways is the one whose gids come first from
            # the effect on: going there, the smallest nearer node wins; coming from there,
            # the order in which the ways began is kept.
            level = sorted(found) if direction is Direction.DOWNSTREAM else list(found)
        beyond = bool(_next_level(level, ahead, direction, distance))
        return cls(start, direction, seen, distance, via, beyond)

    @property
    def reached(self) -> list[Reached]:
        by_distance = sorted(self.distance.items(), key=lambda one: (one[1], one[0]))
        return [Reached(gid, distance) for gid, distance in by_distance]

    def path(self, gid: str) -> tuple[Edge, ...]:
        """Follow ``via`` from a node to the start; the edges are given in their own order."""
        back = []
        while gid != self.start:
            back.append(self.via[gid])
            gid = _near(self.via[gid], self.direction)
        return tuple(back if self.direction is Direction.UPSTREAM else reversed(back))

    def order(self, edge: Edge) -> tuple[int, str, str, str, str, int]:
        far, near = _far(edge, self.direction), _near(edge, self.direction)
        return self.distance[far], far, near, edge.type, edge.role, edge.seq_from


def _next_level(
    level: Sequence[str],
    ahead: Mapping[str, Sequence[Edge]],
    direction: Direction,
    known: Collection[str],
) -> dict[str, Edge]:
    found: dict[str, Edge] = {}
    for near in level:
        leading = sorted(
            (edge for edge in ahead.get(near, ()) if _far(edge, direction) not in known),
            key=lambda edge: (_far(edge, direction), edge.type, edge.role, edge.seq_from),
        )
        for edge in leading:
            found.setdefault(_far(edge, direction), edge)
    return found


def _near(edge: Edge, direction: Direction) -> str:
    return edge.src if direction is Direction.DOWNSTREAM else edge.dst


def _far(edge: Edge, direction: Direction) -> str:
    return edge.dst if direction is Direction.DOWNSTREAM else edge.src
