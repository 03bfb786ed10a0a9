"""Entries into Neo4j: what they change, and the cursor that says so, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from app.core.lineage.beliefs import revise
from app.core.lineage.delta import delta
from app.core.lineage.nodes import kind_of
from app.core.lineage.relations import EXCLUSIVE, OPEN
from app.lineage.neo4j_graph import LABELS, TYPES, claim_of, edge_of, eid_of, now_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from neo4j import ManagedTransaction, Transaction

    from app.core.lineage.nodes import NodeKind
    from app.core.lineage.relations import Edge, RelationType
    from app.ledger.ports import Recorded

ROWS: Final = 2000
"""Rows of one statement, at most."""

_ADD_NODES: Final = {
    kind: "UNWIND $rows AS row MERGE (n:Entity {generation: $generation, gid: row.gid}) "
    f"ON CREATE SET n:{label}, n.seq_from = row.seq_from"
    for kind, label in LABELS.items()
}
_ADD_EDGES: Final = {
    type_: "UNWIND $rows AS row "
    "MATCH (src:Entity {generation: $generation, gid: row.src}) "
    "MATCH (dst:Entity {generation: $generation, gid: row.dst}) "
    f"MERGE (src)-[r:{name} {{eid: row.eid}}]->(dst) "
    "SET r.claim = row.claim, r.role = row.role, r.seq_from = row.seq_from, r.seq_to = row.seq_to, "
    "r.valid_from = row.valid_from, r.valid_to = row.valid_to, r.now_to = row.now_to"
    for type_, name in TYPES.items()
}
_END_EDGES: Final = {
    type_: f"UNWIND $rows AS row MATCH ()-[r:{name} {{eid: row.eid}}]->() "
    "SET r.seq_to = row.seq_to, r.now_to = row.now_to"
    for type_, name in TYPES.items()
}
_BETWEEN: Final = {
    type_: "UNWIND $rows AS row "
    "MATCH (src:Entity {generation: $generation, gid: row.src}) "
    "MATCH (dst:Entity {generation: $generation, gid: row.dst}) "
    f"MATCH (src)-[r:{name}]->(dst) WHERE r.seq_to = $open AND r.role = row.role "
    "RETURN r.claim AS claim, r.seq_to AS seq_to"
    for type_, name in TYPES.items()
}
_ONTO: Final = (
    "UNWIND $places AS place MATCH (dst:Entity {generation: $generation, gid: place}) "
    f"MATCH (dst)<-[r:{'|'.join(sorted(TYPES[type_] for type_ in EXCLUSIVE))}]-() "
    "WHERE r.seq_to = $open RETURN r.claim AS claim, r.seq_to AS seq_to"
)


def apply(
    transaction: ManagedTransaction | Transaction, generation: int, recorded: Sequence[Recorded]
) -> None:
    """Take in new entries, in order: nodes before edges, ends last."""
    named: dict[str, int] = {}
    opened: list[Edge] = []
    for one in recorded:
        change = delta(one.event, one.entry.subject, one.index, one.entry.occurred_at)
        for gid in change.nodes:
            named.setdefault(gid, one.index)
        opened.extend(change.opened)
    change_beliefs = revise(_believed(transaction, generation, opened), opened)
    add_nodes(transaction, generation, named)
    add_edges(transaction, generation, change_beliefs.begun)
    for type_, edges in _by_type(change_beliefs.ended).items():
        rows = [_end_of(generation, edge) for edge in edges]
        _write(transaction, _END_EDGES[type_], generation, rows)


def add_nodes(
    transaction: ManagedTransaction | Transaction, generation: int, named: Mapping[str, int]
) -> None:
    """Add nodes (gid and the entry that named it first) that are not there yet."""
    by_kind: defaultdict[NodeKind, list[Mapping[str, object]]] = defaultdict(list)
    for gid, index in named.items():
        by_kind[kind_of(gid)].append({"gid": gid, "seq_from": index})
    for kind, rows in by_kind.items():
        _write(transaction, _ADD_NODES[kind], generation, rows)


def add_edges(
    transaction: ManagedTransaction | Transaction, generation: int, edges: Iterable[Edge]
) -> None:
    """Add edges, or set what is there of the same key right; both ends must be there."""
    for type_, some in _by_type(edges).items():
        rows = [_row_of(generation, edge) for edge in some]
        _write(transaction, _ADD_EDGES[type_], generation, rows)


def move_cursor(
    transaction: ManagedTransaction | Transaction, generation: int, size: int, leaf: str
) -> None:
    """Say that the generation has taken in ``size`` entries, the last with that leaf hash."""
    transaction.run(
        "MATCH (c:Cursor {generation: $generation}) "
        "SET c.size = $size, c.leaf = $leaf REMOVE c.locked",
        generation=generation,
        size=size,
        leaf=leaf,
    ).consume()


def _believed(
    transaction: ManagedTransaction | Transaction, generation: int, opened: Sequence[Edge]
) -> Iterator[Edge]:
    """Read what is believed so far on the lines of the edges."""
    places = sorted({edge.dst for edge in opened if edge.type in EXCLUSIVE})
    if places:
        found = transaction.run(_ONTO, generation=generation, places=places, open=OPEN)
        yield from map(edge_of, found)
    for type_, edges in _by_type(edge for edge in opened if edge.type not in EXCLUSIVE).items():
        lines = dict.fromkeys((edge.src, edge.dst, edge.role) for edge in edges)
        rows = [{"src": src, "dst": dst, "role": role} for src, dst, role in lines]
        for part in _parts(rows):
            found = transaction.run(_BETWEEN[type_], generation=generation, rows=part, open=OPEN)
            yield from map(edge_of, found)


def _row_of(generation: int, edge: Edge) -> Mapping[str, object]:
    return {
        "eid": eid_of(generation, edge),
        "claim": claim_of(edge),
        "src": edge.src,
        "dst": edge.dst,
        "role": edge.role,
        "seq_from": edge.seq_from,
        "seq_to": edge.seq_to,
        "valid_from": edge.valid_from,
        "valid_to": edge.valid_to,
        "now_to": now_to(edge),
    }


def _end_of(generation: int, edge: Edge) -> Mapping[str, object]:
    return {"eid": eid_of(generation, edge), "seq_to": edge.seq_to, "now_to": now_to(edge)}


def _by_type(edges: Iterable[Edge]) -> Mapping[RelationType, list[Edge]]:
    found: defaultdict[RelationType, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[edge.type].append(edge)
    return found


def _write(
    transaction: ManagedTransaction | Transaction,
    text: str,
    generation: int,
    rows: Sequence[Mapping[str, object]],
) -> None:
    for part in _parts(rows):
        transaction.run(text, generation=generation, rows=part).consume()


def _parts(rows: Sequence[Mapping[str, object]]) -> Iterator[Sequence[Mapping[str, object]]]:
    for start in range(0, len(rows), ROWS):
        yield rows[start : start + ROWS]
