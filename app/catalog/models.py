"""The tables of the catalogue. Rows leave this room only as the frozen ``values``.

``created_index`` and ``changed_index`` are entries of the log. Times are text as the log
writes them, so that they sort; columns documented as JSON hold canonical JSON.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Text
from sqlmodel import Field, SQLModel

from app.ledger.models import GIVEN, INDEX


class Origin(SQLModel):
    """Where a row comes from: the entry, when it was recorded, and who said it."""

    created_index: int = Field(index=True, sa_type=INDEX)
    recorded_at: str
    actor: str
    actor_kind: str


class DatasetRow(Origin, table=True):
    __tablename__ = "datasets"
    name: str = Field(primary_key=True)
    owner: str
    licence: str
    description: str = Field(sa_type=Text)
    team: str | None
    team_only: bool
    labels: str | None


class DatasetVersionRow(Origin, table=True):
    """``columns``, ``derived_from``, ``code`` and ``row_fingerprints`` are JSON."""

    __tablename__ = "dataset_versions"
    name: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    subject: str = Field(unique=True)
    digest: str = Field(index=True)
    uri: str
    size: int = Field(sa_type=BigInteger)
    rows: int = Field(sa_type=BigInteger)
    columns: str = Field(sa_type=Text)
    derived_from: str
    code: str | None
    documentation: str | None
    row_fingerprints: str | None = Field(sa_type=Text)
    labels: str | None
    occurred_at: str


class ApprovalRow(Origin, table=True):
    """An approval of a dataset version; ``revoked_index`` is set when it ends early."""

    __tablename__ = "dataset_approvals"
    created_index: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    subject: str = Field(index=True)
    role: str
    approver: str
    conditions: str | None = Field(sa_type=Text)
    until: str | None
    revoked_index: int | None = Field(sa_type=INDEX)
    changed_index: int = Field(sa_type=INDEX)


class DocumentRow(Origin, table=True):
    """``fields`` is JSON: member names, or null where the file is no JSON object."""

    __tablename__ = "documents"
    created_index: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    subject: str = Field(index=True)
    kind: str
    title: str
    blob: str = Field(index=True)
    media_type: str
    size: int = Field(sa_type=BigInteger)
    members: str | None = Field(sa_column=Column("fields", Text))
    labels: str | None


class ModelRow(Origin, table=True):
    __tablename__ = "models"
    name: str = Field(primary_key=True)
    owner: str
    purpose: str = Field(sa_type=Text)
    risk_tier: str
    team: str | None
    team_only: bool
    card: str | None
    labels: str | None


class ModelVersionRow(Origin, table=True):
    """``trained_on`` is JSON."""

    __tablename__ = "model_versions"
    name: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    subject: str = Field(unique=True)
    digest: str = Field(index=True)
    uri: str
    framework: str
    trained_on: str
    run: str | None
    base_model: str | None
    signature: str | None = Field(sa_type=Text)
    labels: str | None
    occurred_at: str


class RunRow(Origin, table=True):
    """``inputs``, ``outputs``, ``code``, ``environment``, ``params``, ``metrics``: JSON."""

    __tablename__ = "runs"
    subject: str = Field(primary_key=True)
    kind: str
    inputs: str = Field(sa_type=Text)
    outputs: str = Field(sa_type=Text)
    code: str | None
    environment: str | None
    params: str | None = Field(sa_type=Text)
    human: str | None
    status: str
    metrics: str | None = Field(sa_type=Text)
    cost: str | None
    started_at: str
    finished_at: str | None
    finished_by: str | None
    changed_index: int = Field(sa_type=INDEX)


class EvidenceRow(SQLModel):
    """What both kinds of evidence have. ``digest``: see ``evidence.evidence_digest``."""

    created_index: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    recorded_at: str
    actor: str
    actor_kind: str
    digest: str = Field(index=True)
    model_version: str = Field(index=True)
    dataset_version: str = Field(index=True)
    model_digest: str
    dataset_digest: str
    role: str | None
    measured_at: str


class EvaluationRow(EvidenceRow, table=True):
    """``metrics`` is JSON."""

    __tablename__ = "evaluations"
    metrics: str = Field(sa_type=Text)
    producer: str
    labels: str | None


class PredictionsRow(EvidenceRow, table=True):
    """``attributes``, ``cells`` and ``notes`` are JSON."""

    __tablename__ = "predictions"
    attributes: str
    favourable_outcome: str
    rows: int = Field(sa_type=BigInteger)
    cells: str = Field(sa_type=Text)
    counted_by: str
    label: str | None
    positive_label: str | None
    threshold: str | None
    file_digest: str | None
    notes: str


class DeploymentStepRow(Origin, table=True):
    """One event of a deployment. ``kind``: started, succeeded, failed, rolled_back, retired."""

    __tablename__ = "deployment_steps"
    __table_args__ = (Index("deployment_steps_by_time", "subject", "occurred_at", "created_index"),)
    created_index: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    subject: str
    environment: str
    name: str
    kind: str
    model_version: str = Field(index=True)
    decision_id: str | None
    target: str | None
    revision: str | None
    gated: bool | None
    ungated_because: str | None
    occurred_at: str


class DeploymentRow(SQLModel, table=True):
    """Where a deployment stands: its latest step that changed what runs.

    ``state``: live or retired. ``step_index``: the entry of that step.
    """

    __tablename__ = "deployments"
    subject: str = Field(primary_key=True)
    environment: str
    name: str
    state: str
    model_version: str = Field(index=True)
    decision_id: str | None
    target: str | None
    revision: str | None
    gated: bool | None
    ungated_because: str | None
    since: str
    step_index: int = Field(sa_type=INDEX)
    created_index: int = Field(sa_type=INDEX)
    changed_index: int = Field(sa_type=INDEX)


class PolicyRow(Origin, table=True):
    """``state``: draft, published, replaced or retired. Documents and cases are JSON."""

    __tablename__ = "policies"
    name: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    state: str = Field(index=True)
    digest: str
    document: str = Field(sa_type=Text)
    cases: str = Field(sa_type=Text)
    cases_result: str | None = Field(sa_type=Text)
    drafter: str
    publisher: str | None
    single_administrator: bool
    published_index: int | None = Field(sa_type=INDEX)
    published_at: str | None
    changed_index: int = Field(sa_type=INDEX)


class EnvironmentsRow(Origin, table=True):
    """One published list of environments; ``names`` is JSON, lowest first."""

    __tablename__ = "environments"
    created_index: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    names: str
    digest: str
    publisher: str
    drafter: str | None


class FindingRow(Origin, table=True):
    """A finding; what people wrote stays in the log. ``closed_index``: None while it is open."""

    __tablename__ = "findings"
    id: str = Field(primary_key=True)
    about: str = Field(index=True)
    severity: str
    owner: str
    due: str | None
    closed_index: int | None = Field(sa_type=INDEX)
    changed_index: int = Field(sa_type=INDEX)


class DecisionRow(Origin, table=True):
    """A gate's decision. ``used_by``: the deployment that consumed it, at ``used_index``."""

    __tablename__ = "decisions"
    id: str = Field(primary_key=True)
    model_version: str = Field(index=True)
    environment: str
    gate: str
    promotion: str | None = Field(index=True)
    decision: str = Field(sa_type=Text)
    facts: str = Field(sa_type=Text)
    decision_digest: str = Field(index=True)
    facts_digest: str
    policy_digest: str
    decided_at_size: int = Field(sa_type=INDEX)
    expires_at: str
    used_by: str | None
    used_index: int | None = Field(sa_type=INDEX)
    changed_index: int = Field(sa_type=INDEX)


class PromotionRow(Origin, table=True):
    """``state``: of ``app.core.promotion``. ``deployment``: where it went live."""

    __tablename__ = "promotions"
    id: str = Field(primary_key=True)
    model_version: str = Field(index=True)
    environment: str
    submitter: str
    from_environment: str | None
    reason: str | None = Field(sa_type=Text)
    state: str
    decision_id: str | None
    expires_at: str | None
    deployment: str | None = Field(index=True)
    changed_index: int = Field(sa_type=INDEX)
