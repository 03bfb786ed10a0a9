"""Whoever looked at something else is told what is different now, in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from app.reviews.moved import moved, moved_rules
from tests.slices.gates.bank import UNFAIR, policy
from tests.slices.reviews.looking import sheet

if TYPE_CHECKING:
    from tests.slices.gates.bank import Bank


@pytest.fixture
def promotion(bank: Bank) -> str:
    bank.publish()
    return bank.promote(bank.ready())


def view(bank: Bank, promotion: str) -> bytes:
    shown = sheet(bank, promotion, bank.vera).view
    assert shown is not None
    return shown


def test_the_same_view_has_not_moved(bank: Bank, promotion: str) -> None:
    assert moved(view(bank, promotion), view(bank, promotion)) == ()


def test_new_evidence_is_named_with_the_checks_that_read_it(bank: Bank, promotion: str) -> None:
    before = view(bank, promotion)
    bank.evaluated("model/credit/1", 0.6)
    bank.counted("model/credit/1", UNFAIR)
    found = {one.what: one for one in moved(before, view(bank, promotion))}
    auc = found["Check production-default/perf.auc"]
    assert auc.before == "PASS, 0.8000 (asked >= 0.7000)"
    assert auc.now == "FAIL, 0.6000 (asked >= 0.7000)"
    impact = found["Check production-default/fair.impact"]
    assert impact.now == "FAIL, 0.6000 (asked >= 0.8000), sex=F"
    assert found["Evaluation"].before is None
    assert str(found["Counts by group"].now).startswith("entry ")
    assert moved_rules(tuple(found.values())) == 5


def test_a_policy_that_was_published_is_named(bank: Bank, promotion: str) -> None:
    before = view(bank, promotion)
    rules = policy()[0]["rules"]
    rules[0]["value"] = 0.695
    bank.publish(metadata__version="2.0.0", rules=rules)
    found = {one.what: one for one in moved(before, view(bank, promotion))}
    assert set(found) == {"Policy production-default", "Check production-default/perf.auc"}
    changed = found["Policy production-default"]
    assert str(changed.before).startswith("version 1.0.0, enforce, ")
    assert str(changed.now).startswith("version 2.0.0, enforce, ")


def test_data_that_lost_its_approval_is_named(bank: Bank, promotion: str) -> None:
    before = view(bank, promotion)
    document = json.loads(before)
    document["lineage"]["ancestors"][0]["approval_status"] = "revoked"
    document["lineage"]["ancestors"][0].pop("licence")
    found = moved(before, json.dumps(document).encode())
    assert [(one.what, one.before, one.now) for one in found] == [
        (
            "Origin dataset/applicants/1",
            "approved, licence CC-BY-4.0, " + found_digest(document),
            "revoked, licence none, " + found_digest(document),
        )
    ]


def found_digest(document: dict[str, Any]) -> str:
    digest: str = document["lineage"]["ancestors"][0]["digest"]
    return digest.removeprefix("sha256:")[:12]


@pytest.mark.parametrize(
    ("where", "value", "what", "now"),
    [
        (("subject", "digest"), "sha256:0", "Artifact", "sha256:0"),
        (("subject", "risk_tier"), None, "Risk tier", None),
        (("transition", "from"), "staging", "Comes from environment", "staging"),
        (("lineage", "status"), "truncated", "Lineage answer", "truncated"),
        (("lineage", "overlaps"), [1], "Shared rows", "[1]"),
    ],
)
def test_every_other_part_is_named(
    bank: Bank, promotion: str, where: tuple[str, str], value: object, what: str, now: str | None
) -> None:
    before = view(bank, promotion)
    document = json.loads(before)
    document[where[0]][where[1]] = value
    [found] = moved(before, json.dumps(document).encode())
    assert (found.what, found.now) == (what, now)


def test_whatever_else_differs_is_not_passed_over(bank: Bank, promotion: str) -> None:
    before = view(bank, promotion)
    document = json.loads(before) | {"schema": "another"}
    [found] = moved(before, json.dumps(document).encode())
    assert found.what == "Something else that is signed"
