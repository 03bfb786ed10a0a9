"""How groups fare under each bias rule: the numbers of a plot, and the table beside it.

What is plotted is what the rule was decided on, by the same question to the same counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from app.core.fairness.disparities import DEFINITIONS, Comparison
from app.core.policy import explain
from app.core.policy.answer import applies, is_for, picks_of
from app.core.policy.bias import answers
from app.core.policy.rules import BiasRule
from app.core.report.numbers import UNDEFINED, decimal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from app.core.fairness.findings import GroupFinding, Measured, TableFinding
    from app.core.fairness.verdict import Interval
    from app.core.policy.bias import Answer
    from app.core.policy.document import Policy
    from app.core.policy.facts import Facts

SMALLEST_SHOWN = 5
"""A smaller group is named and not counted out: its numbers would be about persons."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is drawn of a group. ``high`` None: the interval has no upper bound."""

    value: float
    low: float
    high: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One group. ``value``: the ratio or rate that is compared, ``low`` to ``high``.

    ``n`` and ``selected`` None: fewer than 5 people, nothing of them is shown. ``small``:
    too few to be judged. ``reference``: the others are compared with it. ``decisive``: the
    rule's verdict lies on it. ``mark``: None where there is no value.
    """

    group: str
    n: int | None
    selected: int | None
    rate: str
    value: str
    low: str | None
    high: str | None
    small: bool
    reference: bool
    decisive: bool
    verdict: str | None
    mark: Mark | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One table of one rule, from one count. ``measure``: what ``Row.value`` is.

    ``rule``: ``<policy>/<rule>``. ``index``: entry of the count. ``counted_here``: by this
    service, from predictions. ``limit``: the threshold, where
    the values of the groups are what it is about. ``earlier``:
    counts of the same that this one replaced.
    """

    rule: str
    metric: str
    by: str
    measure: str
    op: str
    threshold: str
    value: str
    low: str | None
    high: str | None
    verdict: str
    favourable_outcome: str
    dataset: str
    index: int
    digest: str
    counted_here: bool
    earlier: int
    n: int
    unknown: int
    rows: tuple[Row, ...]
    limit: float | None
    notes: tuple[str, ...]


def panels_of(policies: Iterable[Policy], facts: Facts, as_of: datetime) -> tuple[Panel, ...]:
    """Show every table of every bias rule that is about this promotion."""
    return tuple(
        panel
        for policy in sorted(policies, key=lambda one: one.name)
        if applies(policy, facts)
        for panel in _of_policy(policy, facts, as_of)
    )


def _of_policy(policy: Policy, facts: Facts, as_of: datetime) -> Iterator[Panel]:
    picks = picks_of(policy, facts, as_of)
    for rule in policy.rules:
        if not isinstance(rule, BiasRule) or not is_for(rule.when, facts):
            continue
        for one in answers(rule, picks[rule.from_]):
            if isinstance(one.assessment, str):
                continue  # its counts cannot be read; the rule's finding says why
            for table in one.assessment.tables:
                yield from _panels(f"{policy.name}/{rule.id}", one, table)


def _panels(rule_id: str, one: Answer, table: TableFinding) -> Iterator[Panel]:
    """One panel of ratios, or one for each rate that the metric compares."""
    if DEFINITIONS[one.rule.metric].comparison is Comparison.IMPACT:
        yield _panel(rule_id, one, table, None)
        return
    for place in range(len(table.groups[0].rates)):
        yield _panel(rule_id, one, table, place)


def _panel(rule_id: str, one: Answer, table: TableFinding, place: int | None) -> Panel:
    rule, item = one.rule, one.item
    measure = "impact ratio"
    if place is not None:
        measure = table.groups[0].rates[place].name.value.replace("_", " ")
    return Panel(
        rule=rule_id,
        metric=rule.metric.value.replace("_", " "),
        by=" and ".join(table.attributes).replace("_", " "),
        measure=measure,
        op=rule.op.value,
        threshold=decimal(Fraction(rule.value)),
        value=_shown(table.value),
        low=_low(table.interval),
        high=_high(table.interval),
        verdict=table.verdict.value,
        favourable_outcome=item.favourable_outcome,
        dataset=item.dataset.subject,
        index=item.index,
        digest=item.digest,
        counted_here=item.computed_by == "service",
        earlier=item.earlier_attempts,
        n=table.n,
        unknown=table.unknown,
        rows=tuple(_row(each, table, place) for each in table.groups),
        limit=float(rule.value) if place is None else None,
        notes=table.notes,
    )


def _row(one: GroupFinding, table: TableFinding, place: int | None) -> Row:
    rate = one.rates[place or 0]
    reference = one.group == table.reference and place is None
    value, interval = _compared(one, rate, ratio=place is None)
    hidden = 0 < one.n < SMALLEST_SHOWN
    if hidden:
        value, interval = None, None
    return Row(
        group=explain.group(one.group).replace("_", " "),
        n=None if hidden else one.n,
        selected=None if hidden else rate.rate.num,
        rate="not shown" if hidden else _shown(rate.rate.value),
        value="not shown" if hidden else _shown(value),
        low=_low(interval),
        high=_high(interval),
        small=not one.eligible,
        reference=reference,
        decisive=one.group in (table.group, table.against) and not reference,
        verdict=None if one.verdict is None else one.verdict.value,
        mark=None if value is None else _mark(value, interval),
        notes=one.notes,
    )


def _compared(
    one: GroupFinding, rate: Measured, *, ratio: bool
) -> tuple[Fraction | None, Interval | None]:
    """Give what the group's mark shows, and its interval."""
    if not ratio:
        return rate.rate.value, rate.interval
    return (None, None) if one.ratio is None else (one.ratio.value, one.ratio.interval)


def _shown(value: Fraction | None) -> str:
    return UNDEFINED if value is None else decimal(value)


def _low(interval: Interval | None) -> str | None:
    return None if interval is None else decimal(Fraction(interval.low))


def _high(interval: Interval | None) -> str | None:
    if interval is None:
        return None
    return "unbounded" if interval.high is None else decimal(Fraction(interval.high))


def _mark(value: Fraction, interval: Interval | None) -> Mark:
    if interval is None:
        return Mark(float(value), float(value), float(value))
    high = None if interval.high is None else float(interval.high)
    return Mark(float(value), float(interval.low), high)
