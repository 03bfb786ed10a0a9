"""One evaluation: facts at a size of the log, the pure decision, the entry that records it.

What is recorded expects the heads of everything it was decided on. If one of them moves
between reading and writing, the append is refused and the evaluation starts again: a
policy published or a role revoked in between is never passed over.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from app.catalog import queries
from app.catalog.moments import read_time
from app.core.errors import HeadMoved, Unavailable
from app.core.events import Actor, ActorKind, AuthMethod, say
from app.core.events.kinds.decisions import GateDecided, PromotionDecided, PromotionExpired
from app.core.ledger.times import format_time, parse_time
from app.core.policy.decide import decide
from app.core.policy.decision import Gate, decision_to_json
from app.core.policy.document import parse_policy
from app.core.policy.facts import facts_to_json
from app.core.promotion.states import State
from app.gates.gather import Gather, check_digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.catalog import values
    from app.core.events import Said
    from app.core.jsonvalue import Json
    from app.core.policy.decision import Decision
    from app.core.policy.document import Policy
    from app.core.policy.facts import Facts
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.settings import Clock, Entropy

GATE = Actor("gate", ActorKind.SERVICE, AuthMethod.NONE)
"""Decisions are the service's own: whoever asked does not decide."""

TRIES = 16
RULES_IN_FORCE = (
    "type:policy.published.v1",
    "type:policy.retired.v1",
    "type:environments.published.v1",
)
LINEAGE_GROWS = ("type:run.started.v1", "type:run.finished.v1")
"""Any run may name any version as what it made, or what that came from."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A decision that is not recorded yet, and what it was computed from."""

    decision: Decision
    policies: tuple[Policy, ...]
    facts: Facts
    size: int
    root: bytes
    promotion: values.Promotion | None
    expects: dict[str, int | None]
    stored: values.Decision | None


@dataclass(frozen=True, slots=True)
class Evaluate:
    """The gate, for the API, the review page, the pipeline and the report alike."""

    ledger: Ledger
    gather: Gather
    clock: Clock
    entropy: Entropy

    def __call__(
        self, subject: str, environment: str, digest: str | None = None
    ) -> values.Decision:
        """Decide about a model version and an environment, and record the decision.

        ``digest``: what the caller believes the artifact is. An equal decision that still
        holds is returned as it is, and nothing is recorded. With an open promotion, an ALLOW
        or DENY decides that too, in the same append.
        Raises Missing, Conflict (another digest), Unavailable when heads keep moving.
        """
        for _ in range(TRIES):
            with self.ledger.snapshot() as now:
                lapsed = self.lapsed(now, subject, environment)
                considered = self.consider(now, subject, environment)
            if lapsed is not None:
                self.expire(lapsed)
                continue
            check_digest(subject, considered.facts.subject.digest, digest)
            if considered.stored is not None:
                return considered.stored
            try:
                return self._record(considered, subject, environment)
            except HeadMoved:
                continue
        raise Unavailable("what the decision depends on keeps changing", retry_after=1)

    def consider(self, now: Snapshot, subject: str, environment: str) -> Considered:
        """Decide at one state of the log, and find the equal decision that is on record."""
        head = now.store.head(now.connection)
        promotion = queries.open_promotion(now.connection, subject, environment)
        published = queries.policies_in_force(now.connection)
        facts = self.gather(now, subject, environment, published, promotion)
        as_of = max(self.clock(), parse_time(head.recorded_at))
        policies = tuple(parse_policy(one.document) for one in published)
        decision = decide(policies, facts, as_of)
        return Considered(
            decision,
            policies,
            facts,
            head.size,
            head.root,
            promotion,
            _expected_heads(now, subject, facts, published, promotion),
            _stored(now, decision, subject, environment, promotion),
        )

    def lapsed(self, now: Snapshot, subject: str, environment: str) -> values.Promotion | None:
        """Find the pair's promotion if it was allowed and its decision is over, unused."""
        promotion = queries.open_promotion(now.connection, subject, environment)
        if promotion is None or promotion.expires_at is None or promotion.decision_id is None:
            return None
        decision = queries.decision(now.connection, promotion.decision_id)
        if decision is None or decision.used_by is not None:
            return None  # a deployment under way has it
        return promotion if read_time(promotion.expires_at) <= self.clock() else None

    def expire(self, lapsed: values.Promotion) -> None:
        """Record that an allowed promotion was not used in its time."""
        about = f"promotion/{lapsed.id}"
        expired = say(about, PromotionExpired(str(lapsed.expires_at)))
        try:
            self.ledger.record(expired, GATE, expects={about: lapsed.changed_index})
        except HeadMoved:
            return  # somebody else took a step with it: look again

    def _record(self, considered: Considered, subject: str, environment: str) -> values.Decision:
        decision_id = f"dec-{self.entropy(12).hex()}"
        saids = _said(considered, subject, environment, decision_id)
        self.ledger.record_all(saids, GATE, expects=considered.expects)
        with self.ledger.snapshot() as now:
            recorded = queries.decision(now.connection, decision_id)
        if recorded is None:
            raise AssertionError(decision_id)
        return recorded


