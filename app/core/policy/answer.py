"""One policy's answers: every rule by the numbers, then by the people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from app.core.policy import bias, documentation, evidence, freshness, lineage, metric, reviews
from app.core.policy.decision import Finding, Outcome, RuleResult
from app.core.policy.rules import (
    AncestorsRule,
    BiasRule,
    DocumentationRule,
    FreshnessRule,
    MetricRule,
    Mode,
    OverlapRule,
    ReviewsRule,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.core.policy.document import Policy
    from app.core.policy.evidence import Picked
    from app.core.policy.facts import Facts
    from app.core.policy.reviews import Panel
    from app.core.policy.rules import MeasuredRule, Rule, When


@dataclass(frozen=True, slots=True)
class Answered:
    """One policy with its rules' answers and all the evidence its aliases stand for."""

    policy: Policy
    findings: tuple[tuple[Rule, Finding], ...]
    tallies: tuple[reviews.Tally, ...]
    fresh_until: tuple[datetime, ...]

    @property
    def rules(self) -> tuple[RuleResult, ...]:
        return tuple(_result(self.policy, rule, found) for rule, found in self.findings)


def applies(policy: Policy, facts: Facts) -> bool:
    """Whether the policy is about this promotion."""
    move = policy.applies.transition
    if move.to != facts.transition.to:
        return False
    if move.from_ is not None and move.from_ != facts.transition.from_:
        return False
    return is_for(policy.applies.when, facts)


def answer(policy: Policy, panel: Panel) -> Answered:
    """Answer the policy's rules in their order, each by the numbers, then by the people."""
    facts, as_of = panel.facts, panel.as_of
    picks = picks_of(policy, facts, as_of)
    quorum = [
        rule for rule in policy.rules if isinstance(rule, ReviewsRule) and is_for(rule.when, facts)
    ]
    findings: list[tuple[Rule, Finding]] = []
    tallies: list[reviews.Tally] = []
    for rule in policy.rules:
        rule_id = f"{policy.name}/{rule.id}"
        if not is_for(rule.when, facts):
            outcome = Outcome.NOT_APPLICABLE
            message = f"is not for the risk tier {facts.subject.risk_tier}"
            findings.append((rule, Finding(outcome, outcome, message)))
            continue
        if isinstance(rule, ReviewsRule):
            tally = reviews.count(rule_id, rule, panel)
        else:
            found = _measure(rule, picks, facts, as_of)
            if not found.asks:
                findings.append((rule, found))
                continue
            tally = reviews.resolve(rule_id, found, panel, quorum)
        tallies.append(tally)
        findings.append((rule, tally.finding))
    ends = [pick.fresh_until for pick in picks.values()]
    return Answered(
        policy, tuple(findings), tuple(tallies), tuple(end for end in ends if end is not None)
    )


def _measure(
    rule: MeasuredRule, picks: Mapping[str, Picked], facts: Facts, as_of: datetime
) -> Finding:
    match rule:
        case MetricRule():
            return metric.find(rule, picks[rule.from_], as_of)
        case BiasRule():
            return bias.find(rule, picks[rule.from_], as_of)
        case FreshnessRule():
            return freshness.find(rule, picks[rule.from_], as_of)
        case DocumentationRule():
            return documentation.find(rule, picks[rule.from_], facts, as_of)
        case AncestorsRule():
            return lineage.ancestors(rule, facts.lineage, as_of)
        case OverlapRule():
            return lineage.overlap(rule, facts.lineage)
        case _:
            assert_never(rule)


def picks_of(policy: Policy, facts: Facts, as_of: datetime) -> dict[str, Picked]:
    """What each of the policy's aliases stands for."""
    return {
        alias: evidence.pick(alias, selector, facts, as_of)
        for alias, selector in policy.evidence.items()
    }


def is_for(when: When | None, facts: Facts) -> bool:
    """Whether the subject's risk tier is meant; a model without one is of every tier."""
    tier = facts.subject.risk_tier
    return when is None or tier is None or tier in when.risk_tier


def _result(policy: Policy, rule: Rule, found: Finding) -> RuleResult:
    return RuleResult(
        id=f"{policy.name}/{rule.id}",
        kind=rule.kind,
        blocking=found.blocking and policy.mode is Mode.ENFORCE,
        outcome=found.outcome,
        raw_outcome=found.raw_outcome,
        message=found.message,
        remedy=found.remedy,
        actual=found.actual,
        op=found.op,
        threshold=found.threshold,
        group=found.group,
        n=found.n,
        ci=found.ci,
        evidence=found.evidence,
    )
