"""What it takes to sign, and what a refused or overtaken signature leaves behind: nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.living import expect
from tests.slices.gates.bank import policy
from tests.slices.gates.meanwhile import meanwhile

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.living import Person, Token
    from tests.slices.gates.bank import Bank

SUBMITTED = "review.submitted.v1"


@pytest.fixture
def promotion(bank: Bank) -> str:
    bank.publish()
    return bank.promote(bank.ready())


def post(
    bank: Bank, caller: Person | Token, promotion: str, body: dict[str, Any]
) -> httpx.Response:
    return bank.world.client(caller).post(f"/api/v1/promotions/{promotion}/reviews", json=body)


def signed(bank: Bank) -> int:
    return len(list(bank.events("review.submitted")))


def test_a_wrong_password_signs_nothing(bank: Bank, promotion: str) -> None:
    assert bank.review(bank.vera, promotion, "review", password="wrong").status_code == 401
    assert bank.review(bank.vera, promotion, "review", totp="000000").status_code == 401
    assert signed(bank) == 0


def test_a_recovery_code_signs_nothing(bank: Bank, promotion: str) -> None:
    for code in bank.vera.recovery_codes[:2]:
        answer = bank.review(bank.vera, promotion, "review", totp=code)
        assert answer.status_code in (401, 422)
    assert signed(bank) == 0


def test_a_code_signs_once(bank: Bank, promotion: str) -> None:
    body = bank.said(bank.vera, promotion, "review", decision="request_changes")
    expect(201, post(bank, bank.vera, promotion, body))
    again = {**body, "decision": "approve", "bind": bank.show(promotion)["bind"]}
    assert post(bank, bank.vera, promotion, again).status_code == 401
    assert signed(bank) == 1


def test_a_code_that_is_sent_many_times_at_once_signs_once(bank: Bank, promotion: str) -> None:
    body = bank.said(bank.vera, promotion, "review")
    with ThreadPoolExecutor(6) as threads:
        answers = threads.map(lambda _: post(bank, bank.vera, promotion, body), range(6))
        statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 201
    assert set(statuses[1:]) <= {401, 429}
    assert signed(bank) == 1


def test_no_token_signs_whoever_owns_it(bank: Bank, promotion: str) -> None:
    body = bank.said(bank.vera, promotion, "review")
    token = bank.world.token("event:append", "admin", "read", owner=bank.vera)
    assert post(bank, token, promotion, body).status_code == 403
    expect(201, post(bank, bank.vera, promotion, body))  # the code was not used up


def test_nobody_signs_in_the_session_of_another(bank: Bank, promotion: str) -> None:
    """Vera's password and code in carl's browser are not carl's."""
    bank.world.session(bank.carl)
    body = bank.said(bank.vera, promotion, "approval")
    assert post(bank, bank.carl, promotion, body).status_code == 401
    assert signed(bank) == 0


def test_nobody_signs_without_a_session(bank: Bank, promotion: str) -> None:
    body = bank.said(bank.vera, promotion, "review")
    path = f"/api/v1/promotions/{promotion}/reviews"
    assert bank.world.client(None).post(path, json=body).status_code == 401


def test_an_administrator_signs_for_nobody(bank: Bank, promotion: str) -> None:
    refused = expect(403, bank.review(bank.world.ada, promotion, "review"))
    assert refused["type"] == "/problems/role-missing"


@pytest.mark.parametrize("meaning", ["approval", "responsibility", "authorship"])
def test_a_role_signs_for_what_it_is_asked_for(bank: Bank, promotion: str, meaning: str) -> None:
    assert bank.review(bank.vera, promotion, meaning).status_code == 403


def test_an_approval_role_without_the_right_to_review_signs_nothing(
    bank: Bank, promotion: str
) -> None:
    someone = bank.world.person("sam", "model-validator")
    assert bank.review(someone, promotion, "review").status_code == 403


def test_a_role_for_other_models_signs_nothing_here(bank: Bank, promotion: str) -> None:
    someone = bank.world.person("sam", "reviewer")
    bank.world.grant(someone, "model-validator", scope="model/other@production")
    assert bank.review(someone, promotion, "review").status_code == 403
    bank.world.grant(someone, "model-validator", scope="model/cre*@production")
    expect(201, bank.review(someone, promotion, "review"))


def test_what_is_refused_first_uses_up_no_code(bank: Bank, promotion: str) -> None:
    body = bank.said(bank.vera, promotion, "review")
    stale = {**body, "bind": {**body["bind"], "evidence_root": "sha256:" + "0" * 64}}
    assert post(bank, bank.vera, promotion, {**body, "meaning": "approval"}).status_code == 403
    assert post(bank, bank.vera, promotion, {**body, "reason": ""}).status_code == 422
    assert post(bank, bank.vera, promotion, stale).status_code == 409
    expect(201, post(bank, bank.vera, promotion, body))


