"""What a store of the graph gives, whichever engine it runs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.core.lineage.closure import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.lineage.closure import Direction
    from app.core.lineage.relations import Edge, View


@dataclass(frozen=True, slots=True)
class Cone:
    """Edges around a start. Only a COMPLETE cone holds every edge that was asked for."""

    edges: Sequence[Edge]
    status: Status = Status.COMPLETE


class LineageStore(Protocol):
    """One consistent state of the graph."""

    @property
    def source(self) -> str:
        """Name the engine, as answers do: ``sql``."""

    @property
    def graph_seq(self) -> int:
        """Tell how many entries of the log the graph has taken in."""

    def has(self, gid: str, size: int) -> bool:
        """Tell whether one of the first ``size`` entries names the node."""

    def cone(
        self, start: str, direction: Direction, view: View, depth: int, timeout: float
    ) -> Cone:
        """Collect the edges around ``start``, each once, in any order.

        All that ``view`` sees, of the types in FLOW, leading on from ``start`` and from nodes
        at most ``depth`` hops from it; more may be among them, for ``core`` to leave out.
        ``timeout``: seconds after which the status is TIMEOUT and edges may be missing;
        TRUNCATED if they are too many to be collected.
        """
