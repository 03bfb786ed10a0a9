"""Whom each promotion waits for: yours to decide, others', and what was decided lately."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from app.catalog import queries
from app.catalog.moments import read_time
from app.catalog.visible import sees_about
from app.core.events.envelope import version_of
from app.core.ledger.times import format_time
from app.core.promotion.states import State
from app.core.promotion.states import shown as shown_state
from app.reviews.notes import last_seen
from app.reviews.sheet import names
from app.reviews.weighing import sum_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from app.catalog import values
    from app.core.jsonvalue import Json
    from app.core.policy.decision import Decision
    from app.ledger.snapshot import Snapshot
    from app.reviews.weighing import Weighing
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


def inbox_of(now: Snapshot, weighing: Weighing, caller: Caller, at: datetime) -> tuple[Item, ...]:
    """List what the caller sees: theirs, others', decided; in each the overdue ones first."""
    named = cache(names(now.connection))
    found = [
        *_waiting(now, weighing, caller, at, named),
        *_decided(now, weighing, caller, named),
    ]
    order = list(Group)
    found.sort(key=lambda one: (order.index(one.group), not one.overdue))
    return tuple(found)


def _waiting(
    now: Snapshot,
    weighing: Weighing,
    caller: Caller,
    at: datetime,
    named: Callable[[str], str],
) -> Iterator[Item]:
    person = caller.person or ""
    looked = last_seen(now.connection, person)
    for one in weighing.open_ones(now, at):
        promotion, decision = one.shown.promotion, one.shown.considered.decision
        if not _in_sight(caller, one.model, promotion):
            continue
        yours = one.fillable_by(person)
        before = looked.get(promotion.id)
        state = shown_state(
            State(promotion.state), only_people_missing=decision.gate.value == "PENDING"
        )
        counted = sum_up(decision)
        yield Item(
            group=Group.YOURS if yours else Group.OTHERS,
            id=promotion.id,
            subject=promotion.model_version,
            environment=promotion.environment,
            asked_by=named(promotion.submitter),
            risk_tier=one.model.risk_tier,
            state=state,
            met=counted.met,
            checks=counted.checks,
            signed=counted.signed,
            needed=counted.needed,
            yours=tuple(meaning.value for meaning in yours),
            waits_for=_waits_for(decision),
            due=one.due,
            overdue=one.due is not None and read_time(one.due) <= at,
            moved=None if before is None else one.moved_since(before.digest, before.view),
            at=promotion.recorded_at,
        )


def _decided(
    now: Snapshot, weighing: Weighing, caller: Caller, named: Callable[[str], str]
) -> Iterator[Item]:
    for promotion in queries.decided_promotions(now.connection, RECENT):
        model = queries.model(now.connection, version_of(promotion.model_version)[1])
        if model is None or not _in_sight(caller, model, promotion):
            continue
        counted = weighing.sum_of(now, promotion.decision_id)
        yield Item(
            group=Group.DECIDED,
            id=promotion.id,
            subject=promotion.model_version,
            environment=promotion.environment,
            asked_by=named(promotion.submitter),
            risk_tier=model.risk_tier,
            state=promotion.state,
            met=counted.met,
            checks=counted.checks,
            signed=counted.signed,
            needed=counted.needed,
            yours=(),
            waits_for="",
            due=promotion.expires_at,
            overdue=False,
            moved=None,
            at=format_time(now.entry(promotion.changed_index).recorded_at),
        )


def _in_sight(caller: Caller, model: values.Model, promotion: values.Promotion) -> bool:
    return sees_about(caller.sight, model, promotion.model_version, promotion.environment)


def _waits_for(decision: Decision) -> str:
    lacking = [f"{one.count} {one.role} ({one.meaning})" for one in decision.missing]
    if decision.unmet:
        lacking.insert(0, f"{len(decision.unmet)} unmet checks")
    return ", ".join(lacking)
