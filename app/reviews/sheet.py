"""The decision page as data: everything a reviewer needs, from one state of the log.

What is signed is ``view.py``'s document and nothing else; the sheet places its values, and
beside them what helps to read it: the live version, people, history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from app.catalog import queries
from app.core.policy.decision import Decision, Gate, decision_from_json
from app.core.policy.document import parse_policy
from app.core.policy.facts import facts_from_json
from app.core.promotion.states import State
from app.core.promotion.states import shown as shown_state
from app.identity.directory import People
from app.reviews.checks import Check, checks_of, counts_of, shadow_checks_of
from app.reviews.comparison import Comparison, comparison_of
from app.reviews.eligibility import Standing, standings_of
from app.reviews.findings import Found, findings_of
from app.reviews.groups import Panel, panels_of
from app.reviews.history import Happening, history_of
from app.reviews.origins import Origins, origins_of
from app.reviews.reading import shown as reviews_shown
from app.reviews.seats import Seat, seats_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from app.catalog import values
    from app.catalog.values import Model, Promotion
    from app.core.events.kinds.decisions import Bind
    from app.core.jsonvalue import Json
    from app.core.policy.document import Policy
    from app.core.policy.facts import Facts
    from app.ledger.snapshot import Snapshot
    from app.reviews.submit import Shown
    from app.web.callers import Caller


@dataclass(frozen=True, slots=True)
class Own:
    """The reader's last review of this promotion. ``dismissed``: why it no longer counts."""

    index: int
    decision: str
    meaning: str
    signed_at: str
    dismissed: str | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """See the module. ``state``: as people read it. ``open``: it may still be signed.

    ``decision_id``: of the decision on record; None before the first. ``expires_at``: until
    when that one holds. ``counts``: checks by outcome. ``bind`` and ``view``: what a review
    names; None once the promotion is decided.
    """

    promotion: Promotion
    model: Model
    submitter: str
    state: str
    open: bool
    gate: str
    reason: str
    decision: Decision
    decision_id: str | None
    expires_at: str | None
    counts: Mapping[str, int]
    checks: tuple[Check, ...]
    shadow: tuple[Check, ...]
    comparison: Comparison
    panels: tuple[Panel, ...]
    origins: Origins
    seats: tuple[Seat, ...]
    standings: tuple[Standing, ...]
    own: Own | None
    findings: tuple[Found, ...]
    history: tuple[Happening, ...]
    bind: Bind | None
    view: bytes | None
    size: int

    @property
    def to_be_read(self) -> tuple[Check, ...]:
        """Checks that were measured and not met: an approval says of each that it was read."""
        return tuple(one for one in self.checks if one.must_be_read)

    @property
    def acceptable(self) -> tuple[Check, ...]:
        """Checks that a reviewer decides by taking them on."""
        return tuple(one for one in self.checks if one.open)

    @property
    def meanings(self) -> tuple[Standing, ...]:
        """What the reader may sign."""
        return tuple(one for one in self.standings if one.may)


@dataclass(frozen=True, slots=True)
class _Basis:
    """What is shown: as it would be decided now, or as it was decided when it ended."""

    decision: Decision
    facts: Facts
    policies: tuple[Policy, ...]


def sheet_of(now: Snapshot, shown: Shown, caller: Caller) -> Sheet:
    """Put the decision page of a promotion together, for one reader."""
    connection, promotion = now.connection, shown.promotion
    named = names(connection)
    stored = _stored(connection, promotion)
    is_open = promotion.state == State.REQUESTED
    considered = shown.considered
    basis = _Basis(considered.decision, considered.facts, considered.policies)
    if not is_open and stored is not None:
        basis = _ended(connection, cast("Mapping[str, Json]", stored.decision), stored.facts)
    decision, facts = basis.decision, basis.facts
    model = queries.model(connection, facts.subject.name)
    if model is None:
        raise AssertionError(promotion.model_version)
    signed = reviews_shown(connection, promotion.id)
    checks = checks_of(decision, facts)
    return Sheet(
        promotion=promotion,
        model=model,
        submitter=named(promotion.submitter),
        state=shown_state(
            State(promotion.state), only_people_missing=decision.gate is Gate.PENDING
        ),
        open=is_open,
        gate=decision.gate,
        reason=decision.reason,
        decision=decision,
        decision_id=None if stored is None else stored.id,
        expires_at=None if stored is None else stored.expires_at,
        counts=counts_of(checks),
        checks=checks,
        shadow=shadow_checks_of(decision, facts),
        comparison=comparison_of(
            connection, promotion.model_version, promotion.environment, decision
        ),
        panels=panels_of(basis.policies, facts, decision.as_of),
        origins=origins_of(connection, facts, decision.as_of),
        seats=seats_of(
            decision,
            basis.policies,
            facts,
            {int(str(one["index"])): str(one["signed_at"]) for one in signed},
            named,
        ),
        standings=standings_of(shown, caller),
        own=_own(signed, caller.person),
        findings=findings_of(
            now,
            (promotion.model_version, f"model/{model.name}"),
            considered.decision.as_of.date().isoformat(),
            named,
        ),
        history=history_of(now, promotion, named),
        bind=shown.bind if is_open else None,
        view=shown.view if is_open else None,
        size=now.size,
    )


def names(connection: Connection) -> Callable[[str], str]:
    """Give what tells the printed name of a user id; an erased name is told as the id."""
    people = {one.id: one.called for one in People(connection).everybody()}
    return lambda id_: people.get(id_, id_)


def _stored(connection: Connection, promotion: Promotion) -> values.Decision | None:
    if promotion.decision_id is not None:
        return queries.decision(connection, promotion.decision_id)
    last = queries.last_decision(connection, promotion.model_version, promotion.environment)
    return None if last is None or last.promotion != promotion.id else last


def _ended(connection: Connection, decision: Mapping[str, Json], facts: Json) -> _Basis:
    """Read a decision as it was recorded, with the policies that made it."""
    read = decision_from_json(decision)
    spoke = [one.digest for one in (*read.policies, *(shadow.policy for shadow in read.shadow))]
    documents = [queries.policy_with_digest(connection, digest) for digest in spoke]
    policies = tuple(parse_policy(one.document) for one in documents if one is not None)
    return _Basis(read, facts_from_json(facts), policies)


def _own(signed: list[dict[str, Json]], person: str | None) -> Own | None:
    mine = [one for one in signed if one["reviewer"] == person]
    if not mine:
        return None
    last = mine[-1]
    dismissed = last["dismissed"]
    return Own(
        int(str(last["index"])),
        str(last["decision"]),
        str(last["meaning"]),
        str(last["signed_at"]),
        None if dismissed is None else str(dismissed),
    )
