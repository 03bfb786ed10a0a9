"""The states of a promotion and the legal steps between them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import IllegalTransition

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """Where a promotion stands. Before it is requested it has no state (None)."""

    REQUESTED = "requested"
    ALLOWED = "allowed"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    LIVE = "live"
    SUPERSEDED = "superseded"
    ROLLED_BACK = "rolled_back"
    RETIRED = "retired"


class Step(StrEnum):
    """What can happen to a promotion.

    DEPLOY: a deployment named its decision and succeeded. EXPIRE: its time ran out unused.
    """

    REQUEST = "request"
    ALLOW = "allow"
    DENY = "deny"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    DEPLOY = "deploy"
    SUPERSEDE = "supersede"
    ROLL_BACK = "roll back"
    RETIRE = "retire"


STEPS: Mapping[tuple[State | None, Step], State] = {
    (None, Step.REQUEST): State.REQUESTED,
    (State.REQUESTED, Step.ALLOW): State.ALLOWED,
    (State.REQUESTED, Step.DENY): State.DENIED,
    (State.REQUESTED, Step.WITHDRAW): State.WITHDRAWN,
    (State.REQUESTED, Step.EXPIRE): State.EXPIRED,
    (State.ALLOWED, Step.EXPIRE): State.EXPIRED,
    (State.ALLOWED, Step.DEPLOY): State.LIVE,
    (State.LIVE, Step.SUPERSEDE): State.SUPERSEDED,
    (State.LIVE, Step.ROLL_BACK): State.ROLLED_BACK,
    (State.LIVE, Step.RETIRE): State.RETIRED,
}

OPEN = frozenset({State.REQUESTED, State.ALLOWED})
"""A model version has at most one promotion in these states per environment."""

FINAL = frozenset(State) - {state for state, _ in STEPS}


def step(state: State | None, taken: Step) -> State:
    """Where ``taken`` leads from ``state``.

    Raises IllegalTransition: the machine has no such step; final states stay final.
    """
    reached = STEPS.get((state, taken))
    if reached is not None:
        return reached
    legal = ", ".join(each for before, each in STEPS if before == state)
    raise IllegalTransition(
        f"a promotion that is {state or 'not requested'} has no step {taken.value!r}",
        remedy=f"legal from here: {legal}" if legal else "request a new promotion",
    )


def shown(state: State, *, only_people_missing: bool) -> str:
    """The state as people read it: *pending* is requested with nothing left but reviews."""
    if state is State.REQUESTED and only_people_missing:
        return "pending"
    return state.value
