"""What the catalogue answers with: frozen values, never rows.

Field names are the columns' names. Times are text as the log writes them (RFC 3339, UTC,
microseconds); digests ``sha256:<hex>``; indexes are entries of the log. ``actor`` is the
opaque id of whoever recorded it, ``actor_kind`` person, service or workload.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - read by the decoder
from dataclasses import dataclass

from app.core.events.kinds.datasets import Code, Column  # noqa: TC001 - read by the decoder
from app.core.events.kinds.models import (  # noqa: TC001 - read by the decoder
    CellCounts,
    Cost,
    Environment,
    Metric,
    RunEdge,
)
from app.core.jsonvalue import Json  # noqa: TC001 - read by the decoder


@dataclass(frozen=True, slots=True)
class Origin:
    """The entry that brought something, and who said it."""

    created_index: int
    recorded_at: str
    actor: str
    actor_kind: str


@dataclass(frozen=True, slots=True)
class Dataset(Origin):
    name: str
    owner: str
    licence: str
    description: str
    team: str | None
    team_only: bool
    labels: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class DatasetVersion(Origin):
    """``fingerprinted``: row fingerprints were given, see ``queries.rows_shared``."""

    name: str
    version: str
    subject: str
    digest: str
    uri: str
    size: int
    rows: int
    columns: tuple[Column, ...]
    derived_from: tuple[str, ...]
    code: Code | None
    documentation: str | None
    fingerprinted: bool
    labels: Mapping[str, str] | None
    occurred_at: str


@dataclass(frozen=True, slots=True)
class Approval:
    """``revoked_index``: entry that ended it early. ``until``: its own end, None for none."""

    subject: str
    role: str
    approver: str
    conditions: str | None
    until: str | None
    revoked_index: int | None
    created_index: int
    recorded_at: str


@dataclass(frozen=True, slots=True)
class Document(Origin):
    """``fields``: top-level members, None where the file is no JSON object."""

    subject: str
    kind: str
    title: str
    blob: str
    media_type: str
    size: int
    fields: tuple[str, ...] | None
    labels: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Model(Origin):
    name: str
    owner: str
    purpose: str
    risk_tier: str
    team: str | None
    team_only: bool
    card: str | None
    labels: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class ModelVersion(Origin):
    name: str
    version: str
    subject: str
    digest: str
    uri: str
    framework: str
    trained_on: tuple[str, ...]
    run: str | None
    base_model: str | None
    signature: str | None
    labels: Mapping[str, str] | None
    occurred_at: str


@dataclass(frozen=True, slots=True)
class Run(Origin):
    """``status``: running, succeeded, failed, aborted. ``finished_by``: who recorded the end."""

    subject: str
    kind: str
    inputs: tuple[RunEdge, ...]
    outputs: tuple[RunEdge, ...]
    code: Code | None
    environment: Environment | None
    params: Mapping[str, Json] | None
    human: str | None
    status: str
    metrics: Mapping[str, float] | None
    cost: Cost | None
    started_at: str
    finished_at: str | None
    finished_by: str | None
    changed_index: int


@dataclass(frozen=True, slots=True)
class Evaluation(Origin):
    """``digest``: of the evidence itself. ``measured_at`` is never after ``recorded_at``."""

    digest: str
    model_version: str
    dataset_version: str
    model_digest: str
    dataset_digest: str
    role: str | None
    metrics: tuple[Metric, ...]
    producer: str
    labels: Mapping[str, str] | None
    measured_at: str


@dataclass(frozen=True, slots=True)
class Predictions(Origin):
    """As ``Evaluation``; ``cells`` are counts, one a finest group."""

    digest: str
    model_version: str
    dataset_version: str
    model_digest: str
    dataset_digest: str
    role: str | None
    attributes: tuple[str, ...]
    favourable_outcome: str
    rows: int
    cells: tuple[CellCounts, ...]
    counted_by: str
    label: str | None
    positive_label: str | None
    threshold: str | None
    file_digest: str | None
    notes: tuple[str, ...]
    measured_at: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """What runs in one place, or ran last. ``state``: live or retired.

    ``since``: valid time of the step that made it so, recorded at entry ``step_index``.
    ``gated``: a usable decision was named; None for a roll-back, which needs none.
    """

    subject: str
    environment: str
    name: str
    state: str
    model_version: str
    decision_id: str | None
    target: str | None
    revision: str | None
    gated: bool | None
    ungated_because: str | None
    since: str
    step_index: int


@dataclass(frozen=True, slots=True)
class DeploymentStep(Origin):
    """``kind``: started, succeeded, failed, rolled_back or retired."""

    subject: str
    environment: str
    name: str
    kind: str
    model_version: str
    decision_id: str | None
    target: str | None
    revision: str | None
    gated: bool | None
    ungated_because: str | None
    occurred_at: str


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """``state``: draft, published, replaced or retired."""

    name: str
    version: str
    state: str
    digest: str
    document: Json
    cases: Json
    cases_result: Json
    drafter: str
    publisher: str | None
    single_administrator: bool
    published_index: int | None
    published_at: str | None
    created_index: int
    changed_index: int
    recorded_at: str
    actor: str


@dataclass(frozen=True, slots=True)
class Environments:
    """``names``: lowest first."""

    names: tuple[str, ...]
    digest: str
    publisher: str
    drafter: str | None
    created_index: int
    recorded_at: str


@dataclass(frozen=True, slots=True)
class Finding(Origin):
    """``about``: subject. ``due``: a day. ``closed_index``: None while it is open."""

    id: str
    about: str
    severity: str
    owner: str
    due: str | None
    closed_index: int | None
    changed_index: int


@dataclass(frozen=True, slots=True)
class Decision(Origin):
    """``used_by``: the deployment that consumed it, at entry ``used_index``."""

    id: str
    model_version: str
    environment: str
    gate: str
    promotion: str | None
    decision: Json
    facts: Json
    decision_digest: str
    facts_digest: str
    policy_digest: str
    decided_at_size: int
    expires_at: str
    used_by: str | None
    used_index: int | None


@dataclass(frozen=True, slots=True)
class Promotion(Origin):
    """``state``: of ``app.core.promotion``. ``deployment``: where it went live."""

    id: str
    model_version: str
    environment: str
    submitter: str
    from_environment: str | None
    reason: str | None
    state: str
    decision_id: str | None
    expires_at: str | None
    deployment: str | None
    changed_index: int
