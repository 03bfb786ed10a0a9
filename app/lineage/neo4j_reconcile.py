"""Holds the generation in force against the log and sets it right, the projector waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from app.core.lineage.beliefs import key_of
from app.core.lineage.nodes import kind_of
from app.lineage.neo4j_graph import (
    ANEW,
    LABELS,
    TYPES,
    GraphDown,
    check_ours,
    claim_of,
    eid_of,
    lock_cursor,
    now_to,
    read_cursor,
)
from app.lineage.neo4j_writing import add_edges, add_nodes
from app.lineage.reconcile import Differences, named, replay

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

    from app.core.events.kinds.records import GraphReconciled
    from app.core.lineage.relations import Edge
    from app.core.lineage.whole import Whole
    from app.ledger.record import Ledger
    from app.lineage.neo4j_graph import Neo4j

Properties: TypeAlias = dict[str, Any]  # of a node or relation, as somebody may have left them

LONGEST: Final = 3600.0
"""Seconds that one reconciliation may hold the graph, at most."""

ENTITY: Final = "Entity"
"""The label of every node, and the only one of a node of the kind ``entity``."""

OURS: Final = frozenset({ENTITY, *LABELS.values()})
"""Labels that mean something here; what else somebody hangs on a node changes no answer."""

_SET_NODES: Final = {
    kind: "UNWIND $rows AS row MATCH (n) WHERE elementId(n) = row.id "
    f"REMOVE n:{':'.join(sorted(OURS - {label, ENTITY}))} "
    f"SET n = {{generation: $generation, gid: row.gid, seq_from: row.seq_from}}, n:{label}"
    for kind, label in LABELS.items()
}


_IS_OURS: Final = "coalesce({0}:Entity AND {0}.generation = $generation, false)"
_SHOWN: Final = (
    "elementId(r) AS id, type(r) AS type, properties(r) AS has, a.gid AS src, b.gid AS dst"
)
_TOUCHING: Final = (
    f"MATCH (a:Entity {{generation: $generation}})-[r]->(b) "
    f"RETURN {_SHOWN}, {_IS_OURS.format('b')} AS ours "
    f"UNION ALL MATCH (a)-[r]->(b:Entity {{generation: $generation}}) "
    f"WHERE NOT {_IS_OURS.format('a')} RETURN {_SHOWN}, false AS ours"
)
"""Every relation of which at least one end is a node of the generation."""


def reconcile_neo4j(ledger: Ledger, graph: Neo4j) -> GraphReconciled:
    """Compare every node and edge with the log; where they differ, set them right.

    Raises GraphDown, and Unverifiable where the log itself cannot be read.
    """
    from neo4j import unit_of_work

    with graph.session() as session:
        return session.execute_write(unit_of_work(timeout=LONGEST)(_reconcile), ledger)


def _reconcile(transaction: ManagedTransaction, ledger: Ledger) -> GraphReconciled:
    cursor = read_cursor(transaction)
    if cursor is None:
        raise GraphDown(f"there is no graph in Neo4j; {ANEW}")
    if lock_cursor(transaction, cursor.generation) != cursor:
        raise GraphDown("the graph went on, or was made anew, at that moment; try again")
    with ledger.snapshot() as now:
        check_ours(now, cursor)
        truth = replay(now.store, now.connection, cursor.size)
    found = Differences()
    _mend_nodes(transaction, cursor.generation, truth, found)
    _mend_edges(transaction, cursor.generation, truth, found)
    transaction.run(
        "MATCH (c:Cursor {generation: $generation}) SET c.quarantined = [] REMOVE c.locked",
        generation=cursor.generation,
    ).consume()
    return found.event("neo4j", cursor.size, truth)


def _mend_nodes(
    transaction: ManagedTransaction, generation: int, truth: Whole, found: Differences
) -> None:
    seen: set[str] = set()
    extra: list[str] = []
    wrong: dict[str, str] = {}
    rows = transaction.run(
        "MATCH (n:Entity {generation: $generation}) "
        "RETURN elementId(n) AS id, labels(n) AS labels, properties(n) AS has",
        generation=generation,
    )
    for row in rows:
        gid = row["has"].get("gid")
        if gid not in truth.nodes or gid in seen:
            found.extra.append(str(gid))
            extra.append(row["id"])
            continue
        seen.add(gid)
        labels = {ENTITY, LABELS[kind_of(gid)]}
        expected = {"generation": generation, "gid": gid, "seq_from": truth.nodes[gid]}
        if row["has"] != expected or OURS.intersection(row["labels"]) != labels:
            found.altered.append(gid)
            wrong[gid] = row["id"]
    absent = sorted(truth.nodes.keys() - seen)
    found.missing += absent
    if extra:
        transaction.run(
            "UNWIND $ids AS id MATCH (n) WHERE elementId(n) = id DETACH DELETE n", ids=extra
        ).consume()
    for gid, identity in wrong.items():
        row_ = {"id": identity, "gid": gid, "seq_from": truth.nodes[gid]}
        transaction.run(_SET_NODES[kind_of(gid)], generation=generation, rows=[row_]).consume()
    add_nodes(transaction, generation, {gid: truth.nodes[gid] for gid in absent})


def _mend_edges(
    transaction: ManagedTransaction, generation: int, truth: Whole, found: Differences
) -> None:
    expected = {eid_of(generation, edge): edge for edge in truth.edges.values()}
    seen: set[str] = set()
    gone: list[str] = []
    again: list[Edge] = []
    rows = transaction.run(_TOUCHING, generation=generation)
    for row in rows:
        eid = row["has"].get("eid")
        edge = expected.get(eid)
        if edge is None or eid in seen:
            found.extra.append(f"{row['src']} -{row['type']}-> {row['dst']}")
            gone.append(row["id"])
            continue
        seen.add(eid)
        ends = (row["type"], row["src"], row["dst"], row["ours"])
        if ends != (TYPES[edge.type], edge.src, edge.dst, True) or row["has"] != _has(eid, edge):
            found.altered.append(named(key_of(edge)))
            gone.append(row["id"])
            again.append(edge)
    lost = [edge for eid, edge in expected.items() if eid not in seen]
    found.missing += [named(key_of(edge)) for edge in lost]
    if gone:
        transaction.run(
            "UNWIND $ids AS id MATCH ()-[r]->() WHERE elementId(r) = id DELETE r", ids=gone
        ).consume()
    for type_, name in TYPES.items():  # what has the name of one to be added is between others
        eids = [eid_of(generation, edge) for edge in lost if edge.type is type_]
        transaction.run(
            f"UNWIND $eids AS eid MATCH ()-[r:{name} {{eid: eid}}]->() DELETE r", eids=eids
        ).consume()
    add_edges(transaction, generation, [*again, *lost])


def _has(eid: str, edge: Edge) -> Properties:
    return {
        "eid": eid,
        "claim": claim_of(edge),
        "role": edge.role,
        "seq_from": edge.seq_from,
        "seq_to": edge.seq_to,
        "valid_from": edge.valid_from,
        "valid_to": edge.valid_to,
        "now_to": now_to(edge),
    }
