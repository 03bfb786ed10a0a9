"""What a version still needs for an environment, as tasks, by the evaluator that decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.catalog.ports import Readiness
from app.core.policy.decision import SEVERITY, Outcome
from app.web.pieces import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.core.policy.decision import Decision, MissingReview, RuleResult
    from app.gates.evaluate import Evaluate
    from app.gates.promotions import Promotions
    from app.web.callers import Caller

COMMAND = re.compile(r"`(muniment [^`]+)`")
DONE = {Outcome.PASS, Outcome.PASS_BY_REVIEW, Outcome.NOT_APPLICABLE}
STATES = {
    Outcome.PASS: ("done", "good"),
    Outcome.PASS_BY_REVIEW: ("accepted by review", "good"),
    Outcome.NOT_APPLICABLE: ("does not apply", "note"),
    Outcome.AWAITING: ("waits for people", "wait"),
    Outcome.INCOMPLETE: ("evidence is missing", "wait"),
    Outcome.INCONCLUSIVE: ("inconclusive", "wait"),
    Outcome.FAIL: ("fails", "bad"),
    Outcome.ERROR: ("evidence contradicts itself", "bad"),
}


def ready_for(evaluate: Evaluate, subject: str, environment: str) -> Readiness:
    """Decide without recording, and say what is missing. Raises Missing: no such version."""
    with evaluate.ledger.snapshot() as now:
        considered = evaluate.consider(now, subject, environment)
    decision, promotion = considered.decision, considered.promotion
    tasks = tuple(tasks_of(decision))
    return Readiness(
        gate=decision.gate.value,
        reason=decision.reason,
        tasks=tasks,
        missing=sum(one.outcome not in DONE for one in decision.rules),
        promotion=None if promotion is None else promotion.id,
        state=None if promotion is None else promotion.state,
    )


def tasks_of(decision: Decision) -> Iterator[Task]:
    """Write a decision's rules as tasks, the worst first."""
    for rule in sorted(decision.rules, key=lambda one: SEVERITY.index(one.outcome)):
        yield _task(rule, [one for one in decision.missing if one.rule == rule.id])


def _task(rule: RuleResult, reviews: Sequence[MissingReview]) -> Task:
    state, tone = STATES[rule.outcome]
    if not rule.blocking and rule.outcome not in DONE:
        state, tone = f"{state}, warns only", "note"
    who = [
        f"{one.count} more with the role {one.role}, signing with the meaning {one.meaning}"
        f" ({one.eligible} could sign now)"
        for one in reviews
    ]
    if who:
        return Task(rule.message, state, tone, hint=f"Who: {'; '.join(who)}. Rule {rule.id}.")
    command = COMMAND.search(rule.remedy or "")
    what = f"What: {rule.remedy.replace('`', '')}. " if rule.remedy else ""
    return Task(
        rule.message,
        state,
        tone,
        hint=f"{what}Rule {rule.id}.",
        command=None if command is None else command[1],
    )


def request_promotion(
    promotions: Promotions, caller: Caller, subject: str, environment: str, reason: str | None
) -> str:
    """Ask for a promotion from a page and tell its id. Raises as ``Promotions.request``."""
    opened, _ = promotions.request(caller, subject, environment, reason, "api", None)
    return opened.id
