"""Rules of kind ``metric``: a measured number against a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.fairness.verdict import Op, holds
from app.core.policy import explain
from app.core.policy.codec import measured
from app.core.policy.decision import Finding, Outcome, worst
from app.core.policy.evidence import flaw, uncovered
from app.core.policy.facts import Evaluation

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.policy.evidence import Picked
    from app.core.policy.facts import Measure
    from app.core.policy.rules import MetricRule


def find(rule: MetricRule, picked: Picked, as_of: datetime) -> Finding:
    """Judge every evaluation picked; the worst one is the rule's finding.

    PASS, FAIL, INCOMPLETE (nothing picked, not measured, wrong rows), ERROR (evidence that
    contradicts itself). An evaluation that gives the number twice is judged by the worse.
    """
    wrong = flaw(picked, as_of)
    if wrong is not None:
        return wrong
    return worst(
        _judge(rule, item, picked) for item in picked.items if isinstance(item, Evaluation)
    )


def _judge(rule: MetricRule, item: Evaluation, picked: Picked) -> Finding:
    given = [one for one in item.metrics if one.name == rule.metric and one.slice is None]
    if not given:
        message, remedy = explain.not_measured(rule, item, picked)
        return _finding(rule, item, None, Outcome.INCOMPLETE, message, remedy)
    high_is_good = rule.op in (Op.AT_LEAST, Op.ABOVE)
    given.sort(key=lambda one: one.value, reverse=not high_is_good)
    number = given[0]
    short = uncovered(number.n, item.dataset, picked.selector)
    if short is not None:
        message, remedy = explain.wrong_rows(rule, item, short)
        return _finding(rule, item, number, Outcome.INCOMPLETE, message, remedy)
    if holds(rule.op, number.value, rule.value):
        return _finding(
            rule, item, number, Outcome.PASS, explain.metric_passes(rule, item, number), None
        )
    message, remedy = explain.metric_fails(rule, item, number, picked)
    return _finding(rule, item, number, Outcome.FAIL, message, remedy)


def _finding(
    rule: MetricRule,
    item: Evaluation,
    number: Measure | None,
    outcome: Outcome,
    message: str,
    remedy: str | None,
) -> Finding:
    return Finding(
        outcome,
        outcome,
        message,
        remedy,
        actual=None if number is None else measured(number.value),
        op=rule.op,
        threshold=measured(rule.value),
        n=None if number is None else number.n,
        ci=None if number is None else number.ci,
        evidence=(item.digest,),
    )
