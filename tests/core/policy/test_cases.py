"""A policy's expected decisions: how they are written, run, and found wanting."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from app.core.errors import SchemaMismatch
from app.core.policy.cases import must_reach, run_cases, scaffold
from app.core.policy.decision import Outcome
from tests.core.policy import worlds
from tests.core.policy.worlds import FACTS, RULES, changed

if TYPE_CHECKING:
    from app.core.policy.cases import CasesReport

AT = "2026-05-10T12:00:00Z"


def case(name: str, gate: str, *, facts: object = None, **members: object) -> dict[str, Any]:
    start = {"facts": facts or FACTS} if "fixture" not in members else {}
    return {"name": name, "as_of": AT, "expect": {"gate": gate}, **start, **members}


def run(*cases: object, rules: tuple[dict[str, Any], ...] = (RULES["auc"],)) -> CasesReport:
    return run_cases(worlds.policy(*rules), list(cases))  # type: ignore[arg-type]


def test_a_case_that_comes_out_as_expected_differs_in_nothing() -> None:
    report = run(case("good", "ALLOW"))
    assert [(one.name, one.differs) for one in report.results] == [("good", ())]


def test_a_case_that_comes_out_otherwise_says_how() -> None:
    expect = {"gate": "DENY", "rules": {"auc": "FAIL", "nothing": "PASS"}}
    (one,) = run(case("bad", "DENY", expect=expect)).results
    assert one.differs == (
        "the gate says ALLOW, expected DENY",
        "auc is PASS, expected FAIL: roc_auc is 0.7500 on dataset/d/1, which is >= 0.7000",
        "no rule is called nothing",
    )


def test_a_case_runs_its_policy_as_if_it_were_enforced() -> None:
    shadow = worlds.policy(RULES["auc"], mode="shadow")
    assert run_cases(shadow, [case("good", "ALLOW")]).results[0].differs == ()


def test_a_case_may_change_and_remove_what_an_earlier_one_gives() -> None:
    report = run(
        case("good", "ALLOW"),
        case("worse", "DENY", fixture="good", change={"/evidence/0/metrics/0/value": 0.1}),
        case("worse still", "DENY", fixture="worse", remove=["/evidence/0"]),
        case("good again", "ALLOW", fixture="good"),
        case("renamed", "ALLOW", fixture="good", change={"/subject/team": "t"}),
        case("no tier", "ALLOW", fixture="good", remove=["/subject/risk_tier"]),
    )
    assert [one.differs for one in report.results] == [()] * 6
    outcomes = [one.decision.rules[0].outcome for one in report.results]
    assert outcomes == [
        Outcome.PASS,
        Outcome.FAIL,
        Outcome.INCOMPLETE,
        Outcome.PASS,
        Outcome.PASS,
        Outcome.PASS,
    ]
    assert report.untested == ()
    assert report.fit_to_publish


def test_a_case_may_append_and_escape() -> None:
    marked = {**FACTS, "evidence": []}
    add = {"/evidence/-": FACTS["evidence"][0]}
    report = run(
        case("nothing", "DENY", facts=marked), case("added", "ALLOW", fixture="nothing", change=add)
    )
    assert [one.differs for one in report.results] == [(), ()]


def test_the_facts_of_a_case_are_not_changed_by_running_it() -> None:
    given = [case("good", "ALLOW"), case("b", "DENY", fixture="good", change={"/evidence": []})]
    before = copy.deepcopy(given)
    run(*given)
    assert given == before


def test_reviews_bound_to_current_are_bound_to_what_is_decided() -> None:
    stale = worlds.review(
        "carl",
        "compliance",
        "approval",
        51,
        bind={
            "subject_digest": worlds.MODEL,
            "evidence_root": worlds.OTHER,
            "policy_digest": worlds.OTHER,
        },
    )
    report = run(
        case("signed", "ALLOW"),
        case("stale", "PENDING", fixture="signed", change={"/reviews/1": stale}),
        rules=(RULES["people"],),
    )
    assert [one.differs for one in report.results] == [(), ()]


@pytest.mark.parametrize("rule", ["auc", "origin", "disjoint", "card", "fresh"])
def test_measured_rules_have_to_be_shown_passing_failing_and_incomplete(rule: str) -> None:
    (one,) = worlds.policy(RULES[rule]).rules
    assert must_reach(one) == (Outcome.PASS, Outcome.FAIL, Outcome.INCOMPLETE)


def test_a_bias_rule_with_an_interval_has_to_be_shown_inconclusive_as_well() -> None:
    plain, interval = worlds.policy(
        changed("impact", id="plain", decide_on=None), RULES["impact"]
    ).rules
    assert must_reach(plain) == (Outcome.PASS, Outcome.FAIL, Outcome.INCOMPLETE)
    assert must_reach(interval) == (*must_reach(plain), Outcome.INCONCLUSIVE)


def test_a_reviews_rule_has_to_be_shown_passing_waiting_and_failing() -> None:
    (one,) = worlds.policy(RULES["people"]).rules
    assert must_reach(one) == (Outcome.PASS, Outcome.AWAITING, Outcome.FAIL)


def test_what_no_case_reaches_is_untested() -> None:
    report = run(case("good", "ALLOW"))
    assert report.untested == (("auc", Outcome.FAIL), ("auc", Outcome.INCOMPLETE))
    assert not report.fit_to_publish
    assert run().untested[0] == ("auc", Outcome.PASS)


def test_what_a_reviewer_decided_still_counts_as_what_the_numbers_said() -> None:
    items = worlds.evidence(1, cells=worlds.STRADDLING)
    report = run(
        case("straddling", "PENDING", facts={**FACTS, "evidence": items}),
        rules=(RULES["impact"],),
    )
    assert ("impact", Outcome.INCONCLUSIVE) not in report.untested


def test_a_case_that_differs_or_waits_to_be_confirmed_shows_nothing() -> None:
    worse = {"/evidence/0/metrics/0/value": 0.1}
    fails = case("worse", "DENY", fixture="good", change=worse)
    gone = case("gone", "DENY", fixture="good", change={"/evidence": []})
    good = case("good", "ALLOW")
    assert run(good, fails, gone).fit_to_publish
    unconfirmed = run(good, {**fails, "confirm": True}, gone)
    assert unconfirmed.untested == (("auc", Outcome.FAIL),)
    wrong = run(good, {**fails, "expect": {"gate": "ALLOW"}}, gone)
    assert wrong.untested == (("auc", Outcome.FAIL),)
    assert not wrong.fit_to_publish


def test_a_case_that_differs_alone_is_not_fit_to_publish() -> None:
    worse = {"/evidence/0/metrics/0/value": 0.1}
    report = run(
        case("good", "ALLOW"),
        case("worse", "DENY", fixture="good", change=worse),
        case("gone", "DENY", fixture="good", change={"/evidence": []}),
        case("wrong", "DENY", fixture="good"),
    )
    assert report.untested == ()
    assert not report.fit_to_publish


def test_missing_cases_are_scaffolded_for_a_person_to_confirm() -> None:
    policy = worlds.policy(RULES["auc"], RULES["people"])
    good = case("good", "ALLOW")
    written = scaffold(policy, [good])
    assert written == [
        {
            "name": f"{rule} reaches {outcome}",
            "fixture": "good",
            "change": {},
            "as_of": "2026-05-10T12:00:00.000000Z",
            "expect": {"gate": gate, "rules": {rule: outcome}},
            "confirm": True,
        }
        for rule, outcome, gate in (
            ("auc", "FAIL", "DENY"),
            ("auc", "INCOMPLETE", "DENY"),
            ("people", "AWAITING", "PENDING"),
            ("people", "FAIL", "DENY"),
        )
    ]
    assert run_cases(policy, [good, *written]).untested == run_cases(policy, [good]).untested


def test_without_any_case_the_scaffold_begins_with_empty_facts() -> None:
    first = scaffold(worlds.policy(RULES["auc"]), [])[0]
    assert isinstance(first, dict)
    assert first["facts"] == {}
    assert first["expect"] == {"gate": "ALLOW", "rules": {"auc": "PASS"}}
    assert first["as_of"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("cases", "pointer"),
    [
        ({}, "#"),
        ([7], "#/0"),
        ([{"name": "x"}], "#/0/as_of"),
        ([case("x", "MAYBE")], "#/0/expect/gate"),
        ([case("x", "ALLOW", fixture="nothing")], "#/0/fixture"),
        ([case("x", "ALLOW"), case("y", "ALLOW", fixture="x", facts={})], None),
        ([{**case("x", "ALLOW"), "fixture": "y"}], "#/0"),
        ([{"name": "x", "as_of": AT, "expect": {"gate": "ALLOW"}}], "#/0"),
        ([case("x", "ALLOW"), case("x", "ALLOW")], "#/1/name"),
        ([case("x", "ALLOW", change={"subject": 1})], "#/0/change/subject"),
        ([case("x", "ALLOW", change={"": 1})], "#/0/change/"),
        ([case("x", "ALLOW", change={"/no/where": 1})], "#/0/change/~1no~1where"),
        ([case("x", "ALLOW", change={"/evidence/9": 1})], "#/0/change/~1evidence~19"),
        ([case("x", "ALLOW", change={"/evidence/x/y": 1})], "#/0/change/~1evidence~1x~1y"),
        (
            [case("x", "ALLOW", change={"/subject/name/first": 1})],
            "#/0/change/~1subject~1name~1first",
        ),
        ([case("x", "ALLOW", remove=["/subject/nothing"])], "#/0/remove/0"),
        ([case("x", "ALLOW", remove=["/evidence/-"])], "#/0/remove/0"),
        ([case("x", "ALLOW", change={"/subject/name": 1})], "#/subject/name"),
        ([case("x", "ALLOW", change={"/reviews": 1})], "#/reviews"),
        ([case("x", "ALLOW", change={"/reviews": [1]})], "#/reviews/0"),
    ],
)
def test_a_case_that_cannot_be_read_is_refused_with_its_pointer(
    cases: list[dict[str, Any]], pointer: str | None
) -> None:
    if pointer is None:
        assert run_cases(worlds.policy(RULES["auc"]), cases).results
        return
    with pytest.raises(SchemaMismatch) as refusal:
        run_cases(worlds.policy(RULES["auc"]), cases)
    assert refusal.value.faults[0].pointer == pointer
