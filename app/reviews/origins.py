"""Where the version comes from: the why-paths to its data, as nodes and as a list.

At most 60 nodes are drawn; how many are left out is said, and the nearest stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.catalog import queries
from app.core.lineage.nodes import gid_of, kind_of, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from app.catalog import values
    from app.core.policy.facts import Ancestor, Edge, Facts

MOST_NODES = 60
PERSONAL = "pii"


@dataclass(frozen=True, slots=True)
class Node:
    """One thing on a why-path. ``subject`` None: it has no page. ``risks``: in words."""

    gid: str
    subject: str | None
    kind: str
    distance: int
    risks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origins:
    """Everything shown of the lineage. ``left_out``: nodes beyond those.

    ``status``: complete, truncated or timeout. ``edges`` lie between the nodes that are here.
    """

    status: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: int


def origins_of(connection: Connection, facts: Facts, as_of: datetime) -> Origins:
    """Show the shortest path to each dataset version that the model comes from."""
    ancestors = {gid_of(one.subject): one for one in facts.lineage.ancestors}
    edges = tuple(
        dict.fromkeys(edge for one in facts.lineage.ancestors for edge in one.why)
    )  # paths share their first steps
    start = gid_of(f"model/{facts.subject.name}/{facts.subject.version}")
    distance = _distances(start, edges)
    near = sorted(distance, key=lambda gid: (distance[gid], gid))
    kept = set(near[:MOST_NODES])
    subjects = [one.subject for one in facts.lineage.ancestors]
    versions = {one.subject: one for one in queries.dataset_versions(connection, subjects)}
    return Origins(
        facts.lineage.status,
        tuple(_node(gid, distance[gid], ancestors, versions, as_of) for gid in near if gid in kept),
        tuple(edge for edge in edges if edge.src in kept and edge.dst in kept),
        len(near) - len(kept),
    )


def _distances(start: str, edges: Iterable[Edge]) -> dict[str, int]:
    """Count the steps from ``start`` to each node of the paths."""
    causes: dict[str, list[str]] = {}
    for edge in edges:
        causes.setdefault(edge.dst, []).append(edge.src)
    found, reached = {start: 0}, [start]
    for gid in reached:
        for cause in causes.get(gid, ()):
            if cause not in found:
                found[cause] = found[gid] + 1
                reached.append(cause)
    return found


def _node(
    gid: str,
    distance: int,
    ancestors: Mapping[str, Ancestor],
    versions: Mapping[str, values.DatasetVersion],
    as_of: datetime,
) -> Node:
    subject = subject_of(gid)
    version = None if subject is None else versions.get(subject)
    return Node(
        gid,
        subject,
        kind_of(gid).value.replace("_", " "),
        distance,
        tuple(_risks(ancestors.get(gid), version, as_of)),
    )


def _risks(
    ancestor: Ancestor | None, version: values.DatasetVersion | None, as_of: datetime
) -> Iterable[str]:
    if version is not None and any(PERSONAL in column.tags for column in version.columns):
        yield "personal data"
    if ancestor is None:
        return
    if ancestor.approval_status == "revoked":
        yield "approval revoked"
    if ancestor.approval_status == "none":
        yield "not approved"
    if ancestor.approved_until is not None and ancestor.approved_until <= as_of:
        yield "approval has run out"
    if ancestor.licence is None:
        yield "no licence"
