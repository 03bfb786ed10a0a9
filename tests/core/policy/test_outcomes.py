"""Every rule kind, every outcome: one thing in the world is changed and one rule answers."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.policy.decide import decide
from app.core.policy.decision import Gate, Outcome
from tests.core.policy import worlds
from tests.core.policy.worlds import FACTS, RULES, changed, decided, evidence, need, result

AUC, IMPACT, ORIGIN = RULES["auc"], RULES["impact"], RULES["origin"]
DISJOINT, CARD, FRESH, PEOPLE = (RULES[one] for one in ("disjoint", "card", "fresh", "people"))


def measures(*given: dict[str, Any]) -> list[dict[str, Any]]:
    return evidence(0, metrics=list(given))


def cells(*given: tuple[str | None, int, int]) -> list[dict[str, Any]]:
    counted = [{"group": {"sex": sex}, "n": n, "selected": k} for sex, n, k in given]
    rows = sum(n for _, n, _ in given)
    dataset = {**worlds.DATASET, "rows": rows}
    return evidence(1, cells=counted, rows=rows, dataset=dataset)


def test_a_good_number_passes_and_shows_what_it_was_measured_against() -> None:
    found = result(AUC)
    assert found.outcome is found.raw_outcome is Outcome.PASS
    assert (found.actual, found.op, found.threshold) == ("0.750000000", ">=", "0.700000000")
    assert found.n == 4000
    assert found.evidence == (worlds.digest(40),)
    assert found.remedy is None


@pytest.mark.parametrize(
    ("op", "value", "outcome"),
    [
        (">=", 0.75, Outcome.PASS),
        (">", 0.75, Outcome.FAIL),
        ("<=", 0.75, Outcome.PASS),
        ("<", 0.75, Outcome.FAIL),
        (">=", 0.7500000001, Outcome.FAIL),
    ],
)
def test_the_threshold_itself_is_decided_exactly(op: str, value: float, outcome: Outcome) -> None:
    assert result(changed("auc", op=op, value=value)).outcome is outcome


@pytest.mark.parametrize(("op", "counts"), [(">=", "0.600000000"), ("<=", "0.900000000")])
def test_of_one_number_given_twice_the_worse_counts(op: str, counts: str) -> None:
    twice = measures(
        {"name": "roc_auc", "value": "0.6", "n": 4000},
        {"name": "roc_auc", "value": "0.9", "n": 4000},
    )
    found = result(changed("auc", op=op), evidence=twice)
    assert found.outcome is Outcome.FAIL
    assert found.actual == counts


def test_a_slice_is_not_the_whole() -> None:
    found = result(
        AUC,
        evidence=measures({"name": "roc_auc", "value": "0.9", "n": 4000, "slice": "sex=F"}),
    )
    assert found.outcome is Outcome.INCOMPLETE
    assert found.message == "entry 40 does not measure roc_auc on all of dataset/d/1"


@pytest.mark.parametrize("n", [None, 3999, 4001])
def test_a_number_from_other_rows_than_the_dataset_has_does_not_count(n: int | None) -> None:
    found = result(AUC, evidence=measures({"name": "roc_auc", "value": "0.9", "n": n}))
    assert found.outcome is Outcome.INCOMPLETE
    assert found.actual == "0.900000000"


def test_every_dataset_it_was_measured_on_has_to_pass_and_the_worst_counts() -> None:
    second = evidence(
        0,
        index=43,
        digest=worlds.digest(43),
        dataset={**worlds.DATASET, "subject": "dataset/e/1", "digest": worlds.OTHER},
        dataset_digest=worlds.OTHER,
        metrics=[{"name": "roc_auc", "value": "0.5", "n": 4000}],
    )[0]
    found = result(AUC, evidence=[*FACTS["evidence"], second])
    assert found.outcome is Outcome.FAIL
    assert found.actual == "0.500000000"
    assert found.evidence == (worlds.digest(40), worlds.digest(43))


def test_no_evidence_is_incomplete_and_names_the_command() -> None:
    found = result(AUC, evidence=[])
    assert found.outcome is Outcome.INCOMPLETE
    assert found.message == "there is no evidence 'eval' (eval-report/v1) for model/m/1"
    assert found.remedy == "record it with `muniment evaluation add`"
    assert result(IMPACT, evidence=[]).remedy == "record it with `muniment predictions upload`"


@pytest.mark.parametrize(("rule", "place"), [("auc", 0), ("impact", 1), ("fresh", 0)])
def test_evidence_measured_after_it_was_recorded_is_an_error(rule: str, place: int) -> None:
    found = result(RULES[rule], evidence=evidence(place, measured_at="2026-05-01T09:05:01Z"))
    assert found.outcome is Outcome.ERROR
    assert "after it was recorded" in found.message


def test_groups_selected_alike_pass() -> None:
    found = result(IMPACT)
    assert found.outcome is Outcome.PASS
    assert found.actual == "1.000000000"
    assert found.ci is not None


def test_an_interval_wholly_below_the_threshold_fails() -> None:
    found = result(IMPACT, evidence=cells(("F", 2000, 500), ("M", 2000, 1000)))
    assert found.outcome is Outcome.FAIL
    assert found.group == "sex=F"
    assert found.n == 2000
    assert found.actual == "0.500000000"


def test_a_straddling_interval_waits_for_the_reviewer_whom_the_policy_names() -> None:
    found = result(IMPACT, evidence=evidence(1, cells=worlds.STRADDLING))
    assert found.raw_outcome is Outcome.INCONCLUSIVE
    assert found.outcome is Outcome.AWAITING


@pytest.mark.parametrize(
    ("straddle", "outcome", "gate"),
    [("fail", Outcome.FAIL, Gate.DENY), ("warn", Outcome.INCONCLUSIVE, Gate.ALLOW)],
)
def test_a_straddling_interval_fails_or_warns_as_the_policy_says(
    straddle: str, outcome: Outcome, gate: Gate
) -> None:
    rule = changed("impact", decide_on={"ci": "miettinen-nurminen", "straddle": straddle})
    decision = decided(rule, AUC, evidence=evidence(1, cells=worlds.STRADDLING))
    assert decision.rules[0].outcome is outcome
    assert decision.rules[0].raw_outcome is Outcome.INCONCLUSIVE
    assert decision.gate is gate
    assert decision.warnings == (("p/impact",) if straddle == "warn" else ())


def test_without_an_interval_the_point_estimate_decides() -> None:
    rule = changed("impact", decide_on=None)
    straddling = evidence(1, cells=worlds.STRADDLING)
    assert result(rule, evidence=straddling).outcome is Outcome.PASS


def test_exactly_four_fifths_is_not_below_four_fifths() -> None:
    rule = changed("impact", decide_on=None)
    exact = cells(("F", 100, 48), ("M", 100, 60))
    assert result(rule, evidence=exact).outcome is Outcome.PASS
    below = cells(("F", 1000, 479), ("M", 1000, 600))
    assert result(rule, evidence=below).outcome is Outcome.FAIL


def test_one_group_alone_is_incomplete() -> None:
    assert result(IMPACT, evidence=cells(("F", 2000, 10))).outcome is Outcome.INCOMPLETE


def test_nobody_selected_is_incomplete_and_never_a_zero() -> None:
    found = result(IMPACT, evidence=cells(("F", 2000, 0), ("M", 2000, 0)))
    assert found.outcome is Outcome.INCOMPLETE
    assert found.actual is None


def test_too_many_unknown_values_are_incomplete() -> None:
    some = cells(("F", 2000, 1000), ("M", 2000, 1000), (None, 500, 250))
    assert result(IMPACT, evidence=some).outcome is Outcome.INCOMPLETE


def test_an_attribute_that_was_not_counted_is_incomplete() -> None:
    found = result(changed("impact", attributes=["sex", "race"]))
    assert found.outcome is Outcome.INCOMPLETE
    assert "no evidence counts by race" in found.message


def test_an_intersection_that_was_not_counted_is_incomplete() -> None:
    found = result(changed("impact", intersections=[["sex", "race"]]))
    assert found.outcome is Outcome.INCOMPLETE
    assert "no evidence counts by sex and race" in found.message


def test_a_rate_that_needs_labels_is_incomplete_without_them() -> None:
    rule = changed(
        "impact",
        metric="equal_opportunity_difference",
        op="<=",
        value=0.1,
        decide_on={"ci": "newcombe", "straddle": "fail"},
    )
    found = result(rule)
    assert found.outcome is Outcome.INCOMPLETE
    assert "no evidence counts by sex with a label column" in found.message


def test_tables_may_come_from_different_uploads() -> None:
    race = evidence(
        1,
        index=43,
        digest=worlds.digest(43),
        attributes=["race"],
        cells=[
            {"group": {"race": "a"}, "n": 2000, "selected": 300},
            {"group": {"race": "b"}, "n": 2000, "selected": 1000},
        ],
    )[1]
    rule = changed("impact", attributes=["sex", "race"])
    found = result(rule, evidence=[*FACTS["evidence"], race])
    assert found.outcome is Outcome.FAIL
    assert found.group == "race=a"


@pytest.mark.parametrize(
    "spoiled",
    [
        {"rows": 3999, "dataset": {**worlds.DATASET, "rows": 3999}},
        {"cells": [{"group": {"sex": "F"}, "n": 4000, "selected": 5000}]},
        {"cells": []},
        {"cells": [{"group": {"race": "x"}, "n": 4000, "selected": 50}]},
    ],
)
def test_counts_that_contradict_themselves_are_an_error(spoiled: dict[str, Any]) -> None:
    found = result(IMPACT, evidence=evidence(1, **spoiled))
    assert found.outcome is Outcome.ERROR
    assert found.remedy == "upload the predictions again: `muniment predictions upload`"


def test_when_the_positive_prediction_is_adverse_the_ratio_is_of_the_favourable_one() -> None:
    adverse = evidence(
        1,
        favourable_outcome="low",
        positive_label="high",
        cells=[
            {"group": {"sex": "F"}, "n": 2000, "selected": 1000},
            {"group": {"sex": "M"}, "n": 2000, "selected": 1500},
        ],
    )
    found = result(changed("impact", decide_on=None), evidence=adverse)
    assert found.group == "sex=M"
    assert found.actual == "0.500000000"


SMALL = (("F", 2000, 1000), ("M", 1990, 995), ("X", 10, 1))


@pytest.mark.parametrize(
    ("small_group", "outcome"),
    [
        ("ignore", Outcome.PASS),
        ("report", Outcome.PASS),
        ("deny", Outcome.FAIL),
        ("report_and_review", Outcome.AWAITING),
        ({"review": need("validator", "review")}, Outcome.AWAITING),
    ],
)
def test_groups_too_small_to_judge_do_what_the_policy_says(
    small_group: object, outcome: Outcome
) -> None:
    rule = changed("impact", small_group=small_group)
    found = result(rule, evidence=cells(*SMALL))
    assert found.outcome is outcome
    if outcome is Outcome.AWAITING:
        assert found.raw_outcome is Outcome.PASS
    if small_group != "ignore":
        assert "sex=X" in found.message


def test_a_failing_table_is_not_left_to_the_reviewer_of_small_groups() -> None:
    rule = changed("impact", small_group="report_and_review")
    bad = cells(("F", 2000, 100), ("M", 1990, 995), ("X", 10, 1))
    assert result(rule, evidence=bad).outcome is Outcome.FAIL


def test_a_warning_does_not_make_the_review_of_small_groups_optional() -> None:
    rule = changed(
        "impact",
        small_group={"review": need("validator", "review")},
        decide_on={"ci": "miettinen-nurminen", "straddle": "warn"},
    )
    straddling = cells(("F", 2000, 840), ("M", 1990, 995), ("X", 10, 5))
    decision = decided(rule, AUC, evidence=straddling)
    assert decision.rules[0].outcome is Outcome.AWAITING
    assert decision.gate is Gate.PENDING


def test_approved_and_licensed_data_passes() -> None:
    found = result(ORIGIN)
    assert found.outcome is Outcome.PASS
    assert (found.actual, found.op, found.threshold, found.n) == ("0", "=", "0", 1)
    assert found.evidence == (worlds.DATA,)


def ancestor(**members: object) -> dict[str, Any]:
    return {**FACTS["lineage"]["ancestors"][0], **members}


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"approval_status": "none"}, "is not approved"),
        ({"approval_status": "revoked"}, "had its approval revoked"),
        ({"approved_until": "2026-05-10T12:00:00Z"}, "has an approval that ran out"),
        ({"licence": None}, "states no licence"),
        ({"licence": " NOASSERTION "}, "states no licence"),
        ({"licence": "Unknown"}, "states no licence"),
        ({"licence": "none"}, "states no licence"),
        ({"licence": ""}, "states no licence"),
    ],
)
def test_data_that_is_not_as_asserted_fails(members: dict[str, object], reason: str) -> None:
    found = result(ORIGIN, lineage={"ancestors": [ancestor(**members)]})
    assert found.outcome is Outcome.FAIL
    assert found.message == f"dataset/d/1 {reason}"
    assert found.actual == "1"


def test_an_approval_holds_until_its_end() -> None:
    still = ancestor(approved_until="2026-05-10T12:00:01Z")
    assert result(ORIGIN, lineage={"ancestors": [still]}).outcome is Outcome.PASS


def test_a_licence_has_to_be_one_of_those_listed() -> None:
    rule = changed("origin", licences=["CC0-1.0"])
    found = result(rule)
    assert found.outcome is Outcome.FAIL
    assert found.message == "dataset/d/1 has the licence 'MIT', which is not among the policy's"
    assert result(changed("origin", licences=["MIT"])).outcome is Outcome.PASS


@pytest.mark.parametrize("status", ["truncated", "timeout"])
def test_an_origin_not_wholly_seen_is_incomplete(status: str) -> None:
    found = result(ORIGIN, lineage={**FACTS["lineage"], "status": status})
    assert found.outcome is Outcome.INCOMPLETE
    assert status in found.message


def test_no_recorded_origin_is_incomplete() -> None:
    found = result(ORIGIN, lineage={"ancestors": []})
    assert found.outcome is Outcome.INCOMPLETE
    assert found.message == "no dataset is recorded that it comes from"


def test_a_chain_longer_than_the_rule_looks_is_incomplete() -> None:
    far = ancestor(subject="dataset/far/1", depth=3)
    rule = changed("origin", max_depth=2)
    found = result(rule, lineage={"ancestors": [ancestor(), far]})
    assert found.outcome is Outcome.INCOMPLETE
    assert found.message == "dataset/far/1 is 3 steps away, the rule looks 2 far"
    near = result(changed("origin", max_depth=3), lineage={"ancestors": [ancestor(), far]})
    assert near.outcome is Outcome.PASS


def test_bad_data_fails_even_where_not_everything_was_seen() -> None:
    seen = {"status": "truncated", "ancestors": [ancestor(approval_status="none")]}
    assert result(ORIGIN, lineage=seen).outcome is Outcome.FAIL


def test_only_what_is_asserted_is_asked() -> None:
    unapproved = {"ancestors": [ancestor(approval_status="none", approved_until=None)]}
    licence = changed("origin", **{"assert": {"all": {"licence_ok": True}}})
    assert result(licence, lineage=unapproved).outcome is Outcome.PASS
    unlicensed = {"ancestors": [ancestor(licence=None)]}
    approval = changed("origin", **{"assert": {"all": {"approval_status": "approved"}}})
    assert result(approval, lineage=unlicensed).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("shared", "outcome"),
    [
        ([0], Outcome.PASS),
        ([1], Outcome.FAIL),
        ([None], Outcome.INCOMPLETE),
        ([], Outcome.INCOMPLETE),
        ([0, None], Outcome.INCOMPLETE),
        ([0, 7], Outcome.FAIL),
        ([7, None], Outcome.FAIL),
    ],
)
def test_shared_rows_are_counted_or_the_rule_is_incomplete(
    shared: list[int | None], outcome: Outcome
) -> None:
    overlaps = [{"between": ["eval_set", "train_set"], "rows_shared": one} for one in shared]
    found = result(DISJOINT, lineage={"overlaps": overlaps})
    assert found.outcome is outcome
    known = [one for one in shared if one is not None]
    assert found.actual == (str(max(known)) if known else None)


def test_the_overlap_of_other_roles_says_nothing() -> None:
    other = [{"between": ["train_set", "test_set"], "rows_shared": 0}]
    assert result(DISJOINT, lineage={"overlaps": other}).outcome is Outcome.INCOMPLETE


def test_a_policy_may_allow_some_shared_rows() -> None:
    rule = changed("disjoint", **{"assert": {"rows_shared": 5}})
    some = [{"between": ["train_set", "eval_set"], "rows_shared": 5}]
    assert result(rule, lineage={"overlaps": some}).outcome is Outcome.PASS


def test_a_document_that_says_everything_asked_passes() -> None:
    found = result(CARD)
    assert found.outcome is Outcome.PASS
    assert (found.actual, found.op, found.threshold) == ("1", "=", "1")


@pytest.mark.parametrize("fields", [[], ["limits"], None])
def test_a_document_that_is_silent_fails(fields: list[str] | None) -> None:
    found = result(CARD, evidence=evidence(2, fields=fields))
    assert found.outcome is Outcome.FAIL
    assert found.remedy == (
        "fill in purpose and run `muniment document add model/m/1 FILE --kind card`"
    )


def test_a_document_may_just_have_to_be_there() -> None:
    found = result(changed("card", fields=[]), evidence=evidence(2, fields=None))
    assert found.outcome is Outcome.PASS
    assert found.actual is None


@pytest.mark.parametrize("members", [{"subject": "model/m/2"}, {"document": "datasheet"}])
def test_another_document_is_no_document(members: dict[str, object]) -> None:
    found = result(CARD, evidence=evidence(2, **members))
    assert found.outcome is Outcome.INCOMPLETE
    assert "a document of kind card" in found.message


DATASHEETS = {"sheet": {"type": "document/v1", "document": "datasheet", "of": "datasets"}}


def sheets(*subjects: str, fields: tuple[str, ...] = ("purpose",)) -> list[dict[str, Any]]:
    return [
        evidence(
            2,
            index=60 + place,
            digest=worlds.digest(60 + place),
            subject=subject,
            document="datasheet",
            fields=list(fields),
        )[2]
        for place, subject in enumerate(subjects)
    ]


@pytest.mark.parametrize(
    ("subjects", "outcome"),
    [
        (("dataset/d/1", "dataset/e/1"), Outcome.PASS),
        (("dataset/d/1",), Outcome.INCOMPLETE),
        (("dataset/d/1", "dataset/stranger/1"), Outcome.INCOMPLETE),
    ],
)
def test_every_dataset_behind_the_model_needs_its_datasheet(
    subjects: tuple[str, ...], outcome: Outcome
) -> None:
    rule = changed("card", **{"from": "sheet"})
    one = worlds.policy(rule, evidence=DATASHEETS)
    both = {"ancestors": [ancestor(), ancestor(subject="dataset/e/1")]}
    facts = worlds.facts(policies=[one], evidence=sheets(*subjects), lineage=both)
    found = decide([one], facts, worlds.AS_OF).rules[0]
    assert found.outcome is outcome
    if outcome is Outcome.INCOMPLETE:
        assert found.remedy == "`muniment document add dataset/e/1 FILE --kind datasheet`"


def test_datasheets_of_datasets_not_all_known_are_incomplete() -> None:
    one = worlds.policy(changed("card", **{"from": "sheet"}), evidence=DATASHEETS)
    lineage = {"status": "truncated", "ancestors": [ancestor()]}
    facts = worlds.facts(policies=[one], evidence=sheets("dataset/d/1"), lineage=lineage)
    found = decide([one], facts, worlds.AS_OF).rules[0]
    assert found.outcome is Outcome.INCOMPLETE
    assert found.remedy == "ask again; if it stays so, run `muniment graph status`"


def test_fresh_evidence_passes_and_old_evidence_fails() -> None:
    found = result(FRESH)
    assert found.outcome is Outcome.PASS
    assert found.actual == "2026-05-01T09:00:00.000000Z"
    assert (found.op, found.threshold) == ("<=", "1728000 s")
    old = result(FRESH, evidence=evidence(0, measured_at="2026-04-20T12:00:00Z"))
    assert old.outcome is Outcome.FAIL
    assert old.remedy == "measure again and record it with `muniment evaluation add`"


def test_freshness_ends_at_the_instant_the_age_is_reached() -> None:
    just = evidence(0, measured_at="2026-04-20T12:00:00.000001Z")
    assert result(FRESH, evidence=just).outcome is Outcome.PASS


def test_freshness_of_nothing_is_incomplete() -> None:
    assert result(FRESH, evidence=[]).outcome is Outcome.INCOMPLETE


def test_freshness_of_a_document_counts_from_when_it_was_recorded() -> None:
    rule = changed("fresh", **{"from": "card"}, max_age="P10D")
    assert result(rule).outcome is Outcome.PASS
    assert result(changed("fresh", **{"from": "card"}, max_age="P9D")).outcome is Outcome.FAIL


def test_a_rule_for_other_risk_tiers_does_not_apply() -> None:
    rule = changed("auc", value=0.99, when={"risk_tier": ["low"]})
    decision = decided(rule, FRESH)
    assert decision.rules[0].outcome is Outcome.NOT_APPLICABLE
    assert decision.rules[0].message == "is not for the risk tier high"
    assert decision.gate is Gate.ALLOW


def test_a_model_without_a_risk_tier_meets_the_rules_of_every_tier() -> None:
    rule = changed("auc", value=0.99, when={"risk_tier": ["low"]})
    subject = {**FACTS["subject"], "risk_tier": None}
    assert result(rule, subject=subject).outcome is Outcome.FAIL


def test_a_reviews_rule_for_another_tier_asks_nobody() -> None:
    rule = changed("people", when={"risk_tier": ["low"]})
    decision = decided(rule, AUC, reviews=[])
    assert decision.rules[0].outcome is Outcome.NOT_APPLICABLE
    assert decision.gate is Gate.ALLOW
    assert decision.reviews.needed == 0


def test_both_needed_signatures_pass() -> None:
    found = result(PEOPLE)
    assert found.outcome is Outcome.PASS
    assert (found.actual, found.op, found.threshold) == ("2", ">=", "2")
    assert found.message == "signed by carl (compliance), vera (validator)"
