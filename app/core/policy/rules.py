"""What evidence a policy names and what its rules ask, named as in the policy's YAML.

The vocabulary is closed. A member that a rule does not have is refused, never ignored.
"""

# ruff: noqa: TC001 - codec.py reads these annotations at run time

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from app.core.fairness.assessment import IntervalKind
from app.core.fairness.disparities import Metric
from app.core.fairness.verdict import Op

REVIEW_LIFE = timedelta(days=14)
"""How long a review counts where the policy does not say."""


class Mode(StrEnum):
    """ENFORCE decides. WARN only warns. SHADOW is recorded and never returned as the gate."""

    ENFORCE = "enforce"
    WARN = "warn"
    SHADOW = "shadow"


class Meaning(StrEnum):
    """What a signature means (21 CFR 11.50)."""

    REVIEW = "review"
    APPROVAL = "approval"
    RESPONSIBILITY = "responsibility"
    AUTHORSHIP = "authorship"


class Part(StrEnum):
    """A part in a promotion's making that keeps a person from reviewing it."""

    SUBMITTER = "submitter"
    TRAINER = "trainer"
    EVIDENCE_PRODUCER = "evidence_producer"
    POLICY_LAST_EDITOR = "policy_last_editor"


class Bound(StrEnum):
    """What a review is bound to; a change of any dismisses it."""

    SUBJECT_DIGEST = "subject_digest"
    EVIDENCE_ROOT = "evidence_root"
    POLICY_DIGEST = "policy_digest"


@dataclass(frozen=True, slots=True)
class When:
    """The risk tiers a policy or rule is for. A model without a tier counts as every tier."""

    risk_tier: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FromProducer:
    """Only what this one recorded. ``person`` and ``service``: their id."""

    person: str | None = None
    service: str | None = None
    workload: str | None = None


@dataclass(frozen=True, slots=True)
class OnDataset:
    """Only what was measured on this dataset, by its name, or by the role it had."""

    name: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """Which evidence an alias stands for.

    Always bound to the model's digest; ``must_bind`` may add that the digest measured is
    the dataset version's registered one. ``min_coverage``: least share of the dataset's rows
    that must have been counted, 0 to 1; None: exactly all of them. ``attributes``:
    only bias reports that count by all of these. ``document`` and ``of``: for documents,
    their kind and whether the model or each dataset behind it must have one.
    """

    type: Literal["bias-report/v1", "eval-report/v1", "document/v1"]
    max_age: timedelta | None = None
    computed_by: Literal["service"] | None = None
    must_bind: tuple[Literal["model_digest", "dataset_digest"], ...] = ("model_digest",)
    producer: FromProducer | None = None
    dataset: OnDataset | None = None
    min_coverage: Decimal | None = None
    attributes: tuple[str, ...] = ()
    document: str | None = None
    of: Literal["model", "datasets"] = "model"


@dataclass(frozen=True, slots=True)
class Need:
    """``count`` people in an approval role, signing with this meaning."""

    role: str
    count: int
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class DeciderNeed:
    """The people who decide a rule that the numbers leave open, by listing it in ``accepts``.

    ``distinct_from_quorum``: none of them may fill a need of a reviews rule as well.
    """

    role: str
    count: int
    meaning: Meaning
    distinct_from_quorum: bool = False


@dataclass(frozen=True, slots=True)
class ByReview:
    """Leave it to reviewers."""

    review: DeciderNeed


Straddle: TypeAlias = ByReview | Literal["fail", "warn"]
"""When the interval holds good and bad values: reviewers decide, it fails, or it warns."""

SmallGroups: TypeAlias = ByReview | Literal["ignore", "report", "report_and_review", "deny"]
"""What groups too small to judge do. ``report_and_review`` asks the straddle's reviewers."""


@dataclass(frozen=True, slots=True)
class DecideOn:
    """Decide on the interval instead of on the point estimate. ``level``: 0 < level < 1."""

    ci: IntervalKind
    straddle: Straddle
    level: Decimal = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class MetricRule:
    """A measured number against a threshold. ``rationale``: why this number (Annex IV.4)."""

    id: str
    kind: Literal["metric"]
    from_: str
    metric: str
    op: Op
    value: Decimal
    rationale: str | None = None
    when: When | None = None


@dataclass(frozen=True, slots=True)
class BiasRule:
    """A disparity between groups against a threshold, from counts the service made.

    ``attributes``: one table each; ``intersections``: one table each. Ranges:
    ``max_unknown_share`` 0 to 1; a group is judged from ``min_group_n`` people on, with at
    least ``min_denominator`` in every rate it needs.
    """

    id: str
    kind: Literal["bias"]
    from_: str
    metric: Metric
    attributes: tuple[str, ...]
    op: Op
    value: Decimal
    intersections: tuple[tuple[str, ...], ...] = ()
    min_group_n: int = 30
    min_denominator: int = 10
    max_unknown_share: Decimal = Decimal("0.10")
    small_group: SmallGroups = "deny"
    decide_on: DecideOn | None = None
    rationale: str | None = None
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """What every dataset found must be.

    ``licence_ok``: the licence is one of the rule's ``licences`` or, where the rule lists
    none, is stated at all.
    """

    approval_status: Literal["approved"] | None = None
    licence_ok: Literal[True] | None = None


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them, and there is at least one."""

    all: Assertion


@dataclass(frozen=True, slots=True)
class AncestorsRule:
    """Every dataset the model comes from, up to ``max_depth`` edges away.

    A chain that goes on beyond ``max_depth`` is INCOMPLETE: what was not looked at is not
    proven.
    """

    id: str
    kind: Literal["lineage"]
    query: Literal["ancestors"]
    node: Literal["Dataset"]
    assert_: All
    max_depth: int = 12
    licences: tuple[str, ...] = ()
    when: When | None = None


@dataclass(frozen=True, slots=True)
class SharedRows:
    """How many rows two datasets may have in common."""

    rows_shared: int


@dataclass(frozen=True, slots=True)
class OverlapRule:
    """At most so many rows in common between the datasets of two roles."""

    id: str
    kind: Literal["lineage"]
    query: Literal["overlap"]
    between: tuple[str, ...]
    assert_: SharedRows
    when: When | None = None


@dataclass(frozen=True, slots=True)
class FreshnessRule:
    """Evidence was measured at most ``max_age`` ago."""

    id: str
    kind: Literal["freshness"]
    from_: str
    max_age: timedelta
    when: When | None = None


@dataclass(frozen=True, slots=True)
class DocumentationRule:
    """A document exists, with something in each of ``fields`` (top-level JSON members)."""

    id: str
    kind: Literal["documentation"]
    from_: str
    fields: tuple[str, ...] = ()
    when: When | None = None


@dataclass(frozen=True, slots=True)
class ReviewsRule:
    """Who has to sign. ``exclude``: whoever had one of these parts in it may not."""

    id: str
    kind: Literal["reviews"]
    need: tuple[Need, ...]
    distinct_persons: bool = True
    exclude: tuple[Part, ...] = tuple(Part)
    bind: tuple[Bound, ...] = tuple(Bound)
    expires_after: timedelta = REVIEW_LIFE
    when: When | None = None


MeasuredRule: TypeAlias = (
    MetricRule | BiasRule | AncestorsRule | OverlapRule | FreshnessRule | DocumentationRule
)
"""Answered by what is recorded; a reviews rule is answered by people."""

Rule: TypeAlias = MeasuredRule | ReviewsRule
