"""How findings sum up to a gate, and what a decision names, binds and lives for."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, cast

import pytest

from app.core.errors import Rejected
from app.core.ledger.canonical import canonical
from app.core.policy.answer import applies
from app.core.policy.decide import ENGINE, binding, decide, gate_of
from app.core.policy.decision import (
    OUTSIDE,
    Decision,
    Engine,
    Finding,
    Gate,
    Outcome,
    decision_from_json,
    decision_to_json,
    digest_of,
)
from app.core.policy.facts import facts_to_json
from tests.core.policy import worlds
from tests.core.policy.worlds import AS_OF, FACTS, RULES, changed, evidence

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.core.policy.document import Policy

PASSING = {Outcome.PASS, Outcome.PASS_BY_REVIEW, Outcome.NOT_APPLICABLE}


def found(outcome: Outcome, *, blocking: bool = True) -> Finding:
    return Finding(outcome, outcome, "", blocking=blocking)


def expected(outcomes: tuple[Outcome, ...]) -> Gate:
    if not outcomes or set(outcomes) == {Outcome.NOT_APPLICABLE}:
        return Gate.DENY
    if any(outcome not in PASSING | {Outcome.AWAITING} for outcome in outcomes):
        return Gate.DENY
    return Gate.PENDING if Outcome.AWAITING in outcomes else Gate.ALLOW


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_gate_opens_only_if_every_blocking_rule_passes(length: int) -> None:
    for outcomes in product(Outcome, repeat=length):
        assert gate_of(map(found, outcomes)) is expected(outcomes), outcomes


@pytest.mark.parametrize("outcome", Outcome)
def test_a_rule_that_does_not_block_neither_opens_nor_shuts_the_gate(outcome: Outcome) -> None:
    loose = found(outcome, blocking=False)
    assert gate_of([loose]) is Gate.DENY
    assert gate_of([loose, found(Outcome.PASS)]) is Gate.ALLOW
    assert gate_of([loose, found(Outcome.AWAITING)]) is Gate.PENDING


def whole(*policies: Policy, **members: object) -> Decision:
    return decide(policies, worlds.facts(policies=list(policies), **members), AS_OF)


def named(name: str, *rules: dict[str, object], **members: object) -> Policy:
    return worlds.policy(*rules, metadata={"name": name, "version": "1", "owner": "o"}, **members)


GOOD, BAD = RULES["auc"], changed("auc", value=0.99)
WAITING = changed("people", need=[worlds.need("nobody", "review")])


def test_everything_in_order_is_allowed() -> None:
    decision = whole(worlds.policy())
    assert decision.gate is Gate.ALLOW
    assert decision.reason == "every blocking rule is met"
    assert {rule.outcome for rule in decision.rules} == {Outcome.PASS}
    assert not any((decision.warnings, decision.unmet, decision.missing, decision.shadow))
    assert decision.engine == ENGINE
    assert decision.schema == "decision/v1"
    assert (decision.subject.name, decision.transition.to) == ("m", "production")
    assert not decision.single_administrator


def test_without_a_policy_nothing_is_allowed() -> None:
    decision = whole()
    assert (decision.gate, decision.reason) == (Gate.DENY, "no policy")
    assert decision.policies == ()
    assert decision.expires_at == AS_OF + timedelta(days=7)


def test_an_empty_policy_denies() -> None:
    decision = whole(worlds.policy(rules=[]))
    assert (decision.gate, decision.reason) == (Gate.DENY, "denied by p")


def test_an_environment_that_is_not_published_denies() -> None:
    decision = whole(worlds.policy(), environments=["staging"])
    assert decision.gate is Gate.DENY
    assert decision.reason == "production is not a published environment"


@pytest.mark.parametrize(
    ("applied", "matches"),
    [
        ({"transition": {"to": "production"}}, True),
        ({"transition": {"to": "staging"}}, False),
        ({"transition": {"from": "staging", "to": "production"}}, True),
        ({"transition": {"from": "development", "to": "production"}}, False),
        ({"transition": {"to": "production"}, "when": {"risk_tier": ["high", "low"]}}, True),
        ({"transition": {"to": "production"}, "when": {"risk_tier": ["low"]}}, False),
    ],
)
def test_a_policy_is_about_the_promotions_it_names(
    applied: dict[str, object], *, matches: bool
) -> None:
    policy = worlds.policy(GOOD, applies=applied)
    assert applies(policy, worlds.facts()) is matches
    decision = whole(policy)
    assert decision.gate is (Gate.ALLOW if matches else Gate.DENY)
    assert len(decision.policies) == matches


def test_a_model_without_a_risk_tier_meets_every_policy() -> None:
    applied = {"transition": {"to": "production"}, "when": {"risk_tier": ["low"]}}
    strict = named("strict", BAD, applies=applied)
    subject = {**FACTS["subject"], "risk_tier": None}
    assert whole(strict, named("easy", GOOD), subject=subject).gate is Gate.DENY
    assert whole(strict, named("easy", GOOD)).gate is Gate.ALLOW


def test_a_policy_from_elsewhere_does_not_meet_a_version_that_is_allowed_nowhere() -> None:
    assert whole(worlds.policy(GOOD), transition={"to": "production"}).reason == "no policy"


@pytest.mark.parametrize(
    ("rules", "gate", "reason"),
    [
        ((GOOD, GOOD), Gate.ALLOW, "every blocking rule is met"),
        ((GOOD, WAITING), Gate.PENDING, "waiting for people: b"),
        ((WAITING, BAD), Gate.DENY, "denied by b"),
        ((BAD, BAD), Gate.DENY, "denied by a, b"),
        ((WAITING, WAITING), Gate.PENDING, "waiting for people: a, b"),
    ],
)
def test_every_policy_applies_and_the_worst_gate_wins(
    rules: tuple[dict[str, object], dict[str, object]], gate: Gate, reason: str
) -> None:
    for names in ("ab", "ba"):
        policies = [named(name, rules["ab".index(name)]) for name in names]
        decision = whole(*policies)
        assert (decision.gate, decision.reason) == (gate, reason)
        assert [one.name for one in decision.policies] == ["a", "b"]
        assert [rule.id.split("/")[0] for rule in decision.rules] == ["a", "b"]


def test_a_decision_says_what_each_policy_alone_would_say() -> None:
    decision = whole(named("a", GOOD), named("b", BAD))
    assert [one.gate for one in decision.policies] == [Gate.ALLOW, Gate.DENY]
    assert decision.unmet == ("b/auc",)


def test_two_versions_of_one_policy_are_refused() -> None:
    with pytest.raises(Rejected, match="two versions of one policy"):
        whole(named("a", GOOD), named("a", BAD))


def test_a_policy_in_warn_mode_warns_and_does_not_block() -> None:
    decision = whole(named("a", GOOD), named("w", BAD, WAITING, GOOD | {"id": "ok"}, mode="warn"))
    assert decision.gate is Gate.ALLOW
    assert decision.warnings == ("w/auc", "w/people")
    assert decision.unmet == ()
    assert [rule.blocking for rule in decision.rules] == [True, False, False, False]
    assert decision.policies[1].gate is Gate.DENY
    assert decision.missing == ()
    assert decision.reviews.needed == 0


def test_a_policy_in_warn_mode_allows_nothing_by_itself() -> None:
    decision = whole(named("w", GOOD, mode="warn"))
    assert (decision.gate, decision.reason) == (Gate.DENY, "no policy")


def test_a_policy_in_shadow_mode_is_in_no_digest_and_never_the_gate() -> None:
    enforced = named("a", GOOD)
    facts = worlds.facts(policies=[enforced])
    without = decide([enforced], facts, AS_OF)
    beside = decide([enforced, named("s", BAD, WAITING, mode="shadow")], facts, AS_OF)
    assert beside.gate is Gate.ALLOW
    assert beside.decision_digest == without.decision_digest
    assert beside.policy_digest == without.policy_digest
    assert beside.bind == without.bind
    assert [one.policy.gate for one in beside.shadow] == [Gate.DENY]
    assert [rule.id for rule in beside.shadow[0].rules] == ["s/auc", "s/people"]
    assert beside.rules == without.rules
    assert not beside.warnings
    assert not beside.missing


def test_shadow_alone_is_no_policy() -> None:
    assert whole(named("s", GOOD, mode="shadow")).reason == "no policy"


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_the_policy_digest_is_over_the_sorted_digests_of_those_that_speak() -> None:
    policies = [named("b", GOOD), named("a", GOOD, mode="warn")]
    shadow = named("s", GOOD, mode="shadow")
    elsewhere = named("e", GOOD, applies={"transition": {"to": "staging"}})
    digests: list[str] = sorted(one.digest for one in policies)
    decision = whole(*policies, shadow, elsewhere)
    assert decision.policy_digest == sha(canonical(digests))
    assert whole().policy_digest == sha(b"[]")


def test_the_facts_digest_is_over_the_canonical_facts() -> None:
    facts = worlds.facts()
    decision = decide([worlds.policy()], facts, AS_OF)
    assert decision.facts_digest == sha(canonical(facts_to_json(facts)))


def test_the_decision_digest_leaves_out_what_may_differ() -> None:
    decision = whole(worlds.policy())
    document = dict(decision_to_json(decision))
    covered = {
        "schema", "gate", "subject", "transition", "policies", "policy_digest", "bind",
        "facts_digest", "rules", "warnings", "unmet", "missing", "reviews",
        "single_administrator",
    }  # fmt: skip
    assert set(document) - OUTSIDE == covered
    inside = {name: document[name] for name in covered}
    for rule in cast("list[dict[str, object]]", inside["rules"]):
        del rule["message"], rule["remedy"]
    assert decision.decision_digest == sha(canonical(inside))
    served = {
        **decision_to_json(decision),
        "decision_id": "x",
        "log": {"size": 3},
        "attestation_url": "/y",
    }
    assert digest_of(served) == decision.decision_digest


@pytest.mark.parametrize(
    "change",
    [
        {"gate": Gate.DENY},
        {"warnings": ("x",)},
        {"unmet": ("x",)},
        {"single_administrator": True},
        {"rules": ()},
        {"policies": ()},
    ],
)
def test_the_decision_digest_covers_what_was_decided(change: dict[str, object]) -> None:
    decision = whole(worlds.policy())
    assert digest_of(decision_to_json(replace(decision, **change))) != decision.decision_digest  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "x"},
        {"as_of": AS_OF + timedelta(1)},
        {"expires_at": AS_OF},
        {"engine": Engine("x", "9")},
        {"shadow": ()},
    ],
)
def test_the_decision_digest_does_not_cover_time_engine_and_sentences(
    change: dict[str, object],
) -> None:
    decision = whole(worlds.policy())
    assert digest_of(decision_to_json(replace(decision, **change))) == decision.decision_digest  # type: ignore[arg-type]


@pytest.mark.parametrize("rules", [None, 7, {}, [7], [None, []]])
def test_a_decision_with_mangled_rules_has_another_digest(rules: Json) -> None:
    decision = whole(worlds.policy())
    mangled = {**decision_to_json(decision), "rules": rules}
    assert digest_of(mangled) != decision.decision_digest
    del mangled["rules"]
    assert digest_of(mangled) != decision.decision_digest


def test_time_alone_changes_no_digest_until_something_grows_old() -> None:
    policy, facts = worlds.policy(), worlds.facts()
    now = decide([policy], facts, AS_OF)
    later = decide([policy], facts, AS_OF + timedelta(hours=1))
    assert later.decision_digest == now.decision_digest
    old = decide([policy], facts, AS_OF + timedelta(days=12))
    assert old.decision_digest != now.decision_digest


def test_a_decision_is_the_same_after_being_written_and_read() -> None:
    decision = whole(worlds.policy(), named("w", BAD, WAITING, mode="warn"))
    document = {**decision_to_json(decision), "decision_id": "x", "log": {}, "attestation_url": ""}
    assert decision_from_json(document) == decision


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_decision_lives_as_long_as_its_shortest_policy_says() -> None:
    short, long = named("a", GOOD, valid_for="P2D"), named("w", GOOD, valid_for="P3D", mode="warn")
    assert whole(short, long).expires_at == AS_OF + timedelta(days=2)
    assert whole(named("a", GOOD)).expires_at == AS_OF + timedelta(days=7)


def test_a_decision_ends_when_its_evidence_grows_too_old() -> None:
    aged = {"eval": {"type": "eval-report/v1", "max_age": "P10D"}}
    assert whole(worlds.policy(GOOD, evidence=aged)).expires_at == at("2026-05-11 09:00")
    fresh = changed("fresh", max_age="P11D")
    assert whole(worlds.policy(fresh)).expires_at == at("2026-05-12 09:00")


def test_a_decision_ends_when_a_counted_review_expires() -> None:
    rule = changed("people", expires_after="P2D")
    assert whole(worlds.policy(rule)).expires_at == at("2026-05-11 08:00")


def test_a_decision_ends_when_a_review_that_decides_a_rule_expires() -> None:
    accepts = worlds.review("vera", "validator", "review", 50, accepts=["p/impact"])
    early = {**accepts, "signed_at": "2026-04-28T08:00:00Z"}
    policy = worlds.policy(RULES["impact"])
    items = evidence(1, cells=worlds.STRADDLING)
    decision = whole(policy, evidence=items, reviews=[early])
    assert decision.gate is Gate.ALLOW
    assert decision.expires_at == at("2026-05-12 08:00")


def test_a_decision_ends_when_an_approval_of_its_data_does() -> None:
    ancestor = {**FACTS["lineage"]["ancestors"][0], "approved_until": "2026-05-13T00:00:00Z"}
    lineage = {"ancestors": [ancestor]}
    assert whole(worlds.policy(RULES["origin"]), lineage=lineage).expires_at == at("2026-05-13")
    licence = changed("origin", **{"assert": {"all": {"licence_ok": True}}})
    unasked = whole(worlds.policy(licence), lineage=lineage)
    assert unasked.expires_at == AS_OF + timedelta(days=7)


def test_an_end_that_has_passed_does_not_make_a_denial_born_expired() -> None:
    decision = whole(worlds.policy(changed("fresh", max_age="P1D")))
    assert decision.gate is Gate.DENY
    assert decision.expires_at == AS_OF + timedelta(days=7)
    now = whole(worlds.policy(changed("fresh", max_age="P9DT3H")))
    assert now.expires_at == AS_OF + timedelta(days=7)


def test_what_reviews_are_bound_to_can_be_asked_for_beforehand() -> None:
    policies = [worlds.policy(), named("w", BAD, mode="warn"), named("s", BAD, mode="shadow")]
    facts = worlds.facts(policies=policies, reviews=[])
    assert binding(policies, facts, AS_OF) == decide(policies, facts, AS_OF).bind
    assert binding(policies[::-1], facts, AS_OF) == binding(policies, facts, AS_OF)


def test_a_mark_of_a_policy_that_only_warns_is_not_the_decisions() -> None:
    lone = worlds.role("validator", single_administrator=True)
    signed = worlds.review("vera", "validator", "review", 50, roles=[lone])
    asks = changed("people", need=[worlds.need("validator", "review")])
    assert whole(named("a", asks), reviews=[signed]).single_administrator
    warned = whole(named("a", GOOD), named("w", asks, mode="warn"), reviews=[signed])
    assert not warned.single_administrator
    assert warned.reviews.counted == ()


def test_signatures_of_several_policies_add_up() -> None:
    asks = changed("people", need=[worlds.need("validator", "review")])
    both = changed("people", need=[worlds.need("compliance", "approval")])
    decision = whole(named("a", asks), named("b", both))
    assert (decision.reviews.needed, decision.reviews.have) == (2, 2)
    assert decision.reviews.eligible_count == 3
    assert [one.rule for one in decision.reviews.counted] == ["a/people", "b/people"]
