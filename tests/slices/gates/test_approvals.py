"""A dataset version is approved for use: by whom, until when, and that it is signed for."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from tests.living import expect
from tests.slices.gates.bank import DATA, digest

if TYPE_CHECKING:
    import httpx

    from tests.living import Person, Token
    from tests.slices.gates.bank import Bank

PATH = "/api/v1/datasets/applicants/versions/1/approvals"


def approve(
    bank: Bank, person: Person, role: str = "data-steward", **changes: object
) -> httpx.Response:
    bank.world.session(person)
    body = {"role": role, **bank.world.signed(person), **changes}
    return bank.world.client(person).post(PATH, json=body)


def approvals(bank: Bank) -> int:
    return len(list(bank.events("dataset.approval_granted")))


def test_a_person_in_the_role_signs_for_the_digest(bank: Bank) -> None:
    bank.data()
    expect(201, approve(bank, bank.dora, conditions="not for insurance"))
    [granted] = bank.events("dataset.approval_granted")
    assert (granted["approver"], granted["role"]) == (bank.dora.id, "data-steward")
    payload = json.loads(base64.b64decode(granted["statement"]["payload"]))
    assert payload["digest"] == digest(DATA)
    assert payload["dataset_version"] == DATA
    assert "conditions" not in payload  # they can be erased, the statement cannot
    said = hashlib.sha256(b'"not for insurance"').hexdigest()
    assert payload["conditions_digest"] == said
    assert payload["signer"] == bank.dora.id


def test_the_role_has_to_be_held(bank: Bank) -> None:
    bank.data()
    refused = expect(403, approve(bank, bank.dora, "model-validator"))
    assert refused["type"] == "/problems/role-missing"
    assert approve(bank, bank.world.ada).status_code == 403
    assert approvals(bank) == 0


def test_a_role_for_some_models_is_none_for_data(bank: Bank) -> None:
    bank.data()
    someone = bank.world.person("sam", "reviewer")
    bank.world.grant(someone, "data-steward", scope="model/*@production")
    assert approve(bank, someone).status_code == 403


def test_whoever_registered_it_does_not_approve_it(bank: Bank) -> None:
    bank.world.grant(bank.erin, "reviewer")
    bank.world.grant(bank.erin, "data-steward")
    bank.data()
    refused = expect(403, approve(bank, bank.erin))
    assert refused["type"] == "/problems/self-approval"


@pytest.mark.parametrize("who", ["owner", "maker"])
def test_neither_does_whoever_stands_behind_the_token_that_did(bank: Bank, who: str) -> None:
    token: Token = bank.world.token("event:append", owner=bank.dora)
    about = {"owner": "risk", "licence": "CC-BY-4.0", "description": "applicants"}
    bank.world.record(token, "dataset.registered", "dataset/applicants", about)
    version = {
        "digest": digest(DATA),
        "uri": "file:///x",
        "size": 1,
        "rows": 1,
        "schema": {"columns": []},
        "derived_from": [],
    }
    bank.world.record(token, "dataset.version_registered", DATA, version)
    person = bank.dora if who == "owner" else bank.world.ada
    for role in ("reviewer", "data-steward"):
        if who == "maker":
            bank.world.grant(person, role)
    assert expect(403, approve(bank, person))["type"] == "/problems/self-approval"


def test_no_token_and_no_wrong_code_approves(bank: Bank) -> None:
    bank.data()
    token = bank.world.token("event:append", "admin", owner=bank.dora)
    body = {"role": "data-steward", **bank.world.signed(bank.dora)}
    assert bank.world.client(token).post(PATH, json=body).status_code == 403
    assert approve(bank, bank.dora, totp="000000").status_code == 401
    assert approve(bank, bank.dora, password="wrong").status_code == 401
    assert approvals(bank) == 0


def test_what_is_not_registered_is_not_approved(bank: Bank) -> None:
    assert approve(bank, bank.dora).status_code == 404


@pytest.mark.parametrize("until", ["2026-01-01T00:00:00Z", "soon", "2027-01-01T00:00:00"])
def test_an_end_lies_ahead_and_names_its_zone(bank: Bank, until: str) -> None:
    bank.data()
    refused = expect(422, approve(bank, bank.dora, until=until))
    assert refused["errors"][0]["pointer"] == "#/until"
    assert approvals(bank) == 0


def test_an_approval_that_ran_out_counts_no_more(bank: Bank) -> None:
    bank.publish()
    bank.data()
    expect(201, bank.approve_data(until="2026-01-10T00:00:00Z"))
    subject = bank.model()
    bank.measured(subject)
    decision = bank.check(subject)
    assert decision["gate"] == "PENDING"
    assert decision["expires_at"] == "2026-01-10T00:00:00.000000Z"
    bank.world.tick(5 * 86_400)
    assert bank.check(subject)["unmet"] == ["production-default/data.origin"]


def test_data_that_nobody_approved_denies(bank: Bank) -> None:
    bank.publish()
    bank.data()
    subject = bank.model()
    bank.measured(subject)
    assert bank.check(subject)["unmet"] == ["production-default/data.origin"]
    expect(201, approve(bank, bank.dora))
    assert bank.check(subject)["gate"] == "PENDING"
