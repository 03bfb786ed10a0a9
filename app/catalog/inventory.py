"""The model inventory: every model with where it runs, what was decided and measured last."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, or_, select, tuple_

from app.catalog import queries
from app.catalog.reading import reader, selecting
from app.catalog.tables import (
    DECISIONS,
    DEPLOYMENTS,
    EVALUATIONS,
    FINDINGS,
    MODEL_VERSIONS,
    MODELS,
    PREDICTIONS,
)
from app.catalog.values import Model
from app.catalog.visible import seen_by
from app.web.listing import Listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Select

    from app.catalog.lists import Part
    from app.core.access import Sight
    from app.core.jsonvalue import Json
    from app.ledger.snapshot import Snapshot

SORTS: Final = ("name", "owner", "risk_tier", "recorded_at")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which models, and in which order. Empty texts ask for nothing.

    ``words``: in the name, the owner or the purpose. ``live_in``: an environment.
    """

    words: str = ""
    tier: str = ""
    live_in: str = ""
    sort: str = "name"
    descending: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """Write them in SQL."""
        texts = (MODELS.c.name, MODELS.c.owner, MODELS.c.purpose)
        found = [
            or_(*(func.lower(one).contains(word, autoescape=True) for one in texts))
            for word in self.words.lower().split()
        ]
        if self.tier:
            found.append(MODELS.c.risk_tier == self.tier)
        if self.live_in:
            running = _live(self.live_in).with_only_columns(MODEL_VERSIONS.c.name)
            found.append(MODELS.c.name.in_(running))
        return found


def models(now: Snapshot, part: Part, sight: Sight, wanted: Wanted) -> Listed:
    """List models with what stands about them in other tables."""
    columns = MODELS.c
    keys = [columns.name] if wanted.sort == "name" else [columns[wanted.sort], columns.name]
    where = [columns.created_index < part.size, seen_by(sight, MODELS), *wanted.conditions()]
    if part.after is not None:
        here, there = tuple_(*keys), tuple_(*part.after)
        where.append(here < there if wanted.descending else here > there)
    order = [one.desc() if wanted.descending else one for one in keys]
    found = now.connection.execute(
        selecting(Model, MODELS).where(*where).order_by(*order).limit(part.limit)
    )
    read = [reader(Model)(row) for row in found]
    items = _with_what_is_known(now.connection, read)
    sorted_by = [
        (one.name,) if wanted.sort == "name" else (str(getattr(one, wanted.sort)), one.name)
        for one in read
    ]
    return Listed(items, sorted_by, part.size)


def environments(connection: Connection) -> tuple[str, ...]:
    """Name the environments that the inventory has a column for, lowest first."""
    published = queries.environments(connection)
    return () if published is None else published.names


def tiers(connection: Connection) -> tuple[str, ...]:
    """Name the risk tiers that models have."""
    found = connection.execute(select(MODELS.c.risk_tier).distinct().order_by(MODELS.c.risk_tier))
    return tuple(found.scalars())


def live_in(environment: str) -> str:
    """Name the member of an item that tells the versions live in an environment."""
    return f"live_in_{environment}"


def _with_what_is_known(connection: Connection, models: Sequence[Model]) -> list[dict[str, Json]]:
    names = [one.name for one in models]
    live = _versions_live(connection, names)
    verdicts = _last_verdicts(connection, names)
    validated = _last_validated(connection, names)
    due = _revalidation_due(connection, names)
    found = _open_findings(connection)
    places = environments(connection)
    return [
        {
            "name": one.name,
            "owner": one.owner,
            "risk_tier": one.risk_tier,
            **{live_in(place): live.get((one.name, place), []) for place in places},
            **verdicts.get(one.name, {"verdict": None, "verdict_about": None}),
            "validated_at": validated.get(one.name),
            "revalidation_due": due.get(one.name),
            "open_findings": found[one.name],
            "purpose": one.purpose,
            "team": one.team,
            "recorded_at": one.recorded_at,
            "created_index": one.created_index,
        }
        for one in models
    ]


def _live(environment: str | None = None) -> Select[tuple[str, str, str]]:
    running = (
        select(MODEL_VERSIONS.c.name, MODEL_VERSIONS.c.version, DEPLOYMENTS.c.environment)
        .join(MODEL_VERSIONS, MODEL_VERSIONS.c.subject == DEPLOYMENTS.c.model_version)
        .where(DEPLOYMENTS.c.state == "live")
    )
    return (
        running if environment is None else running.where(DEPLOYMENTS.c.environment == environment)
    )


def _versions_live(
    connection: Connection, names: Sequence[str]
) -> dict[tuple[str, str], list[Json]]:
    found: defaultdict[tuple[str, str], list[Json]] = defaultdict(list)
    wanted = _live().where(MODEL_VERSIONS.c.name.in_(names)).distinct()
    for row in connection.execute(wanted.order_by(MODEL_VERSIONS.c.version)):
        found[row.name, row.environment].append(row.version)
    return dict(found)


def _last_verdicts(connection: Connection, names: Sequence[str]) -> dict[str, dict[str, Json]]:
    newest = (
        select(MODEL_VERSIONS.c.name, func.max(DECISIONS.c.created_index).label("newest"))
        .join(MODEL_VERSIONS, MODEL_VERSIONS.c.subject == DECISIONS.c.model_version)
        .where(MODEL_VERSIONS.c.name.in_(names))
        .group_by(MODEL_VERSIONS.c.name)
        .subquery()
    )
    found = connection.execute(
        select(
            newest.c.name, DECISIONS.c.gate, DECISIONS.c.environment, DECISIONS.c.model_version
        ).join(newest, newest.c.newest == DECISIONS.c.created_index)
    )
    return {
        row.name: {
            "verdict": row.gate,
            "verdict_about": f"{row.model_version.rpartition('/')[2]} → {row.environment}",
        }
        for row in found
    }


def _last_validated(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    """Tell when anything was last measured on any version of each model."""
    last: dict[str, str] = {}
    for evidence in (EVALUATIONS, PREDICTIONS):
        found = connection.execute(
            select(MODEL_VERSIONS.c.name, func.max(evidence.c.measured_at).label("at"))
            .join(MODEL_VERSIONS, MODEL_VERSIONS.c.subject == evidence.c.model_version)
            .where(MODEL_VERSIONS.c.name.in_(names))
            .group_by(MODEL_VERSIONS.c.name)
        )
        for row in found:
            last[row.name] = max(row.at, last.get(row.name, ""))
    return last


def _revalidation_due(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    """Tell when the first decision ends that something live of each model rests on."""
    found = connection.execute(
        select(MODEL_VERSIONS.c.name, func.min(DECISIONS.c.expires_at).label("due"))
        .join(DEPLOYMENTS, DEPLOYMENTS.c.model_version == MODEL_VERSIONS.c.subject)
        .join(DECISIONS, DECISIONS.c.id == DEPLOYMENTS.c.decision_id)
        .where(DEPLOYMENTS.c.state == "live", MODEL_VERSIONS.c.name.in_(names))
        .group_by(MODEL_VERSIONS.c.name)
    )
    return {row.name: row.due for row in found}


def _open_findings(connection: Connection) -> Counter[str]:
    """Count what was found about each model, or a version of it, and is not closed."""
    about = FINDINGS.c.about
    found = connection.execute(
        select(about, func.count().label("open"))
        .where(FINDINGS.c.closed_index.is_(None), about.startswith("model/"))
        .group_by(about)
    )
    counted: Counter[str] = Counter()
    for row in found:
        counted[row.about.split("/")[1]] += row.open
    return counted
