"""Rules of kind ``lineage``: what the model comes from, and what its datasets share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.policy import explain
from app.core.policy.decision import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.core.policy.facts import Ancestor, Lineage
    from app.core.policy.rules import AncestorsRule, OverlapRule

UNSTATED = frozenset({"", "unknown", "noassertion", "none"})
"""Licences that say nothing (SPDX has NOASSERTION and NONE), in lower case."""


def ancestors(rule: AncestorsRule, lineage: Lineage, as_of: datetime) -> Finding:
    """Look at every dataset behind the model.

    FAIL if one is not as asserted, which no longer chain mends; else INCOMPLETE if there is
    none, the answer is not whole, or one lies beyond ``max_depth``; else PASS.
    """
    near = [one for one in lineage.ancestors if one.depth <= rule.max_depth]
    bad = [(one, why) for one in near for why in _objections(rule, one, as_of)]
    if bad:
        message, remedy = explain.bad_ancestors(bad)
        return _ancestry(
            rule, near, len({one.subject for one, _ in bad}), Outcome.FAIL, message, remedy, as_of
        )
    unseen = explain.unseen(rule, lineage, near)
    if unseen is not None:
        message, remedy = unseen
        return _ancestry(rule, near, 0, Outcome.INCOMPLETE, message, remedy, as_of)
    message = f"all {len(near)} datasets it comes from are as asserted"
    return _ancestry(rule, near, 0, Outcome.PASS, message, None, as_of)


def overlap(rule: OverlapRule, lineage: Lineage) -> Finding:
    """Compare the rows that the datasets of two roles share with the most that may be.

    INCOMPLETE where that could not be counted; of several answers the highest counts.
    """
    wanted = rule.assert_.rows_shared
    counts = [one.rows_shared for one in lineage.overlaps if set(one.between) == set(rule.between)]
    known = [count for count in counts if count is not None]
    shared = max(known, default=None)
    if shared is not None and shared > wanted:
        outcome = Outcome.FAIL
    elif shared is None or len(known) < len(counts):
        outcome = Outcome.INCOMPLETE
    else:
        outcome = Outcome.PASS
    message, remedy = explain.shared_rows(rule, shared, outcome)
    return Finding(
        outcome,
        outcome,
        message,
        remedy,
        actual=None if shared is None else str(shared),
        op="<=",
        threshold=str(wanted),
    )


def _objections(rule: AncestorsRule, one: Ancestor, as_of: datetime) -> Iterator[str]:
    asked = rule.assert_.all
    if asked.approval_status is not None:
        if one.approval_status == "none":
            yield "is not approved"
        elif one.approval_status == "revoked":
            yield "had its approval revoked"
        elif one.approved_until is not None and one.approved_until <= as_of:
            yield "has an approval that ran out"
    if asked.licence_ok is None:
        return
    licence = one.licence or ""
    if licence.strip().lower() in UNSTATED:
        yield "states no licence"
    elif rule.licences and licence not in rule.licences:
        yield f"has the licence {licence!r}, which is not among the policy's"


def _ancestry(
    rule: AncestorsRule,
    near: list[Ancestor],
    bad: int,
    outcome: Outcome,
    message: str,
    remedy: str | None,
    as_of: datetime,
) -> Finding:
    approved_until = [one.approved_until for one in near if one.approved_until is not None]
    asked = rule.assert_.all.approval_status is not None
    return Finding(
        outcome,
        outcome,
        message,
        remedy,
        actual=str(bad),
        op="=",
        threshold="0",
        n=len(near),
        evidence=tuple(sorted({one.digest for one in near})),
        holds_until=min((at for at in approved_until if asked and at > as_of), default=None),
    )
