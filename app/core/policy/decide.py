"""The whole procedure: policies, facts and a time in, one decision out.

1. Keep the policies that are about this promotion. 2. Pick the evidence they name and
compute what reviews must be bound to. 3. Answer each rule, first by the numbers, then by
the people. 4. Sum each policy's rules up to its gate, and the enforced gates to the worst.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from app.core.errors import Rejected
from app.core.ledger.canonical import canonical
from app.core.policy import reviews
from app.core.policy.answer import answer, applies, picks_of
from app.core.policy.codec import Digest, encode
from app.core.policy.decision import (
    SCHEMA,
    Decision,
    Engine,
    Gate,
    Outcome,
    PolicyResult,
    ReviewCount,
    Shadow,
    decision_to_json,
    digest_of,
)
from app.core.policy.document import VALID_FOR
from app.core.policy.evidence import evidence_root
from app.core.policy.facts import Bind, facts_to_json
from app.core.policy.rules import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from app.core.policy.answer import Answered
    from app.core.policy.decision import Finding
    from app.core.policy.document import Policy
    from app.core.policy.facts import Facts

ENGINE = Engine("muniment", "1")
"""The version changes whenever the same facts could be decided otherwise."""

PASSES = frozenset({Outcome.PASS, Outcome.PASS_BY_REVIEW, Outcome.NOT_APPLICABLE})

WORST_FIRST = (Gate.DENY, Gate.PENDING, Gate.ALLOW)


def decide(policies: Sequence[Policy], facts: Facts, as_of: datetime) -> Decision:
    """Decide whether the subject may be promoted.

    ``policies``: every published one, in any order; those that are not about this promotion
    are passed over. ``as_of``: aware UTC; what was recorded or signed later does not exist.
    Raises Rejected: two versions of one policy.
    """
    matching = sorted((one for one in policies if applies(one, facts)), key=lambda one: one.name)
    names = [one.name for one in matching]
    if len(set(names)) < len(names):
        raise Rejected("two versions of one policy cannot both decide")
    bind = binding(matching, facts, as_of)
    panel = reviews.Panel(facts, bind, as_of)
    answered = [answer(policy, panel) for policy in matching]
    enforced = [one for one in answered if one.policy.mode is Mode.ENFORCE]
    spoken = [one for one in answered if one.policy.mode is not Mode.SHADOW]
    gate, reason = _sum_up(enforced, facts)
    rules = tuple(rule for one in spoken for rule in one.rules)
    tallies = [tally for one in enforced for tally in one.tallies]
    decision = Decision(
        schema=SCHEMA,
        gate=gate,
        reason=reason,
        subject=facts.subject,
        transition=facts.transition,
        policies=tuple(_policy_result(one) for one in spoken),
        policy_digest=bind.policy_digest,
        bind=bind,
        engine=ENGINE,
        as_of=as_of,
        expires_at=_expiry(spoken, as_of),
        facts_digest=_digest(canonical(facts_to_json(facts))),
        decision_digest=Digest(""),
        rules=rules,
        warnings=tuple(
            rule.id for rule in rules if not rule.blocking and rule.outcome not in PASSES
        ),
        unmet=tuple(
            rule.id
            for rule in rules
            if rule.blocking and rule.outcome not in PASSES | {Outcome.AWAITING}
        ),
        missing=tuple(lacking for tally in tallies for lacking in tally.missing),
        reviews=_reviews(tallies),
        single_administrator=any(
            review.single_administrator for tally in tallies for review in tally.counted
        ),
        shadow=tuple(
            Shadow(_policy_result(one), one.rules)
            for one in answered
            if one.policy.mode is Mode.SHADOW
        ),
    )
    return replace(decision, decision_digest=digest_of(decision_to_json(decision)))


def binding(policies: Iterable[Policy], facts: Facts, as_of: datetime) -> Bind:
    """Compute what a review of this must be bound to.

    Policies in shadow mode bind nothing, nor do reviews: the second signature must not undo
    the first.
    """
    speaking = [one for one in policies if applies(one, facts) and one.mode is not Mode.SHADOW]
    picks = [pick for policy in speaking for pick in picks_of(policy, facts, as_of).values()]
    digests = encode(tuple(sorted(policy.digest for policy in speaking)))
    return Bind(facts.subject.digest, evidence_root(picks), _digest(canonical(digests)))


def gate_of(findings: Iterable[Finding]) -> Gate:
    """Sum one policy's rules up. A policy in which nothing applies and blocks denies."""
    outcomes = [one.outcome for one in findings if one.blocking]
    if all(outcome is Outcome.NOT_APPLICABLE for outcome in outcomes):
        return Gate.DENY
    unmet = {outcome for outcome in outcomes if outcome not in PASSES}
    if not unmet:
        return Gate.ALLOW
    return Gate.PENDING if unmet == {Outcome.AWAITING} else Gate.DENY


def _gate(one: Answered) -> Gate:
    return gate_of(found for _, found in one.findings)


def _policy_result(one: Answered) -> PolicyResult:
    policy = one.policy
    return PolicyResult(policy.name, policy.version, policy.digest, policy.mode, _gate(one))


def _sum_up(enforced: Sequence[Answered], facts: Facts) -> tuple[Gate, str]:
    if facts.transition.to not in facts.environments:
        return Gate.DENY, f"{facts.transition.to} is not a published environment"
    if not enforced:
        return Gate.DENY, "no policy"
    worst = min((_gate(one) for one in enforced), key=WORST_FIRST.index)
    which = ", ".join(one.policy.name for one in enforced if _gate(one) is worst)
    match worst:
        case Gate.ALLOW:
            return worst, "every blocking rule is met"
        case Gate.PENDING:
            return worst, f"waiting for people: {which}"
        case Gate.DENY:
            return worst, f"denied by {which}"
        case _:
            assert_never(worst)


def _reviews(tallies: Sequence[reviews.Tally]) -> ReviewCount:
    counted = tuple(review for tally in tallies for review in tally.counted)
    able = frozenset[str]().union(*(tally.could_sign for tally in tallies))
    return ReviewCount(
        needed=sum(tally.needed for tally in tallies),
        have=len(counted),
        eligible_count=len(able),
        counted=counted,
    )


def _expiry(spoken: Sequence[Answered], as_of: datetime) -> datetime:
    """The earliest end that still lies ahead of what the decision rests on."""
    lives = [one.policy.valid_for for one in spoken]
    ends = [as_of + min(lives, default=VALID_FOR)]
    ends += [end for one in spoken for end in one.fresh_until]
    ends += [
        found.holds_until
        for one in spoken
        for _, found in one.findings
        if found.holds_until is not None
    ]
    return min(end for end in ends if end > as_of)


def _digest(data: bytes) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")
