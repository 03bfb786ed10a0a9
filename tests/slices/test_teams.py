"""What belongs to a team, and what a token is limited to, at every door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.living import World, expect
from tests.slices.gates.bank import DATA, Bank, digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.living import Person

SECRET = "model/secret/1"


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
        version = {
            "artifact": {"digest": digest(SECRET), "uri": "file:///secret"},
            "framework": "scikit-learn",
            "trained_on": [DATA],
        }
        world.record(red, "model.version_registered", SECRET, version)
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
    version = {
        "artifact": {"digest": digest("2"), "uri": "file:///2"},
        "framework": "scikit-learn",
        "trained_on": [DATA],
    }
    event = {"type": "model.version_registered", "subject": "model/secret/2", "data": version}
    answer = bank.world.client(blue).post("/api/v1/events", json=event)
    assert answer.status_code == 403
    assert expect(403, answer)["type"] == "/problems/role-missing"
