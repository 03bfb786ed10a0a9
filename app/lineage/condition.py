"""What the graph's server is like, and what is wrong with that: for ``muniment doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ledger.condition import Condition
from app.lineage.neo4j_graph import GraphDown, connect, read_cursor

if TYPE_CHECKING:
    from app.ledger.database import Database
    from app.settings import Settings

OLDEST = (5, 26)


def condition_of(settings: Settings, database: Database) -> Condition:
    """Look at Neo4j, and how far it is behind the log. Without Neo4j there is nothing to say."""
    found = Condition()
    if settings.neo4j_uri is None or settings.neo4j_password is None:
        return found
    graph = connect(
        settings.neo4j_uri, settings.neo4j_user, settings.neo4j_password, settings.neo4j_database
    )
    try:
        with graph.session() as session:
            row = session.run(
                "CALL dbms.components() YIELD name, versions, edition "
                "WHERE name = 'Neo4j Kernel' RETURN versions[0] AS version, edition"
            ).single(strict=True)
            cursor = session.execute_read(read_cursor)
    except GraphDown as failure:
        found.problems.append((f"Neo4j does not answer: {failure}", "start it; SQL answers so far"))
        return found
    finally:
        graph.driver.close()
    version = tuple(int(part) for part in row["version"].split(".")[:2])
    found.facts["graph"] = f"Neo4j {row['version']} {row['edition']}"
    found.check(
        sound=version >= OLDEST,
        problem=f"Neo4j {row['version']} is older than 5.26",
        remedy="update Neo4j; the graph is made anew by `muniment graph rebuild`",
    )
    with database.reading() as connection:
        size = connection.exec_driver_sql("SELECT size FROM head").scalar() or 0
    behind = size - (cursor.size if cursor else 0)
    found.facts["graph_lag"] = f"{behind} of {size} entries"
    lacking = list(cursor.quarantined) if cursor else []
    found.check(
        sound=not lacking,
        problem=f"entries {lacking} are not in the graph; SQL answers in its place",
        remedy="read what the server wrote about them, then run `muniment graph reconcile`",
    )
    return found
