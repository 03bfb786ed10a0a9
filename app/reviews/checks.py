"""The checks of a decision as a reviewer reads them: what does not pass first.

Every value stands in the decision or in its evidence; nothing is judged here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.policy.decision import SEVERITY, Outcome
from app.core.report.numbers import rounded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.core.policy.codec import Digest
    from app.core.policy.decision import Decision, RuleResult
    from app.core.policy.facts import Evidence, Facts

KINDS = {
    "bias-report/v1": "counts by group",
    "eval-report/v1": "evaluation",
    "document/v1": "document",
}
MET = frozenset({Outcome.PASS, Outcome.PASS_BY_REVIEW, Outcome.NOT_APPLICABLE})
BY_REVIEWERS = frozenset({Outcome.AWAITING, Outcome.PASS_BY_REVIEW})


@dataclass(frozen=True, slots=True)
class Cited:
    """A piece of evidence and the entry that recorded it. ``kind``: in words."""

    index: int
    digest: str
    kind: str


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement's finding. Numbers are written for reading; None where there is none.

    ``rule``: ``<policy>/<rule>``. ``met``: it does not keep the gate shut. ``open``: a
    reviewer decides it, by accepting it. ``people``: it asks for signatures.
    """

    rule: str
    kind: str
    outcome: str
    raw_outcome: str
    blocking: bool
    met: bool
    open: bool
    people: bool
    message: str
    remedy: str | None
    actual: str | None
    op: str | None
    threshold: str | None
    group: str | None
    n: int | None
    low: str | None
    high: str | None
    evidence: tuple[Cited, ...]

    @property
    def must_be_read(self) -> bool:
        """Whether an approval has to say that this was read: it was measured, and not met."""
        return not self.people and not self.met


def checks_of(decision: Decision, facts: Facts) -> tuple[Check, ...]:
    """List a decision's checks, worst first, equals in the policies' order."""
    return _checks(decision.rules, facts)


def shadow_checks_of(decision: Decision, facts: Facts) -> tuple[Check, ...]:
    """List what policies in shadow mode would have said; none of it decides."""
    return _checks((rule for one in decision.shadow for rule in one.rules), facts)


def counts_of(checks: Iterable[Check]) -> dict[str, int]:
    """Count checks by outcome, worst first; outcomes that nothing has are left out."""
    found = [one.outcome for one in checks]
    return {outcome: found.count(outcome) for outcome in SEVERITY if outcome in found}


def _checks(rules: Iterable[RuleResult], facts: Facts) -> tuple[Check, ...]:
    recorded = {one.digest: one for one in facts.evidence}
    ordered = sorted(rules, key=lambda one: SEVERITY.index(one.outcome))
    return tuple(_check(one, recorded) for one in ordered)


def _check(rule: RuleResult, recorded: dict[Digest, Evidence]) -> Check:
    ci = rule.ci
    people = rule.kind == "reviews"
    return Check(
        rule=rule.id,
        kind=rule.kind,
        outcome=rule.outcome,
        raw_outcome=rule.raw_outcome,
        blocking=rule.blocking,
        met=rule.outcome in MET,
        open=rule.outcome in BY_REVIEWERS and not people,
        people=people,
        message=rule.message,
        remedy=rule.remedy,
        actual=_written(rule.actual),
        op=rule.op,
        threshold=_written(rule.threshold),
        group=rule.group,
        n=rule.n,
        low=None if ci is None else rounded(f"{ci.low:f}"),
        high=None if ci is None or ci.high is None else rounded(f"{ci.high:f}"),
        evidence=tuple(_cited(recorded[one]) for one in rule.evidence if one in recorded),
    )


def _written(number: str | None) -> str | None:
    return None if number is None else rounded(number)


def _cited(one: Evidence) -> Cited:
    return Cited(one.index, one.digest, KINDS[one.type])
