"""The gate over HTTP: what it answers, on which facts, and that asking again adds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.slices.gates.bank import UNFAIR

if TYPE_CHECKING:
    from tests.slices.gates.bank import Bank


def test_without_a_policy_the_answer_is_no(bank: Bank) -> None:
    decision = bank.check(bank.ready())
    assert (decision["gate"], decision["reason"]) == ("DENY", "no policy")


def test_a_version_that_lacks_only_people_is_pending(bank: Bank) -> None:
    bank.publish()
    decision = bank.check(bank.ready())
    assert decision["gate"] == "PENDING"
    assert {one["role"] for one in decision["missing"]} == {"model-validator", "compliance"}


def test_an_unfair_version_is_denied_and_told_why(bank: Bank) -> None:
    bank.publish()
    decision = bank.check(bank.ready(selected=UNFAIR))
    assert decision["gate"] == "DENY"
    assert decision["unmet"] == [
        "production-default/fair.impact",
        "production-default/fair.opportunity",
    ]
    [impact] = [one for one in decision["rules"] if one["id"] == decision["unmet"][0]]
    assert impact["actual"] == "0.600000000"
    assert impact["remedy"]


def test_a_version_that_everybody_signed_is_allowed(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready()
    promotion = bank.promote(subject)
    bank.sign(promotion)
    assert bank.show(promotion)["state"] == "allowed"
    assert bank.check(subject)["gate"] == "ALLOW"
