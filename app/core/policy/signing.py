"""Who may sign now, asked before somebody signs; the same rules count it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.policy.answer import applies, is_for
from app.core.policy.four_eyes import why_not_eligible
from app.core.policy.reviews import EVERY_PART
from app.core.policy.rules import BiasRule, ByReview, Mode, ReviewsRule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from app.core.policy.document import Policy
    from app.core.policy.facts import Facts, Role
    from app.core.policy.rules import DeciderNeed, Meaning, Need, Part, Rule


@dataclass(frozen=True, slots=True)
class Asked:
    """A need of an enforced policy, and whose parts in the promotion keep them from it.

    ``rule``: ``<policy>/<rule>``.
    """

    rule: str
    need: Need | DeciderNeed
    exclude: tuple[Part, ...]


def asked_of(policies: Iterable[Policy], facts: Facts) -> tuple[Asked, ...]:
    """Find every signature that may be asked for, whatever the numbers leave open."""
    return tuple(
        Asked(f"{policy.name}/{rule.id}", need, exclude)
        for policy in policies
        if policy.mode is Mode.ENFORCE and applies(policy, facts)
        for rule in policy.rules
        if is_for(rule.when, facts)
        for need, exclude in _needs(rule)
    )


def why_not_sign(
    policies: Iterable[Policy],
    facts: Facts,
    person: str,
    roles: Collection[Role],
    *,
    meaning: Meaning,
    as_of: datetime,
) -> tuple[str, ...]:
    """Say every reason why ``person`` may not sign with ``meaning``; empty: they may.

    ``roles``: every approval role ever granted to them. One need of one enforced policy that
    they may fill is enough.
    """
    asked = [one for one in asked_of(policies, facts) if one.need.meaning is meaning]
    if not asked:
        return (f"no policy asks for a signature that means {meaning}",)
    reasons: dict[str, None] = {}
    for one in asked:
        found = why_not_eligible(person, roles, one.need.role, facts, exclude=one.exclude, at=as_of)
        if not found:
            return ()
        reasons.update(dict.fromkeys(found))
    return tuple(reasons)


def _needs(rule: Rule) -> Iterator[tuple[Need | DeciderNeed, tuple[Part, ...]]]:
    if isinstance(rule, ReviewsRule):
        for need in rule.need:
            yield need, rule.exclude
    elif isinstance(rule, BiasRule):
        straddle = rule.decide_on.straddle if rule.decide_on else None
        for asked in (straddle, rule.small_group):
            if isinstance(asked, ByReview):
                yield asked.review, EVERY_PART
