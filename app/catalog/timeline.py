"""What was live when: a deployment's steps, the newest first, and who made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.catalog.reading import reader, selecting
from app.catalog.tables import DEPLOYMENT_STEPS, MODEL_VERSIONS
from app.catalog.values import DeploymentStep
from app.web.paths import entry_of
from app.web.pieces import Happened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

SAID = {
    "started": "was started",
    "succeeded": "went live",
    "failed": "failed to start",
    "rolled_back": "came back by a roll-back",
    "retired": "was retired",
}
TONES = {"succeeded": "good", "failed": "bad", "rolled_back": "wait"}


def steps_of_model(
    connection: Connection, name: str, size: int, limit: int
) -> tuple[DeploymentStep, ...]:
    """Read the deployment steps of any version of a model, the newest first in the world."""
    of_model = select(MODEL_VERSIONS.c.subject).where(MODEL_VERSIONS.c.name == name)
    steps = DEPLOYMENT_STEPS.c
    found = connection.execute(
        selecting(DeploymentStep, DEPLOYMENT_STEPS)
        .where(steps.model_version.in_(of_model), steps.created_index < size)
        .order_by(steps.occurred_at.desc(), steps.created_index.desc())
        .limit(limit)
    )
    return tuple(map(reader(DeploymentStep), found))


def happened(steps: Iterable[DeploymentStep], names: Mapping[str, str]) -> Sequence[Happened]:
    """Write steps for a timeline; one that nothing allowed says so."""
    return [
        Happened(
            at=one.occurred_at,
            title=f"Version {one.model_version.rpartition('/')[2]} {SAID[one.kind]} "
            f"in {one.environment}/{one.name}",
            who=names.get(one.actor, one.actor),
            text=f"Without a usable decision: {one.ungated_because}"
            if one.gated is False
            else None,
            path=entry_of(one.created_index),
            tone="bad" if one.gated is False else TONES.get(one.kind),
        )
        for one in steps
    ]
