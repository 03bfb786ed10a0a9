"""What was asked, signed and done, read from the log itself."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from app.core.events.kinds.decisions import (
    PromotionDecided,
    ReviewDismissed,
    ReviewSubmitted,
)
from app.core.events.kinds.deployments import (
    DeploymentFailed,
    DeploymentRetired,
    DeploymentRolledBack,
    DeploymentStarted,
    DeploymentSucceeded,
)
from app.core.ledger.canonical import canonical
from app.core.ledger.times import parse_time
from app.core.report.facts import DeploymentFacts, DeploymentKind, PromotionFacts, ReviewFacts
from app.identity.directory import People

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from app.catalog import values
    from app.core.jsonvalue import Json
    from app.ledger.ports import Recorded
    from app.reporting.past import Past


Happened: TypeAlias = (
    DeploymentStarted
    | DeploymentSucceeded
    | DeploymentFailed
    | DeploymentRolledBack
    | DeploymentRetired
)

KINDS: Mapping[type[Happened], DeploymentKind] = {
    DeploymentStarted: DeploymentKind.STARTED,
    DeploymentSucceeded: DeploymentKind.SUCCEEDED,
    DeploymentFailed: DeploymentKind.FAILED,
    DeploymentRolledBack: DeploymentKind.ROLLED_BACK,
    DeploymentRetired: DeploymentKind.RETIRED,
}


def promotions(
    past: Past, asked: Iterable[values.Promotion], happened: Sequence[DeploymentFacts]
) -> tuple[PromotionFacts, ...]:
    """Read promotions with their state at the size of ``past``.

    ``happened``: to the deployments, by then; it tells which decisions went live.
    """
    used = {one.decision_id for one in happened if one.gated}
    people = People(past.now.connection)
    return tuple(
        PromotionFacts(
            subject=f"promotion/{one.id}",
            model_version=one.model_version,
            environment=one.environment,
            state=one.state if one.changed_index < past.size else _state(past, one.id, used),
            requested_by=people.printed_name(one.submitter) or one.submitter,
            requested_at=parse_time(one.recorded_at),
            index=one.created_index,
        )
        for one in asked
    )


def _state(past: Past, promotion: str, used: Collection[str | None]) -> str:
    """Tell how far the promotion had come, where the catalogue knows only what came later."""
    state = "requested"
    for said in past.of(f"promotion/{promotion}"):
        if isinstance(said.event, PromotionDecided):
            state = "live" if said.event.decision_id in used else said.event.state
    return state


def reviews(
    past: Past, promoted: Iterable[str], decided: Iterable[values.Decision]
) -> tuple[ReviewFacts, ...]:
    """Read signed reviews in log order; dismissed ones are among them and say so."""
    alone = {index for one in decided for index in _single_administrator(one.decision)}
    found = []
    for subject in promoted:
        said = past.of(subject)
        dismissed = {
            one.event.review: (one.index, one.event.because)
            for one in said
            if isinstance(one.event, ReviewDismissed)
        }
        for one in said:
            if isinstance(one.event, ReviewSubmitted):
                ended = dismissed.get(one.index, (None, None))
                found.append(_review(past, one, one.event, ended, alone=one.index in alone))
    return tuple(sorted(found, key=lambda one: one.index))


def _review(
    past: Past,
    one: Recorded,
    event: ReviewSubmitted,
    ended: tuple[int | None, str | None],
    *,
    alone: bool,
) -> ReviewFacts:
    name = event.printed_name or People(past.now.connection).printed_name(event.reviewer)
    return ReviewFacts(
        promotion=one.entry.subject,
        printed_name=name or event.reviewer,
        verdict=event.decision.replace("_", " "),
        meaning=event.meaning,
        reason=event.reason,
        roles=tuple(str(role.get("role")) for role in event.roles),
        methods=event.methods,
        accepts=event.accepts,
        signed_at=one.entry.occurred_at,
        statement_digest=_digest(event.statement),
        single_administrator=alone,
        index=one.index,
        dismissed=ended[0],
        dismissed_because=ended[1],
    )


def _digest(statement: Json) -> str:
    """Digest what was signed: the payload of a DSSE envelope."""
    payload = statement.get("payload") if isinstance(statement, dict) else None
    signed = base64.b64decode(payload) if isinstance(payload, str) else canonical(statement)
    return f"sha256:{sha256(signed).hexdigest()}"


def _single_administrator(decision: Json) -> Iterator[int]:
    """Name the reviews that a decision counted under a role one administrator granted."""
    match decision:
        case {"reviews": {"counted": [*counted]}}:
            for one in counted:
                match one:
                    case {"index": int(index), "single_administrator": True}:
                        yield index
                    case _:
                        pass
        case _:
            return


def deployments(past: Past, placed: Iterable[str]) -> tuple[DeploymentFacts, ...]:
    """Read everything that happened to the deployments, in log order."""
    happened = (_deployment(one) for subject in placed for one in past.of(subject))
    return tuple(sorted(happened, key=lambda one: one.index))


def _deployment(one: Recorded) -> DeploymentFacts:
    event = one.event
    if not isinstance(event, Happened):
        raise AssertionError(f"entry {one.index} is {one.entry.type}")  # noqa: TRY004 - our bug
    done = event if isinstance(event, DeploymentSucceeded) else None
    return DeploymentFacts(
        subject=one.entry.subject,
        environment=event.environment,
        model_version=event.model_version,
        kind=KINDS[type(event)],
        occurred_at=one.entry.occurred_at,
        recorded_at=one.entry.recorded_at,
        decision_id=event.decision_id,
        gated=done is not None and done.gated,
        ungated_because=None if done is None else done.ungated_because,
        index=one.index,
    )
