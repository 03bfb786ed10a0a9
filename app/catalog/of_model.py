"""What stands about all versions of a model together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import literal, null, or_, select, union_all

from app.catalog.reading import last_of, reader, selecting
from app.catalog.tables import (
    DECISIONS,
    DEPLOYMENTS,
    DOCUMENTS,
    EVALUATIONS,
    MODEL_VERSIONS,
    PREDICTIONS,
)
from app.catalog.values import Deployment, ModelVersion
from app.web.listing import Listed

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

    from app.catalog.lists import Part
    from app.core.jsonvalue import Json
    from app.ledger.snapshot import Snapshot


def deployments(connection: Connection, name: str) -> tuple[Deployment, ...]:
    """Say where versions of a model run now, by environment and name."""
    found = connection.execute(
        selecting(Deployment, DEPLOYMENTS)
        .where(DEPLOYMENTS.c.state == "live", DEPLOYMENTS.c.model_version.in_(_versions(name)))
        .order_by(DEPLOYMENTS.c.environment, DEPLOYMENTS.c.name)
    )
    return tuple(map(reader(Deployment), found))


def newest(connection: Connection, name: str) -> ModelVersion | None:
    """Find the version that was registered last."""
    return last_of(connection, ModelVersion, MODEL_VERSIONS, MODEL_VERSIONS.c.name == name)


def version_names(connection: Connection, name: str) -> tuple[str, ...]:
    """Name the versions of a model, the newest first."""
    columns = MODEL_VERSIONS.c
    of_name = select(columns.version).where(columns.name == name)
    return tuple(connection.execute(of_name.order_by(columns.created_index.desc())).scalars())


def evidence(now: Snapshot, part: Part, name: str) -> Listed:
    """List evaluations, counted predictions and files about a model, the newest first."""
    ours = union_all(*_evidence(name)).subquery()
    wanted = select(ours).where(ours.c.created_index < part.size)
    if part.after is not None:
        wanted = wanted.where(ours.c.created_index < int(part.after[0]))
    found = now.connection.execute(wanted.order_by(ours.c.created_index.desc()).limit(part.limit))
    items: list[dict[str, Json]] = [dict(row._mapping) for row in found]  # noqa: SLF001 - its public name
    return Listed(items, [(int(str(one["created_index"])),) for one in items], part.size)


def decisions(now: Snapshot, part: Part, name: str) -> Listed:
    """List what gates decided about versions of a model, the newest first."""
    columns = DECISIONS.c
    wanted = select(
        columns.id,
        columns.model_version,
        columns.environment,
        columns.gate,
        columns.promotion,
        columns.decision_digest,
        columns.expires_at,
        columns.recorded_at,
        columns.created_index,
    ).where(columns.model_version.in_(_versions(name)), columns.created_index < part.size)
    if part.after is not None:
        wanted = wanted.where(columns.created_index < int(part.after[0]))
    found = now.connection.execute(wanted.order_by(columns.created_index.desc()).limit(part.limit))
    items: list[dict[str, Json]] = [dict(row._mapping) for row in found]  # noqa: SLF001 - its public name
    return Listed(items, [(int(str(one["created_index"])),) for one in items], part.size)


def _evidence(name: str) -> list[Select[*tuple[Any, ...]]]:
    ev, pr, do = EVALUATIONS.c, PREDICTIONS.c, DOCUMENTS.c
    about = or_(do.subject == f"model/{name}", do.subject.in_(_versions(name)))
    return [
        select(
            literal("evaluation").label("kind"),
            ev.model_version.label("about"),
            ev.producer.label("what"),
            ev.dataset_version.label("on"),
            ev.measured_at.label("measured_at"),
            ev.digest.label("digest"),
            ev.created_index.label("created_index"),
        ).where(ev.model_version.in_(_versions(name))),
        select(
            literal("predictions"),
            pr.model_version,
            pr.favourable_outcome,
            pr.dataset_version,
            pr.measured_at,
            pr.digest,
            pr.created_index,
        ).where(pr.model_version.in_(_versions(name))),
        select(
            do.kind, do.subject, do.title, null(), do.recorded_at, do.blob, do.created_index
        ).where(about),
    ]


def _versions(name: str) -> Select[tuple[str]]:
    return select(MODEL_VERSIONS.c.subject).where(MODEL_VERSIONS.c.name == name)
