"""The graph put together: the stores that keep it, and what runs to keep them in step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.lineage.jobs import Jobs
from app.lineage.neo4j_graph import connect
from app.lineage.projector import Projector
from app.lineage.sources import Sources

if TYPE_CHECKING:
    from app.ledger.record import Ledger
    from app.settings import Entropy, Settings


@dataclass(frozen=True, slots=True)
class Graph:
    """Runs from ``start`` to ``stop``. ``projector`` None: SQL alone keeps the graph."""

    projector: Projector | None
    sources: Sources
    jobs: Jobs

    def start(self) -> None:
        """Begin to follow the log; a server that does not answer keeps nobody waiting."""
        self.jobs.interrupted()
        if self.projector is not None:
            self.projector.start()

    def stop(self) -> None:
        """Follow no further."""
        self.sources.close()
        if self.projector is not None:
            self.projector.stop()


def assemble(ledger: Ledger, settings: Settings, entropy: Entropy) -> Graph:
    """Put the graph of a log together; nothing is sent to Neo4j before ``start``."""
    projector = None
    if settings.neo4j_uri is not None and settings.neo4j_password is not None:
        graph = connect(
            settings.neo4j_uri,
            settings.neo4j_user,
            settings.neo4j_password,
            settings.neo4j_database,
        )
        projector = Projector(ledger, graph)
    return Graph(projector, Sources(projector), Jobs(ledger, projector, entropy))
