"""From events to the graph's rows, in the append transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import bindparam, insert, select, update

from app.core.lineage.beliefs import key_of, revise
from app.core.lineage.delta import delta
from app.core.lineage.relations import EXCLUSIVE, OPEN
from app.ledger.absent import insert_absent
from app.lineage.models import EDGES, KEY, NODES, TABLES, edge_of, row_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from app.core.lineage.relations import Edge
    from app.ledger.ports import Recorded

T = TypeVar("T")

AT_ONCE: Final = 32
"""Pairs of ends looked up by one statement: it looks at every src for every dst of them. (One
that named whole pairs, ``(dst, src) IN (…)``, would make SQLite read the whole table.)"""

# Built once: building a statement takes longer than running it.
_END: Final = update(EDGES).where(*(EDGES.c[name] == bindparam(f"key_{name}") for name in KEY))
_BELIEVED: Final = select(EDGES).where(EDGES.c.seq_to == OPEN)
_BETWEEN: Final = _BELIEVED.where(
    EDGES.c.dst.in_(bindparam("dsts", expanding=True)),
    EDGES.c.src.in_(bindparam("srcs", expanding=True)),
)
_ONTO: Final = _BELIEVED.where(
    EDGES.c.dst.in_(bindparam("places", expanding=True)), EDGES.c.type.in_(EXCLUSIVE)
)


class LineageProjection:
    """The graph as a projection of the log (see ``app.ledger.ports``)."""

    name: Final = "lineage"
    version: Final = 1
    tables: Final = TABLES

    def apply(self, connection: Connection, recorded: Sequence[Recorded]) -> None:
        """Take in new entries, in order."""
        named: dict[str, int] = {}
        opened: list[Edge] = []
        for one in recorded:
            change = delta(one.event, one.entry.subject, one.index, one.entry.occurred_at)
            for gid in change.nodes:
                named.setdefault(gid, one.index)
            opened.extend(change.opened)
        _add_nodes(connection, named)
        _add_edges(connection, opened)


def _add_nodes(connection: Connection, named: dict[str, int]) -> None:
    if named:
        rows = [{"gid": gid, "seq_from": index} for gid, index in named.items()]
        insert_absent(connection, NODES, rows)


def _add_edges(connection: Connection, opened: Sequence[Edge]) -> None:
    change = revise(_believed(connection, opened), opened)
    if change.ended:
        ends = [
            {f"key_{name}": value for name, value in zip(KEY, key_of(edge), strict=True)}
            | {"seq_to": edge.seq_to}
            for edge in change.ended
        ]
        connection.execute(_END, ends)
    if change.begun:
        connection.execute(insert(EDGES), [row_of(edge) for edge in change.begun])


def _believed(connection: Connection, opened: Iterable[Edge]) -> Iterator[Edge]:
    """Read what is believed so far on the lines of the edges."""
    places = {edge.dst for edge in opened if edge.type in EXCLUSIVE}
    ends = {(edge.dst, edge.src) for edge in opened if edge.type not in EXCLUSIVE}
    for part in _parts(sorted(ends)):
        dsts, srcs = (sorted({pair[side] for pair in part}) for side in (0, 1))
        found = connection.execute(_BETWEEN, {"dsts": dsts, "srcs": srcs})
        yield from map(edge_of, found)
    for some in _parts(sorted(places)):
        yield from map(edge_of, connection.execute(_ONTO, {"places": some}))


def _parts(keys: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]
