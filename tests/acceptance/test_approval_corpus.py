"""Approval bugs of other systems, each under its name: not one of them is here.

Every attempt is made over the API and, where a page could sign, on the page; each refusal is
on record once. More ways around are in ``test_approval_bypasses.py`` (the API) and
``test_approval_pages.py`` (pages and races).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest

from tests.living import PASSWORD, World, expect
from tests.slices.gates.bank import Bank, policy
from tests.slices.reviews.deciding import checked, decide, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.living import Person

API = "/api/v1/promotions"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with World.open(tmp_path_factory.mktemp("bank")) as world:
        bank = Bank.founded(world)
        bank.publish()
        bank.ready("0")
        yield bank


@pytest.fixture
def bank(founded: Bank) -> Bank:
    quarter = 15 * 60  # nobody is locked, and what was refused before is told anew
    founded.world.tick(2 * quarter - founded.world.clock.now.timestamp() % quarter)
    return founded


@pytest.fixture
def promotion(bank: Bank, request: pytest.FixtureRequest) -> str:
    """A promotion of its own for each test, that lacks nothing but signatures."""
    return bank.promote(bank.another(f"v{zlib.crc32(request.node.nodeid.encode())}"))


def signed(bank: Bank, promotion: str) -> int:
    return len(bank.show(promotion)["reviews"])


def on_record(bank: Bank, before: int) -> list[str]:
    """Name the refusals recorded since, by type."""
    return [kind for kind in bank.kinds(before) if kind.endswith(".refused.v1")]


def by_page(bank: Bank, person: Person, promotion: str, **given: str) -> httpx.Response:
    """Let somebody who may sign come as far as the page that asks for password and code."""
    decide(bank.world, person, promotion)
    form = checked(bank.world, person, promotion)
    bank.world.session(person)
    return send(bank.world, person, form, **{**bank.world.signed(person), **given})


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD[:-1], PASSWORD.upper()])
def test_gitlab_461248_any_password_signs(bank: Bank, promotion: str, password: str) -> None:
    before = bank.size
    assert bank.review(bank.vera, promotion, "review", password=password).status_code == 401
    assert by_page(bank, bank.vera, promotion, password=password).status_code == 401
    assert on_record(bank, before) == ["session.refused.v1"]
    assert signed(bank, promotion) == 0


def test_gitlab_11291_an_author_approves_their_own_work(bank: Bank, promotion: str) -> None:
    for role in ("reviewer", "model-validator", "compliance"):
        bank.world.grant(bank.erin, role)
    before = bank.size
    for meaning in ("review", "approval"):
        refused = expect(403, bank.review(bank.erin, promotion, meaning))
        assert refused["type"] == "/problems/self-approval"
    assert on_record(bank, before) == ["access.refused.v1"]
    assert signed(bank, promotion) == 0


def test_gitlab_12152_one_member_satisfies_every_rule(bank: Bank, promotion: str) -> None:
    both = bank.world.person("bo", "reviewer", "model-validator", "compliance")
    for meaning in ("review", "approval"):
        expect(201, bank.review(both, promotion, meaning))
    assert bank.show(promotion)["state"] == "pending"


def test_gitlab_235123_an_author_swaps_the_list_of_approvers(bank: Bank, promotion: str) -> None:
    """Who approves stands in policies and in grants; neither takes anything from an author."""
    document, cases = policy(metadata__version="9.0.0")
    client = bank.world.client(bank.erin)
    asked = [
        client.post("/api/v1/policies", json={"document": document, "cases": cases}),
        client.post(f"/api/v1/users/{bank.dora.id}/roles", json={"role": "compliance"}),
        client.post(API, json={"subject": "model/credit/0", "environment": "production",
                               "reviewers": [bank.dora.id]}),
    ]  # fmt: skip
    assert [one.status_code for one in asked] == [403, 403, 422]
    needed = {one["role"] for one in bank.show(promotion)["needs"]}
    assert needed == {"compliance", "model-validator"}


def test_gitploy_201_reviewers_are_named_in_the_authors_own_file(bank: Bank) -> None:
    """What a version says of itself names nobody who may sign for it."""
    labels = {"reviewers": bank.dora.name, "approved-by": bank.vera.name}
    subject = bank.model("labelled", labels=labels)
    bank.measured(subject)
    promotion = bank.promote(subject)
    assert bank.review(bank.dora, promotion, "review").status_code == 403
    assert signed(bank, promotion) == 0


def test_git_proxy_1350_an_administrator_overrides(bank: Bank, promotion: str) -> None:
    before = bank.size
    refused = expect(403, bank.review(bank.world.ada, promotion, "review"))
    assert refused["type"] == "/problems/role-missing"
    assert on_record(bank, before) == ["access.refused.v1"]
    assert bank.show(promotion)["state"] == "pending"


def test_gitea_9016_an_approval_survives_new_content(bank: Bank, promotion: str) -> None:
    subject = bank.show(promotion)["subject"]
    expect(201, bank.review(bank.vera, promotion, "review"))
    bank.evaluated(subject, 0.9)
    expect(201, bank.review(bank.carl, promotion, "approval"))
    shown = bank.show(promotion)
    assert shown["state"] == "pending"
    assert [bool(one["dismissed"]) for one in shown["reviews"]] == [True, False]


def test_mlflow_6636_and_7762_a_request_is_answered_by_no_program(
    bank: Bank, promotion: str
) -> None:
    """Neither accepted nor rejected: by a person alone, over the API as on the page."""
    token = bank.world.token("event:append", "admin", "read", owner=bank.vera)
    before = bank.size
    for decision in ("approve", "reject", "request_changes"):
        body = bank.said(bank.vera, promotion, "review", decision=decision)
        refused = bank.world.client(token).post(f"{API}/{promotion}/reviews", json=body)
        assert refused.status_code == 403
    assert on_record(bank, before) == ["access.refused.v1"]
    expect(201, bank.review(bank.vera, promotion, "review", decision="reject"))
    assert [one["decision"] for one in bank.show(promotion)["reviews"]] == ["reject"]


def test_mlflow_3769_the_comment_of_a_request_is_lost(bank: Bank) -> None:
    subject = bank.another("commented")
    body = {"subject": subject, "environment": "production", "reason": "for the autumn"}
    asked = expect(201, bank.world.client(bank.erin).post(API, json=body))
    assert bank.show(asked["id"])["reason"] == "for the autumn"


def test_mlflow_2169_nobody_knows_what_was_in_production(bank: Bank, promotion: str) -> None:
    bank.sign(promotion)
    shown = bank.show(promotion)
    before = bank.world.clock().isoformat()
    bank.world.tick(60)
    expect(201, bank.deploy(shown["subject"], shown["decision"]["decision_id"]))
    client, path = bank.world.client(bank.erin), "/api/v1/deployments"
    live = [
        {one["model_version"] for one in client.get(path, params=asked).json()["items"]}
        for asked in ({"at": before}, {})
    ]
    assert shown["subject"] not in live[0]
    assert shown["subject"] in live[1]


def test_kviklet_162_and_curie_1054_to_try_it_out_four_eyes_are_shut(bank: Bank) -> None:
    """A dry run is how one person tries; it opens no promotion and is never an ALLOW."""
    document, cases = policy()
    dry = {"policy": document, "evidence": {**cases[0]["facts"], "reviews": []}}
    before = bank.size
    answer = bank.check("model/credit/0", dry_run=dry)
    assert answer["gate"] == "DRY_RUN"
    assert "decision_id" not in answer
    assert set(bank.kinds(before)) <= {"session.opened.v1"}


def test_gitlab_587182_a_session_signs_without_asking_again(bank: Bank, promotion: str) -> None:
    body = bank.said(bank.vera, promotion, "review")
    for left_out in ("password", "totp"):
        sent = {name: value for name, value in body.items() if name != left_out}
        refused = bank.world.client(bank.vera).post(f"{API}/{promotion}/reviews", json=sent)
        assert refused.status_code == 422
    assert signed(bank, promotion) == 0


# What is refused at signing, and is on record


def test_a_code_that_was_used_signs_nothing_more(bank: Bank, promotion: str) -> None:
    second = bank.promote(bank.another(f"{bank.show(promotion)['subject'][13:]}-again"))
    body = bank.said(bank.vera, promotion, "review")
    expect(201, bank.world.client(bank.vera).post(f"{API}/{promotion}/reviews", json=body))
    before = bank.size
    again = {**body, "bind": bank.show(second)["bind"]}
    for _ in range(2):
        refused = bank.world.client(bank.vera).post(f"{API}/{second}/reviews", json=again)
        assert refused.status_code == 401
    decide(bank.world, bank.vera, second)
    form = checked(bank.world, bank.vera, second)
    given = {"password": PASSWORD, "totp": str(body["totp"])}
    assert send(bank.world, bank.vera, form, **given).status_code == 401
    assert on_record(bank, before) == ["session.refused.v1"]
    assert signed(bank, second) == 0


def test_a_recovery_code_signs_nothing(bank: Bank, promotion: str) -> None:
    before = bank.size
    code = bank.vera.recovery_codes[0]
    asked = [
        bank.review(bank.vera, promotion, "review", totp=code.replace("-", "")[:16]),
        by_page(bank, bank.vera, promotion, totp=code.replace("-", "")[:16]),
    ]
    assert [one.status_code for one in asked] == [401, 401]
    assert bank.review(bank.vera, promotion, "review", totp=code).status_code in (401, 422)
    assert on_record(bank, before) == ["session.refused.v1"]
    assert signed(bank, promotion) == 0


def test_another_persons_session_signs_nothing(bank: Bank, promotion: str) -> None:
    """Vera's password and code in carl's browser, and carl's draft with vera's form."""
    before = bank.size
    bank.world.session(bank.carl)
    body = bank.said(bank.vera, promotion, "approval")
    refused = bank.world.client(bank.carl).post(f"{API}/{promotion}/reviews", json=body)
    assert refused.status_code == 401
    decide(bank.world, bank.carl, promotion)
    form = checked(bank.world, bank.carl, promotion)
    assert send(bank.world, bank.carl, form, **bank.world.signed(bank.vera)).status_code == 401
    assert on_record(bank, before) == ["session.refused.v1"]
    assert signed(bank, promotion) == 0


def test_a_service_token_signs_nothing_whoever_owns_it(bank: Bank, promotion: str) -> None:
    token = bank.world.token("event:append", "admin", "read", owner=bank.vera)
    body = bank.said(bank.vera, promotion, "review")
    before = bank.size
    for _ in range(3):
        refused = bank.world.client(token).post(f"{API}/{promotion}/reviews", json=body)
        assert refused.status_code == 403
    assert on_record(bank, before) == ["access.refused.v1"]
    expect(201, bank.world.client(bank.vera).post(f"{API}/{promotion}/reviews", json=body))


def test_a_delegate_of_the_author_signs_nothing(bank: Bank, promotion: str) -> None:
    """Nobody hands a role on: no such event is known, and a grant takes an administrator."""
    handed = {
        "type": "delegation.granted",
        "subject": f"user/{bank.dora.id}",
        "data": {"from": bank.erin.id, "to": bank.dora.id, "role": "model-validator"},
    }
    before = bank.size
    assert bank.world.client(bank.erin).post("/api/v1/events", json=handed).status_code == 422
    assert bank.review(bank.dora, promotion, "review").status_code == 403
    assert on_record(bank, before) == ["access.refused.v1"]
    assert signed(bank, promotion) == 0
