"""Events about models, the runs that make them, and what was measured of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.core.events.kinds.datasets import Code
from app.core.jsonvalue import Json


@dataclass(frozen=True, slots=True)
class Artifact:
    """Where a model's bytes lie. ``digest``: ``sha256:<hex>``."""

    digest: str
    uri: str


@dataclass(frozen=True, slots=True)
class RunEdge:
    """One input or output of a run. ``role``: such as ``train_set`` or ``model``."""

    subject: str
    role: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """What a run ran in. ``packages`` and ``image``: digests of a lock file, of an image."""

    python: str | None = None
    packages: str | None = None
    image: str | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run cost. Seconds of processor time, and an amount of money if known."""

    cpu_s: float | None = None
    gpu_s: float | None = None
    amount: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run began, under ``run/<id>``. ``human``: user id of whoever triggered it."""

    TYPE: ClassVar[str] = "run.started.v1"
    kind: str
    inputs: tuple[RunEdge, ...]
    code: Code | None = None
    environment: Environment | None = None
    params: Mapping[str, Json] | None = None
    human: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ended. ``status``: ``succeeded``, ``failed`` or ``aborted``."""

    TYPE: ClassVar[str] = "run.finished.v1"
    status: str
    outputs: tuple[RunEdge, ...]
    inputs: tuple[RunEdge, ...] = ()
    metrics: Mapping[str, float] | None = None
    cost: Cost | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ModelRegistered:
    """A model exists, under ``model/<name>``. ``risk_tier``: low, limited, high."""

    TYPE: ClassVar[str] = "model.registered.v1"
    owner: str
    purpose: str
    risk_tier: str
    team: str | None = None
    team_only: bool = False
    card: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ModelVersionRegistered:
    """Exactly this artifact is version ``model/<name>/<version>``.

    ``trained_on``: subjects of dataset versions. ``run``: subject of the run that made it.
    ``base_model``: subject of the model version it was tuned from.
    """

    TYPE: ClassVar[str] = "model.version_registered.v1"
    artifact: Artifact
    framework: str
    trained_on: tuple[str, ...]
    run: str | None = None
    base_model: str | None = None
    signature: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number. ``n``: what it was measured on. ``ci``: low and high."""

    name: str
    value: float
    n: int | None = None
    ci: tuple[float, ...] | None = None
    slice: str | None = None


@dataclass(frozen=True, slots=True)
class EvaluationRecorded:
    """A model version was measured on a dataset version.

    ``model_version``, ``dataset_version``: subjects; both digests bind what was measured.
    ``producer``: who says so, in their own words. ``measured_at``: RFC 3339 UTC, default
    the event's time. ``role``: of the dataset, such as ``eval_set``.
    """

    TYPE: ClassVar[str] = "evaluation.recorded.v1"
    model_version: str
    dataset_version: str
    model_digest: str
    dataset_digest: str
    metrics: tuple[Metric, ...]
    producer: str
    role: str | None = None
    measured_at: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CellCounts:
    """The counts of one finest group; ``group`` maps attribute to value.

    A missing value is JSON null. Either the four cells of a contingency table are given,
    or ``n`` and ``selected`` where no label is known.
    """

    group: Mapping[str, str | None]
    n: int
    selected: int
    tp: int | None = None
    fp: int | None = None
    fn: int | None = None
    tn: int | None = None


@dataclass(frozen=True, slots=True)
class PredictionsRecorded:
    """What the service counted in an upload of predictions; the rows are not kept.

    ``cells``: one a group, finest grouping (withheld from public bundles as a whole).
    ``favourable_outcome``: the value that is good for the person. ``rows``: rows counted.
    ``file_digest``: ``sha256:<hex>`` of the upload, None where cells were posted.
    """

    TYPE: ClassVar[str] = "predictions.recorded.v1"
    model_version: str
    dataset_version: str
    model_digest: str
    dataset_digest: str
    attributes: tuple[str, ...]
    favourable_outcome: str
    rows: int
    cells: tuple[CellCounts, ...]
    counted_by: str
    label: str | None = None
    positive_label: str | None = None
    threshold: str | None = None
    file_digest: str | None = None
    role: str | None = None
    measured_at: str | None = None
    notes: tuple[str, ...] = ()
