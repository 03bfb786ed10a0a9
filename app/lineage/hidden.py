"""What a caller may not read keeps its place in an answer and loses its name.

A dataset or model for its team alone is not there for others (``app.catalog``). In a graph
it cannot be left out: ways lead through it, and an answer without them would look complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.catalog.tables import DATASETS, DEPLOYMENTS, MODELS
from app.catalog.visible import seen_by
from app.core.access import EVERYTHING, Sight
from app.core.lineage.nodes import NodeKind, gid_of, kind_of, subject_of
from app.lineage.asking import gid_written, no_node

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table


class Names:
    """What the nodes of one answer are called before whoever has this sight.

    A hidden node is ``<kind>:*<number>``, the same throughout the answer; no name begins so.
    """

    def __init__(self, connection: Connection, sight: Sight) -> None:
        self._sight = sight
        self._hidden, self._shown = _hidden(connection, sight)
        self._masks: dict[str, str] = {}

    def hides(self, gid: str) -> bool:
        """Tell whether the node is, or belongs to, something hidden."""
        if self._hidden and not self._hidden.isdisjoint(_owners(gid)):
            return True
        return self._sight.limited and not self._covers(gid)

    def _covers(self, gid: str) -> bool:
        """Tell whether the node lies within a token's limits."""
        place = gid.partition(":")[2].partition("/")[0]
        match kind_of(gid):
            case NodeKind.DEPLOYMENT:
                inside = gid in self._shown or self._sight.covers(subject_of(gid) or "")
                return inside and self._sight.reaches(place)
            case NodeKind.DEPLOYMENT_REVISION:
                ran = gid.partition("@")[2].partition("/")[2]
                return self._sight.covers(f"model/{ran}") and self._sight.reaches(place)
            case _:
                return self._sight.covers(subject_of(gid) or "")

    def check(self, place: str, node: str) -> None:
        """Refuse to know a node that is hidden, as one that is not there. Raises Missing."""
        if self.hides(gid_written(node)):
            raise no_node(node, place)

    def gid(self, gid: str) -> str:
        """Tell the node's gid, or what stands for it."""
        if not self.hides(gid):
            return gid
        return self._masks.setdefault(gid, f"{kind_of(gid)}:*{len(self._masks) + 1}")

    def subject(self, gid: str) -> str | None:
        """Tell the node's subject, if it has one that is not hidden."""
        return None if self.hides(gid) else subject_of(gid)


def _hidden(connection: Connection, sight: Sight) -> tuple[frozenset[str], frozenset[str]]:
    """Find what is for other teams alone, and which deployments run what the limits cover."""
    if sight == EVERYTHING:
        return frozenset(), frozenset()
    datasets, models = (
        {f"{kind}/{name}" for name in _unseen(connection, sight, table)}
        for kind, table in (("dataset", DATASETS), ("model", MODELS))
    )
    places, shown = set(), set()
    for row in connection.execute(select(DEPLOYMENTS.c.subject, DEPLOYMENTS.c.model_version)):
        if row.model_version.rpartition("/")[0] in models:
            places.add(row.subject)
        elif sight.covers(row.model_version):
            shown.add(gid_of(row.subject))
    return frozenset(gid_of(subject) for subject in datasets | models | places), frozenset(shown)


def _unseen(connection: Connection, sight: Sight, table: Table) -> list[str]:
    """Name what is for teams alone that are not in sight; a token's limits are no team."""
    seen = select(table.c.name).where(seen_by(Sight(sight.teams), table))
    unseen = select(table.c.name).where(table.c.name.not_in(seen))
    return list(connection.execute(unseen).scalars())


def _owners(gid: str) -> set[str]:
    """Name what a node belongs to, itself included where that can be hidden."""
    name = gid.partition(":")[2]
    match kind_of(gid):
        case NodeKind.DATASET_VERSION:
            return {gid_of(f"dataset/{name.partition('/')[0]}")}
        case NodeKind.MODEL_VERSION:
            return {gid_of(f"model/{name.partition('/')[0]}")}
        case NodeKind.DEPLOYMENT_REVISION:
            place, _, ran = name.partition("@")
            model = ran.partition("/")[2].partition("/")[0]
            return {gid_of(f"deployment/{place}"), gid_of(f"model/{model}")}
        case _:
            return {gid}
