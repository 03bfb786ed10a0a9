"""What makes a sound policy unfit to publish: it could never, or must not, decide.

An impossible gate is the commonest complaint about approval systems: two roles asked of two
people, held by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import Fault
from app.core.fairness.verdict import Op
from app.core.policy.quorum import assign, seats_of
from app.core.policy.rules import (
    BiasRule,
    ByReview,
    DocumentationRule,
    FreshnessRule,
    MetricRule,
    ReviewsRule,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from app.core.policy.document import Policy
    from app.core.policy.quorum import Seat
    from app.core.policy.rules import Rule

BETWEEN_0_AND_1 = frozenset(
    {"roc_auc", "average_precision", "accuracy", "precision", "recall", "f1", "brier"}
)
"""Metrics whose every value lies between 0 and 1, as all disparities do."""


def lint(
    policy: Policy,
    *,
    environments: Sequence[str],
    holders: Mapping[str, Collection[str]],
    submitters: Collection[str],
    drafter: str | None = None,
) -> tuple[Fault, ...]:
    """Find everything that keeps the policy from being published; pointers into its document.

    ``environments``: as published. ``holders``: approval role to the people who hold it for
    the environment. ``submitters``: people who may request promotions. ``drafter``: of the
    policy, whom ``exclude`` keeps from signing.
    """
    return (
        *_reachability(policy, environments),
        *_rationales(policy),
        *_thresholds(policy),
        *_satisfiability(policy, holders, submitters, drafter),
    )


def _reachability(policy: Policy, environments: Sequence[str]) -> Iterator[Fault]:
    move = policy.applies.transition
    for member, name in (("to", move.to), ("from", move.from_)):
        if name is not None and name not in environments:
            yield Fault(
                f"#/applies/transition/{member}",
                f"{name} is not an environment; there are: {', '.join(environments)}",
            )
    if move.from_ == move.to:
        yield Fault("#/applies/transition", "leads from an environment to itself")
    if policy.applies.when is not None and not policy.applies.when.risk_tier:
        yield Fault("#/applies/when/risk_tier", "names no risk tier, so it is for none")
    if not policy.rules:
        yield Fault("#/rules", "asks for nothing, and so denies everything")
    used = {
        rule.from_
        for rule in policy.rules
        if isinstance(rule, MetricRule | BiasRule | FreshnessRule | DocumentationRule)
    }
    for alias in policy.evidence:
        if alias not in used:
            yield Fault(f"#/evidence/{alias}", "is read by no rule")


def _rationales(policy: Policy) -> Iterator[Fault]:
    for place, rule in enumerate(policy.rules):
        if isinstance(rule, MetricRule | BiasRule) and not (rule.rationale or "").strip():
            yield Fault(f"#/rules/{place}/rationale", "say why this number (Annex IV, point 4)")


def _thresholds(policy: Policy) -> Iterator[Fault]:
    for place, rule in enumerate(policy.rules):
        if not isinstance(rule, MetricRule | BiasRule):
            continue
        if isinstance(rule, MetricRule) and rule.metric not in BETWEEN_0_AND_1:
            continue
        never = {
            Op.AT_LEAST: rule.value > 1,
            Op.ABOVE: rule.value >= 1,
            Op.AT_MOST: rule.value < 0,
            Op.BELOW: rule.value <= 0,
        }
        always = {
            Op.AT_LEAST: rule.value <= 0,
            Op.ABOVE: rule.value < 0,
            Op.AT_MOST: rule.value >= 1,
            Op.BELOW: rule.value > 1,
        }
        if never[rule.op]:
            yield Fault(f"#/rules/{place}/value", f"{rule.metric} lies in 0 to 1: never passes")
        if always[rule.op]:
            yield Fault(f"#/rules/{place}/value", f"{rule.metric} lies in 0 to 1: always passes")


def _satisfiability(
    policy: Policy,
    holders: Mapping[str, Collection[str]],
    submitters: Collection[str],
    drafter: str | None,
) -> Iterator[Fault]:
    for place, rule in enumerate(policy.rules):
        seats, distinct = _seats(policy, rule)
        if seats and not _can_be_filled(seats, distinct, holders, submitters, drafter):
            asked = ", ".join(f"{seat.need.role} ({seat.need.meaning})" for seat in seats)
            yield Fault(
                f"#/rules/{place}",
                f"nobody could meet it: {asked} cannot be filled by "
                f"{'different people' if distinct else 'people'} other than a submitter"
                + (" and the drafter" if drafter else ""),
            )


def _seats(policy: Policy, rule: Rule) -> tuple[list[Seat], bool]:
    if isinstance(rule, ReviewsRule):
        return seats_of(rule.id, rule.need), rule.distinct_persons
    if not isinstance(rule, BiasRule):
        return [], True
    straddle = rule.decide_on.straddle if rule.decide_on else None
    asked = [one.review for one in (straddle, rule.small_group) if isinstance(one, ByReview)]
    seats = seats_of(rule.id, list(dict.fromkeys(asked)))
    if any(one.distinct_from_quorum for one in asked):
        quorum = [one for one in policy.rules if isinstance(one, ReviewsRule)]
        seats += [seat for one in quorum for seat in seats_of(one.id, one.need)]
    return seats, True


def _can_be_filled(
    seats: Sequence[Seat],
    distinct: bool,  # noqa: FBT001 - the policy's own member
    holders: Mapping[str, Collection[str]],
    submitters: Collection[str],
    drafter: str | None,
) -> bool:
    """Whether somebody may submit so that others, apart from the drafter, fill every seat."""
    people = sorted({person for held in holders.values() for person in held} - {drafter})

    def filled(submitter: str, given: Sequence[Seat]) -> bool:
        def fits(person: str, seat: Seat) -> bool:
            return person != submitter and person in holders.get(seat.need.role, ())

        return len(assign(given, people, fits)) == len(given)

    by_need = [[seat for seat in seats if seat.place[0] == need] for need in _needs(seats)]
    groups = [list(seats)] if distinct else by_need
    return any(all(filled(one, group) for group in groups) for one in sorted(submitters))


def _needs(seats: Sequence[Seat]) -> list[int]:
    return list(dict.fromkeys(seat.place[0] for seat in seats))
