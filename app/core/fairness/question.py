"""What a rule of kind ``bias`` asks."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from app.core.errors import Fault, SchemaMismatch
from app.core.fairness.disparities import DEFINITIONS, Comparison
from app.core.fairness.tally import ATTRIBUTE_LIMIT
from app.core.fairness.verdict import Op

if TYPE_CHECKING:
    from app.core.fairness.cells import Group
    from app.core.fairness.disparities import Metric


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
    everybody are not judged (LL144 permits 0.02). Ranges: ``check_question``.
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


def interval_kind(metric: Metric) -> IntervalKind:
    """Newcombe for differences, Miettinen-Nurminen for ratios."""
    match DEFINITIONS[metric].comparison:
        case Comparison.DIFFERENCE:
            return IntervalKind.NEWCOMBE
        case Comparison.IMPACT | Comparison.RATIO:
            return IntervalKind.MIETTINEN_NURMINEN
        case _ as never:
            assert_never(never)


def check_question(question: BiasQuestion) -> None:
    """Refuse a question that has no meaning, or that every model would pass.

    Raises SchemaMismatch with pointers into the rule: ``#/op`` and ``#/value`` (a difference
    stays below something under 1, a ratio above something over 0; only against a named
    reference may it be bounded from above), ``#/attributes``, ``#/intersections/<i>``,
    ``#/min_group_n`` and ``#/min_denominator`` (>= 1), ``#/min_share`` (0 to under 1),
    ``#/max_unknown_share`` (0 to 1), ``#/decide_on/ci``, ``#/decide_on/level``,
    ``#/reference``.
    """
    faults = [
        *_threshold_faults(question),
        *_table_faults(question),
        *_minimum_faults(question),
        *_interval_faults(question),
    ]
    if faults:
        raise SchemaMismatch("the bias rule cannot be answered", faults=faults)


def _threshold_faults(question: BiasQuestion) -> list[Fault]:
    if not question.value.is_finite():
        return [Fault("#/value", "a threshold is a finite number")]
    if interval_kind(question.metric) is IntervalKind.NEWCOMBE:
        if question.op not in (Op.AT_MOST, Op.BELOW):
            return [Fault("#/op", "a difference is good when it is small: <= or <")]
        if not 0 <= question.value < 1:
            return [Fault("#/value", "a difference is asked to stay below 0 to under 1")]
        return []
    if question.op not in (Op.AT_LEAST, Op.ABOVE) and question.reference is None:
        return [Fault("#/op", "a ratio is good when it is large: >= or >")]
    if question.value <= 0:
        return [Fault("#/value", "every ratio would pass a threshold of 0 or less")]
    return []


def _table_faults(question: BiasQuestion) -> list[Fault]:
    faults: list[Fault] = []
    if not question.attributes and not question.intersections:
        faults.append(Fault("#/attributes", "name at least one attribute or intersection"))
    faults += [
        Fault(f"#/intersections/{i}", f"2 to {ATTRIBUTE_LIMIT} different attributes")
        for i, names in enumerate(question.intersections)
        if not 2 <= len(set(names)) == len(names) <= ATTRIBUTE_LIMIT  # noqa: PLR2004 - said so
    ]
    if question.reference is None:
        return faults
    if DEFINITIONS[question.metric].comparison is not Comparison.IMPACT:
        faults.append(Fault("#/reference", "only the impact ratio has a reference group"))
    tables = [{name} for name in question.attributes]
    tables += [set(names) for names in question.intersections]
    if {name for name, _ in question.reference} not in tables:
        faults.append(Fault("#/reference", "none of the tables has the attributes it names"))
    return faults


def _minimum_faults(question: BiasQuestion) -> list[Fault]:
    faults: list[Fault] = []
    if question.min_group_n < 1:
        faults.append(Fault("#/min_group_n", "at least 1"))
    if question.min_denominator < 1:
        faults.append(Fault("#/min_denominator", "at least 1"))
    if not 0 <= question.min_share < 1:
        faults.append(Fault("#/min_share", "a share from 0 to under 1"))
    if not 0 <= question.max_unknown_share <= 1:
        faults.append(Fault("#/max_unknown_share", "a share from 0 to 1"))
    return faults


def _interval_faults(question: BiasQuestion) -> list[Fault]:
    if question.decide_on is None:
        return []
    faults: list[Fault] = []
    kind = interval_kind(question.metric)
    if question.decide_on.ci is not kind:
        faults.append(Fault("#/decide_on/ci", f"{question.metric} has the interval {kind}"))
    if not 0 < question.decide_on.level < 1:
        faults.append(Fault("#/decide_on/level", "a level between 0 and 1"))
    return faults
