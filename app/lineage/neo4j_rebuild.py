"""Makes the graph in Neo4j again beside the one in force, and changes over in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from app.core.errors import ChainBroken
from app.core.lineage.whole import digest
from app.lineage.neo4j_graph import (
    FORMAT,
    NAME,
    Cursor,
    GraphDown,
    GraphLost,
    edge_of,
    lock_cursor,
    prepare,
)
from app.lineage.projector import project
from app.lineage.reconcile import replay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from neo4j import ManagedTransaction

    from app.core.lineage.relations import Edge
    from app.ledger.record import Ledger
    from app.lineage.neo4j_graph import Neo4j

STEP: Final = 500
AWAY: Final = 5000
"""Nodes removed by one transaction."""

LONGEST: Final = 3600.0
"""Seconds that reading a whole generation may take, whatever the server allows others."""


def rebuild(ledger: Ledger, graph: Neo4j, told: Callable[[int, int], None]) -> str:
    """Replay the log into a new generation, check it, put it in force, remove all others.

    ``told``: hears how many entries of how many are taken in. Returns the graph's digest,
    ``sha256:<hex>``. Raises GraphDown; ChainBroken if the new graph is not the log's.
    """
    origin = ledger.store.origin
    before = _in_force(graph, origin)
    _remove_others(graph, before.generation)
    with graph.session() as session:
        made = Cursor(before.generation + 1, origin, 0, "")
        session.run(
            "CREATE (c:Cursor {generation: $generation, format: $format, origin: $origin, "
            "size: 0, leaf: '', quarantined: []})",
            generation=made.generation,
            format=FORMAT,
            origin=origin,
        ).consume()
    while True:
        made = _catch_up(ledger, graph, made, told)
        name = _checked(ledger, graph, made)
        with graph.session() as session:
            if session.execute_write(_change_over, before, made):
                break
    _remove_others(graph, made.generation)
    return name


def _in_force(graph: Neo4j, origin: str) -> Cursor:
    """Tell what is in force; where that is not to be read, nothing is, and all is removed."""
    try:
        with graph.session() as session:
            return prepare(session, origin)
    except GraphLost:
        with graph.session() as session:
            session.run("MATCH (n) WHERE n:Graph OR n:Cursor DELETE n").consume()
        _remove_others(graph, 0)
        with graph.session() as session:
            return prepare(session, origin)


def _catch_up(
    ledger: Ledger, graph: Neo4j, cursor: Cursor, told: Callable[[int, int], None]
) -> Cursor:
    while True:
        with ledger.snapshot() as now:
            size = now.size
        told(cursor.size, size)
        if cursor.size == size:
            return cursor
        cursor = project(ledger, graph, cursor, min(size, cursor.size + STEP))


def _checked(ledger: Ledger, graph: Neo4j, made: Cursor) -> str:
    """Compare the digest of what Neo4j holds with that of the log. Raises ChainBroken."""
    with ledger.snapshot() as now:
        truth = replay(now.store, now.connection, made.size)
    found = digest_of(graph, made.generation)
    if found != f"sha256:{digest(truth.nodes, truth.edges.values())}":
        raise ChainBroken(
            "the graph that was made anew is not the log's; the one in force stays",
            remedy="look at the server's log",
        )
    return found


def digest_of(graph: Neo4j, generation: int) -> str:
    """Name everything that a generation holds, ``sha256:<hex>``."""
    return f"sha256:{digest(*held(graph, generation))}"


def held(graph: Neo4j, generation: int) -> tuple[Mapping[str, int], Sequence[Edge]]:
    """Read all that a generation holds: nodes, with the entry that named each first, and edges."""
    from neo4j import Query

    nodes = Query(
        "MATCH (n:Entity {generation: $generation}) RETURN n.gid AS gid, n.seq_from AS seq_from",
        timeout=LONGEST,
    )
    edges = Query(
        "MATCH (:Entity {generation: $generation})-[r]->() "
        "RETURN r.claim AS claim, r.seq_to AS seq_to",
        timeout=LONGEST,
    )
    with graph.session() as session:
        named = {row["gid"]: row["seq_from"] for row in session.run(nodes, generation=generation)}
        return named, [edge_of(row) for row in session.run(edges, generation=generation)]


def _change_over(transaction: ManagedTransaction, before: Cursor, made: Cursor) -> bool:
    """Put a generation in force unless it, or the one before, has gone further meanwhile.

    Raises GraphDown if somebody else has put a third one in force.
    """
    in_force = transaction.run(
        "MATCH (g:Graph {name: $name}) SET g.generation = g.generation "
        "RETURN g.generation AS generation",
        name=NAME,
    ).single(strict=True)
    if in_force["generation"] not in (before.generation, made.generation):
        raise GraphDown("another server has made the graph anew meanwhile; its graph stays")
    old = lock_cursor(transaction, before.generation)
    if old is not None and old.origin == made.origin and old.size > made.size:
        return False
    if lock_cursor(transaction, made.generation) != made:
        return False
    transaction.run(
        "MATCH (g:Graph {name: $name}) MATCH (c:Cursor {generation: $generation}) "
        "SET g.generation = $generation REMOVE c.locked",
        name=NAME,
        generation=made.generation,
    ).consume()
    return True


def _remove_others(graph: Neo4j, generation: int) -> None:
    """Remove every other generation, a part at a time; a crash leaves the rest for later."""
    with graph.session() as session:
        gone = AWAY
        while gone == AWAY:
            row = session.run(
                "MATCH (n:Entity) WHERE n.generation <> $generation WITH n LIMIT $most "
                "DETACH DELETE n RETURN count(*) AS gone",
                generation=generation,
                most=AWAY,
            ).single(strict=True)
            gone = cast("int", row["gone"])
        session.run(
            "MATCH (c:Cursor) WHERE c.generation <> $generation DELETE c", generation=generation
        ).consume()
