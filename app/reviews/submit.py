"""Signing a review: who may, over what, and under which heads of the log.

The same rules that will count the signature are asked before it is made. The append
expects the heads of all it was decided on, the reviewer's own among them: a role revoked or
a policy published between reading and writing loses the race, and the signature with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from app.catalog import details, queries
from app.core.access import Permission
from app.core.errors import (
    Fault,
    Forbidden,
    HeadMoved,
    IllegalTransition,
    Missing,
    Rejected,
    RoleMissing,
    SelfApproval,
    StaleReview,
    Unavailable,
)
from app.core.events import say
from app.core.events.kinds.decisions import Bind, ReviewDismissed, ReviewSubmitted
from app.core.ledger.canonical import canonical
from app.core.ledger.commitment import SALT_BYTES, commit
from app.core.ledger.times import format_time
from app.core.policy.codec import encode
from app.core.policy.decision import Outcome
from app.core.policy.four_eyes import own_parts
from app.core.policy.rules import Meaning, Part
from app.core.policy.signing import why_not_sign
from app.core.promotion.states import State
from app.identity.directory import People
from app.reviews.reading import reviews_of
from app.reviews.statement import TYPE, statement_of
from app.reviews.view import digest_of, view_of

if TYPE_CHECKING:
    from app.catalog.values import Promotion
    from app.core.events import Said
    from app.core.jsonvalue import Json
    from app.core.policy.facts import Role
    from app.identity.principal import Principal
    from app.identity.signing import Signer, Signing
    from app.ledger.receipt import Receipt
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.reviews.ports import Consider, Considered, EvaluateGate
    from app.settings import Entropy
    from app.web.callers import Caller

TRIES = 8
DECISIONS = ("approve", "request_changes", "reject")
SHORTEST_REASON = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reviewer says. ``accepts``: rule ids taken on. ``bind``: what was shown."""

    decision: str
    meaning: Meaning
    reason: str
    accepts: tuple[str, ...]
    bind: Bind


@dataclass(frozen=True, slots=True)
class Shown:
    """A promotion at one state of the log, as it may be signed."""

    promotion: Promotion
    considered: Considered
    view: bytes
    roles: tuple[Role, ...]
    expects: dict[str, int | None]
    stale: tuple[int, ...]

    @property
    def bind(self) -> Bind:
        """The four digests that a review must name."""
        bind = self.considered.decision.bind
        return Bind(
            bind.subject_digest, bind.evidence_root, bind.policy_digest, digest_of(self.view)
        )


@dataclass(frozen=True, slots=True)
class Reviews:
    """Takes reviews in."""

    ledger: Ledger
    consider: Consider
    evaluate: EvaluateGate
    signing: Signing
    entropy: Entropy

    def show(self, now: Snapshot, promotion_id: str, person: str | None = None) -> Shown:
        """Read a promotion as it would be shown and signed. Raises Missing."""
        promotion = queries.promotion(now.connection, promotion_id)
        if promotion is None:
            raise Missing(f"there is no promotion {promotion_id[:80]}")
        considered = self.consider(now, promotion.model_version, promotion.environment)
        expects = dict(considered.expects)
        expects |= now.heads([f"promotion/{promotion.id}"])
        if person is not None:
            expects |= now.heads([f"user/{person}"])
        roles = () if person is None else People(now.connection).approval_roles(person)
        current = considered.decision.bind
        stale = [
            one.index for one in reviews_of(now.connection, promotion_id) if one.bind != current
        ]
        view = view_of(promotion, considered, _reason_commitment(now, promotion.created_index))
        return Shown(promotion, considered, view, roles, expects, tuple(stale))

    def submit(
        self,
        principal: Principal,
        promotion_id: str,
        verdict: Verdict,
        password: str,
        totp: str,
        address: str,
    ) -> tuple[Receipt, dict[str, Json]]:
        """Check, ask who it is, sign, record, and decide anew.

        Returns the receipt and the signed statement. Raises Forbidden, SelfApproval,
        RoleMissing, IllegalTransition, StaleReview, Rejected before password and code are
        looked at; Unauthenticated, TooManyAttempts after.
        """
        person = principal.person
        if person is None:
            raise Forbidden("only a person signs, in person; no token does, whoever owns it")
        principal.must(Permission.REVIEW)
        signer: Signer | None = None
        for _ in range(TRIES):
            with self.ledger.snapshot() as now:
                self._check_seen(now, principal, promotion_id)
                shown = self.show(now, promotion_id, person)
                require_review(shown, principal)
                People(now.connection).require_still(principal, Permission.REVIEW)
            _check(shown, person, verdict)
            if signer is None:
                signer = self.signing.step_up(principal, password, totp, address)
            statement, said = self._sign(shown, verdict, signer)
            try:
                receipts = self.ledger.record_all(
                    [said, *_dismissals(shown)],
                    signer.actor,
                    source="api",
                    expects=shown.expects,
                    beside=signer.spend,
                )
            except HeadMoved:
                continue
            self.evaluate(shown.promotion.model_version, shown.promotion.environment)
            return receipts[0], statement
        raise Unavailable("what the review depends on keeps changing", retry_after=1)

    def _check_seen(self, now: Snapshot, principal: Principal, promotion_id: str) -> None:
        """Raise Missing for a promotion that is hidden, as for one that is not there."""
        found = queries.promotion(now.connection, promotion_id)
        if found is not None:
            name = f"promotion {promotion_id[:80]}"
            details.check_readable(now.connection, principal, found, name)

    def _sign(self, shown: Shown, verdict: Verdict, signer: Signer) -> tuple[dict[str, Json], Said]:
        """Write the statement (decision 14) and the event that archives what was shown."""
        at = format_time(signer.authenticated_at)
        salt = self.entropy(SALT_BYTES)
        payload = canonical(
            statement_of(
                verdict,
                origin=self.ledger.store.origin,
                promotion=shown.promotion.id,
                signer=signer.person,
                methods=signer.methods,
                at=at,
                commitment=commit("reason", canonical(verdict.reason), salt).hex(),
            )
        )
        statement = self.signing.envelope(TYPE, payload)
        event = ReviewSubmitted(
            reviewer=signer.person,
            decision=verdict.decision,
            meaning=verdict.meaning.value,
            accepts=verdict.accepts,
            bind=verdict.bind,
            roles=tuple(cast("dict[str, Json]", encode(role)) for role in shown.roles),
            methods=signer.methods,
            authenticated_at=at,
            statement=statement,
            view=shown.view.decode(),
            reason=verdict.reason,
            reason_salt=salt.hex(),
            printed_name=signer.printed_name,
        )
        return statement, say(f"promotion/{shown.promotion.id}", event)


