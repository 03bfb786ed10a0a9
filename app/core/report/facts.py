"""What a model audit report is composed from: everything known at one size of the log.

Times are aware UTC. Digests are ``sha256:<hex>``, leaf hashes and roots bare lower-case hex.
``index`` is always the zero-based log entry that says so; each of them, and every index
inside a decision, is among ``ReportFacts.entries``. Tuples are in log order unless said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.report.decision import Decision
    from app.core.report.logged import LoggedEntry, LogPosition, Proof
    from app.core.report.paths import LineageFacts


@dataclass(frozen=True, slots=True)
class ModelFacts:
    subject: str
    owner: str
    purpose: str
    risk_tier: str
    team: str | None
    card: str | None
    index: int


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A model version. ``trained_on``: subjects of dataset versions."""

    subject: str
    digest: str
    uri: str
    framework: str
    trained_on: tuple[str, ...]
    run: str | None
    base_model: str | None
    index: int


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run that made a version. ``finish``: entry of run.finished, None while it runs.

    ``environment`` and ``parameters``: (name, value) pairs in the order to be printed.
    """

    subject: str
    kind: str
    started_at: datetime
    finished_at: datetime | None
    status: str | None
    code: str | None
    environment: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    index: int
    finish: int | None


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    name: str
    type: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """An approval of a dataset version for use. ``revoked``: entry that ended it."""

    role: str
    approver: str
    granted_at: datetime
    conditions: str | None
    until: datetime | None
    index: int
    revoked: int | None


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A dataset version that a reported model version was trained or measured on."""

    subject: str
    owner: str
    licence: str
    description: str
    digest: str
    uri: str
    size: int
    rows: int
    columns: tuple[ColumnFacts, ...]
    derived_from: tuple[str, ...]
    approvals: tuple[ApprovalFacts, ...]
    index: int


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """One measured number. ``value``, ``low``, ``high``: decimal text as recorded."""

    name: str
    value: str
    n: int | None
    low: str | None
    high: str | None
    slice: str | None


@dataclass(frozen=True, slots=True)
class EvaluationFacts:
    model_version: str
    dataset_version: str
    role: str | None
    producer: str
    measured_at: datetime
    metrics: tuple[MetricFacts, ...]
    index: int


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """One group of a bias table.

    ``group``: (attribute, value) pairs; a value of None is "unknown".
    ``selected`` of ``n`` had the favourable outcome. ``impact``: (numerator, denominator) of
    the impact ratio, None where it is not taken; a zero denominator means undefined.
    ``low``, ``high``: interval of the impact ratio as decimal text, None where undefined.
    ``reference``: the group that the others are compared with.
    """

    group: tuple[tuple[str, str | None], ...]
    n: int
    selected: int
    impact: tuple[int, int] | None
    low: str | None
    high: str | None
    eligible: bool
    reference: bool


@dataclass(frozen=True, slots=True)
class BiasTable:
    """Counts of one upload over one attribute or intersection, as the service made them.

    ``unknown``: rows in which one of the attributes is missing. ``method``: of the interval.
    """

    model_version: str
    dataset_version: str
    attributes: tuple[str, ...]
    favourable_outcome: str
    groups: tuple[GroupFacts, ...]
    unknown: int
    notes: tuple[str, ...]
    method: str
    measured_at: datetime
    index: int


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """A recorded decision. ``document``: canonical JSON of it, as text."""

    decision: Decision
    environment: str
    promotion: str | None
    recorded_at: datetime
    document: str
    index: int


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """A signed review. ``statement_digest``: of the signed statement's bytes.

    ``single_administrator``: a counting role was granted by a sole administrator.
    ``dismissed``: entry that dismissed it, ``dismissed_because`` why.
    """

    promotion: str
    printed_name: str
    verdict: str
    meaning: str
    reason: str | None
    roles: tuple[str, ...]
    methods: tuple[str, ...]
    accepts: tuple[str, ...]
    signed_at: datetime
    statement_digest: str
    single_administrator: bool
    index: int
    dismissed: int | None = None
    dismissed_because: str | None = None


@dataclass(frozen=True, slots=True)
class PromotionFacts:
    subject: str
    model_version: str
    environment: str
    state: str
    requested_by: str
    requested_at: datetime
    index: int


class DeploymentKind(StrEnum):
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """One thing that happened to a deployment. ``ungated_because``: set if not ``gated``.

    ``gated`` means something for ``succeeded`` only.
    """

    subject: str
    environment: str
    model_version: str
    kind: DeploymentKind
    occurred_at: datetime
    recorded_at: datetime
    decision_id: str | None
    gated: bool
    ungated_because: str | None
    index: int


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    subject: str
    kind: str
    title: str
    digest: str
    size: int
    media_type: str
    index: int


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Everything a model audit report says, read at one size of the log.

    ``scope``: ``model/<name>`` or ``model/<name>/<version>``. ``as_of``: recorded_at of the
    last entry at that size, so that the same size gives the same report for ever.
    """

    document_id: str
    scope: str
    as_of: datetime
    generator: str
    log: LogPosition
    entries: tuple[LoggedEntry, ...]
    proofs: tuple[Proof, ...]
    model: ModelFacts
    versions: tuple[VersionFacts, ...]
    runs: tuple[RunFacts, ...]
    datasets: tuple[DatasetFacts, ...]
    evaluations: tuple[EvaluationFacts, ...]
    bias: tuple[BiasTable, ...]
    promotions: tuple[PromotionFacts, ...]
    decisions: tuple[DecisionFacts, ...]
    reviews: tuple[ReviewFacts, ...]
    deployments: tuple[DeploymentFacts, ...]
    documents: tuple[DocumentFacts, ...]
    lineage: LineageFacts
