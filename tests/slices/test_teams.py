"""What belongs to a team, and what a token is limited to, at every door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.living import World, expect
from tests.slices.gates.bank import DATA, Bank, digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.living import Person, Token

SECRET = "model/secret/1"
VERSION = {
    "artifact": {"digest": digest(SECRET), "uri": "file:///secret"},
    "framework": "scikit-learn",
    "trained_on": [DATA],
}
COUNTS = {
    "dataset": DATA,
    "attributes": ["sex"],
    "favourable_outcome": "1",
    "cells": [{"group": {"sex": "F"}, "n": 10, "selected": 3}],
}


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    """A bank with data that is everybody's, and a model for the team red alone."""
    with World.open(tmp_path) as world:
        bank = Bank.founded(world)
        bank.data()
        red = member(bank, "red", "engineer")
        about = {"owner": "risk", "purpose": "scores", "risk_tier": "high"}
        only = {"team": "red", "team_only": True}
        world.record(red, "model.registered", "model/secret", {**about, **only})
        world.record(red, "model.version_registered", SECRET, VERSION)
        yield bank


def member(bank: Bank, team: str, *roles: str, also: tuple[str, ...] = ()) -> Person:
    """Let somebody come who holds roles in one team, and perhaps others everywhere."""
    person = bank.world.person(f"{team}-{roles[0]}", *also)
    for role in roles:
        bank.world.grant(person, role, team=team)
    return person


def test_an_approval_role_in_one_team_approves_no_data_of_another(bank: Bank) -> None:
    red = bank.world.people["red-engineer"]
    about = {"owner": "risk", "licence": "CC0", "description": "d", "team": "red"}
    bank.world.record(red, "dataset.registered", "dataset/reds", about)
    version = {
        "digest": digest("reds"),
        "uri": "file:///reds",
        "size": 1,
        "rows": 1,
        "schema": {"columns": []},
        "derived_from": [],
    }
    bank.world.record(red, "dataset.version_registered", "dataset/reds/1", version)
    path = "/api/v1/datasets/reds/versions/1/approvals"
    for team, status in (("blue", 403), ("red", 201)):
        steward = member(bank, team, "data-steward", also=("reviewer",))
        bank.world.session(steward)
        body = {"role": "data-steward", **bank.world.signed(steward)}
        assert bank.world.client(steward).post(path, json=body).status_code == status


def test_a_role_that_only_reads_opens_no_other_team_for_writing(bank: Bank) -> None:
    blue = member(bank, "blue", "engineer", also=("auditor",))
    event = {"type": "model.version_registered", "subject": "model/secret/2", "data": VERSION}
    answer = bank.world.client(blue).post("/api/v1/events", json=event)
    assert answer.status_code == 403
    assert expect(403, answer)["type"] == "/problems/role-missing"


def test_a_model_for_a_team_alone_is_decided_on_for_nobody_else(bank: Bank) -> None:
    red, blue = bank.world.people["red-engineer"], member(bank, "blue", "engineer")
    decided = bank.check(SECRET, by=red)
    promoted = expect(201, bank.request(SECRET, by=red))
    client = bank.world.client(blue)
    evaluations = "/api/v1/gates/production/evaluations"
    size = bank.size
    asked = [
        client.post(evaluations, json={"subject": SECRET}),
        bank.request(SECRET, by=blue),
        client.get(f"/api/v1/decisions/{decided['decision_id']}"),
        client.get(f"/api/v1/decisions/{decided['decision_id']}/replay"),
        client.post(bank.predictions(SECRET), json=COUNTS),
    ]
    assert [one.status_code for one in asked] == [404] * len(asked)
    assert bank.size == size
    path = f"/api/v1/decisions/{promoted['decision']['decision_id']}"
    assert bank.world.client(red).get(path).status_code == 200


def test_hidden_and_not_there_is_one_answer(bank: Bank) -> None:
    client = bank.world.client(member(bank, "blue", "engineer"))
    answers = []
    for subject in (SECRET, "model/nobody/1"):
        body = {"subject": subject, "environment": "production"}
        told = expect(404, client.post("/api/v1/promotions", json=body))
        answers.append({**told, "request_id": "", "detail": told["detail"].split()[1:]})
    assert answers[0] == answers[1]


