"""Rules of kind ``freshness``: evidence was measured not too long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.policy import explain
from app.core.policy.codec import instant
from app.core.policy.decision import Finding, Outcome
from app.core.policy.evidence import flaw

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.policy.evidence import Picked
    from app.core.policy.rules import FreshnessRule


def find(rule: FreshnessRule, picked: Picked, as_of: datetime) -> Finding:
    """Judge the oldest item picked, by ``measured_at``; a document's is when it was recorded.

    PASS while ``as_of`` < measured_at + max_age, FAIL from then on, INCOMPLETE with nothing
    picked or unbound, ERROR where it was measured after it was recorded.
    """
    wrong = flaw(picked, as_of, any_age=True)
    if wrong is not None:
        return wrong
    oldest = min(picked.items, key=lambda item: item.measured_at)
    until = oldest.measured_at + rule.max_age
    outcome = Outcome.PASS if as_of < until else Outcome.FAIL
    message, remedy = explain.age(oldest, until, picked, is_fresh=outcome is Outcome.PASS)
    return Finding(
        outcome,
        outcome,
        message,
        remedy,
        actual=instant(oldest.measured_at),
        op="<=",
        threshold=f"{rule.max_age.total_seconds():.0f} s",
        evidence=(oldest.digest,),
        holds_until=until,
    )
