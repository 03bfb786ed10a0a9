"""The graph in SQL, read in the snapshot of everything else.

One recursive query collects the edges of a cone. It is a UNION, never UNION ALL: a node that
many ways lead to is walked once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, String, and_, bindparam, literal, select

from app.core.lineage.closure import Direction, Status
from app.lineage.models import EDGES, NODES, edge_of
from app.lineage.ports import Cone

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Connection, FromClause, Select

    from app.core.lineage.relations import Edge, View
    from app.lineage.models import EdgeColumns

SHALLOW: Final = 12
"""Up to this depth the query counts hops and stops there. A node may then be walked once for
every length of a way to it, so for more the whole cone is walked and ``core`` stops."""

MOST_EDGES: Final = 250_000
"""Edges of one answer, at most: what fits in memory beside other questions."""

AT_ONCE: Final = 1000
"""Rows between two looks at the clock."""


class SqlLineageStore:
    """The graph at the size of a snapshot. ``connection``: a read transaction.

    ``size``: of the log there. The projection is written in the append transaction, so the
    graph has always taken in all of it.
    """

    source: Final = "sql"

    def __init__(
        self,
        connection: Connection,
        size: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        most_edges: int = MOST_EDGES,
    ) -> None:
        self._connection = connection
        self._monotonic = monotonic
        self._most_edges = most_edges
        self.graph_seq = size

    def has(self, gid: str, size: int) -> bool:
        """Tell whether one of the first ``size`` entries names the node."""
        found = select(NODES.c.gid).where(NODES.c.gid == gid, NODES.c.seq_from < size)
        return self._connection.execute(found).first() is not None

    def cone(
        self, start: str, direction: Direction, view: View, depth: int, timeout: float
    ) -> Cone:
        """Collect the edges around ``start``, see ``LineageStore``."""
        end = self._monotonic() + timeout
        asked = _QUERIES[direction, depth <= SHALLOW]
        result = self._connection.execute(
            asked,
            {"start": start, "depth": depth, "size": view.size, "moment": view.moment},
        )
        edges: list[Edge] = []
        with result:
            for rows in result.partitions(AT_ONCE):
                edges += [edge_of(row) for row in rows if row.dst is not None]
                if len(edges) > self._most_edges:
                    return Cone(edges, Status.TRUNCATED)
                if self._monotonic() > end:
                    return Cone(edges, Status.TIMEOUT)
        return Cone(edges)


def _query(direction: Direction, *, counting: bool) -> Select[*EdgeColumns]:
    """Write the query for a direction; ``counting`` hops, it stops at the depth.

    The view's size and moment travel with the cone. Compared as constants, SQLite would,
    after ANALYZE, read the whole edge table into a Bloom filter before the first step; for
    the same reason types outside FLOW are left to ``core``. They are few and lead nowhere.
    """
    down = direction is Direction.DOWNSTREAM
    near, far = (EDGES.c.src, EDGES.c.dst) if down else (EDGES.c.dst, EDGES.c.src)
    cone = select(
        bindparam("start", type_=String).label("gid"),
        literal(0).label("hops"),
        bindparam("size", type_=BigInteger).label("size"),
        bindparam("moment", type_=String).label("moment"),
    ).cte("cone", recursive=True)
    onward = select(far, cone.c.hops + int(counting), cone.c.size, cone.c.moment)
    cone = cone.union(onward.where(_leads_on(near, cone), cone.c.hops < bindparam("depth")))
    nodes = select(cone.c.gid, cone.c.size, cone.c.moment).distinct().subquery("nodes")
    # An outer join, so that SQLite walks on only as rows are fetched, between two looks at
    # the clock; it gives one empty row for a node that nothing leads on from.
    return select(*EDGES.c).select_from(nodes.outerjoin(EDGES, _leads_on(near, nodes)))


def _leads_on(near: ColumnElement[str], seen: FromClause) -> ColumnElement[bool]:
    return and_(
        near == seen.c.gid,
        EDGES.c.seq_from < seen.c.size,
        EDGES.c.seq_to >= seen.c.size,
        EDGES.c.valid_from <= seen.c.moment,
        EDGES.c.valid_to > seen.c.moment,
    )


_QUERIES: Final = {
    (direction, counting): _query(direction, counting=counting)
    for direction in Direction
    for counting in (False, True)
}