def evidence(bank: Bank) -> None:
    bank.evaluated("model/credit/1", 0.9)


def other_policy(bank: Bank) -> None:
    rules = policy()[0]["rules"]
    rules[0]["value"] = 0.695
    bank.publish(metadata__version="2.0.0", rules=rules)


CHANGES = [
    (evidence, {"evidence_root", "rendered_view_digest"}),
    (other_policy, {"policy_digest", "rendered_view_digest"}),
]


@pytest.mark.parametrize(("change", "moved"), CHANGES)
def test_who_looked_at_something_else_is_told_what_moved(
    bank: Bank, promotion: str, change: Callable[[Bank], None], moved: set[str]
) -> None:
    bind = bank.show(promotion)["bind"]
    change(bank)
    refused = expect(409, bank.review(bank.vera, promotion, "review", bind=bind))
    assert refused["type"] == "/problems/stale-review"
    assert {one["pointer"] for one in refused["errors"]} == {f"#/bind/{name}" for name in moved}
    assert signed(bank) == 0


@pytest.mark.parametrize(("change", "moved"), CHANGES)
def test_what_changes_while_somebody_signs_takes_the_signature_with_it(
    bank: Bank, promotion: str, change: Callable[[Bank], None], moved: set[str]
) -> None:
    with meanwhile(bank.world, SUBMITTED, lambda: change(bank)):
        refused = bank.review(bank.vera, promotion, "review")
    assert expect(409, refused)["type"] == "/problems/stale-review"
    assert signed(bank) == 0


@pytest.mark.parametrize(
    "name", ["subject_digest", "evidence_root", "policy_digest", "rendered_view_digest"]
)
def test_each_of_the_four_digests_is_compared(bank: Bank, promotion: str, name: str) -> None:
    bind = {**bank.show(promotion)["bind"], name: "sha256:" + "0" * 64}
    refused = expect(409, bank.review(bank.vera, promotion, "review", bind=bind))
    assert [one["pointer"] for one in refused["errors"]] == [f"#/bind/{name}"]


@pytest.mark.parametrize(("change", "moved"), CHANGES)
def test_a_signature_for_something_else_is_dismissed(
    bank: Bank, promotion: str, change: Callable[[Bank], None], moved: set[str]
) -> None:
    expect(201, bank.review(bank.vera, promotion, "review"))
    change(bank)
    shown = expect(201, bank.review(bank.carl, promotion, "approval"))["promotion"]
    assert shown["state"] == "pending"
    assert [one["role"] for one in shown["needs"]] == ["model-validator"]
    [dismissed] = bank.events("review.dismissed")
    [first, second] = shown["reviews"]
    assert dismissed["review"] == first["index"]
    assert first["dismissed"]
    assert second["dismissed"] is None
    expect(201, bank.review(bank.vera, promotion, "review"))
    assert bank.show(promotion)["state"] == "allowed"


def test_a_role_revoked_while_somebody_signs_takes_the_signature_with_it(
    bank: Bank, promotion: str
) -> None:
    nina = bank.world.person("nina", "reviewer")
    grant = bank.world.grant(nina, "model-validator")

    def revoked() -> None:
        path = f"/api/v1/users/{nina.id}/roles/{grant}"
        assert bank.world.client(bank.world.ada).delete(path).status_code == 200

    with meanwhile(bank.world, SUBMITTED, revoked):
        assert bank.review(nina, promotion, "review").status_code == 403
    assert signed(bank) == 0


def test_a_role_revoked_before_the_decision_no_longer_counts(bank: Bank, promotion: str) -> None:
    nina = bank.world.person("nina", "reviewer")
    grant = bank.world.grant(nina, "model-validator")
    expect(201, bank.review(nina, promotion, "review"))

    def revoked() -> None:
        path = f"/api/v1/users/{nina.id}/roles/{grant}"
        assert bank.world.client(bank.world.ada).delete(path).status_code == 200

    with meanwhile(bank.world, "promotion.decided.v1", revoked):
        expect(201, bank.review(bank.carl, promotion, "approval"))
    shown = bank.show(promotion)
    assert shown["state"] == "pending"
    assert [one["role"] for one in shown["needs"]] == ["model-validator"]
    assert list(bank.events("promotion.decided")) == []


def test_two_who_sign_at_once_both_count(bank: Bank, promotion: str) -> None:
    bodies = [
        bank.said(bank.vera, promotion, "review"),
        bank.said(bank.carl, promotion, "approval"),
    ]
    people = [bank.vera, bank.carl]
    with ThreadPoolExecutor(2) as threads:
        answers = list(
            threads.map(
                lambda one: post(bank, one[0], promotion, one[1]),
                zip(people, bodies, strict=True),
            )
        )
    assert [answer.status_code for answer in answers] == [201, 201]
    assert bank.show(promotion)["state"] == "allowed"
    assert len(list(bank.events("promotion.decided"))) == 1
