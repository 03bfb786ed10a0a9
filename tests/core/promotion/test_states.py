"""The states of a promotion: every step that is legal, and that no other is."""

from __future__ import annotations

from itertools import product

import pytest

from app.core.errors import IllegalTransition
from app.core.promotion.states import FINAL, OPEN, STEPS, State, Step, shown, step

LEGAL = {
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


@pytest.mark.parametrize(("before", "taken"), list(product([None, *State], Step)))
def test_a_step_is_legal_exactly_where_the_decisions_say(before: State | None, taken: Step) -> None:
    if (before, taken) in LEGAL:
        assert step(before, taken) is LEGAL[before, taken]
    else:
        with pytest.raises(IllegalTransition):
            step(before, taken)


def test_the_table_holds_nothing_more() -> None:
    assert dict(STEPS) == LEGAL


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_state_stays_final(state: State) -> None:
    for taken in Step:
        with pytest.raises(IllegalTransition, match="has no step") as refusal:
            step(state, taken)
        assert refusal.value.remedy == "request a new promotion"


def test_final_states_are_those_without_a_way_out() -> None:
    assert {
        State.DENIED,
        State.WITHDRAWN,
        State.EXPIRED,
        State.SUPERSEDED,
        State.ROLLED_BACK,
        State.RETIRED,
    } == FINAL
    assert {State.REQUESTED, State.ALLOWED} == OPEN


def test_a_refused_step_names_the_legal_ones() -> None:
    with pytest.raises(IllegalTransition, match="that is live has no step 'allow'") as refusal:
        step(State.LIVE, Step.ALLOW)
    assert refusal.value.remedy == "legal from here: supersede, roll back, retire"


def test_before_it_is_requested_a_promotion_can_only_be_requested() -> None:
    with pytest.raises(IllegalTransition, match="not requested") as refusal:
        step(None, Step.DEPLOY)
    assert refusal.value.remedy == "legal from here: request"


def test_pending_is_requested_with_only_people_missing() -> None:
    assert shown(State.REQUESTED, only_people_missing=True) == "pending"
    assert shown(State.REQUESTED, only_people_missing=False) == "requested"
    assert shown(State.ALLOWED, only_people_missing=True) == "allowed"
