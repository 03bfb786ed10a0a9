"""The graph in Neo4j: how it lies there, and how its driver's failures reach us.

    (:Graph {name: 'muniment', generation})                which generation is in force
    (:Cursor {generation, format, origin, size, leaf, quarantined})    how far that generation is
    (:Entity:<Kind> {generation, gid, seq_from})           a node and the entry that named it
    (src)-[:<TYPE> {eid, claim, role, seq_from, seq_to, valid_from, valid_to, now_to}]->(dst)

``gid`` is unique in its generation, so that a new graph can be built beside the one in force.
``leaf`` is the leaf hash of the last entry taken in, in hex: a graph of another log, or of one
whose history was changed, is not taken for ours. ``claim`` repeats what never changes of an edge,
its ends included, in one text: answers read that, searches the other properties. ``now_to`` is
``seq_to`` where ``valid_to`` is open, else -1: a search of how things are now reads that alone.
Edges are closed by setting ``seq_to``, never deleted. Every statement is one constant text for
each label and type; values are parameters.
"""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.core.lineage.nodes import NodeKind
from app.core.lineage.relations import FOREVER, Edge, RelationType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neo4j import Driver, ManagedTransaction, Record, Session, Transaction

    from app.ledger.snapshot import Snapshot

NAME: Final = "muniment"
FORMAT: Final = 1
"""Of all that is said above. A generation of another format is not read, but made anew."""

ANEW: Final = "run `muniment graph rebuild`"
REFUSING: Final = (
    "Neo.ClientError.Statement",
    "Neo.ClientError.Schema",
    "Neo.DatabaseError.Statement",
)

LABELS: Final = {
    kind: "".join(part.capitalize() for part in kind.value.split("_")) for kind in NodeKind
}
TYPES: Final = {type_: type_.value.upper() for type_ in RelationType}
_TYPE_OF: Final = {type_.value: type_ for type_ in RelationType}

SCHEMA: Final = (
    "CREATE CONSTRAINT muniment_graph IF NOT EXISTS FOR (n:Graph) REQUIRE n.name IS UNIQUE",
    "CREATE CONSTRAINT muniment_cursor IF NOT EXISTS FOR (n:Cursor) REQUIRE n.generation IS UNIQUE",
    (
        "CREATE CONSTRAINT muniment_entity IF NOT EXISTS "
        "FOR (n:Entity) REQUIRE (n.generation, n.gid) IS UNIQUE"
    ),
    *(
        f"CREATE CONSTRAINT muniment_{type_.value} IF NOT EXISTS "
        f"FOR ()-[r:{name}]-() REQUIRE r.eid IS UNIQUE"
        for type_, name in TYPES.items()
    ),
)


class GraphDown(Exception):  # noqa: N818 - it says what is, and never leaves this room
    """Neo4j does not answer, or not in time. Another store does."""


class GraphLost(GraphDown):
    """What the graph says of itself is gone or no sense: only making it anew helps."""


class GraphRefuses(GraphDown):
    """Neo4j answers, and does not take what it was told. Trying again would not help."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a generation is. ``leaf``: of entry ``size`` - 1, hex; empty at size 0.

    ``quarantined``: entries that could not be taken in; the graph is not whole then.
    """

    generation: int
    origin: str
    size: int
    leaf: str
    quarantined: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Neo4j:
    """A database of a Neo4j server. Made by ``connect``; closed by its owner."""

    driver: Driver
    database: str

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session; what fails comes out as GraphDown or GraphRefuses."""
        from neo4j.exceptions import DriverError, Neo4jError

        try:
            with self.driver.session(database=self.database) as session:
                yield session
        except Neo4jError as failure:
            refuses = str(failure.code).startswith(REFUSING)
            down = GraphRefuses if refuses else GraphDown
            raise down(_in_one_line(f"{failure.code}: {failure.message}")) from failure
        except (DriverError, OSError) as failure:
            raise GraphDown(_in_one_line(f"{type(failure).__name__}: {failure}")) from failure


def _in_one_line(said: str) -> str:
    return " ".join(said.split())[:500]


def connect(uri: str, user: str, password: str, database: str) -> Neo4j:
    """Prepare a connection; nothing is sent before the first session."""
    from neo4j import GraphDatabase

    # What it would say by itself, over and over, reaches us as an exception.
    logging.getLogger("neo4j").setLevel(logging.CRITICAL)
    driver = GraphDatabase.driver(
        uri,
        auth=(user, password),
        connection_timeout=2.0,
        connection_acquisition_timeout=2.0,
        max_transaction_retry_time=0.0,
        keep_alive=True,
        telemetry_disabled=True,
        notifications_min_severity="OFF",
    )
    return Neo4j(driver, database)


def prepare(session: Session, origin: str) -> Cursor:
    """Set up constraints, the graph's node and its first generation; again does nothing.

    Raises GraphLost.
    """
    for constraint in SCHEMA:
        session.run(constraint).consume()
    found = session.execute_read(read_cursor)
    if found is not None:
        return found
    row = session.run(
        "MERGE (g:Graph {name: $name}) ON CREATE SET g.generation = 1 "
        "MERGE (c:Cursor {generation: g.generation}) "
        "ON CREATE SET c.format = $format, c.origin = $origin, c.size = 0, c.leaf = '', "
        "c.quarantined = [] RETURN c",
        name=NAME,
        format=FORMAT,
        origin=origin,
    ).single(strict=True)
    return cursor_of(row)


def read_cursor(transaction: ManagedTransaction | Transaction) -> Cursor | None:
    """Tell how far the generation in force is; None before ``prepare``. Raises GraphLost."""
    row = transaction.run(
        "MATCH (g:Graph {name: $name}) "
        "OPTIONAL MATCH (c:Cursor {generation: g.generation}) RETURN c",
        name=NAME,
    ).single()
    if row is None:
        return None
    if row["c"] is None:  # begun again, it would take in twice what the graph has
        raise GraphLost(f"how far the graph is has been removed; {ANEW}")
    return cursor_of(row)


def lock_cursor(transaction: ManagedTransaction | Transaction, generation: int) -> Cursor | None:
    """Read a generation's cursor and keep others from moving it until the transaction ends."""
    row = transaction.run(
        "MATCH (c:Cursor {generation: $generation}) SET c.locked = true RETURN c",
        generation=generation,
    ).single()
    return None if row is None else cursor_of(row)


