"""What events about policies, environments, gates and promotions change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.catalog.moments import read_time
from app.catalog.tables import (
    DECISIONS,
    ENVIRONMENTS,
    POLICIES,
    PROMOTIONS,
    as_text,
)
from app.catalog.writing import origin
from app.core.events.envelope import version_of
from app.core.ledger.times import format_time
from app.core.promotion.states import STEPS, State, Step

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from app.catalog.writing import Writing
    from app.core.events.kinds.decisions import (
        EnvironmentsPublished,
        GateDecided,
        PolicyDrafted,
        PolicyPublished,
        PromotionDecided,
        PromotionRequested,
    )
    from app.ledger.ports import Recorded


def policy_drafted(writing: Writing, one: Recorded, event: PolicyDrafted) -> None:
    """Keep the newest draft of a version, until one is published."""
    version = _version(one)
    row = {
        "name": version_of(one.entry.subject)[1],
        "version": version_of(one.entry.subject)[2],
        "state": "draft",
        "digest": event.digest,
        "document": as_text(event.document),
        "cases": as_text(event.cases),
        "cases_result": None,
        "drafter": event.drafter,
        "publisher": None,
        "single_administrator": False,
        "published_index": None,
        "published_at": None,
        "changed_index": one.index,
    }
    connection = writing.flushed()
    connection.execute(POLICIES.delete().where(version, POLICIES.c.state == "draft"))
    writing.add(POLICIES, row | origin(one))


def policy_published(writing: Writing, one: Recorded, event: PolicyPublished) -> None:
    connection = writing.flushed()
    in_force = (POLICIES.c.name == version_of(one.entry.subject)[1]) & (
        POLICIES.c.state == "published"
    )
    connection.execute(
        update(POLICIES).where(in_force).values(state="replaced", changed_index=one.index)
    )
    connection.execute(
        update(POLICIES)
        .where(_version(one))
        .values(
            state="published",
            digest=event.digest,
            document=as_text(event.document),
            cases_result=as_text(event.cases_result),
            drafter=event.drafter,
            publisher=event.publisher,
            single_administrator=event.single_administrator,
            published_index=one.index,
            published_at=format_time(one.entry.recorded_at),
            changed_index=one.index,
        )
    )


def policy_retired(writing: Writing, one: Recorded) -> None:
    connection = writing.flushed()
    connection.execute(
        update(POLICIES).where(_version(one)).values(state="retired", changed_index=one.index)
    )


def _version(one: Recorded) -> ColumnElement[bool]:
    _, name, version = version_of(one.entry.subject)
    return (POLICIES.c.name == name) & (POLICIES.c.version == version)


def environments(writing: Writing, one: Recorded, event: EnvironmentsPublished) -> None:
    row = {
        "names": as_text(event.environments),
        "digest": event.digest,
        "publisher": event.publisher,
        "drafter": event.drafter,
    }
    writing.add(ENVIRONMENTS, row | origin(one))


def gate_decided(writing: Writing, one: Recorded, event: GateDecided) -> None:
    served = event.decision if isinstance(event.decision, dict) else {}
    row = {
        "id": str(served.get("decision_id") or one.entry.id),
        "model_version": event.model_version,
        "environment": event.environment,
        "gate": event.gate,
        "promotion": event.promotion,
        "decision": as_text(event.decision),
        "facts": as_text(event.facts),
        "decision_digest": event.decision_digest,
        "facts_digest": event.facts_digest,
        "policy_digest": event.policy_digest,
        "decided_at_size": event.decided_at_size,
        "expires_at": format_time(read_time(event.expires_at)),
        "used_by": None,
        "used_index": None,
        "changed_index": one.index,
    }
    writing.add(DECISIONS, row | origin(one))


def promotion_requested(writing: Writing, one: Recorded, event: PromotionRequested) -> None:
    row = {
        "id": one.entry.subject.removeprefix("promotion/"),
        "model_version": event.model_version,
        "environment": event.environment,
        "submitter": event.submitter,
        "from_environment": event.from_environment,
        "reason": event.reason,
        "state": STEPS[None, Step.REQUEST].value,
        "decision_id": None,
        "expires_at": None,
        "deployment": None,
        "changed_index": one.index,
    }
    writing.add(PROMOTIONS, row | origin(one))


def promotion_decided(writing: Writing, one: Recorded, event: PromotionDecided) -> None:
    taken = Step.ALLOW if event.state == State.ALLOWED else Step.DENY
    expires_at = None if event.expires_at is None else format_time(read_time(event.expires_at))
    _move(writing, one, taken, {"decision_id": event.decision_id, "expires_at": expires_at})


def promotion_ended(writing: Writing, one: Recorded, taken: Step) -> None:
    _move(writing, one, taken, {})


def _move(writing: Writing, one: Recorded, taken: Step, values: dict[str, str | None]) -> None:
    """Take a step where it is legal; one that is not was never recorded by this service."""
    connection = writing.flushed()
    promotion = PROMOTIONS.c.id == one.entry.subject.removeprefix("promotion/")
    found = connection.execute(select(PROMOTIONS.c.state).where(promotion)).scalar()
    reached = None if found is None else STEPS.get((State(found), taken))
    if reached is not None:
        connection.execute(
            update(PROMOTIONS)
            .where(promotion)
            .values(state=reached.value, changed_index=one.index, **values)
        )
