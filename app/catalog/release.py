"""Deployments and the decisions they use up (one decision, one deployment).

A start that names a decision that is used, expired or about something else is refused. A
success happened and is recorded in any case, with what the service found: ``gated`` or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from app.catalog import queries
from app.catalog.moments import read_time
from app.catalog.tables import DECISIONS, DEPLOYMENT_STEPS
from app.core.errors import StaleDecision
from app.core.events.kinds.deployments import (
    DeploymentFailed,
    DeploymentRetired,
    DeploymentRolledBack,
    DeploymentStarted,
    DeploymentSucceeded,
)
from app.core.promotion.states import State
from app.ledger.ports import Admission
from app.ledger.sql_store import HEADS

if TYPE_CHECKING:
    from datetime import datetime

    from app.catalog.known import Known
    from app.catalog.values import Decision
    from app.core.events import Said

    Deployed = (
        DeploymentStarted
        | DeploymentSucceeded
        | DeploymentFailed
        | DeploymentRolledBack
        | DeploymentRetired
    )

CONSUMING = (DeploymentStarted, DeploymentSucceeded)
CHANGING = (*CONSUMING, DeploymentRolledBack, DeploymentRetired)


def admit(known: Known, said: Said, event: Deployed, now: datetime) -> Admission:
    """Admit a step of a deployment. Raises StaleDecision for a start without a right to it."""
    if not isinstance(event, CONSUMING):
        return Admission()
    if event.decision_id is None:
        if isinstance(event, DeploymentStarted):
            return Admission()
        return _ungated("no decision was named", {})
    decision = queries.decision(known.connection, event.decision_id)
    expects = _heads(known, said, decision)
    trouble = _trouble(known, said, event, decision, now)
    if isinstance(event, DeploymentSucceeded):
        if trouble is None:
            return Admission(expects=expects, service_members={"gated": True})
        return _ungated(trouble, expects)
    if trouble is not None:
        raise StaleDecision(
            trouble, remedy=f"muniment promote {event.model_version} to {event.environment}"
        )
    return Admission(expects=expects)


def _ungated(because: str, expects: dict[str, int | None]) -> Admission:
    return Admission(expects=expects, service_members={"gated": False, "ungated_because": because})


def _heads(known: Known, said: Said, decision: Decision | None) -> dict[str, int | None]:
    """Give the heads that any other use of the decision would move."""
    keys = [said.subject, *(f"type:{kind.TYPE}" for kind in CONSUMING)]
    if decision is not None:
        # Whatever is decided anew stands under one of these.
        keys.append(decision.model_version)
        if decision.promotion is not None:
            keys.append(f"promotion/{decision.promotion}")
    found = known.connection.execute(select(HEADS).where(HEADS.c.key.in_(keys)))
    indexes = {row.key: row.idx for row in found}
    return {key: indexes.get(key) for key in keys}


def _trouble(
    known: Known,
    said: Said,
    event: DeploymentStarted | DeploymentSucceeded,
    decision: Decision | None,
    now: datetime,
) -> str | None:
    """Say why the decision does not carry this deployment; None: it does."""
    if decision is None:
        return f"there is no decision {event.decision_id}"
    about = (decision.model_version, decision.environment)
    if about != (event.model_version, event.environment):
        return f"decision {decision.id} is about {about[0]} in {about[1]}"
    if decision.gate != "ALLOW":
        return f"decision {decision.id} says {decision.gate}"
    user = _user_of(known, decision)
    if user is not None:
        if user == said.subject and _going_on(known, said, decision):
            return None
        return f"decision {decision.id} is used up, by {user}"
    if read_time(decision.expires_at) < now:
        return f"decision {decision.id} expired at {decision.expires_at}"
    newest = queries.last_decision(known.connection, *about)
    if newest is not None and newest.gate != "ALLOW":
        # What spoke for it then speaks against it now.
        return f"decision {decision.id} was overtaken by {newest.id}, which says {newest.gate}"
    return _promotion_trouble(known, decision)


def _user_of(known: Known, decision: Decision) -> str | None:
    """Tell which deployment used the decision first; None: none yet."""
    if decision.used_by is not None:
        return decision.used_by
    return next(
        (
            one.subject
            for one in known.earlier
            if isinstance(one.event, CONSUMING) and one.event.decision_id == decision.id
        ),
        None,
    )


def _going_on(known: Known, said: Said, decision: Decision) -> bool:
    """Tell whether nothing else happened there since the decision was used there.

    A failure in between changes nothing: the same deployment may be tried again.
    """
    steps = DEPLOYMENT_STEPS.c
    another = (
        select(steps.created_index)
        .where(
            steps.subject == said.subject,
            steps.kind != "failed",
            steps.created_index > (decision.used_index or 0),
            steps.decision_id.is_distinct_from(decision.id),
        )
        .limit(1)
    )
    used = decision.used_index is not None
    if used and known.connection.execute(another).first() is not None:
        return False
    there = [
        one.event.decision_id
        for one in known.earlier
        if one.subject == said.subject and isinstance(one.event, CHANGING)
    ]
    if not used:
        there = there[there.index(decision.id) :]
    return all(named == decision.id for named in there)


def _promotion_trouble(known: Known, decision: Decision) -> str | None:
    """Say why the promotion of an unused decision does not stand behind it.

    A promotion may be decided again while it is allowed; one of its decisions is used.
    """
    if decision.promotion is None:
        return None
    promotion = queries.promotion(known.connection, decision.promotion)
    state = "not recorded" if promotion is None else promotion.state
    if state != State.ALLOWED.value:
        return f"promotion {decision.promotion} is {state}"
    in_batch = [one.event.decision_id for one in known.earlier if isinstance(one.event, CONSUMING)]
    column = DECISIONS.c
    other = known.connection.execute(
        select(column.id).where(
            column.promotion == decision.promotion,
            or_(column.used_by.is_not(None), column.id.in_(in_batch)),
        )
    ).scalar()
    return None if other is None else f"promotion {decision.promotion} used decision {other}"
