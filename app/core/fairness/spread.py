"""Differences and ratios between the highest and the lowest rate of a table's groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from math import inf
from typing import TYPE_CHECKING

from app.core.fairness.candidates import badness, level_of
from app.core.fairness.disparities import DEFINITIONS, Comparison
from app.core.fairness.findings import GroupFinding, TableFinding
from app.core.fairness.intervals import miettinen_nurminen, newcombe
from app.core.fairness.question import Aggregate
from app.core.fairness.verdict import Verdict, holds, judge, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.fairness.candidates import Candidate
    from app.core.fairness.cells import Group, Table
    from app.core.fairness.question import BiasQuestion
    from app.core.fairness.rates import Rate
    from app.core.fairness.verdict import Interval


@dataclass(frozen=True, slots=True)
class _Extent:
    """How far one rate spreads: None where the ratio is 0 over 0."""

    value: Fraction | None
    bounds: tuple[float, float]
    lowest: Group
    highest: Group


def spread_finding(
    table: Table, candidates: Sequence[Candidate], question: BiasQuestion
) -> TableFinding:
    """Compare the eligible rows with each other.

    The interval holds for max - min (or min / max) over all groups at once: every pair gets
    its interval at the Bonferroni-adjusted level, and the widest reach of any pair bounds
    the whole. Conservative above one pair.
    """
    empty = TableFinding(
        attributes=table.attributes,
        groups=tuple(_group(candidate) for candidate in candidates),
        n=table.n,
        unknown=table.unknown.n,
        reference=None,
        reference_named=False,
        value=None,
        interval=None,
        group=None,
        against=None,
        pairs=0,
        verdict=Verdict.INCOMPLETE,
        flips=False,
        needed=None,
        notes=("fewer than two groups are large enough to compare",),
    )
    eligible = [candidate for candidate in candidates if candidate.eligible]
    if len(eligible) < 2:  # noqa: PLR2004 - one group has nobody to differ from
        return empty
    rates = tuple(zip(*([m.rate for m in c.rates] for c in eligible), strict=True))
    pairs = len(rates) * len(eligible) * (len(eligible) - 1) // 2
    level = 1 - (1 - level_of(question)) / pairs
    groups = [candidate.row.group for candidate in eligible]
    extents = [_extent(of_one, groups, question, level) for of_one in rates]
    value = _joined([extent.value for extent in extents], question)
    interval = _interval(extents, question) if value is not None else None
    widest = _widest(extents, question)
    return replace(
        empty,
        value=value,
        interval=interval,
        group=widest.lowest,
        against=widest.highest,
        pairs=pairs,
        verdict=judge(question.op, question.value, value, interval if question.decide_on else None),
        flips=value is not None and _flips(rates, value, question),
        notes=_notes(value, pairs),
    )


def _group(candidate: Candidate) -> GroupFinding:
    return GroupFinding(
        group=candidate.row.group,
        n=candidate.row.counts.n,
        selected=candidate.row.counts.selected,
        rates=candidate.rates,
        ratio=None,
        eligible=candidate.eligible,
        small=candidate.small,
        verdict=None,
        flips=False,
        shortfall=None,
        notes=candidate.notes,
    )


def _notes(value: Fraction | None, pairs: int) -> tuple[str, ...]:
    if value is None:
        return ("every group's rate is 0: their ratio has no value",)
    if pairs == 1:
        return ()
    return (f"conservative: the interval is adjusted for {pairs} comparisons",)


def _extent(
    rates: Sequence[Rate], groups: Sequence[Group], question: BiasQuestion, level: float
) -> _Extent:
    values = [Fraction(rate.num, rate.den) for rate in rates]
    low, high = min(values), max(values)
    return _Extent(
        _disparity(low, high, question),
        _reach(rates, question, level),
        groups[values.index(low)],
        groups[values.index(high)],
    )


def _disparity(low: Fraction, high: Fraction, question: BiasQuestion) -> Fraction | None:
    if DEFINITIONS[question.metric].comparison is Comparison.DIFFERENCE:
        return high - low
    return low / high if high else None


def _reach(rates: Sequence[Rate], question: BiasQuestion, level: float) -> tuple[float, float]:
    """Bound max - min by the largest bounds of any pair, min / max by the smallest.

    A pair read the other way round has its bounds negated, or inverted, and swapped.
    """
    pairs = list(combinations(rates, 2))
    if DEFINITIONS[question.metric].comparison is Comparison.DIFFERENCE:
        bounds = [pair for a, b in pairs if (pair := newcombe(a, b, level))]
        low = max(max(lower, -upper) for lower, upper in bounds)
        return max(low, 0.0), max(max(upper, -lower) for lower, upper in bounds)
    ratios = [miettinen_nurminen(a, b, level) or (0.0, inf) for a, b in pairs]
    high = min(min(upper, _inverse(lower)) for lower, upper in ratios)
    return min(min(lower, _inverse(upper)) for lower, upper in ratios), min(high, 1.0)


def _inverse(bound: float) -> float:
    return 1 / bound if bound else inf


def _joined(values: Sequence[Fraction | None], question: BiasQuestion) -> Fraction | None:
    """Join the rates of equalized odds; a metric of one rate is its own."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if question.aggregate is Aggregate.MEAN:
        return sum(known, Fraction(0)) / len(known)
    if DEFINITIONS[question.metric].comparison is Comparison.DIFFERENCE:
        return max(known)
    return min(known)


def _interval(extents: Sequence[_Extent], question: BiasQuestion) -> Interval | None:
    lows = [extent.bounds[0] for extent in extents]
    highs = [extent.bounds[1] for extent in extents]
    if question.aggregate is Aggregate.MEAN:
        return rounded((sum(lows) / len(lows), sum(highs) / len(highs)))
    if DEFINITIONS[question.metric].comparison is Comparison.DIFFERENCE:
        return rounded((max(lows), max(highs)))
    return rounded((min(lows), min(highs)))


def _widest(extents: Sequence[_Extent], question: BiasQuestion) -> _Extent:
    return min(extents, key=lambda extent: badness(question.op, extent.value))


def _flips(rates: Sequence[Sequence[Rate]], value: Fraction, question: BiasQuestion) -> bool:
    """Whether one person decided differently, in any group, reverses the finding."""
    met = holds(question.op, value, question.value)
    spreads = [sorted(Fraction(rate.num, rate.den) for rate in of_one) for of_one in rates]
    for k, of_one in enumerate(rates):
        others = [_disparity(s[0], s[-1], question) for s in spreads]
        for rate in of_one:
            low, high = _without(spreads[k], Fraction(rate.num, rate.den))
            for moved in (rate.num - 1, rate.num + 1):
                if 0 <= moved <= rate.den:
                    there = Fraction(moved, rate.den)
                    others[k] = _disparity(min(low, there), max(high, there), question)
                    changed = _joined(others, question)
                    if changed is not None and holds(question.op, changed, question.value) != met:
                        return True
    return False


def _without(ordered: Sequence[Fraction], value: Fraction) -> tuple[Fraction, Fraction]:
    """Give the ends of ``ordered`` (two values or more) once ``value`` has left it."""
    low = ordered[1] if value == ordered[0] else ordered[0]
    high = ordered[-2] if value == ordered[-1] else ordered[-1]
    return low, high