def quarantine(transaction: ManagedTransaction, cursor: Cursor, leaf: str) -> None:
    """Pass over the entry after the cursor, and remember that it is missing."""
    if lock_cursor(transaction, cursor.generation) == cursor:
        transaction.run(
            "MATCH (c:Cursor {generation: $generation}) "
            "SET c.size = $index + 1, c.leaf = $leaf, c.quarantined = c.quarantined + $index",
            generation=cursor.generation,
            index=cursor.size,
            leaf=leaf,
        ).consume()


def check_ours(now: Snapshot, cursor: Cursor) -> None:
    """Raise GraphDown if the graph is of another log, or of another history of this one."""
    if cursor.origin != now.store.origin:
        raise GraphDown(f"the graph is of the log {cursor.origin}; {ANEW} to replace it")
    if cursor.size > now.size:
        raise GraphDown(
            f"the graph has taken in {cursor.size} entries of a log of {now.size}; {ANEW}"
        )
    if cursor.size:
        leaf = now.store.entry(now.connection, cursor.size - 1)[1].hex()
        if leaf != cursor.leaf:
            raise GraphDown(f"the graph's last entry {cursor.size - 1} is not the log's; {ANEW}")


def cursor_of(row: Record) -> Cursor:
    """Read a row that has a cursor in ``c``. Raises GraphLost."""
    has = row["c"]
    if has.get("format") != FORMAT:
        raise GraphLost(f"the graph is laid out as another release does it; {ANEW}")
    try:
        return Cursor(
            int(has["generation"]),
            str(has["origin"]),
            int(has["size"]),
            str(has["leaf"]),
            tuple(map(int, has["quarantined"])),
        )
    except (KeyError, TypeError, ValueError) as failure:
        raise GraphLost(f"how far the graph is cannot be read; {ANEW}") from failure


def claim_of(edge: Edge) -> str:
    """Write all of an edge that never changes, as one text; only its end is not in it."""
    return json.dumps(
        (
            *(edge.src, edge.dst, edge.type.value, edge.role),
            *(edge.seq_from, edge.valid_from, edge.valid_to),
        ),
        ensure_ascii=False,
        separators=(",", ":"),
    )


def edge_of(row: Record) -> Edge:
    """Read an edge of a row that has its ``claim`` and ``seq_to``. Raises GraphDown."""
    try:
        src, dst, type_, role, seq_from, valid_from, valid_to = json.loads(row["claim"])
        return Edge(src, dst, _TYPE_OF[type_], role, seq_from, row["seq_to"], valid_from, valid_to)
    except (KeyError, TypeError, ValueError) as failure:
        raise GraphDown(
            "an edge of the graph cannot be read; run `muniment graph reconcile`"
        ) from failure


def now_to(edge: Edge) -> int:
    """Tell until which entry it is believed that an edge holds with no end; -1: it is not."""
    return edge.seq_to if edge.valid_to == FOREVER else -1


def eid_of(generation: int, edge: Edge) -> str:
    """Name an edge of a generation: 64 hex digits. Its end is no part of the name."""
    parts = (str(generation), edge.type.value, edge.src, edge.dst, edge.role, str(edge.seq_from))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
