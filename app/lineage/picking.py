"""What the page of lineage offers and begins with: things to ask about, and a way worth showing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.catalog.tables import DATASET_VERSIONS, DEPLOYMENTS, MODEL_VERSIONS
from app.catalog.visible import of_seen_models, seen_subject
from app.core.lineage.closure import Direction, State
from app.core.lineage.nodes import NodeKind, kind_of
from app.lineage import asking
from app.lineage.asking import Terms

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.access import Sight
    from app.lineage.api import Reading
    from app.lineage.hidden import Names

OFFERED = 200
"""Things of each kind that a field offers; any other can be typed."""
SEARCHED = Terms(limit=1000, timeout=2.0)


def choices(connection: Connection, sight: Sight) -> tuple[str, ...]:
    """Name what can be asked about: deployments that are live, then the newest versions."""
    live, made, data = DEPLOYMENTS.c, MODEL_VERSIONS.c, DATASET_VERSIONS.c
    wanted = (
        select(live.subject)
        .where(live.state == "live", of_seen_models(sight, live.model_version))
        .order_by(live.step_index.desc()),
        select(made.subject)
        .where(of_seen_models(sight, made.subject))
        .order_by(made.created_index.desc()),
        select(data.subject)
        .where(seen_subject(sight, data.subject))
        .order_by(data.created_index.desc()),
    )
    return tuple(
        subject for one in wanted for subject in connection.execute(one.limit(OFFERED)).scalars()
    )


def way_worth_showing(now: Reading, node: str) -> tuple[str, str] | None:
    """Choose the two ends of a way through ``node``: its farthest data, or what it runs as.

    None: nothing leads to it and nothing comes of it. Raises Missing: no such node.
    """
    before = now.ask(
        SEARCHED,
        lambda store, size, left: asking.closure(store, size, node, Direction.UPSTREAM, left),
    )
    sources = [
        one for one in before.result.nodes[1:] if kind_of(one.gid) is NodeKind.DATASET_VERSION
    ]
    if sources:
        return _called(sources[-1].gid, now.names), node
    affected = now.ask(
        SEARCHED, lambda store, size, left: asking.impact(store, size, node, left, State.LIVE)
    )
    places = [one for one in affected.result.affected if kind_of(one.gid) is NodeKind.DEPLOYMENT]
    if places:
        return node, _called(places[0].gid, now.names)
    return None


def _called(gid: str, names: Names) -> str:
    return names.subject(gid) or gid
