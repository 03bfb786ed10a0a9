"""What the counts answer: findings per group, per table, and the worst of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.fairness.cells import Group
    from app.core.fairness.question import BiasQuestion
    from app.core.fairness.rates import Rate, RateName
    from app.core.fairness.verdict import Interval, Verdict


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

    ``selected``: predicted 1. ``eligible``: large enough to be judged. ``small``: has
    people, too few to judge. ``verdict``: of this group alone, impact ratio only, None for
    the reference and for groups that are not judged. ``flips``: one person decided
    differently, here or in the reference, would reverse whether the point estimate meets
    the threshold. ``shortfall``: how many more favourable decisions in this group would meet
    it, None where it is met or where that is not the question.
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

    ``value``: the metric; for the impact ratio that of the group which decided the verdict.
    ``group`` and ``against``: the two groups it lies between (lower rate first; for the
    impact ratio ``against`` is the reference). ``pairs``: how many comparisons share the
    error; above 1 the interval is Bonferroni-adjusted and conservative. ``needed``: about
    how many people per group make the interval clear the threshold if there were no
    difference at all (ratios decided on an interval, else None).
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
