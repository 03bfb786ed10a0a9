"""What a caller may not read keeps its place in an answer and loses its name.

A dataset or model for its team alone is not there for others (``app.catalog``). In a graph
it cannot be left out: ways lead through it, and an answer without them would look complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import select

from app.catalog.tables import DATASETS, DEPLOYMENTS, MODELS
from app.catalog.visible import seen_by
from app.core.lineage.nodes import NodeKind, gid_of, kind_of, subject_of
from app.lineage.asking import gid_written, no_node

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

Teams: TypeAlias = "frozenset[str] | None"


class Names:
    """What the nodes of one answer are called before a member of ``teams``.

    A hidden node is ``<kind>:*<number>``, the same throughout the answer; no name begins so.
    """

    def __init__(self, connection: Connection, teams: Teams) -> None:
        self._hidden = _hidden(connection, teams)
        self._masks: dict[str, str] = {}

    def hides(self, gid: str) -> bool:
        """Tell whether the node is, or belongs to, something hidden."""
        return bool(self._hidden) and not self._hidden.isdisjoint(_owners(gid))

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


def _hidden(connection: Connection, teams: Teams) -> frozenset[str]:
    """Find the datasets, models and deployments that are not there for ``teams``."""
    if teams is None:
        return frozenset()
    datasets = {f"dataset/{name}" for name in _unseen(connection, teams, DATASETS)}
    models = {f"model/{name}" for name in _unseen(connection, teams, MODELS)}
    live = connection.execute(select(DEPLOYMENTS.c.subject, DEPLOYMENTS.c.model_version))
    places = {row.subject for row in live if row.model_version.rpartition("/")[0] in models}
    return frozenset(gid_of(subject) for subject in datasets | models | places)


def _unseen(connection: Connection, teams: frozenset[str], table: Table) -> list[str]:
    seen = select(table.c.name).where(seen_by(teams, table))
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
