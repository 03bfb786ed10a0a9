"""Rules of kind ``bias``: a disparity between groups, from counts, against a threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, assert_never

from app.core.errors import EmptyGroup, SchemaMismatch
from app.core.fairness.assessment import BiasQuestion, DecideOn, SmallGroup, assess
from app.core.fairness.disparities import DEFINITIONS
from app.core.fairness.rates import RateName, decimal, written
from app.core.fairness.tally import favourable_of, parse_tally
from app.core.fairness.verdict import Verdict
from app.core.policy import codec, explain
from app.core.policy.decision import Finding, Outcome, worst
from app.core.policy.evidence import flaw
from app.core.policy.facts import BiasReport, Bounds
from app.core.policy.rules import ByReview

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from app.core.fairness.assessment import BiasAssessment
    from app.core.fairness.cells import Tally
    from app.core.fairness.verdict import Interval
    from app.core.policy.evidence import Picked
    from app.core.policy.rules import BiasRule, DeciderNeed

WITHOUT_LABELS = frozenset({RateName.FAVOURABLE, RateName.SELECTION})
"""Rates that predictions alone have; all others need to know what was true."""


def question_of(rule: BiasRule) -> BiasQuestion:
    """Put the rule as the question that ``core.fairness`` answers."""
    small, on = rule.small_group, rule.decide_on
    return BiasQuestion(
        metric=rule.metric,
        op=rule.op,
        value=rule.value,
        attributes=rule.attributes,
        intersections=rule.intersections,
        min_group_n=rule.min_group_n,
        min_denominator=rule.min_denominator,
        max_unknown_share=rule.max_unknown_share,
        small_group=(
            SmallGroup.REPORT_AND_REVIEW if isinstance(small, ByReview) else SmallGroup(small)
        ),
        decide_on=None if on is None else DecideOn(on.ci, on.level),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What one report answers of a rule.

    ``rule``: with the tables that the report counts alone. ``assessment``: a text says why
    its counts cannot be read.
    """

    item: BiasReport
    rule: BiasRule
    assessment: BiasAssessment | str


def answers(rule: BiasRule, picked: Picked) -> tuple[Answer, ...]:
    """Assess every report picked that counts what the rule asks about, in their order."""
    found = []
    for item in (one for one in picked.items if isinstance(one, BiasReport)):
        covered = [table for table in _tables(rule) if set(table) <= set(item.attributes)]
        if covered and (item.label is not None or not _needs_labels(rule)):
            asked = _restricted(rule, covered)
            found.append(Answer(item, asked, _assess(asked, item)))
    return tuple(found)


def find(rule: BiasRule, picked: Picked, as_of: datetime) -> Finding:
    """Judge every report picked that can answer; the worst one is the rule's finding.

    PASS, FAIL, INCOMPLETE (nothing picked, an attribute not counted, no label, nobody in a
    denominator), INCONCLUSIVE (raw; what becomes of it: ``_open``), ERROR (counts that
    contradict themselves or the rows counted).
    """
    wrong = flaw(picked, as_of)
    if wrong is not None:
        return wrong
    read = answers(rule, picked)
    findings = [_judge(one, picked) for one in read]
    answered = {table for one in read for table in _tables(one.rule)}
    open_tables = [table for table in _tables(rule) if table not in answered]
    if open_tables:
        message, remedy = explain.not_counted(rule, open_tables, picked, labels=_needs_labels(rule))
        outcome = Outcome.INCOMPLETE
        findings.append(Finding(outcome, outcome, message, remedy, evidence=picked.digests))
    asks = tuple(dict.fromkeys(ask for one in findings for ask in one.asks))
    found = worst(findings)
    return replace(found, asks=asks if found.outcome is Outcome.AWAITING else ())


def _needs_labels(rule: BiasRule) -> bool:
    return not WITHOUT_LABELS.issuperset(DEFINITIONS[rule.metric].rates)