def test_only_its_team_promotes_and_measures_a_model_that_everybody_sees(bank: Bank) -> None:
    red, blue = bank.world.people["red-engineer"], member(bank, "blue", "engineer")
    about = {"owner": "risk", "purpose": "scores", "risk_tier": "high", "team": "red"}
    bank.world.record(red, "model.registered", "model/shown", about)
    subject = "model/shown/1"
    bank.world.record(red, "model.version_registered", subject, VERSION)
    assert bank.request(subject, by=blue).status_code == 403
    client = bank.world.client(blue)
    assert client.post(bank.predictions(subject), json=COUNTS).status_code == 403
    assert bank.check(subject, by=blue)["gate"] == "DENY"
    assert bank.request(subject, by=red).status_code == 201


def test_a_token_reads_no_decision_outside_its_limits(bank: Bank) -> None:
    decided = bank.check(SECRET, by=bank.world.people["red-engineer"])
    path = f"/api/v1/decisions/{decided['decision_id']}"
    token = bank.world.token
    for limited, status in (
        (token("gate:check", subject_prefix="model/other"), 403),
        (token("gate:check", environment="staging"), 403),
        (token("gate:check", team="blue"), 404),
        (token("gate:check", subject_prefix="model/secret", environment="production"), 200),
    ):
        client = bank.world.client(limited)
        assert client.get(path).status_code == status
        assert client.get(f"{path}/replay").status_code == status


def test_a_promotion_is_read_by_whoever_may_read_its_model(bank: Bank) -> None:
    red, blue = bank.world.people["red-engineer"], member(bank, "blue", "engineer", "reviewer")
    bank.publish()
    promotion = bank.promote(SECRET, by=red)
    readers: list[tuple[Person | Token, int]] = [
        (blue, 404),
        (bank.world.token("read", subject_prefix="model/other"), 403),
        (bank.world.token("read", environment="staging"), 403),
        (red, 200),
    ]
    for reader, status in readers:
        client = bank.world.client(reader)
        for path in (f"/api/v1/promotions/{promotion}", f"/api/v1/promotions/{promotion}/view"):
            assert client.get(path).status_code == status
    inbox = expect(200, bank.world.client(blue).get("/api/v1/reviews/inbox"))
    assert inbox["items"] == []


def test_who_reviews_for_one_team_signs_nothing_of_another(bank: Bank) -> None:
    bank.publish()
    bank.world.grant(bank.erin, "engineer", team="red")
    promotion = bank.promote(SECRET)
    blue = member(bank, "blue", "reviewer")
    bank.world.grant(blue, "model-validator")
    answer = bank.review(blue, promotion, "review")
    assert expect(404, answer)["detail"] == f"there is no promotion {promotion}"


def test_the_log_tells_of_a_hidden_model_that_it_is_there_and_nothing_more(bank: Bank) -> None:
    red, blue = bank.world.people["red-engineer"], member(bank, "blue", "engineer")
    bank.check(SECRET, by=red)
    listed = expect(200, bank.world.client(red).get("/api/v1/events?limit=1000"))["items"]
    about = [one["index"] for one in listed if one["subject"].startswith("model/secret")]
    assert len(about) == 3
    for index in about:
        path = f"/api/v1/events/{index}"
        shown = expect(200, bank.world.client(blue).get(path))
        full = expect(200, bank.world.client(red).get(path))
        assert shown["data"] == {}
        assert shown["withheld"] == len(full["data"]) > 0
        assert full["withheld"] == shown["redacted"] == 0
        assert shown["canonical"] == full["canonical"]
    first = expect(200, bank.world.client(blue).get("/api/v1/events/0"))
    assert first["withheld"] == 0
    assert first["data"]


def test_a_token_takes_no_report_outside_its_limits(bank: Bank) -> None:
    both = ("report:create", "report:read")
    client = bank.world.client(bank.world.token(*both, subject_prefix="model/secret"))
    body = {"type": "model-audit", "scope": "model/secret"}
    ordered = expect(202, client.post("/api/v1/reports", json=body))
    path = f"/api/v1/reports/{ordered['id']}"
    other = bank.world.client(bank.world.token(*both, subject_prefix="model/other"))
    assert other.get(path).status_code == 403
    assert other.delete(path).status_code == 403
    assert client.get(path).status_code == 200
    assert client.delete(path).status_code == 200
