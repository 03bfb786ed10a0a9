"""Rules of kind ``reviews``, and what else people decide: whose signature counts for what.

A review counts while it is bound to what is decided now, has not expired, and its signer
may sign. A later one by the same person replaces it whatever it says. Rejecting takes the
same standing as approving.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.core.policy import explain
from app.core.policy.decision import CountedReview, Finding, MissingReview, Outcome
from app.core.policy.four_eyes import usable_role, why_not_eligible
from app.core.policy.quorum import Seat, assign, seats_of
from app.core.policy.rules import REVIEW_LIFE, Part

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from app.core.policy.facts import Bind, Facts, Review
    from app.core.policy.rules import DeciderNeed, Need, ReviewsRule

TWO_FACTORS = frozenset({"password+totp", "passkey"})
"""How a signer may have been recognised. A token or an open session signs nothing."""

EVERY_PART = tuple(Part)


@dataclass(frozen=True, slots=True)
class Panel:
    """What was signed, seen at ``as_of``, and what it has to be bound to."""

    facts: Facts
    bind: Bind
    as_of: datetime

    def standing(self, life: timedelta) -> dict[str, Review]:
        """The one review of each person that still counts, by reviewer."""
        latest: dict[str, Review] = {}
        for review in sorted(self.facts.reviews, key=lambda one: one.index):
            if review.signed_at <= self.as_of:
                latest[review.reviewer] = review
        return {
            person: review
            for person, review in latest.items()
            if review.bind == self.bind
            and review.auth in TWO_FACTORS
            and self.as_of < review.signed_at + life
        }

    def may(self, review: Review, role: str, exclude: Collection[Part]) -> bool:
        """Whether its signer was and is allowed to decide in ``role``."""
        return not why_not_eligible(
            review.reviewer,
            review.roles,
            role,
            self.facts,
            exclude=exclude,
            at=review.signed_at,
            now=self.as_of,
        )

    def could_sign(self, role: str, exclude: Collection[Part]) -> frozenset[str]:
        """Everybody who could sign in ``role`` now."""
        return frozenset(
            person.id
            for person in self.facts.holders
            if not why_not_eligible(
                person.id, person.roles, role, self.facts, exclude=exclude, at=self.as_of
            )
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """A rule's finding together with the signatures that count for it and those that lack.

    ``expires_at``: when the first counted signature expires. ``could_sign``: who could.
    """

    finding: Finding
    counted: tuple[CountedReview, ...]
    missing: tuple[MissingReview, ...]
    needed: int
    could_sign: frozenset[str]


def count(rule_id: str, rule: ReviewsRule, panel: Panel) -> Tally:
    """Count the signatures for a reviews rule: PASS, AWAITING, or FAIL (rejected).

    ``rule_id``: ``<policy>/<rule>``.
    """
    standing = panel.standing(rule.expires_after)
    filled = _fill(
        seats_of(rule_id, rule.need), standing, panel, rule.exclude, distinct=rule.distinct_persons
    )
    blocker = _blocker(standing, rule.need, panel, rule.exclude)
    tally = _tally(rule_id, rule.need, filled, panel, rule.exclude, standing, accepts=False)
    return replace(tally, finding=_finding(tally, blocker, standing, rule.expires_after))


def resolve(rule_id: str, found: Finding, panel: Panel, quorum: Sequence[ReviewsRule]) -> Tally:
    """Let reviewers decide what ``found.asks`` leaves to them.

    ``quorum``: the reviews rules of the same policy. A need that is ``distinct_from_quorum``
    takes nobody who is needed to fill those. AWAITING, PASS_BY_REVIEW or FAIL (rejected);
    ``raw_outcome`` stays.
    """
    life = min((rule.expires_after for rule in quorum), default=REVIEW_LIFE)
    standing = panel.standing(life)
    seats = seats_of(rule_id, found.asks, accepts=True)
    apart = [seat for seat in seats if found.asks[seat.place[0]].distinct_from_quorum]
    shared = [seat for seat in seats if seat not in apart]
    filled = _fill(shared, standing, panel, EVERY_PART, distinct=True)
    before = [seat for rule in quorum for seat in seats_of("", rule.need)] if apart else []
    together = _fill(before + apart, standing, panel, EVERY_PART, distinct=True)
    filled |= {seat: person for seat, person in together.items() if seat.accepts}
    tally = _tally(rule_id, found.asks, filled, panel, EVERY_PART, standing, accepts=True)
    blocker = _blocker(standing, found.asks, panel, EVERY_PART)
    if blocker is not None and blocker.decision == "reject":
        message, remedy = explain.blocked_by(blocker.reviewer, rejected=True)
        outcome = Outcome.FAIL
    elif tally.missing or blocker is not None:
        message, remedy = explain.left_to_reviewers(found.message, rule_id, tally.missing)
        outcome = Outcome.AWAITING
    else:
        who = ", ".join(sorted({one.reviewer for one in tally.counted}))
        message, remedy = f"{found.message}; accepted by {who}", None
        outcome = Outcome.PASS_BY_REVIEW
    ends = [standing[one.reviewer].signed_at + life for one in tally.counted]
    return replace(
        tally,
        finding=replace(
            found,
            outcome=outcome,
            message=message,
            remedy=remedy,
            holds_until=min(ends, default=None),
        ),
    )


def _fill(
    seats: Sequence[Seat],
    standing: dict[str, Review],
    panel: Panel,
    exclude: Collection[Part],
    *,
    distinct: bool,
) -> dict[Seat, str]:
    def fits(person: str, seat: Seat) -> bool:
        review = standing[person]
        return (
            review.decision == "approve"
            and review.meaning is seat.need.meaning
            and (not seat.accepts or seat.rule in review.accepts)
            and panel.may(review, seat.need.role, exclude)
        )

    people = sorted(standing)
    if distinct:
        return dict(assign(seats, people, fits))
    filled: dict[Seat, str] = {}
    for need in dict.fromkeys(seat.place[0] for seat in seats):
        filled |= assign([seat for seat in seats if seat.place[0] == need], people, fits)
    return filled


def _blocker(
    standing: dict[str, Review],
    needs: Sequence[Need | DeciderNeed],
    panel: Panel,
    exclude: Collection[Part],
) -> Review | None:
    """The review that stands in the way, a rejection before a request for changes."""
    against = [
        review
        for _, review in sorted(standing.items())
        if review.decision != "approve"
        and any(panel.may(review, need.role, exclude) for need in needs)
    ]
    against.sort(key=lambda review: review.decision != "reject")
    return against[0] if against else None


def _tally(
    rule_id: str,
    needs: Sequence[Need | DeciderNeed],
    filled: dict[Seat, str],
    panel: Panel,
    exclude: Collection[Part],
    standing: dict[str, Review],
    *,
    accepts: bool,
) -> Tally:
    signed = frozenset(filled.values())
    could = {need.role: panel.could_sign(need.role, exclude) for need in needs}
    missing = []
    for place, need in enumerate(needs):
        have = sum(seat.place[0] == place for seat in filled)
        if have < need.count:
            missing.append(
                MissingReview(
                    rule_id,
                    need.role,
                    need.meaning,
                    need.count - have,
                    accepts,
                    len(could[need.role] - signed),
                )
            )
    counted = sorted(
        (_counted(standing[person], seat, panel, rule_id) for seat, person in filled.items()),
        key=lambda one: (one.reviewer, one.role),
    )
    return Tally(
        finding=Finding(Outcome.PASS, Outcome.PASS, ""),
        counted=tuple(counted),
        missing=tuple(missing),
        needed=sum(need.count for need in needs),
        could_sign=frozenset().union(*could.values()),
    )


def _counted(review: Review, seat: Seat, panel: Panel, rule_id: str) -> CountedReview:
    role = usable_role(review.roles, seat.need.role, panel.facts, review.signed_at, panel.as_of)
    return CountedReview(
        review.index,
        review.reviewer,
        rule_id,
        seat.need.role,
        review.meaning,
        single_administrator=role is None or role.single_administrator,
    )


def _finding(
    tally: Tally, blocker: Review | None, standing: dict[str, Review], life: timedelta
) -> Finding:
    have = len(tally.counted)
    if blocker is not None:
        rejected = blocker.decision == "reject"
        outcome = Outcome.FAIL if rejected else Outcome.AWAITING
        message, remedy = explain.blocked_by(blocker.reviewer, rejected=rejected)
    elif tally.missing:
        outcome = Outcome.AWAITING
        message, remedy = explain.waiting(tally.missing)
    else:
        who = ", ".join(f"{one.reviewer} ({one.role})" for one in tally.counted)
        outcome, message, remedy = Outcome.PASS, f"signed by {who}", None
    ends = [standing[one.reviewer].signed_at + life for one in tally.counted]
    return Finding(
        outcome,
        outcome,
        message,
        remedy,
        actual=str(have),
        op=">=",
        threshold=str(tally.needed),
        holds_until=min(ends, default=None),
    )