def _restricted(rule: BiasRule, tables: Iterable[tuple[str, ...]]) -> BiasRule:
    covered = list(tables)
    return replace(
        rule,
        attributes=tuple(table[0] for table in covered if len(table) == 1),
        intersections=tuple(table for table in covered if len(table) > 1),
    )


def _tables(rule: BiasRule) -> list[tuple[str, ...]]:
    return [(name,) for name in rule.attributes] + list(rule.intersections)


def _assess(rule: BiasRule, item: BiasReport) -> BiasAssessment | str:
    tally = _tally(item)
    if isinstance(tally, str):
        return tally
    if tally.n != item.rows:
        return f"{tally.n} people in {item.rows} rows"
    return assess(tally, question_of(rule))


def _judge(one: Answer, picked: Picked) -> Finding:
    rule, item, assessment = one.rule, one.item, one.assessment
    if isinstance(assessment, str):
        message, remedy = explain.contradictory_counts(item, assessment, picked)
        outcome = Outcome.ERROR
        return Finding(outcome, outcome, message, remedy, evidence=(item.digest,))
    return _open(rule, assessment, _measured(rule, assessment, item, picked))


def _tally(item: BiasReport) -> Tally | str:
    """Rebuild the counts, or say what is wrong with them."""
    favourable = favourable_of(item.favourable_outcome, item.positive_label)
    cells = [codec.encode(cell) for cell in item.cells]
    try:
        return parse_tally(item.attributes, cells, favourable)
    except (SchemaMismatch, EmptyGroup) as refusal:
        return refusal.detail


def _measured(
    rule: BiasRule, assessment: BiasAssessment, item: BiasReport, picked: Picked
) -> Finding:
    table, outcome = assessment.worst, _outcome(assessment.verdict)
    group = next((row for row in table.groups if row.group == table.group), None)
    message, remedy = explain.disparity(rule, assessment, item, picked)
    return Finding(
        outcome,
        outcome,
        message,
        remedy,
        actual=None if table.value is None else written(table.value),
        op=rule.op,
        threshold=codec.measured(rule.value),
        group=None if table.group is None else explain.group(table.group),
        n=table.n if group is None else group.n,
        ci=None if table.interval is None else _bounds(table.interval),
        evidence=(item.digest,),
    )


def _bounds(interval: Interval) -> Bounds:
    high = interval.high
    return Bounds(
        decimal(Fraction(interval.low)), None if high is None else decimal(Fraction(high))
    )


def _outcome(verdict: Verdict) -> Outcome:
    match verdict:
        case Verdict.PASS:
            return Outcome.PASS
        case Verdict.FAIL:
            return Outcome.FAIL
        case Verdict.INCOMPLETE:
            return Outcome.INCOMPLETE
        case Verdict.INCONCLUSIVE:
            return Outcome.INCONCLUSIVE
        case _:
            assert_never(verdict)


def _open(rule: BiasRule, assessment: BiasAssessment, found: Finding) -> Finding:
    """Turn what the numbers leave open into what the policy says about it.

    A straddling interval fails, warns or asks reviewers; so may groups too small to judge.
    FAIL and INCOMPLETE are not open: no reviewer decides those.
    """
    asks: list[DeciderNeed] = []
    straddle = rule.decide_on.straddle if rule.decide_on else "fail"
    if found.outcome is Outcome.INCONCLUSIVE:
        if isinstance(straddle, ByReview):
            asks.append(straddle.review)
        elif straddle == "fail":
            return replace(found, outcome=Outcome.FAIL)
        else:
            found = replace(found, blocking=False)
    elif found.outcome is not Outcome.PASS:
        return found
    if assessment.small_groups:
        by = straddle if rule.small_group == "report_and_review" else rule.small_group
        if isinstance(by, ByReview):
            asks.append(by.review)
    if not asks:
        return found
    return replace(found, outcome=Outcome.AWAITING, asks=tuple(dict.fromkeys(asks)), blocking=True)
