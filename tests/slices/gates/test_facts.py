"""What is decided on is what was recorded, and everybody with a part in it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.living import expect
from tests.slices.gates.bank import DATA, Bank, digest, policy

if TYPE_CHECKING:
    from tests.living import Person, Token

EVALUATED = "dataset/applicants/2"
CI = ("event:append", "evidence:write", "promotion:request", "gate:check")


@pytest.fixture
def token(bank: Bank) -> Token:
    """A pipeline's token: carl owns it, ada made it."""
    return bank.world.token(*CI, owner=bank.carl)


def facts(bank: Bank, subject: str = "model/credit/1") -> dict[str, Any]:
    return bank.facts(bank.check(subject)["decision_id"])


def promoted(bank: Bank, subject: str, by: Person | Token | None = None) -> dict[str, Any]:
    """Ask for a promotion, and give the facts of its first decision."""
    decision = bank.show(bank.promote(subject, by=by))["decision"]
    return bank.facts(decision["decision_id"])


def test_evidence_and_documents_are_those_recorded(bank: Bank) -> None:
    subject = bank.ready()
    found = {one["type"]: one for one in facts(bank)["evidence"]}
    evaluation, bias, card = (
        found[kind] for kind in ("eval-report/v1", "bias-report/v1", "document/v1")
    )
    [metric] = evaluation["metrics"]
    assert (metric["name"], metric["value"], metric["n"]) == ("roc_auc", "0.800000000", 4000)
    assert evaluation["model_digest"] == bias["model_digest"] == digest(subject)
    assert evaluation["dataset"]["subject"] == DATA
    assert evaluation["dataset"]["rows"] == 4000
    assert bias["rows"] == 4000
    assert bias["computed_by"] == "client"
    assert sorted(bias["attributes"]) == ["age_group", "sex"]
    assert card["document"] == "card"
    assert set(card["fields"]) == {"intended_use", "limitations", "training_data", "evaluation"}
    assert {one["producer"]["id"] for one in found.values()} == {bank.erin.id}


def test_earlier_attempts_are_counted(bank: Bank) -> None:
    subject = bank.ready()
    bank.evaluated(subject, 0.9)
    bank.counted(subject)
    evidence = facts(bank)["evidence"]
    for kind in ("eval-report/v1", "bias-report/v1"):
        attempts = [one.get("earlier_attempts", 0) for one in evidence if one["type"] == kind]
        assert sorted(attempts) == [0, 1]


def test_ancestors_come_with_approval_licence_and_why(bank: Bank) -> None:
    bank.data("dataset/raw/1")
    bank.data(derived_from=["dataset/raw/1"])
    expect(201, bank.approve_data(until="2026-03-01T00:00:00Z"))
    bank.model()
    near, far = sorted(facts(bank)["lineage"]["ancestors"], key=lambda one: one["depth"])
    assert (near["subject"], near["depth"]) == (DATA, 1)
    assert near["approval_status"] == "approved"
    assert near["approved_until"] == "2026-03-01T00:00:00.000000Z"
    assert near["licence"] == "CC-BY-4.0"
    assert near["digest"] == digest(DATA)
    assert (far["subject"], far["depth"], far["approval_status"]) == ("dataset/raw/1", 2, "none")
    assert [edge["type"] for edge in far["why"]]


def test_of_two_approvals_the_longer_counts(bank: Bank) -> None:
    bank.data()
    expect(201, bank.approve_data(until="2026-03-01T00:00:00Z"))
    expect(201, bank.approve_data(until="2026-04-01T00:00:00+02:00"))
    bank.model()
    [ancestor] = facts(bank)["lineage"]["ancestors"]
    assert ancestor["approved_until"] == "2026-03-31T22:00:00.000000Z"
    expect(201, bank.approve_data())
    [ancestor] = facts(bank)["lineage"]["ancestors"]
    assert ancestor.get("approved_until") is None


def test_shared_rows_are_counted_from_fingerprints(bank: Bank) -> None:
    prints = [f"{number:032x}" for number in range(6)]
    bank.data(row_fingerprints=prints[:4], rows=4)
    bank.data(EVALUATED, row_fingerprints=prints[3:], rows=3)
    subject = bank.model()
    bank.evaluated(subject, dataset_version=EVALUATED, dataset_digest=digest(EVALUATED))
    [overlap] = facts(bank)["lineage"]["overlaps"]
    assert sorted(overlap["between"]) == ["eval_set", "train_set"]
    assert overlap["rows_shared"] == 1


