"""An old decision computed again, and what it says when something was altered."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from app.core.policy.decide import decide
from app.core.policy.decision import decision_from_json, decision_to_json
from app.core.policy.document import parse_policy
from app.core.policy.facts import facts_from_json, facts_to_json
from app.core.policy.replay import Replay, replay
from tests.core.policy import worlds
from tests.core.policy.worlds import AS_OF, POLICY


def recorded() -> tuple[dict[str, Any], dict[str, Any]]:
    """A decision and its facts, through JSON text as a log keeps them."""
    facts = worlds.facts()
    decision = decide([parse_policy(POLICY)], facts, AS_OF)
    served = {**decision_to_json(decision), "decision_id": "d-1", "log": {"size": 60}}
    return json.loads(json.dumps(served)), json.loads(json.dumps(facts_to_json(facts)))


def again(decision: dict[str, Any], facts: dict[str, Any]) -> Replay:
    as_of = decision_from_json(decision).as_of
    return replay(decision, [parse_policy(POLICY)], facts_from_json(facts), as_of)


def test_a_decision_replays_to_its_digest() -> None:
    decision, facts = recorded()
    result = again(decision, facts)
    assert result.holds
    assert result.differs == ()
    assert result.recomputed == result.recorded == decision["decision_digest"]


@pytest.mark.parametrize(
    ("path", "value", "differs"),
    [
        (("gate",), "DENY", "gate"),
        (("rules", 0, "outcome"), "FAIL", "rules"),
        (("rules", 0, "actual"), "0.750000001", "rules"),
        (("decision_digest",), worlds.OTHER, "decision_digest"),
    ],
)
def test_an_altered_decision_does_not_hold(
    path: tuple[Any, ...], value: object, differs: str
) -> None:
    decision, facts = recorded()
    here: Any = decision
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    result = again(decision, facts)
    assert not result.holds
    assert result.differs == (differs,)


def test_altered_facts_do_not_hold() -> None:
    decision, facts = recorded()
    altered = copy.deepcopy(facts)
    altered["evidence"][0]["metrics"][0]["value"] = "0.760000000"
    result = again(decision, altered)
    assert not result.holds
    assert {"facts_digest", "rules", "decision_digest"} <= set(result.differs)


def test_a_sentence_may_be_worded_otherwise_later() -> None:
    decision, facts = recorded()
    decision["rules"][0]["message"] = "older words"
    decision["reason"] = "older words"
    result = again(decision, facts)
    assert result.holds
    assert result.differs == ("reason", "rules")


def test_another_policy_does_not_hold() -> None:
    decision, facts = recorded()
    other = worlds.policy(mode="warn")
    result = replay(decision, [other], facts_from_json(facts), AS_OF)
    assert not result.holds
