"""What keeps a policy from being published: gates nobody could pass, numbers without reasons."""

from __future__ import annotations

import random
from itertools import permutations
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from app.core.policy.lint import lint
from tests.core.policy import worlds
from tests.core.policy.worlds import RULES, changed, need

if TYPE_CHECKING:
    from app.core.errors import Fault
    from app.core.policy.document import Policy

ENVIRONMENTS = ("development", "staging", "production")
HOLDERS = {"validator": ["vera", "viktor"], "compliance": ["carl"]}


def lints(
    policy: Policy,
    holders: dict[str, list[str]] | None = None,
    submitters: tuple[str, ...] = ("ada",),
    drafter: str | None = "paul",
) -> tuple[Fault, ...]:
    return lint(
        policy,
        environments=ENVIRONMENTS,
        holders=HOLDERS if holders is None else holders,
        submitters=submitters,
        drafter=drafter,
    )


def pointers(policy: Policy) -> list[str]:
    return [fault.pointer for fault in lints(policy)]


def test_a_policy_that_can_be_met_has_no_fault() -> None:
    assert lints(worlds.policy()) == ()


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"applies": {"transition": {"to": "moon"}}}, "#/applies/transition/to"),
        (
            {"applies": {"transition": {"from": "moon", "to": "production"}}},
            "#/applies/transition/from",
        ),
        (
            {"applies": {"transition": {"from": "production", "to": "production"}}},
            "#/applies/transition",
        ),
        (
            {"applies": {"transition": {"to": "production"}, "when": {"risk_tier": []}}},
            "#/applies/when/risk_tier",
        ),
    ],
)
def test_a_policy_that_is_about_nothing_is_a_fault(members: dict[str, Any], pointer: str) -> None:
    assert pointers(worlds.policy(**members)) == [pointer]


def test_a_policy_that_asks_for_nothing_is_a_fault() -> None:
    assert pointers(worlds.policy(rules=[], evidence={})) == ["#/rules"]


def test_evidence_that_no_rule_reads_is_a_fault() -> None:
    assert pointers(worlds.policy(RULES["auc"])) == ["#/evidence/bias", "#/evidence/card"]


@pytest.mark.parametrize("rationale", [None, "", "  "])
@pytest.mark.parametrize("rule", ["auc", "impact"])
def test_a_threshold_without_a_reason_is_a_fault(rule: str, rationale: str | None) -> None:
    rules = [changed(name, rationale=rationale) if name == rule else RULES[name] for name in RULES]
    place = list(RULES).index(rule)
    assert pointers(worlds.policy(*rules)) == [f"#/rules/{place}/rationale"]


@pytest.mark.parametrize(
    ("op", "value", "word"),
    [
        (">=", 1.01, "never"),
        (">=", 1, None),
        (">", 1, "never"),
        (">", 0.99, None),
        ("<=", -0.01, "never"),
        ("<=", 0, None),
        ("<", 0, "never"),
        ("<", 0.01, None),
        (">=", 0, "always"),
        (">=", 0.01, None),
        (">", -0.01, "always"),
        (">", 0, None),
        ("<=", 1, "always"),
        ("<=", 0.99, None),
        ("<", 1.01, "always"),
        ("<", 1, None),
    ],
)
def test_a_threshold_that_every_value_is_on_one_side_of_is_a_fault(
    op: str, value: float, word: str | None
) -> None:
    rules = [changed("auc", op=op, value=value), *list(RULES.values())[1:]]
    found = [fault.message for fault in lints(worlds.policy(*rules))]
    assert found == ([] if word is None else [f"roc_auc lies in 0 to 1: {word} passes"])


def test_a_metric_of_unknown_range_may_have_any_threshold() -> None:
    rules = [changed("auc", metric="rmse", op="<=", value=25), *list(RULES.values())[1:]]
    assert lints(worlds.policy(*rules)) == ()


def test_a_ratio_above_one_is_a_fault() -> None:
    rules = [*list(RULES.values())[:1], changed("impact", value=1.1), *list(RULES.values())[2:]]
    assert pointers(worlds.policy(*rules)) == ["#/rules/1/value"]


LOOSE = {"distinct_persons": False}
VR, V2, CA = need("v", "review"), need("v", "review", 2), need("c", "approval")
ABC = [need(one, "review") for one in "abc"]

Setup: TypeAlias = (
    "tuple[list[dict[str, Any]], dict[str, Any], dict[str, list[str]], tuple[str, ...]]"
)
"""Needs, other members of the rule, who holds which role, who may submit."""

IMPOSSIBLE: list[Setup] = [
    ([VR], {}, {}, ("ada",)),
    ([VR], {}, {"v": []}, ("ada",)),
    ([VR], {}, {"v": ["ada"]}, ("ada",)),
    ([VR], {}, {"v": ["paul"]}, ("ada",)),
    ([V2], {}, {"v": ["x"]}, ("ada",)),
    ([need("v", "review", 3)], {}, {"v": ["x", "y"]}, ("ada",)),
    ([V2], {}, {"v": ["x", "ada"]}, ("ada",)),
    ([V2], {}, {"v": ["x", "paul"]}, ("ada",)),
    ([VR, CA], {}, {"v": ["x"], "c": ["x"]}, ("ada",)),
    ([VR, CA], {}, {"v": ["x"]}, ("ada",)),
    ([VR, CA], {}, {"v": ["x"], "c": ["ada"]}, ("ada",)),
    ([VR, CA], {}, {"v": ["x"], "c": ["paul"]}, ("ada",)),
    ([V2, CA], {}, {"v": ["x", "y"], "c": ["x"]}, ("ada",)),
    (
        ABC,
        {},
        {"a": ["x", "y"], "b": ["x"], "c": ["y"]},
        ("ada",),
    ),
    (ABC, {}, {one: ["x", "y"] for one in "abc"}, ("ada",)),
    ([V2], LOOSE, {"v": ["x"]}, ("ada",)),
    (
        [VR, need("c", "review")],
        LOOSE,
        {"v": ["x"]},
        ("ada",),
    ),
    ([VR], {}, {"v": ["x"]}, ()),
    ([VR], {}, {"v": ["x"]}, ("x",)),
    ([VR, need("c", "review")], {}, {"v": ["x"], "c": ["y"]}, ("x", "y")),
]

