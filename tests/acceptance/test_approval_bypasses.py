"""Every way around an approval that other systems were caught with, tried here.

Named after what went wrong elsewhere: an author approved their own work, one person filled
two seats, an author changed the list of approvers, any password signed, an approval outlived
what it was given for, an administrator or a token approved, and so did an author's delegate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.living import PASSWORD, expect
from tests.slices.gates.bank import Bank, policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.living import Person, Token


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with Bank.made(tmp_path) as bank:
        yield bank


@pytest.fixture
def promotion(bank: Bank) -> str:
    """A promotion that lacks nothing but signatures, asked for by erin."""
    bank.publish()
    return bank.promote(bank.ready())


def refused(bank: Bank, person: Person, promotion: str, meaning: str, kind: str) -> str:
    """Check that a signature is refused as such, and give the reason."""
    answer = expect(403, bank.review(person, promotion, meaning))
    assert answer["type"] == f"/problems/{kind}"
    assert list(bank.events("review.submitted")) == []
    return str(answer["detail"])


def reviewer(bank: Bank, person: Person) -> Person:
    """Give somebody every role that signing takes."""
    for role in ("reviewer", "model-validator", "compliance"):
        bank.world.grant(person, role)
    return person


def test_an_author_cannot_approve_their_own_model(bank: Bank) -> None:
    reviewer(bank, bank.erin)
    bank.publish()
    promotion = bank.promote(bank.ready())
    for meaning in ("review", "approval"):
        said = refused(bank, bank.erin, promotion, meaning, "self-approval")
        assert "is the submitter" in said
        assert "is the trainer" in said
        assert "is the evidence producer" in said


@pytest.mark.parametrize("part", ["submitter", "trainer", "evidence producer"])
def test_one_part_alone_keeps_somebody_from_signing(bank: Bank, part: str) -> None:
    bank.publish()
    bank.ready()
    bank.world.grant(bank.vera, "engineer")
    subject = bank.model("2", by=bank.vera if part == "trainer" else None)
    bank.measured(subject)
    if part == "evidence producer":
        bank.evaluated(subject, 0.81, by=bank.vera)
    promotion = bank.promote(subject, by=bank.vera if part == "submitter" else None)
    assert refused(bank, bank.vera, promotion, "review", "self-approval") == f"is the {part}"


def test_who_wrote_the_rules_does_not_sign_under_them(bank: Bank, promotion: str) -> None:
    reviewer(bank, bank.paul)
    said = refused(bank, bank.paul, promotion, "review", "self-approval")
    assert said == "is the policy last editor"


def test_one_member_does_not_satisfy_two_roles(bank: Bank, promotion: str) -> None:
    both = bank.world.person("bo", "reviewer", "model-validator", "compliance")
    expect(201, bank.review(both, promotion, "review"))
    expect(201, bank.review(both, promotion, "approval"))
    shown = bank.show(promotion)
    assert shown["state"] == "pending"
    assert len(shown["needs"]) == 1


def test_the_same_signature_twice_is_one(bank: Bank) -> None:
    bank.world.person("val", "reviewer", "model-validator")
    document, cases = policy()
    document["rules"][-1]["need"] = [{"role": "model-validator", "count": 2, "meaning": "review"}]
    first = cases[0]
    second = {**first["facts"]["reviews"][0], "index": 52, "reviewer": "user-val"}
    first["facts"]["reviews"] = [first["facts"]["reviews"][0], second]
    bank.world.publish(document, cases, bank.paul, bank.petra)
    promotion = bank.promote(bank.ready())
    for _ in range(2):
        expect(201, bank.review(bank.vera, promotion, "review"))
    assert bank.show(promotion)["state"] == "pending"


def test_an_author_does_not_change_who_approves(bank: Bank, promotion: str) -> None:
    """Neither by a policy of their own, nor by giving the role away."""
    document, cases = policy(metadata__version="2.0.0")
    body = {"document": document, "cases": cases}
    client = bank.world.client(bank.erin)
    assert client.post("/api/v1/policies", json=body).status_code == 403
    path = f"/api/v1/users/{bank.dora.id}/roles"
    assert client.post(path, json={"role": "compliance"}).status_code == 403


def test_an_administrator_does_not_gain_by_a_role_granted_today(bank: Bank) -> None:
    """The administrator asked for the promotion, and makes an approver for it."""
    world = bank.world
    world.grant(world.ada, "engineer")
    bank.publish()
    promotion = bank.promote(bank.ready(), by=world.ada)
    puppet = world.person("pip", "reviewer", "model-validator")
    assert "less than 24 hours" in refused(bank, puppet, promotion, "review", "role-missing")


def test_a_reviewer_made_by_one_administrator_is_marked(bank: Bank, promotion: str) -> None:
    bank.sign(promotion)
    assert bank.show(promotion)["decision"]["single_administrator"] is True


def test_two_administrators_of_long_standing_leave_no_mark(bank: Bank) -> None:
    world = bank.world
    world.person("amy", "administrator")
    world.tick(25 * 3600)
    signers = [
        (world.person("val", "reviewer", "model-validator"), "review"),
        (world.person("col", "reviewer", "compliance"), "approval"),
    ]
    bank.publish()
    promotion = bank.promote(bank.ready())
    for person, meaning in signers:
        expect(201, bank.review(person, promotion, meaning))
    decision = bank.show(promotion)["decision"]
    assert (decision["gate"], decision["single_administrator"]) == ("ALLOW", False)


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD.upper()])
def test_no_other_password_signs(bank: Bank, promotion: str, password: str) -> None:
    answer = bank.review(bank.vera, promotion, "review", password=password)
    assert answer.status_code == 401
    assert list(bank.events("review.submitted")) == []


def test_a_password_does_without_its_code_as_little_as_the_code_without_it(
    bank: Bank, promotion: str
) -> None:
    body = bank.said(bank.vera, promotion, "review")
    path = f"/api/v1/promotions/{promotion}/reviews"
    for left_out in ("password", "totp"):
        sent = {name: value for name, value in body.items() if name != left_out}
        assert bank.world.client(bank.vera).post(path, json=sent).status_code == 422
        empty = {**body, left_out: ""}
        assert bank.world.client(bank.vera).post(path, json=empty).status_code == 401


def test_an_approval_does_not_survive_new_content(bank: Bank, promotion: str) -> None:
    expect(201, bank.review(bank.vera, promotion, "review"))
    bank.evaluated("model/credit/1", 0.9)
    expect(201, bank.review(bank.carl, promotion, "approval"))
    shown = bank.show(promotion)
    assert shown["state"] == "pending"
    assert [one["role"] for one in shown["needs"]] == ["model-validator"]


def test_an_approval_of_one_version_is_none_of_the_next(bank: Bank, promotion: str) -> None:
    bank.sign(promotion)
    second = bank.promote(bank.another("2"))
    assert bank.show(second)["reviews"] == []
    assert bank.show(second)["state"] == "pending"


def test_an_approval_of_one_promotion_cannot_be_posted_to_another(
    bank: Bank, promotion: str
) -> None:
    second = bank.promote(bank.another("2"))
    bind = bank.show(promotion)["bind"]
    assert bank.review(bank.vera, second, "review", bind=bind).status_code == 409


def test_a_version_cannot_be_given_other_bytes(bank: Bank, promotion: str) -> None:
    expect(201, bank.review(bank.vera, promotion, "review"))
    registered = {
        "artifact": {"digest": "sha256:" + "0" * 64, "uri": "file:///other"},
        "framework": "scikit-learn",
        "trained_on": [],
    }
    body = {"type": "model.version_registered", "subject": "model/credit/1", "data": registered}
    assert bank.world.client(bank.erin).post("/api/v1/events", json=body).status_code == 409


def test_no_administrator_overrides(bank: Bank, promotion: str) -> None:
    assert bank.review(bank.world.ada, promotion, "review").status_code == 403
    client = bank.world.client(bank.world.ada)
    for kind in ("review.submitted", "promotion.decided", "gate.decided"):
        body = {"type": kind, "subject": f"promotion/{promotion}", "data": {"a": 1}}
        assert client.post("/api/v1/events", json=body).status_code in (403, 422)
    assert bank.show(promotion)["state"] == "pending"


@pytest.mark.parametrize("owner", ["vera", "carl"])
def test_no_token_approves(bank: Bank, promotion: str, owner: str) -> None:
    person = bank.world.people[owner]
    scopes = ("event:append", "evidence:write", "promotion:request", "admin", "read")
    token = bank.world.token(*scopes, owner=person)
    body = bank.said(person, promotion, "review")
    path = f"/api/v1/promotions/{promotion}/reviews"
    assert bank.world.client(token).post(path, json=body).status_code == 403
    assert list(bank.events("review.submitted")) == []


def by_token(bank: Bank, token: Token) -> str:
    """Let a pipeline do all of it: register, measure, ask."""
    bank.data()
    expect(201, bank.approve_data())
    bank.model("base")
    subject = bank.model("2", by=token)
    bank.evaluated(subject, by=token)
    bank.counted(subject, by=token)
    bank.card(subject, by=token)
    return bank.promote(subject, by=token)


SCOPES = ("event:append", "evidence:write", "promotion:request")


def test_nobody_signs_through_a_token_they_own(bank: Bank) -> None:
    bank.publish()
    promotion = by_token(bank, bank.world.token(*SCOPES, owner=bank.vera))
    refused(bank, bank.vera, promotion, "review", "self-approval")


def test_nobody_signs_through_a_token_they_made(bank: Bank) -> None:
    bank.publish()
    reviewer(bank, bank.world.ada)
    promotion = by_token(bank, bank.world.token(*SCOPES, owner=bank.erin))
    refused(bank, bank.world.ada, promotion, "review", "self-approval")


def test_nobody_signs_through_a_run_they_triggered(bank: Bank) -> None:
    bank.publish()
    bank.ready()
    token = bank.world.token(*SCOPES, owner=bank.erin)
    started = {"kind": "train", "inputs": [], "human": bank.vera.id}
    bank.world.record(token, "run.started", "run/nightly", started)
    subject = bank.model("2", run="run/nightly")
    bank.measured(subject)
    promotion = bank.promote(subject)
    refused(bank, bank.vera, promotion, "review", "self-approval")


def test_a_run_counts_even_where_a_policy_excludes_submitters_alone(bank: Bank) -> None:
    """Who triggered the pipeline submitted, whatever else a policy leaves out."""
    rules = policy()[0]["rules"]
    rules[-1]["exclude"] = ["submitter"]
    document, cases = policy(rules=rules)
    cases = [one for one in cases if one["name"] != "the trainer cannot sign for the own model"]
    bank.world.publish(document, cases, bank.paul, bank.petra)
    bank.ready()
    started = {"kind": "train", "inputs": [], "human": bank.carl.id}
    bank.world.record(bank.erin, "run.started", "run/nightly", started)
    subject = bank.model("2", run="run/nightly")
    bank.measured(subject)
    promotion = bank.promote(subject)
    refused(bank, bank.carl, promotion, "approval", "self-approval")


def test_whoever_approved_for_somebody_who_left_no_longer_counts(bank: Bank) -> None:
    bank.publish()
    promotion = bank.promote(bank.ready())
    nina = bank.world.person("nina", "reviewer")
    grant = bank.world.grant(nina, "model-validator")
    expect(201, bank.review(nina, promotion, "review"))
    path = f"/api/v1/users/{nina.id}/roles/{grant}"
    assert bank.world.client(bank.world.ada).delete(path).status_code == 200
    expect(201, bank.review(bank.carl, promotion, "approval"))
    assert bank.show(promotion)["state"] == "pending"


def test_a_code_that_was_seen_signs_nothing_more(bank: Bank, promotion: str) -> None:
    body = bank.said(bank.vera, promotion, "review")
    path = f"/api/v1/promotions/{promotion}/reviews"
    expect(201, bank.world.client(bank.vera).post(path, json=body))
    again = {**body, "bind": bank.show(promotion)["bind"]}
    assert bank.world.client(bank.vera).post(path, json=again).status_code == 401


def test_guessing_codes_ends_after_five(bank: Bank, promotion: str) -> None:
    bank.world.session(bank.vera)
    for _ in range(5):
        assert bank.review(bank.vera, promotion, "review", totp="000000").status_code == 401
    assert bank.review(bank.vera, promotion, "review").status_code == 429
    bank.world.tick(16 * 60)
    expect(201, bank.review(bank.vera, promotion, "review"))
