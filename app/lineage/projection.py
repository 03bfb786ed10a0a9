"""From events to the graph's rows, in the append transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import and_, bindparam, insert, select, tuple_, update

from app.core.lineage.beliefs import key_of, revise
from app.core.lineage.delta import delta
from app.core.lineage.relations import EXCLUSIVE, OPEN
from app.lineage.models import EDGES, NODES, TABLES, edge_of, row_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection

    from app.core.lineage.relations import Edge
    from app.ledger.ports import Recorded

T = TypeVar("T")

AT_ONCE: Final = 200
"""Keys in one statement: four parameters each, and SQLite takes 999 in old builds."""


_KEY: Final = ("dst", "src", "type", "role", "seq_from")


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
    for gids in _parts(named):
        known = connection.execute(select(NODES.c.gid).where(NODES.c.gid.in_(gids))).scalars()
        new = [{"gid": gid, "seq_from": named[gid]} for gid in sorted(set(gids) - set(known))]
        if new:
            connection.execute(insert(NODES), new)


def _add_edges(connection: Connection, opened: Sequence[Edge]) -> None:
    if not opened:
        return
    change = revise(_believed(connection, opened), opened)
    if change.ended:
        this = and_(*(EDGES.c[name] == bindparam(f"key_{name}") for name in _KEY))
        ends = [
            {"seq_to": edge.seq_to}
            | {f"key_{name}": value for name, value in zip(_KEY, key_of(edge), strict=True)}
            for edge in change.ended
        ]
        connection.execute(update(EDGES).where(this), ends)
    if change.begun:
        connection.execute(insert(EDGES), [row_of(edge) for edge in change.begun])


def _believed(connection: Connection, opened: Iterable[Edge]) -> Iterator[Edge]:
    """Read what is believed so far on the lines of the edges."""
    exclusive = {edge.dst for edge in opened if edge.type in EXCLUSIVE}
    others = {key_of(edge)[:-1] for edge in opened if edge.type not in EXCLUSIVE}
    whole = tuple_(EDGES.c.dst, EDGES.c.src, EDGES.c.type, EDGES.c.role)
    lines: list[ColumnElement[bool]] = [whole.in_(part) for part in _parts(others)]
    lines += [
        and_(EDGES.c.dst.in_(part), EDGES.c.type.in_(EXCLUSIVE)) for part in _parts(exclusive)
    ]
    for line in lines:
        for row in connection.execute(select(EDGES).where(line, EDGES.c.seq_to == OPEN)):
            yield edge_of(row)


def _parts(keys: Iterable[T]) -> Iterator[list[T]]:
    whole = list(keys)
    for start in range(0, len(whole), AT_ONCE):
        yield whole[start : start + AT_ONCE]
