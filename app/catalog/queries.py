"""What the other rooms ask of the catalogue. All within the caller's one snapshot.

``size``, where it is taken: as the log was at that size; None: as it is. Answers in the
order of the log unless it says otherwise. Nothing found is None or empty, never a refusal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy import func, select

from app.catalog.reading import all_of, in_subjects, last_of, one_of, reader, selecting, up_to
from app.catalog.tables import (
    APPROVALS,
    DATASET_VERSIONS,
    DATASETS,
    DECISIONS,
    DEPLOYMENT_STEPS,
    DEPLOYMENTS,
    DOCUMENTS,
    ENVIRONMENTS,
    EVALUATIONS,
    MODEL_VERSIONS,
    MODELS,
    POLICIES,
    PREDICTIONS,
    PROMOTIONS,
    RUNS,
    from_text,
)
from app.catalog.values import (
    Approval,
    Dataset,
    DatasetVersion,
    Decision,
    Deployment,
    DeploymentStep,
    Document,
    Environments,
    Evaluation,
    Model,
    ModelVersion,
    PolicyVersion,
    Predictions,
    Promotion,
    Run,
)
from app.core.ledger.times import format_time
from app.core.promotion.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

ALLOWED = (State.ALLOWED.value, State.LIVE.value)


def dataset(connection: Connection, name: str) -> Dataset | None:
    return one_of(connection, Dataset, DATASETS, DATASETS.c.name == name)


def dataset_version(connection: Connection, subject: str) -> DatasetVersion | None:
    return one_of(
        connection, DatasetVersion, DATASET_VERSIONS, DATASET_VERSIONS.c.subject == subject
    )


def dataset_versions(connection: Connection, subjects: Iterable[str]) -> tuple[DatasetVersion, ...]:
    among = in_subjects(DATASET_VERSIONS.c.subject, subjects)
    return all_of(connection, DatasetVersion, DATASET_VERSIONS, among)


def approvals(
    connection: Connection, subjects: Iterable[str], size: int | None = None
) -> tuple[Approval, ...]:
    """Find every approval of dataset versions, the ended ones too."""
    among = in_subjects(APPROVALS.c.subject, subjects)
    return all_of(connection, Approval, APPROVALS, among, *up_to(APPROVALS, size))


def rows_shared(connection: Connection, left: str, right: str) -> int | None:
    """Count rows of ``left`` that are in ``right`` too, by fingerprint.

    None: one of the two versions gave no fingerprints.
    """
    prints = DATASET_VERSIONS.c.row_fingerprints
    found = connection.execute(
        select(DATASET_VERSIONS.c.subject, prints).where(
            DATASET_VERSIONS.c.subject.in_((left, right)), prints.is_not(None)
        )
    )
    given = {row.subject: cast("list[str]", from_text(row.row_fingerprints)) for row in found}
    if left not in given or right not in given:
        return None
    others = frozenset(given[right])
    return sum(1 for one in given[left] if one in others)


def model(connection: Connection, name: str) -> Model | None:
    return one_of(connection, Model, MODELS, MODELS.c.name == name)


def model_version(connection: Connection, subject: str) -> ModelVersion | None:
    return one_of(connection, ModelVersion, MODEL_VERSIONS, MODEL_VERSIONS.c.subject == subject)


def run(connection: Connection, subject: str) -> Run | None:
    return one_of(connection, Run, RUNS, RUNS.c.subject == subject)


def documents(
    connection: Connection, subjects: Iterable[str], size: int | None = None
) -> tuple[Document, ...]:
    among = in_subjects(DOCUMENTS.c.subject, subjects)
    return all_of(connection, Document, DOCUMENTS, among, *up_to(DOCUMENTS, size))


def evaluations(
    connection: Connection, model_version: str, size: int | None = None
) -> tuple[Evaluation, ...]:
    of_version = EVALUATIONS.c.model_version == model_version
    return all_of(connection, Evaluation, EVALUATIONS, of_version, *up_to(EVALUATIONS, size))


def predictions(
    connection: Connection, model_version: str, size: int | None = None
) -> tuple[Predictions, ...]:
    of_version = PREDICTIONS.c.model_version == model_version
    return all_of(connection, Predictions, PREDICTIONS, of_version, *up_to(PREDICTIONS, size))


def deployments(
    connection: Connection, *, environment: str | None = None, model_version: str | None = None
) -> tuple[Deployment, ...]:
    """Say what runs now, and what ran last where nothing does; by environment and name."""
    where = []
    if environment is not None:
        where.append(DEPLOYMENTS.c.environment == environment)
    if model_version is not None:
        where.append(DEPLOYMENTS.c.model_version == model_version)
    order = (DEPLOYMENTS.c.environment, DEPLOYMENTS.c.name)
    found = connection.execute(selecting(Deployment, DEPLOYMENTS).where(*where).order_by(*order))
    return tuple(map(reader(Deployment), found))


def deployments_at(
    connection: Connection,
    *,
    at: datetime | None,
    size: int,
    environment: str | None = None,
    model_version: str | None = None,
) -> tuple[Deployment, ...]:
    """Say what was live at the valid time ``at``, as the first ``size`` entries tell it.

    ``at`` None: whatever time. By environment and name; the retired ones are left out.
    """
    steps = DEPLOYMENT_STEPS.c
    changing = [steps.kind.in_(("succeeded", "rolled_back", "retired")), steps.created_index < size]
    if at is not None:
        changing.append(steps.occurred_at <= format_time(at))
    if environment is not None:
        changing.append(steps.environment == environment)
    rank = func.row_number().over(
        partition_by=steps.subject, order_by=(steps.occurred_at.desc(), steps.created_index.desc())
    )
    ranked = select(DEPLOYMENT_STEPS, rank.label("rank")).where(*changing).subquery()
    running = [ranked.c.rank == 1, ranked.c.kind != "retired"]
    if model_version is not None:
        running.append(ranked.c.model_version == model_version)
    found = connection.execute(
        select(ranked).where(*running).order_by(ranked.c.environment, ranked.c.name)
    )
    return tuple(
        Deployment(
            subject=row.subject,
            environment=row.environment,
            name=row.name,
            state="live",
            model_version=row.model_version,
            decision_id=row.decision_id,
            target=row.target,
            revision=row.revision,
            gated=row.gated,
            ungated_because=row.ungated_because,
            since=row.occurred_at,
            step_index=row.created_index,
        )
        for row in found
    )


def deployment_steps(
    connection: Connection, model_version: str, size: int | None = None
) -> tuple[DeploymentStep, ...]:
    """Find every deployment event that names a model version."""
    of_version = DEPLOYMENT_STEPS.c.model_version == model_version
    return all_of(
        connection, DeploymentStep, DEPLOYMENT_STEPS, of_version, *up_to(DEPLOYMENT_STEPS, size)
    )


def policies_in_force(connection: Connection) -> tuple[PolicyVersion, ...]:
    """Find the published policies, by the order of their drafts."""
    return all_of(connection, PolicyVersion, POLICIES, POLICIES.c.state == "published")


def policy_version(connection: Connection, name: str, version: str) -> PolicyVersion | None:
    named = (POLICIES.c.name == name) & (POLICIES.c.version == version)
    return one_of(connection, PolicyVersion, POLICIES, named)


def policy_with_digest(connection: Connection, digest: str) -> PolicyVersion | None:
    """Find a policy version by what it says, whatever became of it."""
    return one_of(connection, PolicyVersion, POLICIES, POLICIES.c.digest == digest)


def environments(connection: Connection) -> Environments | None:
    """Find the list of environments published last; None before the first."""
    return last_of(connection, Environments, ENVIRONMENTS)


def decision(connection: Connection, decision_id: str) -> Decision | None:
    return one_of(connection, Decision, DECISIONS, DECISIONS.c.id == decision_id)


def last_decision(connection: Connection, model_version: str, environment: str) -> Decision | None:
    pair = (DECISIONS.c.model_version == model_version, DECISIONS.c.environment == environment)
    return last_of(connection, Decision, DECISIONS, *pair)


def decisions(
    connection: Connection, model_version: str, size: int | None = None
) -> tuple[Decision, ...]:
    of_version = DECISIONS.c.model_version == model_version
    return all_of(connection, Decision, DECISIONS, of_version, *up_to(DECISIONS, size))


def promotion(connection: Connection, promotion_id: str) -> Promotion | None:
    return one_of(connection, Promotion, PROMOTIONS, PROMOTIONS.c.id == promotion_id)


def open_promotion(
    connection: Connection, model_version: str, environment: str
) -> Promotion | None:
    """Find the promotion of the pair that is requested, or allowed and unused."""
    pair = (PROMOTIONS.c.model_version == model_version, PROMOTIONS.c.environment == environment)
    is_open = PROMOTIONS.c.state.in_([state.value for state in OPEN])
    return last_of(connection, Promotion, PROMOTIONS, *pair, is_open)


def open_promotions(connection: Connection) -> tuple[Promotion, ...]:
    """Find every promotion that still waits to be decided."""
    return all_of(connection, Promotion, PROMOTIONS, PROMOTIONS.c.state == State.REQUESTED.value)


def decided_promotions(connection: Connection, limit: int) -> tuple[Promotion, ...]:
    """Find the promotions that wait for nobody any more, the last that changed first."""
    decided = PROMOTIONS.c.state != State.REQUESTED.value
    newest = selecting(Promotion, PROMOTIONS).where(decided)
    found = connection.execute(newest.order_by(PROMOTIONS.c.changed_index.desc()).limit(limit))
    return tuple(map(reader(Promotion), found))


def promotions(
    connection: Connection, model_version: str, size: int | None = None
) -> tuple[Promotion, ...]:
    of_version = PROMOTIONS.c.model_version == model_version
    return all_of(connection, Promotion, PROMOTIONS, of_version, *up_to(PROMOTIONS, size))


def stages(connection: Connection, model_version: str) -> tuple[str, ...]:
    """Name the environments where a version is allowed, unused or live; by name."""
    found = connection.execute(
        select(PROMOTIONS.c.environment)
        .where(PROMOTIONS.c.model_version == model_version, PROMOTIONS.c.state.in_(ALLOWED))
        .distinct()
        .order_by(PROMOTIONS.c.environment)
    )
    return tuple(found.scalars())