def test_rows_that_nobody_fingerprinted_are_not_counted_as_none(bank: Bank) -> None:
    bank.data(row_fingerprints=["0" * 32])
    bank.data(EVALUATED)
    subject = bank.model()
    bank.evaluated(subject, dataset_version=EVALUATED, dataset_digest=digest(EVALUATED))
    [overlap] = facts(bank)["lineage"]["overlaps"]
    assert overlap.get("rows_shared") is None


def test_whoever_did_it_in_person_is_named(bank: Bank) -> None:
    bank.publish()
    people = promoted(bank, bank.ready())["people"]
    for part in ("submitters", "trainers", "evidence_producers"):
        assert people[part] == [bank.erin.id]
    assert people["policy_editors"] == [bank.paul.id]


def test_behind_a_token_stand_its_owner_and_its_maker(bank: Bank, token: Token) -> None:
    bank.publish()
    bank.ready()
    subject = bank.model("2", by=token)
    bank.evaluated(subject, by=token)
    people = promoted(bank, subject, token)["people"]
    behind = sorted([bank.carl.id, bank.world.ada.id])
    for part in ("submitters", "trainers", "evidence_producers"):
        assert people[part] == behind


@pytest.mark.parametrize("scope", ["evidence:write", "event:append"])
def test_whoever_stands_behind_a_document_produced_evidence(bank: Bank, scope: str) -> None:
    token = bank.world.token(scope, owner=bank.carl)
    subject = bank.ready()
    bank.card(subject, by=token, says="nothing")
    behind = {bank.carl.id, bank.world.ada.id}
    assert behind <= set(facts(bank)["people"]["evidence_producers"])


def test_whoever_triggered_the_run_has_every_part(bank: Bank, token: Token) -> None:
    bank.publish()
    bank.data()
    started = {"kind": "train", "inputs": [], "human": bank.vera.id}
    bank.world.record(token, "run.started", "run/nightly", started)
    subject = bank.model(run="run/nightly")
    people = promoted(bank, subject)["people"]
    for part in ("submitters", "trainers", "evidence_producers"):
        assert bank.vera.id in people[part]


@pytest.mark.parametrize("known_by", ["id", "name"])
def test_a_run_that_says_it_made_the_version_counts_though_the_version_names_none(
    bank: Bank, token: Token, known_by: str
) -> None:
    bank.publish()
    bank.data()
    started = {"kind": "train", "inputs": [], "human": getattr(bank.vera, known_by)}
    bank.world.record(token, "run.started", "run/nightly", started)
    subject = bank.model()
    made = [{"subject": subject, "role": "model"}]
    bank.world.record(
        token, "run.finished", "run/nightly", {"status": "succeeded", "outputs": made}
    )
    people = promoted(bank, subject)["people"]
    for part in ("submitters", "trainers", "evidence_producers"):
        assert bank.vera.id in people[part]


def test_whoever_made_the_token_that_drafted_a_policy_edited_it(bank: Bank) -> None:
    token = bank.world.token("policy:draft", owner=bank.paul)
    document, cases = policy()
    body = {"document": document, "cases": cases}
    drafted = expect(201, bank.world.client(token).post("/api/v1/policies", json=body))
    path = "/api/v1/policies/production-default/versions/1.0.0/publish"
    signed = {"digest": drafted["digest"], "reason": "agreed", **bank.world.signed(bank.petra)}
    expect(201, bank.world.client(bank.petra).post(path, json=signed))
    bank.ready()
    editors = facts(bank)["people"]["policy_editors"]
    assert editors == sorted([bank.paul.id, bank.world.ada.id])


def test_the_stage_it_comes_from_is_the_highest_where_it_is_allowed(bank: Bank) -> None:
    bank.publish()
    bank.publish("staging-default")
    subject = bank.ready()
    assert facts(bank)["transition"] == {"from": None, "to": "production"}
    expect(201, bank.review(bank.vera, bank.promote(subject, "staging"), "review"))
    assert facts(bank)["transition"] == {"from": "staging", "to": "production"}
