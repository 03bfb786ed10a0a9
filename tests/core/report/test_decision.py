"""A recorded decision is read as it was recorded, or refused with the place."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from app.core.errors import SchemaMismatch
from app.core.policy.decide import decide
from app.core.policy.decision import decision_to_json
from app.core.policy.document import parse_policy
from app.core.report.decision import parse_decision
from tests.core.policy import worlds
from tests.core.report import samples

if TYPE_CHECKING:
    from app.core.jsonvalue import Json


def document(**changes: Json) -> dict[str, Json]:
    rules: list[Json] = [{"id": "p/r", "outcome": "PASS", "message": "fine"}]
    read: dict[str, Json] = json.loads(samples.decided(5, "ALLOW", rules).document)
    return read | changes


def with_rule(**members: Json) -> dict[str, Json]:
    return document(rules=[{"id": "p/r", "outcome": "PASS", "message": "fine"} | members])


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"gate": None}, "#/gate"),
        ({"subject": "model/x/1"}, "#/subject"),
        ({"missing": [{"role": "r"}]}, "#/missing/0/meaning"),
        ({"rules": {}}, "#/rules"),
        ({"rules": [1]}, "#/rules/0"),
        ({"rules": [{"id": "a"}]}, "#/rules/0/outcome"),
        ({"policies": [{"name": 1}]}, "#/policies/0/name"),
        ({"as_of": "yesterday"}, "#/as_of"),
        ({"expires_at": "2026-11-09T15:00:00"}, "#/expires_at"),
    ],
)
def test_a_decision_that_cannot_be_printed_is_refused_with_the_place(
    changes: dict[str, Json], pointer: str
) -> None:
    with pytest.raises(SchemaMismatch) as refused:
        parse_decision(document(**changes), {})
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_a_decision_is_an_object() -> None:
    with pytest.raises(SchemaMismatch, match="/ is not an object"):
        parse_decision([], {})


@pytest.mark.parametrize(
    ("recorded", "low", "high"),
    [
        ({"low": "0.1", "high": None}, "0.1", None),
        (None, None, None),
        ("wide", None, None),
    ],
)
def test_an_interval_is_read_from_its_ends(
    recorded: Json, low: str | None, high: str | None
) -> None:
    (rule,) = parse_decision(with_rule(ci=recorded), {}).rules
    assert (rule.low, rule.high) == (low, high)


@pytest.mark.parametrize(
    ("recorded", "words"),
    [
        ("0.5", "0.5"),
        (7, "7"),
        (0.25, "0.25"),
        (True, "yes"),
        (False, "no"),
        ({"sex": "F", "race": None}, "sex=F, race=unknown"),
        (["a", 1], "a, 1"),
        (None, None),
    ],
)
def test_a_group_is_put_into_words(recorded: Json, words: str | None) -> None:
    assert parse_decision(with_rule(group=recorded), {}).rules[0].group == words


def test_evidence_is_found_by_its_digest_and_what_is_not_stays_named() -> None:
    digests: list[Json] = ["sha256:00", "sha256:11"]
    (rule,) = parse_decision(with_rule(evidence=digests), {"sha256:11": 4}).rules
    assert rule.evidence == ("sha256:00", "sha256:11")
    assert rule.indexes == (4,)


def test_what_the_gates_decide_can_be_printed_rule_by_rule() -> None:
    made = decide([parse_policy(worlds.POLICY)], worlds.facts(reviews=[]), worlds.AS_OF)
    served: dict[str, Json] = {**decision_to_json(made), "decision_id": "d-1"}
    known = {str(digest): 7 for rule in made.rules for digest in rule.evidence}
    read = parse_decision(json.loads(json.dumps(served)), known)
    assert (read.gate, read.digest, read.as_of) == (made.gate, made.decision_digest, worlds.AS_OF)
    assert [(rule.id, rule.outcome, rule.evidence) for rule in read.rules] == [
        (rule.id, rule.outcome, rule.evidence) for rule in made.rules
    ]
    assert len(read.missing) == len(made.missing) > 0
    bounded = {rule.id: rule.ci for rule in made.rules if rule.ci}
    assert bounded
    for rule in read.rules:
        if rule.id in bounded:
            assert Decimal(rule.low or 0) == bounded[rule.id].low
        assert set(rule.indexes) <= {7}
