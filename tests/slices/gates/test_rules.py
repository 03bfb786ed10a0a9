"""Policies and environments come into force: drafted by one person, signed for by another."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.living import expect
from tests.slices.gates.bank import UNFAIR, policy
from tests.slices.gates.meanwhile import meanwhile

if TYPE_CHECKING:
    import httpx

    from tests.living import Person, Token
    from tests.slices.gates.bank import Bank

NAME = "production-default"


def draft(bank: Bank, by: Person | Token | None = None, **changes: object) -> httpx.Response:
    document, cases = policy("production-default", **changes)
    body = {"document": document, "cases": cases}
    return bank.world.client(by or bank.paul).post("/api/v1/policies", json=body)


def publish(
    bank: Bank, by: Person, drafted: dict[str, Any], action: str = "publish", **changes: object
) -> httpx.Response:
    path = f"/api/v1/policies/{drafted['name']}/versions/{drafted['version']}/{action}"
    bank.world.session(by)
    body = {"reason": "agreed", **bank.world.signed(by), **changes}
    if action == "publish":
        body = {"digest": drafted["digest"], **body}
    return bank.world.client(by).post(path, json=body)


def state(bank: Bank, version: str = "1.0.0") -> str:
    path = f"/api/v1/policies/{NAME}/versions/{version}"
    return str(expect(200, bank.world.client(bank.erin).get(path))["state"])


def test_a_draft_decides_nothing(bank: Bank) -> None:
    drafted = expect(201, draft(bank))
    assert drafted["lint"] == []
    assert state(bank) == "draft"
    assert bank.check(bank.ready())["reason"] == "no policy"


def test_a_second_person_puts_it_into_force(bank: Bank) -> None:
    drafted = expect(201, draft(bank))
    expect(201, publish(bank, bank.petra, drafted))
    assert state(bank) == "published"
    [published] = bank.events("policy.published")
    assert (published["drafter"], published["publisher"]) == (bank.paul.id, bank.petra.id)
    assert published["cases_result"]["cases"] == published["cases_result"]["passed"] > 0
    payload = json.loads(base64.b64decode(published["statement"]["payload"]))
    assert payload["digest"] == drafted["digest"]
    assert payload["signer"] == bank.petra.id


def test_the_drafter_does_not_publish(bank: Bank) -> None:
    drafted = expect(201, draft(bank))
    refused = expect(403, publish(bank, bank.paul, drafted))
    assert refused["type"] == "/problems/self-approval"
    assert state(bank) == "draft"


def test_neither_does_whoever_stands_behind_the_token_that_drafted(bank: Bank) -> None:
    token = bank.world.token("policy:draft", owner=bank.paul)
    drafted = expect(201, draft(bank, by=token))
    for person in (bank.paul, bank.world.ada):  # its owner, and who made it
        assert publish(bank, person, drafted).status_code == 403
    expect(201, publish(bank, bank.petra, drafted))


def test_drafting_again_does_not_make_somebody_else_the_drafter(bank: Bank) -> None:
    drafted = expect(201, draft(bank))
    size = bank.size
    assert expect(201, draft(bank, by=bank.petra)) == drafted
    assert bank.size == size
    assert publish(bank, bank.paul, drafted).status_code == 403


def test_a_draft_never_changes(bank: Bank) -> None:
    expect(201, draft(bank))
    assert draft(bank, metadata__owner="role:somebody").status_code == 409
    document, cases = policy()
    fewer = {"document": document, "cases": cases[:-1]}
    refused = bank.world.client(bank.paul).post("/api/v1/policies", json=fewer)
    assert "other cases" in expect(409, refused)["detail"]


def test_what_was_read_is_what_is_published(bank: Bank) -> None:
    drafted = expect(201, draft(bank))
    refused = publish(bank, bank.petra, drafted, digest="sha256:" + "0" * 64)
    assert drafted["digest"] in expect(409, refused)["detail"]
    assert state(bank) == "draft"


def test_a_policy_whose_cases_leave_an_outcome_out_is_refused_and_told_which(bank: Bank) -> None:
    document, cases = policy()
    kept = [one for one in cases if one["name"] != "compliance rejects"]
    body = {"document": document, "cases": kept}
    drafted = expect(201, bank.world.client(bank.paul).post("/api/v1/policies", json=body))
    untested = {"pointer": "#/cases", "message": "no case reaches FAIL of rule people"}
    assert drafted["lint"] == [untested]
    refused = expect(422, publish(bank, bank.petra, drafted))
    assert refused["errors"] == [untested]
    assert state(bank) == "draft"


def test_a_case_that_expects_something_else_keeps_it_back(bank: Bank) -> None:
    document, cases = policy()
    cases[1]["expect"] = {"gate": "ALLOW"}
    body = {"document": document, "cases": cases}
    drafted = expect(201, bank.world.client(bank.paul).post("/api/v1/policies", json=body))
    assert drafted["lint"][0]["pointer"] == "#/cases/1"
    assert publish(bank, bank.petra, drafted).status_code == 422


def test_a_role_that_nobody_holds_keeps_it_back(bank: Bank) -> None:
    rules = policy()[0]["rules"]
    rules[-1]["need"].append({"role": "cro", "count": 1, "meaning": "responsibility"})
    drafted = expect(201, draft(bank, rules=rules))
    assert "#/rules/7" in {one["pointer"] for one in drafted["lint"]}
    refused = expect(422, publish(bank, bank.petra, drafted))
    assert any("nobody could meet it" in one["message"] for one in refused["errors"])


def test_two_roles_that_one_person_holds_alone_keep_it_back(bank: Bank) -> None:
    bank.world.grant(bank.carl, "cro")
    rules = policy()[0]["rules"]
    rules[-1]["need"] = [
        {"role": role, "count": 1, "meaning": "approval"} for role in ("cro", "compliance")
    ]
    drafted = expect(201, draft(bank, rules=rules))
    assert any("nobody could meet it" in one["message"] for one in drafted["lint"])


def test_nothing_that_is_no_policy_is_drafted(bank: Bank) -> None:
    size = bank.size
    client = bank.world.client(bank.paul)
    for document in ({}, {"apiVersion": "gates/v1"}, policy(waivers={})[0]):
        answer = client.post("/api/v1/policies", json={"document": document, "cases": []})
        assert expect(422, answer)["errors"]
    assert bank.size == size


def test_only_policy_authors_draft_and_nobody_publishes_by_token(bank: Bank) -> None:
    assert draft(bank, by=bank.erin).status_code == 403
    drafted = expect(201, draft(bank))
    path = f"/api/v1/policies/{NAME}/versions/1.0.0/publish"
    signed = {"digest": drafted["digest"], "reason": "agreed", **bank.world.signed(bank.petra)}
    token = bank.world.token("policy:draft", "admin", owner=bank.petra)
    assert bank.world.client(token).post(path, json=signed).status_code == 403
    assert publish(bank, bank.erin, drafted).status_code == 403
    assert publish(bank, bank.petra, drafted, password="wrong").status_code == 401
    assert publish(bank, bank.petra, drafted, totp="000000").status_code == 401
    assert state(bank) == "draft"


def test_what_nobody_drafted_is_neither_published_nor_retired(bank: Bank) -> None:
    nothing = {"name": NAME, "version": "9", "digest": "sha256:" + "0" * 64}
    assert publish(bank, bank.petra, nothing).status_code == 404
    assert publish(bank, bank.petra, nothing, "retire").status_code == 404
    drafted = expect(201, draft(bank))
    assert publish(bank, bank.petra, drafted, "retire").status_code == 409


def test_a_published_one_is_not_published_again(bank: Bank) -> None:
    drafted = expect(201, draft(bank))
    expect(201, publish(bank, bank.petra, drafted))
    assert publish(bank, bank.petra, drafted).status_code == 409


def test_a_retired_policy_decides_nothing(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready()
    assert bank.check(subject)["gate"] == "PENDING"
    drafted = {"name": NAME, "version": "1.0.0"}
    expect(201, publish(bank, bank.petra, drafted, "retire"))
    assert state(bank) == "retired"
    assert bank.check(subject)["reason"] == "no policy"


def test_a_new_version_takes_the_place_of_the_one_before(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready()
    rules = policy()[0]["rules"]
    rules[0]["value"] = 0.695
    bank.publish(metadata__version="2.0.0", rules=rules)
    assert (state(bank), state(bank, "2.0.0")) == ("replaced", "published")
    [decided] = bank.check(subject)["policies"]
    assert decided["version"] == "2.0.0"
    *_, published = bank.events("policy.published")
    assert published["replaces"] == "1.0.0"


def test_a_policy_that_only_warns_lets_the_gate_open(bank: Bank) -> None:
    subject = bank.ready(selected=UNFAIR)
    bank.publish("staging-default")
    bank.publish("staging-default", metadata__name="strict", mode="warn")
    promotion = bank.promote(subject, "staging")
    assert bank.show(promotion)["state"] == "denied"  # the enforced one
    drafted = {"name": "staging-default", "version": "1.0.0"}
    expect(201, publish(bank, bank.petra, drafted, "retire"))
    decision = bank.check(subject, "staging")
    assert (decision["gate"], decision["reason"]) == ("DENY", "no policy")
    assert "strict/fair.impact" in decision["warnings"]


def test_a_policy_in_shadow_is_recorded_and_never_the_gate(bank: Bank) -> None:
    subject = bank.ready()
    bank.publish()
    before = bank.check(subject)
    bank.publish(metadata__name="shadow", mode="shadow")
    after = bank.check(subject)
    assert after["gate"] == before["gate"]
    assert after["policy_digest"] == before["policy_digest"]
    assert [one["name"] for one in after["policies"]] == [NAME]


def test_of_two_that_publish_at_once_the_second_replaces_nothing_it_did_not_see(
    bank: Bank,
) -> None:
    """Both succeed one after the other, and the entries say which replaced which."""
    first = expect(201, draft(bank))
    second = expect(201, draft(bank, metadata__version="2.0.0"))

    def faster() -> None:
        expect(201, publish(bank, bank.world.ada, second))

    with meanwhile(bank.world, "policy.published.v1", faster):
        expect(201, publish(bank, bank.petra, first))
    published = list(bank.events("policy.published"))
    assert [one.get("replaces") for one in published] == [None, "2.0.0"]
    assert (state(bank), state(bank, "2.0.0")) == ("published", "replaced")


def test_of_two_that_publish_the_same_one_wins(bank: Bank) -> None:
    drafted = expect(201, draft(bank))
    people = [bank.petra, bank.world.ada]
    for person in people:
        bank.world.session(person)
    path = f"/api/v1/policies/{NAME}/versions/1.0.0/publish"
    bodies = [
        {"digest": drafted["digest"], "reason": "agreed", **bank.world.signed(one)}
        for one in people
    ]
    with ThreadPoolExecutor(2) as threads:
        answers = list(
            threads.map(
                lambda one: bank.world.client(one[0]).post(path, json=one[1]),
                zip(people, bodies, strict=True),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(list(bank.events("policy.published"))) == 1


def test_a_right_that_ends_meanwhile_publishes_nothing(bank: Bank) -> None:
    drafted = expect(201, draft(bank))
    client = bank.world.client(bank.world.ada)

    def dismissed() -> None:
        path = f"/api/v1/users/{bank.petra.id}/disable"
        assert client.post(path).status_code == 200

    with meanwhile(bank.world, "policy.published.v1", dismissed):
        assert publish(bank, bank.petra, drafted).status_code == 403
    assert state(bank) == "draft"


STAGES = ["development", "canary", "production"]


def stages(bank: Bank, by: Person | Token, names: list[str]) -> httpx.Response:
    return bank.world.client(by).post("/api/v1/environments", json={"environments": names})


def publish_stages(bank: Bank, by: Person, digest: str, **changes: object) -> httpx.Response:
    bank.world.session(by)
    body = {"reason": "we try before we serve", **bank.world.signed(by), **changes}
    return bank.world.client(by).post(f"/api/v1/environments/{digest}/publish", json=body)


def test_environments_come_into_force_by_a_second_person(bank: Bank) -> None:
    digest = expect(201, stages(bank, bank.paul, STAGES))["digest"]
    assert publish_stages(bank, bank.paul, digest).status_code == 403
    read = bank.world.client(bank.erin)
    assert expect(200, read.get("/api/v1/environments"))["environments"][1] == "staging"
    expect(201, publish_stages(bank, bank.petra, digest))
    now = expect(200, read.get("/api/v1/environments"))
    assert (now["environments"], now["digest"]) == (STAGES, digest)


def test_whoever_stands_behind_the_token_that_drafted_environments_does_not_publish_them(
    bank: Bank,
) -> None:
    token = bank.world.token("policy:draft", owner=bank.paul)
    digest = expect(201, stages(bank, token, STAGES))["digest"]
    for person in (bank.paul, bank.world.ada):
        assert publish_stages(bank, person, digest).status_code == 403
    expect(201, publish_stages(bank, bank.petra, digest))


def test_a_second_draft_of_the_same_environments_does_not_free_the_first_drafter(
    bank: Bank,
) -> None:
    digest = expect(201, stages(bank, bank.paul, STAGES))["digest"]
    assert expect(201, stages(bank, bank.petra, STAGES))["digest"] == digest
    assert publish_stages(bank, bank.paul, digest).status_code == 403


@pytest.mark.parametrize("names", [[], ["a", "a"], ["Upper"], ["a b"], [""]])
def test_environments_are_different_names(bank: Bank, names: list[str]) -> None:
    assert stages(bank, bank.paul, names).status_code == 422


def test_environments_that_nobody_drafted_are_not_published(bank: Bank) -> None:
    assert publish_stages(bank, bank.petra, "sha256:0").status_code == 404


def test_environments_published_meanwhile_decide(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready()
    digest = expect(201, stages(bank, bank.paul, ["development"]))["digest"]

    def act() -> None:
        expect(201, publish_stages(bank, bank.petra, digest))

    with meanwhile(bank.world, "gate.decided.v1", act):
        decision = bank.check(subject)
    assert decision["reason"] == "production is not a published environment"
