"""What is read of policies, environments and decisions, and what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.living import expect

if TYPE_CHECKING:
    from tests.slices.gates.bank import Bank


def test_a_policy_is_read_as_it_was_drafted(bank: Bank) -> None:
    bank.publish()
    client = bank.world.client(bank.erin)
    path = "/api/v1/policies/production-default/versions/1.0.0"
    found = expect(200, client.get(path))
    assert found["document"]["metadata"]["name"] == "production-default"
    assert found["cases"]
    assert client.get(path + ".1").status_code == 404


def test_a_recorded_decision_says_where_it_stands_and_who_used_it(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready()
    bank.sign(bank.promote(subject))
    decision = bank.check(subject)["decision_id"]
    expect(201, bank.deploy(subject, decision, "started"))
    path = f"/api/v1/decisions/{decision}"
    found = expect(200, bank.world.client(bank.vera).get(path))
    assert found["used_by"] == "deployment/production/scoring"
    assert bank.kinds()[found["index"]] == "gate.decided.v1"
    assert found["log"]["size"] <= found["index"]


def test_environments_begin_with_three(bank: Bank) -> None:
    found = expect(200, bank.world.client(bank.erin).get("/api/v1/environments"))
    assert found["environments"] == ["development", "staging", "production"]


def test_nothing_is_read_without_credentials(bank: Bank) -> None:
    client = bank.world.client(None)
    for path in (
        "environments",
        "policies/p/versions/1",
        "decisions/d",
        "decisions/d/replay",
        "promotions/p",
        "promotions/p/view",
        "reviews/inbox",
    ):
        assert client.get(f"/api/v1/{path}").status_code == 401, path
