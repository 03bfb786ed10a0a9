"""Open promotions as they would be decided now, kept while nothing they rest on has moved.

To decide about a promotion takes milliseconds, and a list of a thousand is asked for again
and again. What is kept is compared with the heads of the log that it was computed from, those
that a signature would expect and those of who may sign, and is computed anew once one moved, a
decision is over, or some minutes passed. Nothing is signed by it: that looks for itself.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from app.catalog import queries
from app.core.events.envelope import version_of
from app.core.policy.decision import decision_from_json
from app.core.policy.rules import Meaning
from app.core.policy.signing import why_not_sign
from app.identity.deciding import RIGHTS
from app.reviews.checks import MET
from app.reviews.moved import moved
from app.reviews.seats import fillable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from app.catalog import values
    from app.core.jsonvalue import Json
    from app.core.policy.decision import Decision
    from app.core.policy.facts import Role
    from app.ledger.snapshot import Snapshot
    from app.reviews.submit import Reviews, Shown

LASTS = timedelta(minutes=10)
"""How long, at most: a right may begin to count, and evidence cease to, with no entry."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """An open promotion, and what would be decided. ``due``: end of the decision on record.

    ``heads``: of the log, that all of it rests on. ``until``: when it is computed anew.
    """

    shown: Shown
    model: values.Model
    due: str | None
    heads: Mapping[str, int | None]
    until: datetime
    yours: dict[str, tuple[Meaning, ...]] = field(default_factory=dict)
    mine: dict[str, tuple[str, ...]] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The promotion's."""
        return self.shown.promotion.id

    @property
    def index(self) -> int:
        """The entry that asked for it."""
        return self.shown.promotion.created_index

    @property
    def subject(self) -> str:
        """The version that is to be promoted."""
        return self.shown.promotion.model_version

    @property
    def environment(self) -> str:
        """Where to."""
        return self.shown.promotion.environment

    def fillable_by(self, person: str) -> tuple[Meaning, ...]:
        """Tell which meanings lack a signature that this person could give."""
        if person not in self.yours:
            considered = self.shown.considered
            self.yours[person] = fillable(
                considered.decision, considered.policies, considered.facts, person
            )
        return self.yours[person]

    def could_sign(self, person: str, roles: Collection[Role]) -> tuple[str, ...]:
        """Tell in which meanings signing would refuse nothing to this person of these roles."""
        if person not in self.mine:
            self.mine[person] = tuple(
                meaning.value
                for meaning in Meaning
                if not why_not_sign(
                    self.shown.considered.policies,
                    self.shown.considered.facts,
                    person,
                    roles,
                    meaning=meaning,
                    as_of=self.shown.considered.decision.as_of,
                )
            )
        return self.mine[person]

    def moved_since(self, digest: str, view: bytes) -> int:
        """Count what is not as in a view that somebody had, by its digest."""
        if digest not in self.changes:
            self.changes[digest] = len(moved(view, self.shown.view))
        return self.changes[digest]


@dataclass(frozen=True, slots=True)
class Sum:
    """What a decision comes to: rules met, of how many; signatures there, of how many."""

    met: int
    checks: int
    signed: int
    needed: int


NOTHING = Sum(0, 0, 0, 0)


class Weighing:
    """Keeps what was computed, for any thread; no more than ``most`` of each."""

    def __init__(self, reviews: Reviews, most: int = 2000) -> None:
        self._reviews = reviews
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[str, Weighed] = {}
        self._sums: dict[str, Sum] = {}

    def sum_of(self, now: Snapshot, decision_id: str | None) -> Sum:
        """Sum up a decision on record, which never changes."""
        if decision_id is None:
            return NOTHING
        with self._lock:
            known = self._sums.get(decision_id)
        if known is None:
            stored = queries.decision(now.connection, decision_id)
            if stored is None:
                return NOTHING
            decision = decision_from_json(cast("Mapping[str, Json]", stored.decision))
            known = sum_up(decision)
            with self._lock:
                if len(self._sums) >= self._most:
                    self._sums.clear()
                self._sums[decision_id] = known
        return known

    def open_ones(self, now: Snapshot, at: datetime) -> tuple[Weighed, ...]:
        """Give every open promotion whose model is there, in the order they were asked for."""
        promotions = queries.open_promotions(now.connection)
        with self._lock:
            before = {one.id: self._kept[one.id] for one in promotions if one.id in self._kept}
        heads = now.heads(sorted({key for one in before.values() for key in one.heads}))
        found = []
        for promotion in promotions:
            kept = before.get(promotion.id)
            if kept is None or at >= kept.until or _differ(kept.heads, heads):
                kept = self._weigh(now, promotion, at)
            if kept is not None:
                found.append(kept)
        with self._lock:
            self._kept = {one.shown.promotion.id: one for one in found[: self._most]}
        return tuple(found)

    def _weigh(self, now: Snapshot, promotion: values.Promotion, at: datetime) -> Weighed | None:
        model = queries.model(now.connection, version_of(promotion.model_version)[1])
        if model is None:
            return None
        shown = self._reviews.show(now, promotion.id)
        last = queries.last_decision(now.connection, promotion.model_version, promotion.environment)
        over = shown.considered.decision.expires_at
        return Weighed(
            shown,
            model,
            None if last is None or last.promotion != promotion.id else last.expires_at,
            {**shown.expects, **now.heads(RIGHTS)},
            min(at + LASTS, over) if over > at else at + LASTS,
        )


def sum_up(decision: Decision) -> Sum:
    """Count what a decision comes to; rules that ask for reviews are counted by these."""
    measured = [one for one in decision.rules if one.kind != "reviews"]
    met = sum(one.outcome in MET for one in measured)
    return Sum(met, len(measured), decision.reviews.have, decision.reviews.needed)


def _differ(kept: Mapping[str, int | None], now: Mapping[str, int | None]) -> bool:
    return any(now[key] != index for key, index in kept.items())
