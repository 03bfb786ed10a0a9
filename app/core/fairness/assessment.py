"""A bias question put to a tally: what is asked, and what the counts answer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.fairness.cells import Group, Tally
    from app.core.fairness.disparities import Metric
    from app.core.fairness.rates import Rate, RateName
    from app.core.fairness.verdict import Interval, Op, Verdict


class Aggregate(StrEnum):
    """How equalized odds joins its two rates."""

    WORST_CASE = "worst_case"
    MEAN = "mean"


class SmallGroup(StrEnum):
    """What groups too small to judge do to the answer.

    DENY makes the table FAIL. REPORT_AND_REVIEW leaves the verdict and lists them in
    ``BiasAssessment.small_groups``: the policy turns a list that is not empty into a need.
    """

    IGNORE = "ignore"
    REPORT = "report"
    REPORT_AND_REVIEW = "report_and_review"
    DENY = "deny"


class IntervalKind(StrEnum):
    """The interval of a comparison; each metric has exactly one (``interval_kind``)."""

    MIETTINEN_NURMINEN = "miettinen-nurminen"
    NEWCOMBE = "newcombe"


@dataclass(frozen=True, slots=True)
class DecideOn:
    """Decide on the interval at ``level`` (0 < level < 1) instead of on the point estimate."""

    ci: IntervalKind
    level: Decimal = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class BiasQuestion:
    """One rule of kind ``bias``.

    ``attributes``: one table each; ``intersections``: one table each, of 2 or 3 attributes.
    ``reference``: compare with this group in the table of its attributes (impact ratio only),
    elsewhere with the most selected eligible group. ``min_share``: groups under this share of
    everybody are not judged (LL144 permits 0.02). Ranges are checked by ``check_question``.
    """

    metric: Metric
    op: Op
    value: Decimal
    attributes: tuple[str, ...]
    intersections: tuple[tuple[str, ...], ...] = ()
    min_group_n: int = 30
    min_denominator: int = 10
    min_share: Decimal = Decimal(0)
    max_unknown_share: Decimal = Decimal("0.10")
    small_group: SmallGroup = SmallGroup.REPORT
    decide_on: DecideOn | None = None
    aggregate: Aggregate = Aggregate.WORST_CASE
    reference: Group | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """One rate of one group with its Wilson interval; None where the denominator is 0."""

    name: RateName
    rate: Rate
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A group's rate over the reference's: ``num`` / ``den``, not reduced.

    ``interval`` is None where the ratio has no value and for the reference itself.
    """

    num: int
    den: int
    interval: Interval | None

    @property
    def value(self) -> Fraction | None:
        return Fraction(self.num, self.den) if self.den else None


@dataclass(frozen=True, slots=True)
class GroupFinding:
    """One row: a group with its rates and, for the impact ratio, its comparison.

    ``selected``: predicted 1. ``small``: has people, too few to judge. ``flips``: one
    person decided differently would reverse whether the point estimate meets the threshold.
    ``shortfall``: how many more favourable decisions in this group would meet it, None
    where it is met or where that is not the question.
    """

    group: Group
    n: int
    selected: int
    rates: tuple[Measured, ...]
    ratio: Compared | None
    eligible: bool
    small: bool
    verdict: Verdict | None
    flips: bool
    shortfall: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableFinding:
    """One table's answer.

    ``value``: the metric, for the impact ratio the lowest of the groups that decided the
    verdict. ``group`` and ``against``: the two groups it lies between (lower rate first, for
    the impact ratio ``against`` is the reference). ``pairs``: how many comparisons share the
    error; above 1 the interval is Bonferroni-adjusted and conservative. ``needed``: people
    per group for the interval to clear the threshold if there were no difference at all.
    """

    attributes: tuple[str, ...]
    groups: tuple[GroupFinding, ...]
    n: int
    unknown: int
    reference: Group | None
    reference_named: bool
    value: Fraction | None
    interval: Interval | None
    group: Group | None
    against: Group | None
    pairs: int
    verdict: Verdict
    flips: bool
    needed: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BiasAssessment:
    """Every table's answer and the worst of them, which is the rule's.

    ``small_groups``: groups with people but too few to judge, table by table; empty under
    ``SmallGroup.IGNORE``.
    """

    question: BiasQuestion
    tables: tuple[TableFinding, ...]
    verdict: Verdict
    worst: TableFinding
    small_groups: tuple[Group, ...]


def check_question(question: BiasQuestion) -> None:
    """Refuse a question that has no meaning.

    Raises SchemaMismatch with pointers into the rule (``#/value``, ``#/decide_on/ci``, …).
    """
    raise NotImplementedError


def assess(tally: Tally, question: BiasQuestion) -> BiasAssessment:
    """Answer ``question`` from ``tally``.

    Raises SchemaMismatch: ``check_question``, or an attribute the tally does not have.
    """
    raise NotImplementedError
