"""Whom a notice about a promotion concerns: who could sign now, who signed, who asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.catalog import queries
from app.core.policy.reviews import EVERY_PART, Panel
from app.core.promotion.states import State
from app.identity.directory import People

if TYPE_CHECKING:
    from app.gates.evaluate import Evaluate
    from app.ledger.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Audience:
    """Finds people by user id; None where there is nothing to be told of any more."""

    evaluate: Evaluate

    def __call__(self, about: str, subject: str, index: int) -> tuple[str, ...] | None:
        """Tell whom it concerns. ``about``: such as ``review.waiting``; ``index``: its entry."""
        kind, _, name = subject.partition("/")
        match about, kind:
            case "review.waiting", "promotion":
                return self._could_sign(name)
            case "review.dismissed", "promotion":
                return self._dismissed(name, index)
            case "promotion.decided", "promotion":
                with self.evaluate.ledger.snapshot() as now:
                    return self._asked(now, name)
            case _:
                return ()  # nobody in person; it is told all the same

    def _could_sign(self, promotion_id: str) -> tuple[str, ...] | None:
        """Who could sign for what a promotion still needs; None: it waits for nobody."""
        with self.evaluate.ledger.snapshot() as now:
            promotion = queries.promotion(now.connection, promotion_id)
            if promotion is None or promotion.state != State.REQUESTED:
                return None
            found = self.evaluate.consider(now, promotion.model_version, promotion.environment)
        decision = found.decision
        panel = Panel(found.facts, decision.bind, decision.as_of)
        signed = {one.reviewer for one in decision.reviews.counted}
        able = [panel.could_sign(one.role, EVERY_PART) for one in decision.missing]
        if not able:
            return None
        return tuple(sorted(frozenset().union(*able) - signed))

    def _dismissed(self, promotion_id: str, index: int) -> tuple[str, ...] | None:
        """Who signed the review that entry ``index`` dismisses, and who asked."""
        with self.evaluate.ledger.snapshot() as now:
            review = now.data(index).get("review")
            signed = {now.entry(review).actor.id} if isinstance(review, int) else set()
            asked = self._asked(now, promotion_id)
        return None if asked is None else tuple(sorted(signed.union(asked)))

    def _asked(self, now: Snapshot, promotion_id: str) -> tuple[str, ...] | None:
        promotion = queries.promotion(now.connection, promotion_id)
        if promotion is None:
            return None
        return tuple(sorted(People(now.connection).behind(promotion.submitter)))
