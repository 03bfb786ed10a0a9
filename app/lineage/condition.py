"""What the graph's server is like, and what is wrong with that: for ``muniment doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.core.ledger.times import format_time
from app.ledger.condition import APART, Condition
from app.lineage.neo4j_graph import GraphDown, read_cursor

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from neo4j import ManagedTransaction, Session

    from app.ledger.sql_store import Head
    from app.lineage.neo4j_graph import Neo4j
    from app.settings import Clock

OLDEST: Final = (5, 26)

START: Final = "start Neo4j, or look at its log"
REMEDIES: Final = {
    "Neo.ClientError.Security": "correct MUNIMENT_NEO4J_USER and MUNIMENT_NEO4J_PASSWORD",
    "Neo.ClientError.Database": "correct MUNIMENT_NEO4J_DATABASE, or make that database",
    "the graph is ": "muniment graph rebuild",
    "how far the graph is ": "muniment graph rebuild",
}

SERVER: Final = (
    "CALL dbms.components() YIELD name, versions, edition WHERE name = 'Neo4j Kernel' "
    "RETURN versions[0] AS version, edition, datetime() AS now"
)


def condition_of(graph: Neo4j, head: Head | None, clock: Clock) -> Condition:
    """Look at the graph. ``head``: of the log that it has to follow; None if that is not known.

    A server that does not answer is a problem, though SQL answers in its place.
    """
    found = Condition()
    try:
        with graph.session() as session:
            _look_at_server(found, session, clock)
            if head is not None:
                _look_at_cursor(found, session, head)
    except GraphDown as failure:
        said = str(failure)
        remedy = next((REMEDIES[code] for code in REMEDIES if said.startswith(code)), START)
        found.problems.append((f"the graph does not answer, SQL does: {said}", remedy))
    return found


def _look_at_server(found: Condition, session: Session, clock: Clock) -> None:
    version, edition, now = session.execute_read(_server)
    apart: timedelta = now - clock()
    seconds = apart.total_seconds()
    found.facts |= {
        "graph_engine": f"Neo4j {version} ({edition})",
        "graph_clock": f"{seconds:+.1f} s, at {format_time(now)}",
    }
    found.check(
        sound=_number(version) >= OLDEST,
        problem=f"Neo4j {version} is older than 5.26",
        remedy="update it: the graph's questions are planned as 5.26 and later do",
    )
    found.check(
        sound=abs(seconds) <= APART,
        problem=f"the graph server's clock is {seconds:+.1f} s from this machine's",
        remedy="let both follow the same time server",
    )


def _server(transaction: ManagedTransaction) -> tuple[str, str, datetime]:
    row = transaction.run(SERVER).single(strict=True)
    return row["version"], row["edition"], row["now"].to_native()


def _number(version: str) -> tuple[int, ...]:
    """Read the leading numbers of a version; calendar versions are later than any 5."""
    return tuple(int(part) for part in version.partition("-")[0].split(".") if part.isdigit())


def _look_at_cursor(found: Condition, session: Session, head: Head) -> None:
    cursor = session.execute_read(read_cursor)
    if cursor is None:
        found.facts["graph_lag"] = f"{head.size} entries: it has not begun"
        return
    if cursor.origin != head.origin:
        found.facts["graph_lag"] = "not to be told: it follows another log"
        found.problems.append(
            (
                f"the graph is that of another log, {cursor.origin}",
                "name a database of its own in MUNIMENT_NEO4J_DATABASE",
            )
        )
        return
    found.facts["graph_lag"] = f"{max(head.size - cursor.size, 0)} entries, at {cursor.size}"
    found.check(
        sound=cursor.size <= head.size,
        problem=f"the graph has {cursor.size} entries and the log {head.size}: the log went back",
        remedy="muniment ledger fsck, then muniment graph rebuild",
    )
    listed = ", ".join(map(str, cursor.quarantined[:10]))
    found.check(
        sound=not cursor.quarantined,
        problem=f"the graph lacks {len(cursor.quarantined)} entries that it could not take in: "
        f"{listed}",
        remedy="update Muniment, then muniment graph rebuild",
    )
