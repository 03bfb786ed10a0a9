"""Holds a store of the graph against the log, names what differs, and sets it right.

The truth is the log alone, replayed through ``core``: neither store is believed about itself or
about the other. One whole graph is held in memory meanwhile, about 700 bytes an edge.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import delete, insert, select

from app.core.events.kinds.records import GraphReconciled
from app.core.lineage.delta import delta
from app.core.lineage.whole import Whole, digest
from app.lineage.models import EDGES, KEY, NODES, row_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.core.lineage.beliefs import Key
    from app.ledger.record import Ledger
    from app.ledger.sql_store import SqlStore

MOST_EXAMPLES: Final = 20


@dataclass(slots=True)
class Differences:
    """What a store lacks, has too much, or has otherwise than the log says it."""

    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.altered)

    def examples(self) -> tuple[str, ...]:
        """Say the first of them in words."""
        kinds = (("missing", self.missing), ("extra", self.extra), ("altered", self.altered))
        return tuple(f"{what} {one}"[:2000] for what, those in kinds for one in those)[
            :MOST_EXAMPLES
        ]

    def event(self, store: str, size: int, truth: Whole) -> GraphReconciled:
        """Say it to the log."""
        return GraphReconciled(
            store=store,
            size=size,
            digest=f"sha256:{digest(truth.nodes, truth.edges.values())}",
            nodes=len(truth.nodes),
            edges=len(truth.edges),
            missing=len(self.missing),
            extra=len(self.extra),
            altered=len(self.altered),
            examples=self.examples(),
        )


def replay(store: SqlStore, connection: Connection, size: int) -> Whole:
    """Make the graph of the log's first ``size`` entries. Raises what reading them raises."""
    whole = Whole()
    for one in store.recorded(connection, 0, size):
        change = delta(one.event, one.entry.subject, one.index, one.entry.occurred_at)
        whole.take(change, one.index)
    return whole


def named(key: Key) -> str:
    """Name an edge to a person."""
    dst, src, type_, _, seq_from = key
    return f"{src} -{type_}-> {dst} of entry {seq_from}"


def reconcile_sql(ledger: Ledger) -> GraphReconciled:
    """Compare the graph's tables with the log; where they differ, set them right.

    Only then nothing is recorded meanwhile: the second look and the mending are one write.
    """
    with ledger.snapshot() as now:
        truth = replay(now.store, now.connection, now.size)
        if not (found := _compare_sql(now.connection, truth)[0]):
            return found.event("sql", now.size, truth)
    return ledger.operate(lambda connection: _mend_sql(ledger.store, connection))


def _mend_sql(store: SqlStore, connection: Connection) -> GraphReconciled:
    size = store.head(connection).size
    truth = replay(store, connection, size)
    found, wrong_nodes, wrong_edges = _compare_sql(connection, truth)
    for gid in wrong_nodes:
        connection.execute(delete(NODES).where(NODES.c.gid == gid))
    for key in wrong_edges:
        named_by = zip(KEY, key, strict=True)
        is_it = (EDGES.c[name] == value for name, value in named_by)
        connection.execute(delete(EDGES).where(*is_it))
    nodes = [
        {"gid": gid, "seq_from": truth.nodes[gid]} for gid in wrong_nodes if gid in truth.nodes
    ]
    edges = [row_of(truth.edges[key]) for key in wrong_edges if key in truth.edges]
    if nodes:
        connection.execute(insert(NODES), nodes)
    if edges:
        connection.execute(insert(EDGES), edges)
    return found.event("sql", size, truth)


def _compare_sql(
    connection: Connection, truth: Whole
) -> tuple[Differences, Sequence[str], Sequence[Key]]:
    """Find what differs; besides, the gids and the edges' keys that are to be written again.

    Rows are compared as they are: somebody may have written what is no edge at all.
    """
    found = Differences()
    wrong_nodes: list[str] = []
    wrong_edges: list[Key] = []
    seen_nodes: set[str] = set()
    for gid, seq_from in connection.execute(select(NODES.c.gid, NODES.c.seq_from)):
        seen_nodes.add(gid)
        if gid not in truth.nodes:
            found.extra.append(gid)
        elif truth.nodes[gid] != seq_from:
            found.altered.append(gid)
        else:
            continue
        wrong_nodes.append(gid)
    absent = sorted(truth.nodes.keys() - seen_nodes)
    seen_edges: set[Key] = set()
    for row in connection.execute(select(EDGES)):
        key = cast("Key", tuple(row)[: len(KEY)])
        seen_edges.add(key)
        expected = truth.edges.get(key)
        if expected is None:
            found.extra.append(named(key))
        elif row_of(expected) != row._asdict():
            found.altered.append(named(key))
        else:
            continue
        wrong_edges.append(key)
    lost = [key for key in truth.edges if key not in seen_edges]
    found.missing += [*absent, *map(named, lost)]
    return found, [*wrong_nodes, *absent], [*wrong_edges, *lost]
