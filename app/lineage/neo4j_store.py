"""The graph's questions put to Neo4j: it finds what is reached, ``core`` computes the answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from app.core.lineage.closure import DEPTH, Direction, Status
from app.core.lineage.relations import FLOW, LATEST
from app.lineage.neo4j_graph import TYPES, edge_of
from app.lineage.ports import Cone

if TYPE_CHECKING:
    from collections.abc import Callable

    from neo4j import Session

    from app.core.lineage.relations import Edge, View

MOST_EDGES: Final = 250_000
"""Edges of one answer, at most: what fits in memory beside other questions."""

AT_ONCE: Final = 1000
"""Rows between two looks at the clock."""

LEAST_TIMEOUT: Final = 0.001
LONGEST_TIMEOUT: Final = 30.0

FLOWS: Final = "|".join(sorted(TYPES[type_] for type_ in FLOW))
SEEN: Final = (
    "r.seq_from < $size AND r.seq_to >= $size AND r.valid_from <= $moment AND r.valid_to > $moment"
)
"""What a view sees of a relation; it holds of every hop, or the search would not be pruned."""

SEEN_NOW: Final = "r.now_to >= $size"
"""The same of a view of now at all that the graph has: one property, for a search reads it at
every hop. An entry that came in meanwhile may be followed; ``core`` leaves it out."""

TIMED_OUT: Final = "Neo.ClientError.Transaction.TransactionTimedOut"


class Neo4jLineageStore:
    """One generation of the graph, at most at the size of a snapshot of the log.

    Later entries may come in while it is asked. A view of a size up to ``graph_seq`` does not
    see them: they only begin edges after it, or end edges after it.
    """

    source: Final = "neo4j"

    def __init__(
        self,
        session: Session,
        generation: int,
        graph_seq: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        most_edges: int = MOST_EDGES,
    ) -> None:
        self._session = session
        self._generation = generation
        self._monotonic = monotonic
        self._most_edges = most_edges
        self.graph_seq = graph_seq

    def has(self, gid: str, size: int) -> bool:
        """Tell whether one of the first ``size`` entries names the node."""
        found = self._session.run(
            "MATCH (n:Entity {generation: $generation, gid: $gid}) "
            "WHERE n.seq_from < $size RETURN true",
            generation=self._generation,
            gid=gid,
            size=size,
        )
        return found.single() is not None

    def cone(
        self, start: str, direction: Direction, view: View, depth: int, timeout: float
    ) -> Cone:
        """Collect the edges around ``start``, see ``LineageStore``."""
        from neo4j import Query
        from neo4j.exceptions import ClientError

        if timeout <= 0:
            return Cone([], Status.TIMEOUT)
        end = self._monotonic() + timeout
        limit = min(max(timeout, LEAST_TIMEOUT), LONGEST_TIMEOUT)
        now = view.moment == LATEST and view.size == self.graph_seq
        asked = Query(cone_query(direction, depth, now=now), timeout=limit)
        edges: list[Edge] = []
        try:
            result = self._session.run(
                asked,
                generation=self._generation,
                start=start,
                size=view.size,
                moment=view.moment,
            )
            for row in result:
                edges.append(edge_of(row))
                if len(edges) > self._most_edges:
                    return Cone(edges, Status.TRUNCATED)
                if len(edges) % AT_ONCE == 0 and self._monotonic() > end:
                    return Cone(edges, Status.TIMEOUT)
        except ClientError as failure:
            if failure.code != TIMED_OUT:
                raise
            return Cone(edges, Status.TIMEOUT)
        return Cone(edges)


def cone_query(direction: Direction, depth: int, *, now: bool) -> str:
    """Write the query for a direction and depth: first nodes, then the edges that lead on.

    ``now``: how things are, not as of another time. Whole paths are never asked for: of
    sixteen diamonds in a row there are 65,536. The bound of a variable length cannot be a
    parameter. Edges that the view does not see are left to ``core``: they are few, and an edge is
    read in two properties, not in seven.
    """
    down = direction is Direction.DOWNSTREAM
    reached = f"-[rs:{FLOWS}*0..{depth}]->" if down else f"<-[rs:{FLOWS}*0..{depth}]-"
    onward = f"-[r:{FLOWS}]->" if down else f"<-[r:{FLOWS}]-"
    return (
        "MATCH (s:Entity {generation: $generation, gid: $start}) "
        "USING INDEX SEEK s:Entity(generation, gid) "
        f"MATCH (s){reached}(n) WHERE all(r IN rs WHERE {SEEN_NOW if now else SEEN}) "
        f"WITH DISTINCT n MATCH (n){onward}() RETURN r.claim AS claim, r.seq_to AS seq_to"
    )


def warm(session: Session) -> None:
    """Let the server plan the usual questions before the first is asked: that takes longest."""
    for direction in Direction:
        for now in (True, False):
            asked = cone_query(direction, DEPTH, now=now)
            session.run(asked, generation=0, start="", size=0, moment="").consume()