def require_review(shown: Shown, principal: Caller) -> None:
    """Raise RoleMissing or Forbidden unless the caller may review such a thing at all."""
    principal.require(
        Permission.REVIEW,
        subject=shown.promotion.model_version,
        environment=shown.promotion.environment,
        team=shown.considered.facts.subject.team,
    )


def why_not(shown: Shown, person: str, meaning: Meaning) -> tuple[str, ...]:
    """Say in words why a person may not sign this; empty: they may."""
    considered = shown.considered
    return why_not_sign(
        considered.policies,
        considered.facts,
        person,
        shown.roles,
        meaning=meaning,
        as_of=considered.decision.as_of,
    )


def _reason_commitment(now: Snapshot, index: int) -> bytes | None:
    """Find what entry ``index`` commits its reason by, also where that was erased."""
    members = now.store.members(now.connection, index, index + 1)[index]
    return next((one.commitment for one in members if one.name == "reason"), None)


def _check(shown: Shown, person: str, verdict: Verdict) -> None:
    """Refuse what can be refused without asking who it is."""
    if shown.promotion.state != State.REQUESTED:
        raise IllegalTransition(
            f"promotion {shown.promotion.id} is {shown.promotion.state}; nobody reviews it now",
            remedy="request a new promotion",
        )
    _check_form(shown, verdict)
    _check_eligible(shown, person, verdict.meaning)
    moved = [
        name for name in Bind.__slots__ if getattr(shown.bind, name) != getattr(verdict.bind, name)
    ]
    if moved:
        raise StaleReview(
            f"what was shown is not what is now: {', '.join(moved)}",
            remedy=f"muniment review show {shown.promotion.id}",
            faults=[Fault(f"#/bind/{name}", "has changed since it was shown") for name in moved],
        )


def check_may_sign(shown: Shown, caller: Caller, meaning: Meaning) -> None:
    """Refuse whom signing would refuse, before anything is asked of them.

    Raises Forbidden, RoleMissing, SelfApproval. What is decided already refuses nobody here.
    """
    if caller.person is None:
        raise Forbidden("only a person signs, in person; no token does, whoever owns it")
    require_review(shown, caller)
    if shown.promotion.state == State.REQUESTED:
        _check_eligible(shown, caller.person, meaning)


def _check_eligible(shown: Shown, person: str, meaning: Meaning) -> None:
    reasons = why_not(shown, person, meaning)
    if reasons:
        own = own_parts(person, shown.considered.facts, tuple(Part))
        kind = SelfApproval if own else RoleMissing
        raise kind("; ".join(reasons), remedy="ask somebody else to review it")


def _check_form(shown: Shown, verdict: Verdict) -> None:
    if len(verdict.reason.strip()) < SHORTEST_REASON:
        raise Rejected("a review says why", faults=[Fault("#/reason", "is too short")])
    open_rules = {
        rule.id
        for rule in shown.considered.decision.rules
        if rule.outcome in (Outcome.AWAITING, Outcome.PASS_BY_REVIEW) and rule.kind != "reviews"
    }
    unknown = [rule for rule in verdict.accepts if rule not in open_rules]
    if unknown:
        raise Rejected(
            f"{unknown[0][:120]!r} is no rule that waits for a reviewer",
            remedy="one of: " + (", ".join(sorted(open_rules)) or "none does"),
            faults=[Fault("#/accepts", "names a rule that waits for nobody")],
        )


def _dismissals(shown: Shown) -> list[Said]:
    """Say of earlier reviews that what they were bound to has changed."""
    about = f"promotion/{shown.promotion.id}"
    because = "the subject, its evidence or a policy changed after it was signed"
    return [say(about, ReviewDismissed(index, because)) for index in shown.stale]
