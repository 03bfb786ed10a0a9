"""What a picture of lineage shows: boxes and arrows, one each or taken together.

Nothing is left out in silence: what lies behind the last boxes is counted on them, and
where there are more boxes than anybody can read, those of one kind and distance become one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.core.lineage.closure import Closure, Direction, Status
from app.core.lineage.nodes import NodeKind, kind_of
from app.web.paths import page_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from app.core.lineage.closure import Reached
    from app.core.lineage.relations import Edge, RelationType
    from app.lineage.hidden import Names

READABLE: Final = 150
"""More boxes than these are taken together."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node, or ``members`` of them taken together.

    ``distance``: hops of its nearest and of its farthest member. ``beyond``: nodes directly
    behind it that are not shown. ``page``: path of the node's own page. ``gid``: empty for
    several.
    """

    gid: str
    name: str
    kind: NodeKind
    distance: tuple[int, int]
    page: str | None = None
    members: int = 1
    beyond: int = 0
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Arrow:
    """``src``, ``dst``: numbers of boxes. ``edges``: how many it stands for."""

    src: int
    dst: int
    types: tuple[RelationType, ...]
    edges: int = 1


@dataclass(frozen=True, slots=True)
class Picture:
    """``nodes``, ``edges``: what the boxes and arrows stand for. ``hidden``: nodes left out."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    nodes: int
    edges: int
    hidden: int
    status: Status
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a closure is shown, and what is directly behind each of it."""

    nodes: tuple[Reached, ...]
    edges: tuple[Edge, ...]
    beyond: Mapping[str, int]
    hidden: int
    status: Status


def shown(
    found: Closure,
    direction: Direction,
    depth: int,
    kinds: Collection[NodeKind] | None = None,
    limit: int | None = None,
) -> Shown:
    """Take the nodes up to ``depth`` hops from a closure that went one hop farther."""
    near = [one for one in found.nodes if one.distance <= depth]
    asked = [one for one in near if kinds is None or one.distance == 0 or kind_of(one.gid) in kinds]
    nodes = asked[:limit]
    listed = {one.gid for one in nodes}
    behind: defaultdict[str, set[str]] = defaultdict(set)
    for edge in found.edges:
        nearer, farther = _ends(edge, direction)
        if nearer in listed and farther not in listed:
            behind[nearer].add(farther)
    more = len(near) < len(found.nodes) or len(nodes) < len(asked)
    return Shown(
        tuple(nodes),
        tuple(edge for edge in found.edges if edge.src in listed and edge.dst in listed),
        {gid: len(others) for gid, others in behind.items()},
        len(found.nodes) - len(nodes),
        Status.TRUNCATED if more and found.status is Status.COMPLETE else found.status,
    )


def picture_of(what: Shown, names: Names, *, every: bool = False) -> Picture:
    """Give every node a box, or take them together where they are more than can be read.

    ``every``: as many boxes as there are nodes.
    """
    grouped = not every and len(what.nodes) > READABLE
    places = _grouped(what.nodes) if grouped else {(one.gid,): [one] for one in what.nodes}
    number_of = {
        one.gid: number for number, members in enumerate(places.values()) for one in members
    }
    boxes = tuple(
        _single(members[0], what, names) if len(members) == 1 else _several(members, what)
        for members in places.values()
    )
    return Picture(
        boxes,
        tuple(_arrows(what.edges, number_of)),
        len(what.nodes),
        len(what.edges),
        what.hidden,
        what.status,
        grouped,
    )


def way_of(path: Sequence[Edge], names: Names, status: Status) -> Picture:
    """Show a way from cause to effect, one box after the other."""
    gids = [edge.src for edge in path[:1]] + [edge.dst for edge in path]
    boxes = tuple(
        Box(names.gid(gid), called(gid, names), kind_of(gid), (at, at), _page(gid, names))
        for at, gid in enumerate(gids)
    )
    arrows = tuple(Arrow(at, at + 1, (edge.type,)) for at, edge in enumerate(path))
    return Picture(boxes, arrows, len(boxes), len(arrows), 0, status)


def _grouped(nodes: Sequence[Reached]) -> dict[tuple[object, ...], list[Reached]]:
    """Take together what is of one kind and about as far, in steps as fine as can be read."""
    groups: dict[tuple[object, ...], list[Reached]] = {}
    band = 1
    while not groups or len(groups) > READABLE:
        groups = {}
        for one in nodes:
            step = 0 if one.distance == 0 else 1 + (one.distance - 1) // band
            groups.setdefault((step, kind_of(one.gid)), []).append(one)
        band *= 2
    return groups


def _single(one: Reached, what: Shown, names: Names) -> Box:
    return Box(
        names.gid(one.gid),
        called(one.gid, names),
        kind_of(one.gid),
        (one.distance, one.distance),
        _page(one.gid, names),
        beyond=what.beyond.get(one.gid, 0),
    )


def _several(members: Sequence[Reached], what: Shown) -> Box:
    kind = kind_of(members[0].gid)
    return Box(
        "",
        f"{len(members):,} {words(kind, many=True)}",
        kind,
        (members[0].distance, members[-1].distance),
        members=len(members),
        beyond=sum(what.beyond.get(one.gid, 0) for one in members),
    )


def _arrows(edges: Iterable[Edge], number_of: Mapping[str, int]) -> Iterator[Arrow]:
    """One arrow for all edges from one box to another; what stays in its box has none."""
    between: defaultdict[tuple[int, int], Counter[RelationType]] = defaultdict(Counter)
    for edge in edges:
        between[number_of[edge.src], number_of[edge.dst]][edge.type] += 1
    for (src, dst), types in sorted(between.items()):
        if src != dst:
            yield Arrow(src, dst, tuple(sorted(types)), types.total())


def _ends(edge: Edge, direction: Direction) -> tuple[str, str]:
    """Give the end nearer to the start of the question, and the farther one."""
    downstream = direction is Direction.DOWNSTREAM
    return (edge.src, edge.dst) if downstream else (edge.dst, edge.src)


def called(gid: str, names: Names) -> str:
    """Tell what a node is called in its box; a revision by what it is one of and since when."""
    shown = names.gid(gid)
    name = shown.partition(":")[2]
    if kind_of(gid) is NodeKind.DEPLOYMENT_REVISION and "@" in name:
        place, _, since = name.partition("@")
        return f"{place} since {since[:19]}Z"
    return name


def _page(gid: str, names: Names) -> str | None:
    subject = names.subject(gid)
    return None if subject is None else page_of(subject)


def words(kind: NodeKind, *, many: bool = False) -> str:
    """Say a kind as people do: ``dataset version``, ``entities``."""
    if not many:
        return kind.replace("_", " ")
    return "entities" if kind is NodeKind.ENTITY else f"{kind.replace('_', ' ')}s"