POSSIBLE: list[Setup] = [
    ([VR], {}, {"v": ["x"]}, ("ada",)),
    ([VR], {}, {"v": ["x", "ada"]}, ("ada",)),
    ([VR], {}, {"v": ["x", "y"]}, ("x",)),
    ([VR], {}, {"v": ["x"]}, ("x", "ada")),
    ([VR], {}, {"v": ["x", "paul"]}, ("ada",)),
    ([V2], {}, {"v": ["x", "y"]}, ("ada",)),
    ([V2], {}, {"v": ["x", "y", "ada"]}, ("ada",)),
    ([need("v", "review", 3)], {}, {"v": ["x", "y", "z"]}, ("ada",)),
    ([VR, CA], {}, {"v": ["x"], "c": ["y"]}, ("ada",)),
    ([VR, CA], {}, {"v": ["x", "y"], "c": ["x"]}, ("ada",)),
    ([CA, VR], {}, {"v": ["x", "y"], "c": ["x"]}, ("ada",)),
    (
        [VR, CA],
        {},
        {"v": ["x", "y"], "c": ["x", "y"]},
        ("ada",),
    ),
    ([V2, CA], {}, {"v": ["x", "y"], "c": ["z"]}, ("ada",)),
    (
        ABC,
        {},
        {"a": ["x", "y"], "b": ["x"], "c": ["z"]},
        ("ada",),
    ),
    (ABC, {}, {one: ["x", "y", "z"] for one in "abc"}, ("ada",)),
    (
        [VR, need("c", "review")],
        LOOSE,
        {"v": ["x"], "c": ["x"]},
        ("ada",),
    ),
    ([V2], LOOSE, {"v": ["x", "y"]}, ("ada",)),
    ([VR], {}, {"v": ["x"], "unused": ["x"]}, ("ada",)),
    ([VR, need("c", "review")], {}, {"v": ["x", "z"], "c": ["y"]}, ("x", "y")),
    ([VR, need("v", "approval")], {}, {"v": ["x", "y"]}, ("ada",)),
]


@pytest.mark.parametrize(
    ("needs", "members", "holders", "submitters", "possible"),
    [(*one, False) for one in IMPOSSIBLE] + [(*one, True) for one in POSSIBLE],
)
def test_a_gate_that_nobody_could_pass_is_a_fault_and_no_other_is(
    needs: list[dict[str, Any]],
    members: dict[str, Any],
    holders: dict[str, list[str]],
    submitters: tuple[str, ...],
    possible: bool,
) -> None:
    policy = worlds.policy(changed("people", need=needs, **members), evidence={})
    found = [fault.pointer for fault in lints(policy, holders, submitters)]
    assert found == ([] if possible else ["#/rules/0"])


def test_the_fault_says_who_is_asked_for() -> None:
    policy = worlds.policy(RULES["people"], evidence={})
    (fault,) = lints(policy, {"validator": ["x"]})
    assert fault.message == (
        "nobody could meet it: validator (review), compliance (approval) cannot be filled by "
        "different people other than a submitter and the drafter"
    )
    loose = worlds.policy(changed("people", distinct_persons=False), evidence={})
    (fault,) = lints(loose, {}, drafter=None)
    assert fault.message.endswith("cannot be filled by people other than a submitter")


def decider(*, apart: bool) -> dict[str, Any]:
    asked = need("validator", "review", distinct_from_quorum=apart)
    return {"ci": "miettinen-nurminen", "straddle": {"review": asked}}


def test_deciders_of_a_straddling_rule_have_to_exist_too() -> None:
    bias = {"bias": worlds.POLICY["evidence"]["bias"]}
    quorum = changed("people", need=[need("validator", "review")])
    for apart, holders, faults in (
        (False, ["x"], []),
        (False, [], ["#/rules/0", "#/rules/1"]),
        (True, ["x"], ["#/rules/0"]),
        (True, ["x", "y"], []),
    ):
        policy = worlds.policy(
            changed("impact", decide_on=decider(apart=apart)), quorum, evidence=bias
        )
        found = [fault.pointer for fault in lints(policy, {"validator": holders})]
        assert found == faults
    alone = worlds.policy(changed("impact", decide_on=None), evidence=bias)
    assert lints(alone, {}) == ()


def test_the_lint_agrees_with_trying_everybody() -> None:
    rng = random.Random(9)
    people = ["u0", "u1", "u2", "u3"]
    for _ in range(200):
        holders = {role: rng.sample(people, rng.randint(0, 3)) for role in "ab"}
        submitters = tuple(rng.sample(people, rng.randint(0, 2)))
        counts = {role: rng.randint(1, 2) for role in "ab"}
        seats = [role for role in "ab" for _ in range(counts[role])]
        possible = any(
            all(
                who in holders[role] and who not in {one, "u0"}
                for who, role in zip(order, seats, strict=True)
            )
            for one in submitters
            for order in permutations(people, len(seats))
        )
        rule = changed("people", need=[need(role, "review", counts[role]) for role in "ab"])
        found = lints(worlds.policy(rule, evidence={}), holders, submitters, drafter="u0")
        assert (found == ()) is possible
