"""Asking for a promotion: one at a time, by whom, and what becomes of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.living import expect
from tests.slices.gates.bank import UNFAIR
from tests.slices.gates.meanwhile import meanwhile

if TYPE_CHECKING:
    import httpx

    from tests.living import Person, Token
    from tests.slices.gates.bank import Bank

WEEK = 7 * 86_400


@pytest.fixture
def subject(bank: Bank) -> str:
    """A version that lacks nothing but signatures, under a policy."""
    bank.publish()
    return bank.ready()


def withdraw(bank: Bank, promotion: str, by: Person | Token) -> httpx.Response:
    path = f"/api/v1/promotions/{promotion}/withdraw"
    return bank.world.client(by).post(path, json={"reason": "not yet"})


def test_the_first_decision_comes_with_the_answer(bank: Bank, subject: str) -> None:
    answer = bank.request(subject)
    body = expect(201, answer)
    assert body["decision"]["gate"] == "PENDING"
    assert body["state"] == "requested"
    assert answer.headers["Location"] == f"/api/v1/promotions/{body['id']}"
    assert bank.show(body["id"])["state"] == "pending"


def test_a_second_open_one_for_the_pair_is_a_conflict(bank: Bank, subject: str) -> None:
    first = bank.promote(subject)
    size = bank.size
    refused = expect(409, bank.request(subject))
    assert first in refused["detail"]
    assert bank.size == size


def test_of_many_that_ask_at_once_one_opens(bank: Bank, subject: str) -> None:
    bank.world.session(bank.erin)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: bank.request(subject).status_code, range(8)))
    assert sorted(answers) == [201, *[409] * 7]
    assert len(list(bank.events("promotion.requested"))) == 1


def test_one_opened_meanwhile_wins(bank: Bank, subject: str) -> None:
    with meanwhile(bank.world, "promotion.requested.v1", lambda: bank.promote(subject)):
        expect(409, bank.request(subject))
    assert len(list(bank.events("promotion.requested"))) == 1


def test_an_environment_that_is_not_published_is_refused(bank: Bank, subject: str) -> None:
    refused = expect(422, bank.request(subject, "moon"))
    assert refused["remedy"] == "one of: development, staging, production"


def test_a_version_nobody_registered_is_not_found(bank: Bank, subject: str) -> None:
    assert bank.request("model/credit/9").status_code == 404


def test_whoever_may_only_read_does_not_ask(bank: Bank, subject: str) -> None:
    assert bank.request(subject, by=bank.vera).status_code == 403
    token = bank.world.token("gate:check", owner=bank.erin)
    assert bank.request(subject, by=token).status_code == 403


def test_the_same_key_gives_the_same_promotion(bank: Bank, subject: str) -> None:
    key = {"Idempotency-Key": "once"}
    first = bank.request(subject, headers=key)
    size = bank.size
    again = bank.request(subject, headers=key)
    assert expect(201, again)["id"] == expect(201, first)["id"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert bank.size == size
    assert bank.request(subject, "staging", headers=key).status_code == 409


def test_the_same_key_at_the_same_moment_gives_one_promotion(bank: Bank, subject: str) -> None:
    bank.world.session(bank.erin)
    key = {"Idempotency-Key": "once"}
    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(lambda _: bank.request(subject, headers=key), range(64)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(list(bank.events("promotion.requested"))) == 1


def test_only_whoever_asked_takes_it_back(bank: Bank, subject: str) -> None:
    promotion = bank.promote(subject)
    other = bank.world.person("otto", "engineer")
    assert withdraw(bank, promotion, other).status_code == 403
    assert expect(200, withdraw(bank, promotion, bank.erin))["state"] == "withdrawn"
    assert bank.show(promotion)["state"] == "withdrawn"
    bank.promote(subject)


def test_a_token_that_is_limited_elsewhere_takes_nothing_back(bank: Bank, subject: str) -> None:
    token = bank.world.token("promotion:request", owner=bank.erin, environment="staging")
    promotion = bank.promote(subject)
    assert withdraw(bank, promotion, token).status_code == 403
    assert bank.show(promotion)["state"] == "pending"


def test_what_has_ended_is_not_taken_back(bank: Bank, subject: str) -> None:
    promotion = bank.promote(subject)
    expect(200, withdraw(bank, promotion, bank.erin))
    refused = expect(409, withdraw(bank, promotion, bank.erin))
    assert refused["type"] == "/problems/illegal-transition"
    assert withdraw(bank, "p0", bank.erin).status_code == 404


def test_what_is_allowed_is_not_taken_back(bank: Bank, subject: str) -> None:
    promotion = bank.promote(subject)
    bank.sign(promotion)
    refused = expect(409, withdraw(bank, promotion, bank.erin))
    assert refused["type"] == "/problems/illegal-transition"


def test_a_denial_is_final(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready(selected=UNFAIR)
    promotion = bank.promote(subject)
    assert bank.show(promotion)["state"] == "denied"
    bank.counted(subject)
    assert bank.check(subject)["gate"] == "PENDING"
    assert bank.show(promotion)["state"] == "denied"
    assert bank.review(bank.vera, promotion, "review").status_code == 409
    assert withdraw(bank, promotion, bank.erin).status_code == 409
    again = bank.promote(subject)
    assert (again != promotion, bank.show(again)["state"]) == (True, "pending")


def test_an_allowed_one_that_nobody_used_expires(bank: Bank, subject: str) -> None:
    promotion = bank.promote(subject)
    bank.sign(promotion)
    old = bank.check(subject)
    bank.world.tick(WEEK)
    fresh = bank.check(subject)
    assert bank.show(promotion)["state"] == "expired"
    assert fresh["decision_id"] != old["decision_id"]
    assert fresh["gate"] == "PENDING"  # the signatures were for that promotion
    assert bank.deploy(subject, old["decision_id"], "started").status_code == 409


def test_after_one_expired_the_next_may_be_asked_for(bank: Bank, subject: str) -> None:
    first = bank.promote(subject)
    bank.sign(first)
    bank.world.tick(WEEK)
    second = bank.promote(subject)
    assert bank.show(first)["state"] == "expired"
    assert bank.show(second)["state"] == "pending"


def test_one_whose_decision_is_in_use_does_not_expire(bank: Bank, subject: str) -> None:
    promotion = bank.promote(subject)
    bank.sign(promotion)
    decision = bank.check(subject)["decision_id"]
    expect(201, bank.deploy(subject, decision, "started"))
    bank.world.tick(WEEK)
    bank.check(subject)
    assert bank.show(promotion)["state"] == "allowed"
    assert expect(409, bank.request(subject))["remedy"] == f"deploy it, with decision {decision}"
    expect(201, bank.deploy(subject, decision))
    shown = bank.show(promotion)
    assert (shown["state"], shown["deployment"]) == ("live", "deployment/production/scoring")
    [succeeded] = bank.events("deployment.succeeded")
    assert succeeded["gated"] is True


def test_a_decision_is_used_once(bank: Bank, subject: str) -> None:
    bank.sign(bank.promote(subject))
    decision = bank.check(subject)["decision_id"]
    expect(201, bank.deploy(subject, decision))
    where = "deployment/production/elsewhere"
    about = {"environment": "production", "name": "elsewhere", "model_version": subject}
    data = {**about, "decision_id": decision}
    body = {"type": "deployment.started", "subject": where, "data": data}
    answer = bank.world.client(bank.erin).post("/api/v1/events", json=body)
    assert expect(409, answer)["type"] == "/problems/stale-decision"


def test_a_denial_carries_no_deployment(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready(selected=UNFAIR)
    denied = bank.check(subject)["decision_id"]
    assert bank.deploy(subject, denied, "started").status_code == 409
    expect(201, bank.deploy(subject, denied))
    [succeeded] = bank.events("deployment.succeeded")
    assert succeeded["gated"] is False
    assert "says DENY" in succeeded["ungated_because"]
