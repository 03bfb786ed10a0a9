"""What deployment events change: the steps, what runs now, decisions and promotions.

What runs is asked in valid time: a step reported late takes its place by ``occurred_at``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from app.catalog.tables import DECISIONS, DEPLOYMENT_STEPS, DEPLOYMENTS, PROMOTIONS
from app.catalog.writing import origin
from app.core.events.kinds.deployments import DeploymentStarted, DeploymentSucceeded
from app.core.ledger.times import format_time
from app.core.promotion.states import STEPS, State, Step

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from app.catalog.writing import Writing
    from app.core.events.kinds.deployments import (
        DeploymentFailed,
        DeploymentRetired,
        DeploymentRolledBack,
    )
    from app.ledger.ports import Recorded

ENDS = {"succeeded": Step.SUPERSEDE, "rolled_back": Step.ROLL_BACK, "retired": Step.RETIRE}
"""The kinds of step that change what runs, and what each does to whatever was live."""


def step(
    writing: Writing,
    one: Recorded,
    event: DeploymentStarted
    | DeploymentSucceeded
    | DeploymentFailed
    | DeploymentRolledBack
    | DeploymentRetired,
) -> None:
    """Take in one step of a deployment."""
    subject, kind = one.entry.subject, event.TYPE.split(".")[1]
    succeeded = event if isinstance(event, DeploymentSucceeded) else None
    row = {
        "subject": subject,
        "environment": event.environment,
        "name": event.name,
        "kind": kind,
        "model_version": event.model_version,
        "decision_id": event.decision_id,
        "target": event.target,
        "revision": event.revision,
        "gated": succeeded.gated if succeeded else None,
        "ungated_because": succeeded.ungated_because if succeeded else None,
        "occurred_at": format_time(one.entry.occurred_at),
    }
    writing.add(DEPLOYMENT_STEPS, row | origin(one))
    connection = writing.flushed()
    if isinstance(event, DeploymentStarted) or (succeeded and succeeded.gated):
        _use_decision(connection, event.decision_id, subject, one.index)
    if kind not in ENDS:
        return
    now = _restate(connection, subject, one.index)
    if succeeded and succeeded.gated:
        _go_live(connection, event.decision_id, subject, one.index)
    _end_others(connection, now, ENDS[kind], one.index)


def _use_decision(
    connection: Connection, decision_id: str | None, subject: str, index: int
) -> None:
    """Consume the decision; whoever named it first keeps it."""
    connection.execute(
        update(DECISIONS)
        .where(DECISIONS.c.id == decision_id, DECISIONS.c.used_by.is_(None))
        .values(used_by=subject, used_index=index, changed_index=index)
    )


def _restate(connection: Connection, subject: str, index: int) -> Row[*tuple[Any, ...]]:
    """Write what runs in ``subject``: the latest step, in valid time, that changed it."""
    steps = DEPLOYMENT_STEPS.c
    changing = (steps.subject == subject) & steps.kind.in_(ENDS)
    latest = connection.execute(
        select(DEPLOYMENT_STEPS)
        .where(changing)
        .order_by(steps.occurred_at.desc(), steps.created_index.desc())
        .limit(1)
    ).one()
    before = connection.execute(
        select(DEPLOYMENTS.c.created_index).where(DEPLOYMENTS.c.subject == subject)
    ).scalar()
    copied = ("environment", "name", "model_version", "decision_id", "target", "revision")
    row = {name: getattr(latest, name) for name in (*copied, "gated", "ungated_because")} | {
        "subject": subject,
        "state": "retired" if latest.kind == "retired" else "live",
        "since": latest.occurred_at,
        "step_index": latest.created_index,
        "created_index": index if before is None else before,
        "changed_index": index,
    }
    connection.execute(DEPLOYMENTS.delete().where(DEPLOYMENTS.c.subject == subject))
    connection.execute(DEPLOYMENTS.insert(), row)
    return latest


def _go_live(connection: Connection, decision_id: str | None, subject: str, index: int) -> None:
    """Carry the decision's promotion from allowed to live; this decision is the one it used."""
    promotion = select(DECISIONS.c.promotion).where(DECISIONS.c.id == decision_id)
    connection.execute(
        update(PROMOTIONS)
        .where(
            PROMOTIONS.c.id == promotion.scalar_subquery(),
            PROMOTIONS.c.state == State.ALLOWED.value,
        )
        .values(
            state=STEPS[State.ALLOWED, Step.DEPLOY].value,
            decision_id=decision_id,
            deployment=subject,
            changed_index=index,
        )
    )


def _end_others(
    connection: Connection, now: Row[*tuple[Any, ...]], taken: Step, index: int
) -> None:
    """End every promotion that was live there, but for the one that what runs now came by."""
    kept = now.decision_id if now.kind == "succeeded" and now.gated else None
    others = PROMOTIONS.c.decision_id.is_distinct_from(kept)
    live_there = (PROMOTIONS.c.deployment == now.subject) & (PROMOTIONS.c.state == State.LIVE.value)
    connection.execute(
        update(PROMOTIONS)
        .where(live_there, others)
        .values(state=STEPS[State.LIVE, taken].value, changed_index=index)
    )
