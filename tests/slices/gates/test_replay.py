"""A decision is computed again from what was recorded: later, elsewhere, after a rebuild."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Missing, Unavailable
from app.house import open_house, projections, rebuild
from app.ledger.sqlite import SqliteDatabase
from app.main import app_of
from app.verification.fsck import fsck
from tests.living import CHEAP, Entropy, Http, World, expect
from tests.slices.gates.bank import Bank

if TYPE_CHECKING:
    from pathlib import Path


def replayed(bank: Bank, decision: str) -> dict[str, object]:
    path = f"/api/v1/decisions/{decision}/replay"
    return expect(200, bank.world.client(bank.erin).get(path))


def test_a_decision_replays_to_its_digest(bank: Bank) -> None:
    bank.publish()
    decision = bank.check(bank.ready())
    again = replayed(bank, decision["decision_id"])
    assert again["holds"] is True
    assert again["recomputed"] == again["recorded"] == decision["decision_digest"]
    assert again["differs"] == []


def test_a_decision_still_replays_when_its_policy_was_replaced_and_evidence_came(
    bank: Bank,
) -> None:
    bank.publish()
    subject = bank.ready()
    before = bank.check(subject)
    bank.publish(metadata__version="2.0.0")
    bank.evaluated(subject, 0.5)
    after = bank.check(subject)
    assert after["decision_digest"] != before["decision_digest"]
    for one in (before, after):
        assert replayed(bank, one["decision_id"])["recomputed"] == one["decision_digest"]


def test_a_decision_in_shadow_and_warning_replays_too(bank: Bank) -> None:
    bank.publish()
    bank.publish(metadata__name="shadowy", mode="shadow")
    bank.publish(metadata__name="warning", mode="warn")
    decision = bank.check(bank.ready())
    assert replayed(bank, decision["decision_id"])["holds"] is True


def test_a_decision_nobody_made_is_not_found(bank: Bank) -> None:
    client = bank.world.client(bank.erin)
    for path in ("/api/v1/decisions/dec-0", "/api/v1/decisions/dec-0/replay"):
        assert client.get(path).status_code == 404


def test_a_decision_replays_after_restart_and_rebuilding(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        bank = Bank.founded(world)
        bank.publish()
        subject = bank.ready()
        promotion = bank.promote(subject)
        bank.sign(promotion)
        decision = bank.check(subject)
        before = bank.show(promotion)
        settings, clock, database = world.house.settings, world.clock, world.house.folder.database
    names = tuple(one.name for one in projections())
    for name in names:
        assert rebuild(settings, name) == (name,)
    assert rebuild(settings, "all") == names
    assert fsck(SqliteDatabase(database), projections(), []).outcome == 0
    house = open_house(replace(settings), clock, Entropy(2), CHEAP)
    with Http.serving(app_of(house)) as http:
        bank.world = replace(world, house=house, http=http)
        assert replayed(bank, decision["decision_id"])["recomputed"] == decision["decision_digest"]
        assert bank.check(subject)["decision_id"] == decision["decision_id"]
        assert bank.show(promotion)["decision"] == before["decision"]
        assert bank.show(promotion)["reviews"] == before["reviews"]


def test_nothing_is_rebuilt_under_a_running_server(bank: Bank) -> None:
    with pytest.raises(Unavailable, match="in use by the server"):
        rebuild(bank.world.house.settings, "all")


def test_only_projections_that_exist_are_rebuilt(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        settings = world.house.settings
    with pytest.raises(Missing, match="no projection 'users'"):
        rebuild(settings, "users")
    with pytest.raises(Missing, match="no log"):
        rebuild(replace(settings, data_dir=tmp_path / "elsewhere"), "all")
