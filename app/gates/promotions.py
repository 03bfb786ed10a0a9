"""Asking for a promotion, and taking the request back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.catalog import details, queries
from app.core.access import Permission
from app.core.errors import Conflict, Forbidden, HeadMoved, Missing, Rejected, Unavailable
from app.core.events import say
from app.core.events.kinds.decisions import PromotionRequested, PromotionWithdrawn
from app.core.promotion.states import State, Step, step
from app.gates.gather import stage_below
from app.ledger.idempotency import IdempotencyKey, find_use

if TYPE_CHECKING:
    from app.catalog import values
    from app.gates.evaluate import Evaluate
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.settings import Entropy
    from app.web.callers import Caller

TRIES = 16
REQUESTED = "type:promotion.requested.v1"


@dataclass(frozen=True, slots=True)
class Promotions:
    """Opens promotions; what becomes of them is the gate's and the reviewers'."""

    ledger: Ledger
    evaluate: Evaluate
    entropy: Entropy

    def request(
        self,
        caller: Caller,
        subject: str,
        environment: str,
        reason: str | None,
        source: str,
        key: IdempotencyKey | None,
    ) -> tuple[values.Promotion, bool]:
        """Open a promotion and decide about it for the first time.

        Returns it as it is then, and whether ``key`` had opened it before. Raises RoleMissing,
        Forbidden (another team's, outside a token's limits, or nobody answers), Missing,
        Rejected (no such environment), Conflict (one is open).
        """
        self._check_may_ask(caller, subject, environment)
        submitter = caller.answerable
        if submitter is None:
            raise Forbidden(
                "a promotion needs a person who answers for it",
                remedy="use a session, or a token that has an owner",
            )
        for _ in range(TRIES):
            with self.ledger.snapshot() as now:
                before = find_use(now.connection, key)
                if before is not None:
                    return self._in(now, before.resource), True
                lapsed = self.evaluate.lapsed(now, subject, environment)
                below = None if lapsed else _check_may_open(now, subject, environment)
                expects = now.heads([REQUESTED, subject])
            if lapsed is not None:
                self.evaluate.expire(lapsed)
                continue
            promotion_id = f"p{self.entropy(8).hex()}"
            asked = PromotionRequested(subject, environment, submitter, below, reason)
            try:
                future = self.ledger.submit(
                    [say(f"promotion/{promotion_id}", asked)],
                    caller.actor,
                    source=source,
                    expects=expects,
                    key=key,
                    resource=promotion_id,
                )
                appended = future.result()
            except HeadMoved:
                continue
            if not appended.replayed:
                self.evaluate(subject, environment)
            return self.find(appended.resource), appended.replayed
        raise Unavailable("other promotions keep being requested", retry_after=1)

    def _check_may_ask(self, caller: Caller, subject: str, environment: str) -> None:
        caller.must(Permission.REQUEST_PROMOTION)
        with self.ledger.snapshot() as now:
            team = details.check_seen(now.connection, caller, subject).team
        caller.require(
            Permission.REQUEST_PROMOTION, subject=subject, environment=environment, team=team
        )

    def withdraw(self, caller: Caller, promotion_id: str, reason: str | None) -> values.Promotion:
        """Take a request back. Raises RoleMissing, Missing, IllegalTransition, Forbidden."""
        caller.must(Permission.REQUEST_PROMOTION)
        for _ in range(TRIES):
            with self.ledger.snapshot() as now:
                promotion = self._in(now, promotion_id)
                name = f"promotion {promotion_id[:80]}"
                details.check_readable(now.connection, caller, promotion, name)
            caller.require(
                Permission.REQUEST_PROMOTION,
                subject=promotion.model_version,
                environment=promotion.environment,
            )
            if caller.answerable != promotion.submitter:
                raise Forbidden(
                    "only whoever asked for a promotion takes it back",
                    remedy="reject it in a review",
                )
            step(State(promotion.state), Step.WITHDRAW)
            about = f"promotion/{promotion_id}"
            with self.ledger.snapshot() as now:
                expects = now.heads([about])
                if self._in(now, promotion_id).changed_index != promotion.changed_index:
                    continue
            said = say(about, PromotionWithdrawn(promotion.submitter, reason))
            try:
                self.ledger.record(said, caller.actor, source="api", expects=expects)
            except HeadMoved:
                continue
            return self.find(promotion_id)
        raise Unavailable("the promotion keeps changing", retry_after=1)

    def find(self, promotion_id: str) -> values.Promotion:
        """Read a promotion. Raises Missing."""
        with self.ledger.snapshot() as now:
            return self._in(now, promotion_id)

    def _in(self, now: Snapshot, promotion_id: str) -> values.Promotion:
        promotion = queries.promotion(now.connection, promotion_id)
        if promotion is None:
            raise Missing(f"there is no promotion {promotion_id[:80]}")
        return promotion


def _check_may_open(now: Snapshot, subject: str, environment: str) -> str | None:
    """Check the pair; tell the stage the version would come from."""
    if queries.model_version(now.connection, subject) is None:
        raise Missing(f"{subject} is not registered", remedy="muniment model version add")
    published = queries.environments(now.connection)
    names = () if published is None else published.names
    if environment not in names:
        raise Rejected(
            f"{environment[:80]!r} is not a published environment",
            remedy="one of: " + ", ".join(names),
        )
    opened = queries.open_promotion(now.connection, subject, environment)
    if opened is not None:
        remedy = f"wait for it, or withdraw it: POST /api/v1/promotions/{opened.id}/withdraw"
        if opened.state == State.ALLOWED:
            remedy = f"deploy it, with decision {opened.decision_id}"
        raise Conflict(
            f"promotion {opened.id} of {subject} to {environment} is {opened.state} already",
            remedy=remedy,
        )
    return stage_below(names, queries.stages(now.connection, subject), environment)