def served(considered: Considered, decision_id: str | None) -> dict[str, Json]:
    """Write a decision as it is served and recorded (policy page, section 5)."""
    body = dict(decision_to_json(considered.decision))
    root = base64.b64encode(considered.root).decode()
    body["log"] = {"size": considered.size, "root": root}
    if decision_id is not None:
        body["decision_id"] = decision_id
        body["attestation_url"] = f"/api/v1/decisions/{decision_id}"
    return body


def _said(
    considered: Considered, subject: str, environment: str, decision_id: str
) -> Sequence[Said]:
    decision, promotion = considered.decision, considered.promotion
    expires_at = format_time(decision.expires_at)
    about = subject if promotion is None else f"promotion/{promotion.id}"
    decided = say(
        about,
        GateDecided(
            model_version=subject,
            environment=environment,
            gate=decision.gate,
            decision=served(considered, decision_id),
            facts=cast("Json", facts_to_json(considered.facts)),
            decision_digest=decision.decision_digest,
            facts_digest=decision.facts_digest,
            policy_digest=decision.policy_digest,
            decided_at_size=considered.size,
            expires_at=expires_at,
            promotion=None if promotion is None else promotion.id,
        ),
    )
    if promotion is None or promotion.state != State.REQUESTED or decision.gate is Gate.PENDING:
        return [decided]
    state = State.ALLOWED if decision.gate is Gate.ALLOW else State.DENIED
    return [decided, say(about, PromotionDecided(state, decision_id, expires_at))]


def _expected_heads(
    now: Snapshot,
    subject: str,
    facts: Facts,
    published: Sequence[values.PolicyVersion],
    promotion: values.Promotion | None,
) -> dict[str, int | None]:
    """Name the heads that must still stand for the decision to be true."""
    keys = {subject, f"model/{facts.subject.name}", *RULES_IN_FORCE, *LINEAGE_GROWS}
    keys |= {f"policy/{one.name}/{one.version}" for one in published}
    keys |= {one.subject for one in facts.lineage.ancestors}
    keys |= {f"user/{one.reviewer}" for one in facts.reviews}
    keys |= {one.dataset.subject for one in facts.evidence if one.type != "document/v1"}
    if promotion is not None:
        keys.add(f"promotion/{promotion.id}")
    return now.heads(sorted(keys))


def _stored(
    now: Snapshot,
    decision: Decision,
    subject: str,
    environment: str,
    promotion: values.Promotion | None,
) -> values.Decision | None:
    """Find the last decision about the pair, if it is equal, unused and still holds."""
    last = queries.last_decision(now.connection, subject, environment)
    if last is None or last.decision_digest != decision.decision_digest:
        return None
    if last.promotion != (None if promotion is None else promotion.id):
        return None
    return last if _holds(last, decision.as_of) else None


def _holds(last: values.Decision, as_of: datetime) -> bool:
    return as_of < read_time(last.expires_at) and last.used_by is None
