"""Whose signature counts, and for what. Every known bypass of an approval is a test here."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.policy.decide import decide
from app.core.policy.decision import Decision, Gate, MissingReview, Outcome
from app.core.policy.rules import Meaning
from tests.core.policy import worlds
from tests.core.policy.worlds import (
    AS_OF,
    FACTS,
    RULES,
    changed,
    decided,
    evidence,
    need,
    review,
    role,
)

PEOPLE = RULES["people"]
VERA = review("vera", "validator", "review", 50)
CARL = review("carl", "compliance", "approval", 51)


def people(*reviews: dict[str, Any], rule: dict[str, Any] = PEOPLE, **members: object) -> Decision:
    return decided(rule, reviews=list(reviews), **members)


def outcome(*reviews: dict[str, Any], rule: dict[str, Any] = PEOPLE, **members: object) -> Outcome:
    return people(*reviews, rule=rule, **members).rules[0].outcome


def test_both_people_make_it_pass() -> None:
    decision = people(VERA, CARL)
    assert decision.gate is Gate.ALLOW
    assert [(one.reviewer, one.role, one.index) for one in decision.reviews.counted] == [
        ("carl", "compliance", 51),
        ("vera", "validator", 50),
    ]
    assert (decision.reviews.needed, decision.reviews.have) == (2, 2)
    assert decision.missing == ()


def test_a_pending_decision_lists_exactly_the_roles_that_are_missing() -> None:
    decision = people(VERA)
    assert decision.gate is Gate.PENDING
    assert decision.missing == (
        MissingReview("p/people", "compliance", Meaning.APPROVAL, 1, accepts=False, eligible=1),
    )
    assert decision.rules[0].message == "waiting for 1 compliance (approval; 1 could sign now)"
    assert decision.rules[0].remedy == (
        "`muniment review approve PROMOTION --meaning approval` by somebody in the role compliance"
    )


def test_eligible_people_are_those_who_have_not_signed_yet() -> None:
    rule = changed("people", need=[need("validator", "review", 3)])
    decision = people(VERA, rule=rule)
    assert decision.missing[0].count == 2
    assert decision.missing[0].eligible == 1
    assert decision.reviews.eligible_count == 2
    assert "too few people may sign as validator: `muniment role grant`" in str(
        decision.rules[0].remedy
    )


@pytest.mark.parametrize("part", ["submitters", "trainers", "evidence_producers", "policy_editors"])
def test_nobody_with_a_part_in_it_can_sign(part: str) -> None:
    parts = {**FACTS["people"], part: ["vera"]}
    decision = people(VERA, CARL, people=parts)
    assert decision.rules[0].outcome is Outcome.AWAITING
    assert [one.eligible for one in decision.missing] == [1]


@pytest.mark.parametrize("part", ["trainers", "evidence_producers", "policy_editors"])
def test_a_policy_may_let_others_than_the_submitter_sign(part: str) -> None:
    parts = {**FACTS["people"], part: ["vera"]}
    rule = changed("people", exclude=["submitter"])
    assert outcome(VERA, CARL, rule=rule, people=parts) is Outcome.PASS


def test_an_author_cannot_approve_their_own_model() -> None:
    assert outcome(VERA, CARL, people={"submitters": ["vera"]}) is Outcome.AWAITING


@pytest.mark.parametrize(
    "producer",
    [
        {"id": "token-ci", "kind": "service", "owner": "vera"},
        {"id": "run-7", "kind": "workload", "owner": "vera"},
        {"id": "vera", "kind": "person"},
        {"id": "vera", "kind": "person", "owner": "somebody-else"},
    ],
)
def test_nobody_signs_for_evidence_they_or_their_token_produced(
    producer: dict[str, str],
) -> None:
    assert outcome(VERA, CARL, evidence=evidence(0, producer=producer)) is Outcome.AWAITING


@pytest.mark.parametrize("auth", ["password", "token", "session", "local", "none"])
def test_an_approval_by_token_or_without_a_second_factor_does_not_count(auth: str) -> None:
    assert outcome({**VERA, "auth": auth}, CARL) is Outcome.AWAITING


def test_a_passkey_counts() -> None:
    assert outcome({**VERA, "auth": "passkey"}, CARL) is Outcome.PASS


def test_one_member_does_not_satisfy_two_roles() -> None:
    both = [role("validator"), role("compliance")]
    twice = [
        {**VERA, "roles": both},
        {**VERA, "roles": both, "meaning": "approval", "index": 52},
    ]
    assert outcome(*twice) is Outcome.AWAITING


def test_one_person_may_fill_two_needs_where_the_policy_says_so() -> None:
    both = {**VERA, "roles": [role("validator"), role("compliance")]}
    needs = [need("validator", "review"), need("compliance", "review")]
    apart = changed("people", need=needs)
    assert outcome(both, rule=apart) is Outcome.AWAITING
    together = changed("people", need=needs, distinct_persons=False)
    assert outcome(both, rule=together) is Outcome.PASS


def test_even_then_one_need_takes_different_people() -> None:
    rule = changed("people", need=[need("validator", "review", 2)], distinct_persons=False)
    assert outcome(VERA, {**VERA, "index": 53}, rule=rule) is Outcome.AWAITING
    viktor = review("viktor", "validator", "review", 53)
    assert outcome(VERA, viktor, rule=rule) is Outcome.PASS


def test_people_are_seated_so_that_every_need_is_met() -> None:
    """The one who can do both must not take the only seat of the other."""
    both = review("anna", "validator", "review", 52, roles=[role("validator"), role("lead")])
    needs = [need("validator", "review"), need("lead", "review")]
    assert outcome(both, VERA, rule=changed("people", need=needs)) is Outcome.PASS
    assert outcome(both, VERA, rule=changed("people", need=needs[::-1])) is Outcome.PASS


def test_a_signature_with_another_meaning_does_not_count() -> None:
    assert outcome({**VERA, "meaning": "responsibility"}, CARL) is Outcome.AWAITING


def bound(**other: str) -> dict[str, str]:
    facts = worlds.facts()
    bind = {
        "subject_digest": facts.reviews[0].bind.subject_digest,
        "evidence_root": facts.reviews[0].bind.evidence_root,
        "policy_digest": facts.reviews[0].bind.policy_digest,
    }
    return {**bind, **other}


@pytest.mark.parametrize("member", ["subject_digest", "evidence_root", "policy_digest"])
def test_an_approval_does_not_survive_new_content(member: str) -> None:
    full = list(RULES.values())
    kept = {**VERA, "bind": bound()}
    assert decided(*full, reviews=[kept, CARL]).gate is Gate.ALLOW
    moved = {**VERA, "bind": bound(**{member: worlds.OTHER})}
    assert decided(*full, reviews=[moved, CARL]).gate is Gate.PENDING


def test_an_edited_policy_dismisses_what_was_signed_under_the_old_one() -> None:
    before = worlds.policy()
    signed = worlds.facts(policies=[before])
    assert decide([before], signed, AS_OF).gate is Gate.ALLOW
    edited = worlds.policy(
        *[rule for rule in RULES.values() if rule["id"] != "people"],
        changed("people", need=[need("validator", "review")]),
    )
    assert decide([edited], signed, AS_OF).gate is Gate.PENDING


def test_a_review_expires_at_the_instant_the_policy_says() -> None:
    rule = changed("people", expires_after="P1DT4H")
    assert outcome(VERA, CARL, rule=rule) is Outcome.AWAITING
    rule = changed("people", expires_after="P1DT4H1S")
    assert outcome(VERA, CARL, rule=rule) is Outcome.PASS


def test_a_review_signed_later_than_asked_about_does_not_count() -> None:
    assert outcome({**VERA, "signed_at": "2026-05-10T12:00:00.000001Z"}, CARL) is Outcome.AWAITING
    assert outcome({**VERA, "signed_at": "2026-05-10T12:00:00Z"}, CARL) is Outcome.PASS


def test_a_later_review_by_the_same_person_replaces_the_earlier() -> None:
    later = {**VERA, "index": 60, "decision": "request_changes"}
    assert outcome(VERA, CARL, later) is Outcome.AWAITING
    assert outcome(later, CARL, {**VERA, "index": 61}) is Outcome.PASS
    dismissed = {**VERA, "index": 60, "bind": bound(evidence_root=worlds.OTHER)}
    assert outcome(VERA, CARL, dismissed) is Outcome.AWAITING


def test_a_rejection_fails_and_a_request_for_changes_waits() -> None:
    rejected = people(VERA, {**CARL, "decision": "reject"})
    assert rejected.gate is Gate.DENY
    assert rejected.rules[0].outcome is Outcome.FAIL
    assert rejected.rules[0].message == "rejected by carl"
    asked = people(VERA, {**CARL, "decision": "request_changes"})
    assert asked.gate is Gate.PENDING
    assert asked.rules[0].message == "carl asks for changes"


def test_a_request_for_changes_waits_even_when_others_fill_every_need() -> None:
    rule = changed("people", need=[need("validator", "review")])
    viktor = review("viktor", "validator", "review", 53, decision="request_changes")
    assert outcome(VERA, viktor, rule=rule) is Outcome.AWAITING
    assert outcome(VERA, {**viktor, "decision": "reject"}, rule=rule) is Outcome.FAIL


def test_a_rejection_is_named_before_a_request_for_changes() -> None:
    both = [{**CARL, "decision": "request_changes"}, {**VERA, "decision": "reject"}]
    assert people(*both).rules[0].message == "rejected by vera"


@pytest.mark.parametrize(
    "spoiled",
    [
        {"roles": []},
        {"auth": "token"},
        {"reviewer": "ada"},
        {"bind": bound(policy_digest=worlds.OTHER)},
        {"signed_at": "2026-04-01T08:00:00Z"},
    ],
)
def test_rejecting_takes_the_same_standing_as_approving(spoiled: dict[str, Any]) -> None:
    rejection = review("viktor", "validator", "review", 53, decision="reject")
    assert outcome(VERA, CARL, rejection) is Outcome.FAIL
    assert outcome(VERA, CARL, {**rejection, **spoiled}) is Outcome.PASS


@pytest.mark.parametrize(
    ("granted", "counts"),
    [
        ({}, True),
        ({"role": "validators"}, False),
        ({"scope": "model/m@production"}, True),
        ({"scope": "model/*@production"}, True),
        ({"scope": "model/m@*"}, True),
        ({"scope": "model/m@staging"}, False),
        ({"scope": "model/other@production"}, False),
        ({"scope": "model/*"}, False),
        ({"scope": "dataset/m@production"}, False),
        ({"scope": "model/m@production@x"}, False),
        ({"team": "risk"}, False),
        ({"granted_at": "2026-05-09T08:00:00.000001Z"}, False),
        ({"granted_at": "2026-05-09T08:00:00Z"}, True),
        ({"revoked_at": "2026-05-09T12:00:00Z"}, False),
        ({"revoked_at": "2026-05-10T12:00:00Z"}, False),
        ({"revoked_at": "2026-05-10T12:00:01Z"}, True),
    ],
)
def test_the_role_has_to_be_held_then_and_now_for_this_model_and_environment(
    granted: dict[str, Any], counts: bool
) -> None:
    signed = {**VERA, "roles": [{**role("validator"), **granted}]}
    assert outcome(signed, CARL) is (Outcome.PASS if counts else Outcome.AWAITING)


def test_a_role_may_be_held_for_the_models_team() -> None:
    subject = {**FACTS["subject"], "team": "risk"}
    signed = {**VERA, "roles": [role("validator", team="risk")]}
    assert outcome(signed, CARL, subject=subject) is Outcome.PASS


@pytest.mark.parametrize("part", ["submitters", "trainers", "evidence_producers", "policy_editors"])
@pytest.mark.parametrize(
    ("granted_at", "counts"),
    [("2026-05-08T08:00:00.000001Z", False), ("2026-05-08T08:00:00Z", True)],
)
def test_whoever_granted_the_role_gains_nothing_by_it_for_a_day(
    part: str, granted_at: str, counts: bool
) -> None:
    made = role("validator", grantors=["rita", "root"], granted_at=granted_at)
    parts = {"submitters": ["ada"], part: ["root"]}
    found = outcome({**VERA, "roles": [made]}, CARL, people=parts)
    assert found is (Outcome.PASS if counts else Outcome.AWAITING)


def test_a_role_granted_by_the_only_administrator_leaves_a_mark() -> None:
    lone = role("validator", single_administrator=True)
    decision = people({**VERA, "roles": [lone]}, CARL)
    assert decision.gate is Gate.ALLOW
    assert decision.single_administrator
    assert [one.single_administrator for one in decision.reviews.counted] == [False, True]


def test_a_second_grant_by_two_people_takes_the_mark_away() -> None:
    lone = role("validator", grant=9, single_administrator=True)
    decision = people({**VERA, "roles": [lone, role("validator", grant=12)]}, CARL)
    assert not decision.single_administrator


IMPACT = RULES["impact"]
STRADDLING = evidence(1, cells=worlds.STRADDLING)
ACCEPTS = {**VERA, "accepts": ["p/impact"]}


def left(
    *reviews: dict[str, Any],
    rule: dict[str, Any] = IMPACT,
    rules: tuple[dict[str, Any], ...] = (),
    **members: object,
) -> Decision:
    return decided(rule, *rules, **{"evidence": STRADDLING, **members}, reviews=list(reviews))


def test_a_reviewer_who_accepts_the_rule_decides_what_the_numbers_leave_open() -> None:
    decision = left(ACCEPTS)
    found = decision.rules[0]
    assert (found.outcome, found.raw_outcome) == (Outcome.PASS_BY_REVIEW, Outcome.INCONCLUSIVE)
    assert found.message.endswith("; accepted by vera")
    assert found.remedy is None
    assert decision.gate is Gate.ALLOW
    assert decision.reviews.counted[0].rule == "p/impact"


def test_approving_without_accepting_the_rule_leaves_it_waiting() -> None:
    decision = left(VERA)
    assert decision.gate is Gate.PENDING
    assert decision.missing == (
        MissingReview("p/impact", "validator", Meaning.REVIEW, 1, accepts=True, eligible=2),
    )
    assert decision.rules[0].remedy == (
        "`muniment review approve PROMOTION --meaning review --accept p/impact`"
    )


@pytest.mark.parametrize(
    "spoiled",
    [
        {"accepts": ["impact"]},
        {"accepts": ["other/impact"]},
        {"meaning": "approval"},
        {"roles": [role("compliance")]},
        {"auth": "token"},
        {"signed_at": "2026-04-26T12:00:00Z"},
        {"reviewer": "ada"},
        {"reviewer": "paul"},
        {"decision": "request_changes"},
    ],
)
def test_only_an_eligible_approval_that_names_the_rule_decides_it(
    spoiled: dict[str, Any],
) -> None:
    decision = left({**ACCEPTS, **spoiled})
    assert decision.rules[0].outcome is Outcome.AWAITING
    assert decision.gate is Gate.PENDING


def test_a_rejection_by_the_decider_fails_the_rule_and_keeps_what_the_numbers_said() -> None:
    found = left({**ACCEPTS, "decision": "reject"}).rules[0]
    assert (found.outcome, found.raw_outcome) == (Outcome.FAIL, Outcome.INCONCLUSIVE)


def test_a_request_for_changes_by_the_decider_waits_beside_an_acceptance() -> None:
    viktor = review("viktor", "validator", "review", 53, decision="request_changes")
    found = left(ACCEPTS, viktor).rules[0]
    assert found.outcome is Outcome.AWAITING
    assert "waiting for changes a reviewer asks for" in found.message


def test_accepting_does_not_mend_what_fails() -> None:
    bad = evidence(
        1,
        cells=[
            {"group": {"sex": "F"}, "n": 2000, "selected": 100},
            {"group": {"sex": "M"}, "n": 2000, "selected": 1000},
        ],
    )
    assert left(ACCEPTS, evidence=bad).gate is Gate.DENY


def distinct() -> dict[str, Any]:
    asked = need("validator", "review", distinct_from_quorum=True)
    return changed("impact", decide_on={"ci": "miettinen-nurminen", "straddle": {"review": asked}})


QUORUM = changed("people", need=[need("validator", "review")])


def test_the_same_person_may_decide_and_fill_the_quorum() -> None:
    assert left(ACCEPTS, rules=(QUORUM,)).gate is Gate.ALLOW


def test_unless_the_policy_wants_them_distinct() -> None:
    alone = left(ACCEPTS, rule=distinct(), rules=(QUORUM,))
    assert [one.outcome for one in alone.rules] == [Outcome.AWAITING, Outcome.PASS]
    viktor = review("viktor", "validator", "review", 53)
    assert left(ACCEPTS, viktor, rule=distinct(), rules=(QUORUM,)).gate is Gate.ALLOW


def test_distinct_deciders_without_a_quorum_are_just_deciders() -> None:
    assert left(ACCEPTS, rule=distinct()).gate is Gate.ALLOW


def test_deciders_expire_with_the_shortest_reviews_rule_of_their_policy() -> None:
    short = changed("people", need=[need("validator", "review")], expires_after="P1D")
    assert left(ACCEPTS, rules=(short,)).rules[0].outcome is Outcome.AWAITING
    assert left(ACCEPTS, rules=(QUORUM,)).rules[0].outcome is Outcome.PASS_BY_REVIEW


def test_the_interval_and_the_small_groups_may_ask_different_people() -> None:
    rule = changed("impact", small_group={"review": need("compliance", "approval")})
    cells = [
        {"group": {"sex": "F"}, "n": 2000, "selected": 840},
        {"group": {"sex": "M"}, "n": 1990, "selected": 995},
        {"group": {"sex": "X"}, "n": 10, "selected": 5},
    ]
    carl = {**CARL, "accepts": ["p/impact"]}
    items = evidence(1, cells=cells)
    waiting = left(ACCEPTS, rule=rule, evidence=items)
    assert [one.role for one in waiting.missing] == ["compliance"]
    assert left(ACCEPTS, carl, rule=rule, evidence=items).gate is Gate.ALLOW
