"""A policy in sentences: what it asks, in the order of its rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from app.core.policy.rules import (
    AncestorsRule,
    BiasRule,
    ByReview,
    DocumentationRule,
    FreshnessRule,
    MetricRule,
    OverlapRule,
    ReviewsRule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from app.core.policy.document import Policy
    from app.core.policy.rules import DeciderNeed, Rule, Selector, When

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one rule asks. ``more``: what it says besides."""

    id: str
    kind: str
    asks: str
    more: tuple[str, ...]


def policy_sentences(policy: Policy) -> tuple[Sentence, ...]:
    """Say what each rule of a policy asks."""
    return tuple(
        Sentence(rule.id, rule.kind, _asks(rule, policy), tuple(_more(rule)))
        for rule in policy.rules
    )


def about(policy: Policy) -> str:
    """Say which promotions a policy is about and what it does with them."""
    move = policy.applies.transition
    whence = "" if move.from_ is None else f" from {move.from_}"
    tiers = _tiers(policy.applies.when)
    does = {
        "enforce": "decides about",
        "warn": "warns about",
        "shadow": "is tried on, without effect,",
    }[policy.mode]
    valid = span(policy.valid_for)
    return f"It {does} every promotion to {move.to}{whence}{tiers}; a decision holds for {valid}."


def _asks(rule: Rule, policy: Policy) -> str:
    match rule:
        case MetricRule():
            named = _evidence(rule.from_, policy)
            return f"{rule.metric} {rule.op} {rule.value}, from {named}."
        case BiasRule():
            groups = _and([*rule.attributes, *(" with ".join(one) for one in rule.intersections)])
            named = _evidence(rule.from_, policy)
            return (
                f"{str(rule.metric).replace('_', ' ')} {rule.op} {rule.value} "
                f"between groups by {groups}, from {named}."
            )
        case AncestorsRule():
            return (
                "Every dataset that the model comes from, up to "
                f"{rule.max_depth} steps away, {_assertions(rule)}."
            )
        case OverlapRule():
            rows = rule.assert_.rows_shared
            return f"The datasets {_and(rule.between)} share at most {rows} rows."
        case FreshnessRule():
            named = _evidence(rule.from_, policy)
            return f"{named[0].upper()}{named[1:]} was measured at most {span(rule.max_age)} ago."
        case DocumentationRule():
            named = _evidence(rule.from_, policy)
            fields = f", with {_and(rule.fields)} filled in" if rule.fields else ""
            return f"There is {named}{fields}."
        case ReviewsRule():
            needs = _and(f"{one.count} in the role {one.role} ({one.meaning})" for one in rule.need)
            return f"People sign: {needs}."
        case _:
            assert_never(rule)


def _more(rule: Rule) -> Iterator[str]:
    if rule.when is not None:
        yield f"Only{_tiers(rule.when)}."
    match rule:
        case BiasRule():
            yield from _bias(rule)
        case ReviewsRule():
            if rule.exclude:
                parts = _or(one.replace("_", " ") for one in rule.exclude)
                yield f"Nobody counts who was {parts}."
            if rule.distinct_persons:
                yield "Each signature is another person's."
            yield f"A signature holds for {span(rule.expires_after)}."
        case MetricRule():
            if rule.rationale:
                yield f"Why: {rule.rationale}"
        case AncestorsRule() | OverlapRule() | FreshnessRule() | DocumentationRule():
            pass
        case _:
            assert_never(rule)


def _bias(rule: BiasRule) -> Iterator[str]:
    yield (
        f"A group is judged from {rule.min_group_n} people on, with at least "
        f"{rule.min_denominator} in every rate; at most {rule.max_unknown_share} may be unknown."
    )
    small = rule.small_group
    if isinstance(small, ByReview):
        yield f"Smaller groups are left to {_decider(small.review)}."
    else:
        yield f"Smaller groups: {small.replace('_', ' ')}."
    if rule.decide_on is not None:
        straddle = rule.decide_on.straddle
        then = (
            f"{_decider(straddle.review)} decide"
            if isinstance(straddle, ByReview)
            else f"it is a {straddle}"
        )
        yield (
            f"The {rule.decide_on.level} interval ({rule.decide_on.ci}) decides; "
            f"where it holds good and bad values, {then}."
        )
    if rule.rationale:
        yield f"Why: {rule.rationale}"


def _evidence(alias: str, policy: Policy) -> str:
    selector = policy.evidence[alias]
    what = {
        "bias-report/v1": "counted predictions",
        "eval-report/v1": "an evaluation",
        "document/v1": f"a document of kind {selector.document}",
    }[selector.type]
    return what + "".join(_picked(selector))


def _picked(selector: Selector) -> Iterator[str]:
    if selector.type == "document/v1" and selector.of == "datasets":
        yield " for each dataset behind it"
    if selector.computed_by == "service":
        yield " counted by this service"
    if selector.dataset is not None:
        yield f" on {selector.dataset.name or 'the data in the role ' + str(selector.dataset.role)}"
    if selector.max_age is not None:
        yield f" not older than {span(selector.max_age)}"
    if selector.min_coverage is not None:
        yield f" covering at least {selector.min_coverage} of the rows"
    if selector.producer is not None:
        whom = selector.producer
        yield f" recorded by {whom.person or whom.service or whom.workload}"


def _assertions(rule: AncestorsRule) -> str:
    asked = []
    if rule.assert_.all.approval_status is not None:
        asked.append("is approved for use")
    if rule.assert_.all.licence_ok is not None:
        listed = f" out of {_and(rule.licences)}" if rule.licences else ""
        asked.append(f"states a licence{listed}")
    return _and(asked)


def _decider(need: DeciderNeed) -> str:
    return f"{need.count} in the role {need.role}"


def _tiers(when: When | None) -> str:
    return "" if when is None else f" of risk tier {_or(when.risk_tier)}"


def span(time: timedelta) -> str:
    """Say a length of time in its largest whole unit."""
    seconds = int(time.total_seconds())
    for unit, name in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds % unit == 0 and seconds >= unit:
            number = seconds // unit
            return f"{number} {name}{'s' if number != 1 else ''}"
    return f"{seconds} seconds"


def _and(words: Iterable[str]) -> str:
    return _joined(list(words), "and")


def _or(words: Iterable[str]) -> str:
    return _joined(list(words), "or")


def _joined(words: list[str], last: str) -> str:
    *first, end = words or [""]
    return f"{', '.join(first)} {last} {end}" if first else end
