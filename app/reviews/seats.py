"""Who has to sign: each role asked for, who filled it and when, and who could."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.policy import reviews
from app.core.policy.rules import REVIEW_LIFE, Meaning
from app.core.policy.signing import asked_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from app.core.policy.decision import CountedReview, Decision
    from app.core.policy.document import Policy
    from app.core.policy.facts import Facts
    from app.core.policy.rules import Part


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that fills a seat. ``index``: its entry."""

    index: int
    name: str
    at: str
    single_administrator: bool


@dataclass(frozen=True, slots=True)
class Seat:
    """What one rule asks of one role. ``missing``: signatures that lack.

    ``could``: names of people who could sign now and have not. ``accepts``: the signature
    must take on the rule.
    """

    rule: str
    role: str
    meaning: str
    signed: tuple[Signed, ...]
    missing: int
    could: tuple[str, ...]
    accepts: bool


def seats_of(
    decision: Decision,
    policies: Iterable[Policy],
    facts: Facts,
    signed_at: Mapping[int, str],
    named: Callable[[str], str],
) -> tuple[Seat, ...]:
    """List the seats, those that lack a signature first.

    ``signed_at``: when each review was signed, by entry. ``named``: the name of a user id.
    """
    panel = reviews.Panel(facts, decision.bind, decision.as_of)
    exclude = _exclusions(policies, facts)
    lacking = {(one.rule, one.role, one.meaning): one for one in decision.missing}
    filled = [(one.rule, one.role, one.meaning) for one in decision.reviews.counted]
    seats = []
    for key in dict.fromkeys([*lacking, *filled]):
        rule, role, meaning = key
        lack = lacking.get(key)
        counted = [one for one in decision.reviews.counted if _key(one) == key]
        done = {one.reviewer for one in counted}
        able = panel.could_sign(role, exclude.get(key, reviews.EVERY_PART)) - done
        seats.append(
            Seat(
                rule,
                role,
                meaning.value,
                tuple(
                    Signed(
                        one.index,
                        named(one.reviewer),
                        signed_at[one.index],
                        one.single_administrator,
                    )
                    for one in counted
                ),
                0 if lack is None else lack.count,
                tuple(sorted(map(named, able))),
                lack is not None and lack.accepts,
            )
        )
    return tuple(seats)


def fillable(
    decision: Decision, policies: Iterable[Policy], facts: Facts, person: str
) -> tuple[Meaning, ...]:
    """Tell which meanings lack a signature that ``person`` could give and has not given."""
    panel = reviews.Panel(facts, decision.bind, decision.as_of)
    if person in panel.standing(REVIEW_LIFE):
        return ()
    exclude = _exclusions(policies, facts)
    found = {
        one.meaning
        for one in decision.missing
        if person
        in panel.could_sign(
            one.role, exclude.get((one.rule, one.role, one.meaning), reviews.EVERY_PART)
        )
    }
    return tuple(one for one in Meaning if one in found)


def _exclusions(
    policies: Iterable[Policy], facts: Facts
) -> dict[tuple[str, str, Meaning], tuple[Part, ...]]:
    return {
        (one.rule, one.need.role, one.need.meaning): one.exclude
        for one in asked_of(policies, facts)
    }


def _key(one: CountedReview) -> tuple[str, str, Meaning]:
    return one.rule, one.role, one.meaning
