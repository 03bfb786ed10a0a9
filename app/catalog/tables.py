"""The catalogue's tables as SQLAlchemy Core sees them, and their JSON columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from app.catalog import models
from app.core.ledger.canonical import canonical

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlmodel import SQLModel

    from app.core.jsonvalue import Json


def _table(row: type[SQLModel]) -> Table:
    return cast("Table", row.__table__)  # type: ignore[attr-defined]


DATASETS = _table(models.DatasetRow)
DATASET_VERSIONS = _table(models.DatasetVersionRow)
APPROVALS = _table(models.ApprovalRow)
DOCUMENTS = _table(models.DocumentRow)
MODELS = _table(models.ModelRow)
MODEL_VERSIONS = _table(models.ModelVersionRow)
RUNS = _table(models.RunRow)
EVALUATIONS = _table(models.EvaluationRow)
PREDICTIONS = _table(models.PredictionsRow)
DEPLOYMENT_STEPS = _table(models.DeploymentStepRow)
DEPLOYMENTS = _table(models.DeploymentRow)
POLICIES = _table(models.PolicyRow)
ENVIRONMENTS = _table(models.EnvironmentsRow)
FINDINGS = _table(models.FindingRow)
DECISIONS = _table(models.DecisionRow)
PROMOTIONS = _table(models.PromotionRow)

TABLES = (
    DATASETS,
    DATASET_VERSIONS,
    APPROVALS,
    DOCUMENTS,
    MODELS,
    MODEL_VERSIONS,
    RUNS,
    EVALUATIONS,
    PREDICTIONS,
    DEPLOYMENT_STEPS,
    DEPLOYMENTS,
    POLICIES,
    ENVIRONMENTS,
    FINDINGS,
    DECISIONS,
    PROMOTIONS,
)


def as_text(value: Json) -> str:
    """Write a JSON column."""
    return canonical(value).decode()


def maybe_text(value: Json) -> str | None:
    """Write a JSON column that may be empty."""
    return None if value is None else as_text(value)


def from_text(text: str) -> Json:
    """Read a JSON column."""
    return cast("Json", json.loads(text))
