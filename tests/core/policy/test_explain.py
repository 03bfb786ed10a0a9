"""Every finding that is no pass says what is so, in numbers, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.policy import worlds
from tests.core.policy.worlds import FACTS, RULES, changed, evidence, need, result


def cells(*given: tuple[str, int, int]) -> list[dict[str, Any]]:
    counted = [{"group": {"sex": sex}, "n": n, "selected": k} for sex, n, k in given]
    rows = sum(n for _, n, _ in given)
    return evidence(1, cells=counted, rows=rows, dataset={**worlds.DATASET, "rows": rows})


def test_a_number_says_what_would_pass() -> None:
    found = result(changed("auc", value=0.8))
    assert found.message == ("roc_auc is 0.7500 on dataset/d/1 (n 4000), which is not >= 0.8000")
    assert found.remedy == (
        "roc_auc >= 0.8000 would pass, a change of 0.0500; register a better version, measure it "
        "and record it with `muniment evaluation add`"
    )


def test_a_disparity_says_how_many_decisions_would_pass() -> None:
    found = result(RULES["impact"], evidence=cells(("F", 200, 60), ("M", 200, 120)))
    assert found.message == (
        "impact_ratio of sex=F against sex=M is 0.5000 (95% interval 0.3913 to 0.6324), "
        "asked >= 0.8000 (n 400, dataset/d/1)"
    )
    assert found.remedy is not None
    assert found.remedy.startswith(
        "the whole interval has to meet impact_ratio >= 0.8000; the point estimate would meet it "
        "with +36 favourable decisions in group sex=F; mend"
    )
    assert found.remedy.endswith("`muniment predictions upload`")


def test_those_many_decisions_do_pass() -> None:
    rule = changed("impact", decide_on=None)
    assert result(rule, evidence=cells(("F", 200, 96), ("M", 200, 120))).outcome == "PASS"
    assert result(rule, evidence=cells(("F", 200, 95), ("M", 200, 120))).outcome == "FAIL"


def test_an_inconclusive_interval_says_how_many_people_would_show_it() -> None:
    rule = changed("impact", decide_on={"ci": "miettinen-nurminen", "straddle": "fail"})
    found = result(rule, evidence=cells(("F", 100, 45), ("M", 100, 50)))
    assert found.remedy is not None
    assert "the whole interval has to meet impact_ratio >= 0.8000; about " in found.remedy
    assert "people per group would show it if there is no difference" in found.remedy


def test_a_difference_says_what_was_asked() -> None:
    rule = changed(
        "impact",
        metric="demographic_parity_difference",
        op="<=",
        value=0.1,
        decide_on=None,
    )
    found = result(rule, evidence=cells(("F", 200, 60), ("M", 200, 120)))
    assert found.remedy is not None
    assert found.remedy.startswith("demographic_parity_difference <= 0.1000 would pass; mend")


def test_an_undefined_disparity_says_so_and_never_a_number() -> None:
    found = result(RULES["impact"], evidence=cells(("F", 200, 0), ("M", 200, 0)))
    assert "impact_ratio of sex=M against sex=F is undefined" in found.message
    assert found.remedy is not None
    assert found.remedy.startswith("measure on data with enough people in every group")


def test_every_table_that_failed_is_named() -> None:
    counted = [
        {"group": {"sex": sex, "age": age}, "n": 1000, "selected": n}
        for sex, age, n in (("F", "y", 100), ("F", "o", 200), ("M", "y", 400), ("M", "o", 900))
    ]
    items = evidence(1, attributes=["sex", "age"], cells=counted)
    rule = changed("impact", attributes=["sex", "age"])
    found = result(rule, evidence=items)
    assert "; FAIL also by age" in found.message


def test_bad_data_says_how_it_comes_in_and_who_mends_it() -> None:
    why = [{"src": "model/m/1", "type": "used", "dst": "dataset/d/1", "index": 7}]
    bad = {**FACTS["lineage"]["ancestors"][0], "approval_status": "none", "why": why}
    found = result(RULES["origin"], lineage={"ancestors": [bad]})
    assert found.message == ("dataset/d/1 is not approved (reached by model/m/1 used dataset/d/1)")
    assert found.remedy == ("let somebody in the role run `muniment dataset approve dataset/d/1`")
    unlicensed = {**bad, "approval_status": "approved", "licence": None}
    found = result(RULES["origin"], lineage={"ancestors": [unlicensed]})
    assert found.remedy == (
        "train on other data, or register a version of it under a licence that is allowed"
    )


def test_a_document_that_is_no_object_says_so() -> None:
    found = result(RULES["card"], evidence=evidence(2, fields=None))
    assert found.message == (
        "the card of model/m/1 is not a JSON object, so its fields cannot be read"
    )
    silent = result(RULES["card"], evidence=evidence(2, fields=[]))
    assert silent.message == "the card of model/m/1 says nothing under purpose"


@pytest.mark.parametrize(
    ("rule", "members"),
    [
        (changed("auc", value=0.9), {}),
        (RULES["auc"], {"evidence": []}),
        (RULES["auc"], {"evidence": evidence(0, metrics=[])}),
        (RULES["auc"], {"evidence": evidence(0, measured_at="2026-05-02T00:00:00Z")}),
        (RULES["impact"], {"evidence": evidence(1, cells=[])}),
        (RULES["impact"], {"evidence": evidence(1, cells=worlds.STRADDLING)}),
        (changed("impact", attributes=["race"]), {}),
        (RULES["origin"], {"lineage": {"status": "timeout"}}),
        (RULES["origin"], {"lineage": {"ancestors": []}}),
        (RULES["disjoint"], {"lineage": {}}),
        (
            RULES["disjoint"],
            {"lineage": {"overlaps": [{"between": ["train_set", "eval_set"], "rows_shared": 9}]}},
        ),
        (RULES["card"], {"evidence": []}),
        (changed("fresh", max_age="P1D"), {}),
        (RULES["people"], {"reviews": []}),
        (changed("people", need=[need("nobody", "review")]), {}),
    ],
)
def test_whatever_does_not_pass_says_what_to_do(
    rule: dict[str, Any], members: dict[str, Any]
) -> None:
    found = result(rule, **members)
    assert found.outcome not in {"PASS", "PASS_BY_REVIEW", "NOT_APPLICABLE"}
    assert found.message
    assert found.remedy
