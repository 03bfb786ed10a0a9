"""Two versions of a model side by side: what they are and what was measured on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.catalog import queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from app.catalog.values import Evaluation, ModelVersion


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about two versions; None: the version has none. ``change``: of numbers."""

    what: str
    left: str | None
    right: str | None
    change: str | None = None

    @property
    def same(self) -> bool:
        return self.left == self.right


def compare(
    connection: Connection, left: ModelVersion, right: ModelVersion
) -> tuple[Difference, ...]:
    """Compare two versions: what was registered, then each metric measured last on either."""
    return (*_registered(left, right), *_measured(connection, left, right))


def _registered(left: ModelVersion, right: ModelVersion) -> Iterator[Difference]:
    for what, name in (
        ("Artifact digest", "digest"),
        ("Artifact", "uri"),
        ("Framework", "framework"),
        ("Run", "run"),
        ("Base model", "base_model"),
        ("Registered", "recorded_at"),
    ):
        yield Difference(what, getattr(left, name), getattr(right, name))
    yield Difference("Trained on", _joined(left.trained_on), _joined(right.trained_on))
    ours, theirs = left.labels or {}, right.labels or {}
    for label in sorted({*ours, *theirs}):
        yield Difference(f"Label {label}", ours.get(label), theirs.get(label))


def _measured(
    connection: Connection, left: ModelVersion, right: ModelVersion
) -> Iterator[Difference]:
    ours = _metrics(queries.evaluations(connection, left.subject))
    theirs = _metrics(queries.evaluations(connection, right.subject))
    for what in sorted({*ours, *theirs}):
        one, other = ours.get(what), theirs.get(what)
        change = None if one is None or other is None else f"{other - one:+.6g}"
        yield Difference(what, _written(one), _written(other), change)


def _metrics(evaluations: Sequence[Evaluation]) -> dict[str, float]:
    """Name each metric with its data and slice; of several measurements the last counts."""
    found = {}
    for one in evaluations:
        for metric in one.metrics:
            part = f", {metric.slice}" if metric.slice else ""
            found[f"{metric.name} on {one.dataset_version}{part}"] = float(metric.value)
    return found


def _joined(subjects: Sequence[str]) -> str | None:
    return ", ".join(subjects) or None


def _written(value: float | None) -> str | None:
    return None if value is None else f"{value:.6g}"
