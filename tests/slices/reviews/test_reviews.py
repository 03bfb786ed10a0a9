"""A person sees what would be promoted, decides, and signs exactly that."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.living import expect
from tests.slices.gates.bank import STRADDLING

if TYPE_CHECKING:
    from tests.living import Person
    from tests.slices.gates.bank import Bank

IMPACT = "production-default/fair.impact"


@pytest.fixture
def promotion(bank: Bank) -> str:
    """A promotion that lacks nothing but signatures."""
    bank.publish()
    return bank.promote(bank.ready())


def test_two_people_sign_and_it_is_allowed(bank: Bank, promotion: str) -> None:
    first = expect(201, bank.review(bank.vera, promotion, "review"))
    assert first["promotion"]["state"] == "pending"
    assert [one["role"] for one in first["promotion"]["needs"]] == ["compliance"]
    second = expect(201, bank.review(bank.carl, promotion, "approval"))
    assert second["promotion"]["state"] == "allowed"
    assert second["promotion"]["needs"] == []
    shown = bank.show(promotion)
    assert [one["reviewer"] for one in shown["reviews"]] == [bank.vera.id, bank.carl.id]
    assert shown["decision"]["gate"] == "ALLOW"
    assert shown["decision"]["single_administrator"] is True


def test_the_statement_verifies_under_the_key_that_the_log_names(
    bank: Bank, promotion: str
) -> None:
    """The DSSE encoding and Ed25519 are written out here: no code of ours checks them."""
    body = bank.said(bank.vera, promotion, "review")
    path = f"/api/v1/promotions/{promotion}/reviews"
    answer = expect(201, bank.world.client(bank.vera).post(path, json=body))
    statement = answer["statement"]
    [started] = bank.events("log.started")
    [signature] = statement["signatures"]
    assert signature["keyid"] == started["approvals_vkey"] != started["log_vkey"]
    key = base64.b64decode(signature["keyid"].rsplit("+", 1)[1])
    assert key[0] == 1  # Ed25519, C2SP signed-note
    payload = base64.b64decode(statement["payload"])
    kind = b"application/vnd.muniment.review.v1+json"
    assert statement["payloadType"].encode() == kind
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    public = Ed25519PublicKey.from_public_bytes(key[1:])
    public.verify(base64.b64decode(signature["sig"]), signed)
    said = json.loads(payload)
    assert said["bind"] == body["bind"]
    assert set(said["bind"]) == {
        "subject_digest",
        "evidence_root",
        "policy_digest",
        "rendered_view_digest",
    }
    assert (said["promotion"], said["signer"]) == (promotion, bank.vera.id)
    assert (said["decision"], said["meaning"]) == ("approve", "review")
    assert said["auth"]["methods"] == ["password", "totp"]
    [recorded] = bank.events("review.submitted")
    assert recorded["statement"] == statement
    assert recorded["printed_name"] == "Vera"
    salt = bytes.fromhex(recorded["reason_salt"])
    assert said["reason_commitment"] == commitment("reason", recorded["reason"], salt)


def commitment(name: str, value: str, salt: bytes) -> str:
    """Commit to a member, by other code than ours; canonical JSON of plain ASCII is this."""
    member = json.dumps([name, value], separators=(",", ":")).encode()
    return hashlib.sha256(b"muniment-member/1\0" + salt + member).hexdigest()


def test_the_view_is_named_by_what_is_signed(bank: Bank, promotion: str) -> None:
    answer = bank.world.client(bank.vera).get(f"/api/v1/promotions/{promotion}/view")
    digest = hashlib.sha256(answer.content).hexdigest()
    assert answer.headers["ETag"] == f'"{digest}"'
    assert bank.show(promotion)["bind"]["rendered_view_digest"] == f"sha256:{digest}"
    expect(201, bank.review(bank.vera, promotion, "review"))
    [recorded] = bank.events("review.submitted")
    assert recorded["view"].encode() == answer.content


def test_everybody_is_shown_the_same_whenever_they_look(bank: Bank, promotion: str) -> None:
    path = f"/api/v1/promotions/{promotion}/view"
    first = bank.world.client(bank.vera).get(path).content
    expect(201, bank.review(bank.vera, promotion, "review"))
    bank.world.tick(3600)
    assert bank.world.client(bank.carl).get(path).content == first


def test_a_rejection_denies(bank: Bank, promotion: str) -> None:
    answer = expect(201, bank.review(bank.carl, promotion, "approval", decision="reject"))
    assert answer["promotion"]["state"] == "denied"
    assert bank.review(bank.vera, promotion, "review").status_code == 409


def test_asking_for_changes_keeps_it_open(bank: Bank, promotion: str) -> None:
    asked = bank.review(bank.carl, promotion, "approval", decision="request_changes")
    assert expect(201, asked)["promotion"]["state"] == "pending"
    expect(201, bank.review(bank.vera, promotion, "review"))
    assert bank.show(promotion)["state"] == "pending"


def test_a_later_review_replaces_the_one_before(bank: Bank, promotion: str) -> None:
    expect(201, bank.review(bank.carl, promotion, "approval", decision="request_changes"))
    expect(201, bank.review(bank.vera, promotion, "review"))
    expect(201, bank.review(bank.carl, promotion, "approval"))
    assert bank.show(promotion)["state"] == "allowed"
    assert len(list(bank.events("review.submitted"))) == 3


def test_a_review_says_why(bank: Bank, promotion: str) -> None:
    refused = expect(422, bank.review(bank.vera, promotion, "review", reason=" . "))
    assert refused["errors"][0]["pointer"] == "#/reason"


@pytest.mark.parametrize("rule", [IMPACT, "production-default/people", "nothing"])
def test_nobody_accepts_what_waits_for_nobody(bank: Bank, promotion: str, rule: str) -> None:
    refused = expect(422, bank.review(bank.vera, promotion, "review", accepts=[rule]))
    assert refused["errors"][0]["pointer"] == "#/accepts"


def test_what_is_not_clear_is_taken_on_by_a_validator(bank: Bank) -> None:
    bank.publish()
    promotion = bank.promote(bank.ready(selected=STRADDLING))
    assert bank.show(promotion)["state"] == "pending"
    expect(201, bank.review(bank.carl, promotion, "approval"))
    expect(201, bank.review(bank.vera, promotion, "review"))
    assert bank.show(promotion)["state"] == "pending"  # nobody took it on
    expect(201, bank.review(bank.vera, promotion, "review", accepts=[IMPACT]))
    shown = bank.show(promotion)
    assert shown["state"] == "allowed"
    [rule] = [one for one in shown["decision"]["rules"] if one["id"] == IMPACT]
    assert (rule["outcome"], rule["raw_outcome"]) == ("PASS_BY_REVIEW", "INCONCLUSIVE")


def test_a_body_that_is_not_strict_json_is_refused(bank: Bank, promotion: str) -> None:
    path = f"/api/v1/promotions/{promotion}/reviews"
    body = json.dumps(bank.said(bank.vera, promotion, "review"))
    twice = body.replace('"decision": "approve"', '"decision": "reject", "decision": "approve"')
    client = bank.world.client(bank.vera)
    headers = {"Content-Type": "application/json"}
    assert client.post(path, content=twice, headers=headers).status_code == 422
    assert (
        client.post(path, content=body, headers={"Content-Type": "text/plain"}).status_code == 415
    )
    assert client.post(path, json={**json.loads(body), "more": 1}).status_code == 422
    assert list(bank.events("review.submitted")) == []


def test_the_inbox_says_what_is_yours(bank: Bank, promotion: str) -> None:
    def inbox(person: Person) -> dict[str, Any]:
        [item] = expect(200, bank.world.client(person).get("/api/v1/reviews/inbox"))["items"]
        assert item["id"] == promotion
        return dict(item)

    assert inbox(bank.vera)["yours"] == ["review"]
    assert inbox(bank.carl)["yours"] == ["approval"]
    assert inbox(bank.erin)["yours"] == inbox(bank.dora)["yours"] == []
    bank.sign(promotion)
    items = expect(200, bank.world.client(bank.vera).get("/api/v1/reviews/inbox"))["items"]
    assert items == []


def test_what_is_yours_comes_first(bank: Bank, promotion: str) -> None:
    """Vera trained the second one, so only the first is hers."""
    bank.world.grant(bank.vera, "engineer")
    other = bank.model("2", by=bank.vera)
    bank.measured(other)
    second = bank.promote(other)
    items = expect(200, bank.world.client(bank.vera).get("/api/v1/reviews/inbox"))["items"]
    assert [one["id"] for one in items] == [promotion, second]
    assert [one["yours"] for one in items] == [["review"], []]


def test_whoever_waits_is_told_when_it_is_signed(bank: Bank, promotion: str) -> None:
    expect(201, bank.review(bank.vera, promotion, "review"))
    body = bank.said(bank.carl, promotion, "approval")
    token = bank.world.token("gate:check", owner=bank.erin)
    answers: list[Any] = []

    def wait() -> None:
        path = f"/api/v1/promotions/{promotion}?wait=25"
        answers.append(bank.world.client(token).get(path))

    waiting = threading.Thread(target=wait)
    waiting.start()
    path = f"/api/v1/promotions/{promotion}/reviews"
    expect(201, bank.world.client(bank.carl).post(path, json=body))
    waiting.join(20)
    [answer] = answers
    assert expect(200, answer)["state"] == "allowed"


def test_whoever_waits_too_long_is_answered_as_it_is(bank: Bank, promotion: str) -> None:
    client = bank.world.client(bank.erin)
    waited = client.get(f"/api/v1/promotions/{promotion}?wait=1")
    assert expect(200, waited)["state"] == "pending"
    for wait in ("26", "-1", "soon"):
        assert client.get(f"/api/v1/promotions/{promotion}?wait={wait}").status_code == 422


def test_a_promotion_that_is_not_there_is_not_found(bank: Bank) -> None:
    client = bank.world.client(bank.vera)
    for path in ("", "/view"):
        assert client.get(f"/api/v1/promotions/p0{path}").status_code == 404
    body = {
        "decision": "approve",
        "meaning": "review",
        "reason": "looked at everything",
        "bind": dict.fromkeys(
            ("subject_digest", "evidence_root", "policy_digest", "rendered_view_digest"), "x"
        ),
        **bank.world.signed(bank.vera),
    }
    assert client.post("/api/v1/promotions/p0/reviews", json=body).status_code == 404


def test_a_promotion_that_ended_is_shown_with_its_own_reviews(bank: Bank, promotion: str) -> None:
    """The next one of the pair is another promotion: nothing of it shows up here."""
    expect(201, bank.review(bank.vera, promotion, "review"))
    expect(201, bank.review(bank.carl, promotion, "approval", decision="reject"))
    ended = bank.show(promotion)
    bank.promote("model/credit/1")
    shown = bank.show(promotion)
    assert shown["state"] == "denied"
    assert shown["reviews"] == ended["reviews"]
    assert shown["decision"] == ended["decision"]
    assert shown["needs"] == []


def test_a_signature_runs_out(bank: Bank) -> None:
    """Fourteen days, and evidence of thirty: the policy's own numbers."""
    bank.publish(valid_for="P20D")
    promotion = bank.promote(bank.ready())
    expect(201, bank.review(bank.vera, promotion, "review"))
    bank.world.tick(14 * 86_400)
    expect(201, bank.review(bank.carl, promotion, "approval"))
    shown = bank.show(promotion)
    assert shown["state"] == "pending"
    assert [one["role"] for one in shown["needs"]] == ["model-validator"]


def test_a_decision_ends_with_the_first_signature_it_counts(bank: Bank) -> None:
    bank.publish(valid_for="P20D")
    promotion = bank.promote(bank.ready())
    expect(201, bank.review(bank.vera, promotion, "review"))
    signed_at = bank.show(promotion)["reviews"][0]["signed_at"]
    bank.world.tick(10 * 86_400)
    expect(201, bank.review(bank.carl, promotion, "approval"))
    expires_at = bank.show(promotion)["expires_at"]
    assert (signed_at[:10], expires_at[:10]) == ("2026-01-05", "2026-01-19")
    assert expires_at[10:] == signed_at[10:]


def test_a_signature_of_a_closed_account_no_longer_counts(bank: Bank, promotion: str) -> None:
    expect(201, bank.review(bank.vera, promotion, "review"))
    closed = bank.world.client(bank.world.ada).post(f"/api/v1/users/{bank.vera.id}/disable")
    expect(200, closed)
    expect(201, bank.review(bank.carl, promotion, "approval"))
    shown = bank.show(promotion)
    assert shown["state"] == "pending"
    assert [need["role"] for need in shown["needs"]] == ["model-validator"]
