"""The gate over HTTP: what it answers, and that asking again adds nothing to the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.gates.policy_files import load
from tests.living import expect
from tests.slices.gates.bank import POLICIES, UNFAIR, digest, policy
from tests.slices.gates.meanwhile import meanwhile

if TYPE_CHECKING:
    from tests.slices.gates.bank import Bank

DECIDED = "gate.decided.v1"
WEEK = 7 * 86_400


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
    impact = "production-default/fair.impact"
    assert decision["unmet"] == [impact, "production-default/fair.opportunity"]
    [found] = [one for one in decision["rules"] if one["id"] == impact]
    assert found["actual"] == "0.600000000"
    assert found["remedy"]


def test_a_version_that_everybody_signed_is_allowed(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready()
    promotion = bank.promote(subject)
    bank.sign(promotion)
    assert bank.show(promotion)["state"] == "allowed"
    assert bank.check(subject)["gate"] == "ALLOW"


def test_polling_does_not_grow_the_log(bank: Bank) -> None:
    bank.publish()
    first = bank.check(bank.ready())
    size = bank.size
    for _ in range(3):
        bank.world.tick(60)
        again = bank.check("model/credit/1")
        assert again["decision_id"] == first["decision_id"]
        assert again["as_of"] == first["as_of"]
    assert bank.size == size


def test_a_decision_that_ran_out_is_made_again(bank: Bank) -> None:
    bank.publish()
    first = bank.check(bank.ready())
    bank.world.tick(WEEK)
    again = bank.check("model/credit/1")
    assert again["decision_id"] != first["decision_id"]
    assert again["decision_digest"] == first["decision_digest"]


def test_new_evidence_is_another_decision(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready()
    first = bank.check(subject)
    bank.evaluated(subject, 0.5)
    again = bank.check(subject)
    assert (first["gate"], again["gate"]) == ("PENDING", "DENY")
    assert again["decision_digest"] != first["decision_digest"]


def test_a_caller_who_means_other_bytes_is_told(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready()
    assert bank.check(subject, digest=digest(subject))["gate"] == "PENDING"
    size = bank.size
    body = {"subject": subject, "digest": digest("something else")}
    answer = bank.world.client(bank.erin).post("/api/v1/gates/production/evaluations", json=body)
    assert expect(409, answer)["type"] == "/problems/conflict"
    assert bank.size == size


def test_an_environment_nobody_published_is_denied(bank: Bank) -> None:
    decision = bank.check(bank.ready(), "moon")
    assert decision["gate"] == "DENY"
    assert decision["reason"] == "moon is not a published environment"


def test_a_subject_that_is_no_registered_model_version_is_refused(bank: Bank) -> None:
    bank.ready()
    client = bank.world.client(bank.erin)
    for subject, status in (
        ("model/credit/9", 404),
        ("model/credit", 422),
        ("dataset/applicants/1", 404),
        ("nonsense", 422),
    ):
        answer = client.post("/api/v1/gates/production/evaluations", json={"subject": subject})
        assert answer.status_code == status, subject


def test_reading_is_not_enough_to_ask_the_gate(bank: Bank) -> None:
    bank.ready()
    body = {"subject": "model/credit/1"}
    path = "/api/v1/gates/production/evaluations"
    assert bank.world.client(None).post(path, json=body).status_code == 401
    assert bank.world.client(bank.vera).post(path, json=body).status_code == 403
    token = bank.world.token("gate:check", owner=bank.erin, environment="staging")
    assert bank.world.client(token).post(path, json=body).status_code == 403


def test_a_dry_run_says_so_and_is_never_recorded(bank: Bank) -> None:
    document, cases = policy()
    case = cases[0]
    facts = {name: one for name, one in case["facts"].items() if name != "reviews"}
    bank.ready()
    size = bank.size
    dry = {"policy": document, "evidence": facts, "as_of": case["as_of"]}
    decision = bank.check("model/credit/1", dry_run=dry)
    assert decision["gate"] == "DRY_RUN"
    assert decision["would_be"] == "PENDING"
    assert "decision_id" not in decision
    assert bank.size == size


@pytest.mark.parametrize(
    ("dry", "pointer"),
    [
        ({"policy": {}, "evidence": {}}, "#/apiVersion"),
        ({"policy": policy()[0], "evidence": {}}, "#/subject"),
        ({"policy": policy()[0]}, "#/dry_run/evidence"),
    ],
)
def test_a_dry_run_that_is_not_well_formed_is_told_where(
    bank: Bank, dry: dict[str, object], pointer: str
) -> None:
    bank.ready()
    body = {"subject": "model/credit/1", "dry_run": dry}
    answer = bank.world.client(bank.erin).post("/api/v1/gates/production/evaluations", json=body)
    assert pointer in {one["pointer"] for one in expect(422, answer)["errors"]}


def test_evidence_added_meanwhile_is_decided_on(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready()
    with meanwhile(bank.world, DECIDED, lambda: bank.evaluated(subject, 0.5)):
        assert bank.check(subject)["gate"] == "DENY"
    assert len(list(bank.events("gate.decided"))) == 1


def test_a_policy_published_meanwhile_decides(bank: Bank) -> None:
    subject = bank.ready()
    with meanwhile(bank.world, DECIDED, bank.publish):
        decision = bank.check(subject)
    assert [one["name"] for one in decision["policies"]] == ["production-default"]


def test_an_input_of_the_training_run_that_is_named_meanwhile_is_seen(bank: Bank) -> None:
    bank.data("dataset/scraped/1")
    bank.data()
    started = {"kind": "train", "inputs": []}
    bank.world.record(bank.erin, "run.started", "run/train-1", started)
    subject = bank.model(run="run/train-1")
    finished = {
        "status": "succeeded",
        "outputs": [{"subject": subject, "role": "model"}],
        "inputs": [{"subject": "dataset/scraped/1", "role": "train_set"}],
    }
    bank.publish()

    def ends() -> None:
        bank.world.record(bank.erin, "run.finished", "run/train-1", finished)

    with meanwhile(bank.world, DECIDED, ends):
        decision = bank.check(subject)
    ancestors = bank.facts(decision["decision_id"])["lineage"]["ancestors"]
    assert {one["subject"] for one in ancestors} == {"dataset/scraped/1", "dataset/applicants/1"}


def test_a_pack_of_ours_is_published_as_it_lies(bank: Bank) -> None:
    for name in ("staging-default", "production-default", "nyc-ll144"):
        document, cases = (load(POLICIES / f"{name}{end}") for end in (".yaml", ".cases.yaml"))
        assert isinstance(document, dict)
        assert isinstance(cases, list)
        bank.world.publish(document, cases, bank.paul, bank.petra)


def test_a_run_that_says_meanwhile_that_it_made_the_version_is_seen(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready()
    made = {"status": "succeeded", "outputs": [{"subject": subject, "role": "model"}]}

    def another() -> None:
        started = {"kind": "train", "inputs": [], "human": bank.vera.id}
        bank.world.record(bank.erin, "run.started", "run/late", started)
        bank.world.record(bank.erin, "run.finished", "run/late", made)

    with meanwhile(bank.world, DECIDED, another):
        decision = bank.check(subject)
    assert bank.vera.id in bank.facts(decision["decision_id"])["people"]["trainers"]
