"""Whom each promotion waits for: yours to decide, others', and what was decided lately."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from app.catalog import queries
from app.catalog.moments import read_time
from app.catalog.visible import sees_about
from app.core.events.envelope import version_of
from app.core.ledger.times import format_time
from app.core.policy.decision import decision_from_json
from app.core.promotion.states import State
from app.core.promotion.states import shown as shown_state
from app.reviews.checks import MET
from app.reviews.moved import moved
from app.reviews.notes import seen
from app.reviews.seats import fillable
from app.reviews.sheet import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from app.catalog import values
    from app.core.jsonvalue import Json
    from app.core.policy.decision import Decision
    from app.ledger.snapshot import Snapshot
    from app.reviews.submit import Reviews
    from app.web.callers import Caller

RECENT = 20


class Group(StrEnum):
    YOURS = "yours"
    OTHERS = "others"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Item:
    """One promotion. ``met`` of ``checks`` measured rules are met; ``signed`` of ``needed``.

    ``yours``: meanings that lack your signature. ``waits_for``: whom it lacks. ``due``: when
    the decision on record ends; ``overdue``: that is past. ``moved``: how many things are
    not as when you last looked, None where you never did. ``at``: when it was asked for, or
    last changed where it is decided.
    """

    group: Group
    id: str
    subject: str
    environment: str
    asked_by: str
    risk_tier: str
    state: str
    met: int
    checks: int
    signed: int
    needed: int
    yours: tuple[str, ...]
    waits_for: str
    due: str | None
    overdue: bool
    moved: int | None
    at: str

    def to_json(self) -> dict[str, Json]:
        """Write a row of the list as it is downloaded."""
        return {
            "group": self.group.value,
            "id": self.id,
            "subject": self.subject,
            "environment": self.environment,
            "asked_by": self.asked_by,
            "risk_tier": self.risk_tier,
            "state": self.state,
            "checks_met": self.met,
            "checks": self.checks,
            "signed": self.signed,
            "needed": self.needed,
            "yours": list(self.yours),
            "waits_for": self.waits_for,
            "due": self.due,
            "overdue": self.overdue,
            "changed_since_you_looked": self.moved,
            "at": self.at,
        }


COLUMNS = (
    "group", "id", "subject", "environment", "asked_by", "risk_tier", "state", "checks_met",
    "checks", "signed", "needed", "yours", "waits_for", "due", "overdue",
    "changed_since_you_looked", "at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the inbox is shown; an empty text asks for anything."""

    group: str = ""
    model: str = ""
    environment: str = ""
    risk_tier: str = ""

    def takes(self, item: Item) -> bool:
        """Tell whether an item is asked for."""
        pairs = (
            (self.group, item.group.value),
            (self.model, version_of(item.subject)[1]),
            (self.environment, item.environment),
            (self.risk_tier, item.risk_tier),
        )
        return all(not asked or asked == given for asked, given in pairs)


def inbox_of(now: Snapshot, reviews: Reviews, caller: Caller, at: datetime) -> tuple[Item, ...]:
    """List what the caller sees: theirs, others', decided; in each the overdue ones first."""
    named = names(now.connection)
    found = [
        *_waiting(now, reviews, caller, at, named),
        *_decided(now, caller, named),
    ]
    order = list(Group)
    found.sort(key=lambda one: (order.index(one.group), not one.overdue))
    return tuple(found)


def _waiting(
    now: Snapshot,
    reviews: Reviews,
    caller: Caller,
    at: datetime,
    named: Callable[[str], str],
) -> Iterator[Item]:
    person = caller.person or ""
    for promotion, model in _seen(now, caller, queries.open_promotions(now.connection)):
        shown = reviews.show(now, promotion.id, person)
        considered, decision = shown.considered, shown.considered.decision
        yours = fillable(decision, considered.policies, considered.facts, person)
        last = queries.last_decision(now.connection, promotion.model_version, promotion.environment)
        due = None if last is None or last.promotion != promotion.id else last.expires_at
        before = seen(now.connection, person, promotion.id)
        state = shown_state(
            State(promotion.state), only_people_missing=decision.gate.value == "PENDING"
        )
        met, checks = _met(decision)
        yield Item(
            group=Group.YOURS if yours else Group.OTHERS,
            id=promotion.id,
            subject=promotion.model_version,
            environment=promotion.environment,
            asked_by=named(promotion.submitter),
            risk_tier=model.risk_tier,
            state=state,
            met=met,
            checks=checks,
            signed=decision.reviews.have,
            needed=decision.reviews.needed,
            yours=tuple(one.value for one in yours),
            waits_for=_waits_for(decision),
            due=due,
            overdue=due is not None and read_time(due) <= at,
            moved=len(moved(before[-1].view, shown.view)) if before else None,
            at=promotion.recorded_at,
        )


def _decided(now: Snapshot, caller: Caller, named: Callable[[str], str]) -> Iterator[Item]:
    recent = queries.decided_promotions(now.connection, RECENT)
    for promotion, model in _seen(now, caller, recent):
        stored = None
        if promotion.decision_id is not None:
            stored = queries.decision(now.connection, promotion.decision_id)
        met, checks, signed, needed = 0, 0, 0, 0
        if stored is not None:
            decision = decision_from_json(cast("Mapping[str, Json]", stored.decision))
            met, checks = _met(decision)
            signed, needed = decision.reviews.have, decision.reviews.needed
        yield Item(
            group=Group.DECIDED,
            id=promotion.id,
            subject=promotion.model_version,
            environment=promotion.environment,
            asked_by=named(promotion.submitter),
            risk_tier=model.risk_tier,
            state=promotion.state,
            met=met,
            checks=checks,
            signed=signed,
            needed=needed,
            yours=(),
            waits_for="",
            due=promotion.expires_at,
            overdue=False,
            moved=None,
            at=format_time(now.entry(promotion.changed_index).recorded_at),
        )


def _seen(
    now: Snapshot, caller: Caller, promotions: Iterable[values.Promotion]
) -> Iterator[tuple[values.Promotion, values.Model]]:
    for promotion in promotions:
        model = queries.model(now.connection, version_of(promotion.model_version)[1])
        if model is not None and sees_about(
            caller.sight, model, promotion.model_version, promotion.environment
        ):
            yield promotion, model


def _met(decision: Decision) -> tuple[int, int]:
    """Count what was measured: how many rules are met, of how many."""
    measured = [one for one in decision.rules if one.kind != "reviews"]
    return sum(one.outcome in MET for one in measured), len(measured)


def _waits_for(decision: Decision) -> str:
    lacking = [f"{one.count} {one.role} ({one.meaning})" for one in decision.missing]
    if decision.unmet:
        lacking.insert(0, f"{len(decision.unmet)} unmet checks")
    return ", ".join(lacking)
