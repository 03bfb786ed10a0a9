"""What the inbox keeps is never another answer than what would be computed now."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.identity.authentication import recognise_session
from app.reviews import pages
from app.reviews.inbox import inbox_of
from app.reviews.weighing import LASTS, Weighing
from tests.living import expect
from tests.slices.gates.bank import UNFAIR, policy
from tests.slices.reviews.looking import reviews_in

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.ledger.snapshot import Snapshot
    from app.reviews.ports import Consider, Considered
    from tests.living import Person
    from tests.slices.gates.bank import Bank


def evidence(bank: Bank) -> None:
    bank.evaluated("model/credit/1", 0.9)


def unfair(bank: Bank) -> None:
    bank.counted("model/credit/2", UNFAIR)


def signature(bank: Bank) -> None:
    promotion = bank.world.client(bank.vera).get("/api/v1/reviews/inbox").json()["items"][0]["id"]
    expect(201, bank.review(bank.vera, promotion, "review"))


def rules(bank: Bank) -> None:
    changed = policy()[0]["rules"]
    changed[0]["value"] = 0.695
    bank.publish(metadata__version="2.0.0", rules=changed)


def right(bank: Bank) -> None:
    bank.world.grant(bank.dora, "model-validator")


def run(bank: Bank) -> None:
    started = {"kind": "train", "inputs": [{"subject": "dataset/applicants/1", "role": "train"}]}
    bank.world.record(bank.erin, "run.started", "run/r1", started)


def withdrawal(bank: Bank) -> None:
    promotion = bank.world.client(bank.vera).get("/api/v1/reviews/inbox").json()["items"][0]["id"]
    path = f"/api/v1/promotions/{promotion}/withdraw"
    expect(200, bank.world.client(bank.erin).post(path, json={}))


def time(bank: Bank) -> None:
    bank.world.tick(timedelta(days=40).total_seconds())


def departure(bank: Bank) -> None:
    path = f"/api/v1/users/{bank.vera.id}/disable"
    assert bank.world.client(bank.world.ada).post(path).status_code == 200


def listed(bank: Bank, weighing: Weighing, person: Person) -> list[dict[str, Json]]:
    secret = bank.world.session(person)
    with bank.world.house.ledger.snapshot() as now:
        caller, _ = recognise_session(now.connection, secret, bank.world.clock())
        found = inbox_of(now, weighing, caller, bank.world.clock())
    return [one.to_json() for one in found]


@dataclass
class Counting:
    """Considers, and counts how often it was asked to."""

    consider: Consider
    asked: int = 0

    def __call__(self, now: Snapshot, subject: str, environment: str) -> Considered:
        self.asked += 1
        return self.consider(now, subject, environment)


@pytest.fixture
def counting(bank: Bank) -> Counting:
    return Counting(reviews_in(bank).consider)


@pytest.fixture
def kept(bank: Bank, counting: Counting) -> Weighing:
    """What was kept of two open promotions."""
    bank.publish()
    bank.promote(bank.ready("1"))
    bank.promote(bank.another("2"))
    return Weighing(replace(reviews_in(bank), consider=counting))


CHANGES = (evidence, run, right, signature, rules, unfair, withdrawal, time, departure)


def test_what_is_kept_is_what_would_be_computed_now(
    bank: Bank, kept: Weighing, counting: Counting
) -> None:
    """After anything that may happen; each is something that somebody would see."""
    readers = [bank.vera, bank.carl, bank.dora]
    for change in CHANGES:
        for reader in readers:
            listed(bank, kept, reader)
        before = counting.asked
        change(bank)
        if change is departure:
            readers.remove(bank.vera)
        for reader in readers:
            expected = listed(bank, Weighing(reviews_in(bank)), reader)
            assert listed(bank, kept, reader) == expected, change.__name__
        assert counting.asked > before or change is withdrawal, change.__name__


def test_nothing_is_computed_twice_while_nothing_moved(
    bank: Bank, kept: Weighing, counting: Counting
) -> None:
    for reader in (bank.vera, bank.carl, bank.vera):
        assert len(listed(bank, kept, reader)) == 2
    about = {"owner": "risk", "purpose": "p", "risk_tier": "high"}
    bank.world.record(bank.erin, "model.registered", "model/other", about)
    listed(bank, kept, bank.vera)
    assert counting.asked == 2
    evidence(bank)
    listed(bank, kept, bank.vera)
    assert counting.asked == 3
    bank.world.tick(LASTS.total_seconds())
    listed(bank, kept, bank.vera)
    assert counting.asked == 5


def test_no_more_is_kept_than_there_is_room_for(bank: Bank, counting: Counting) -> None:
    bank.publish()
    for version in ("1", "2"):
        promotion = bank.promote(bank.ready(version))
        bank.sign(promotion)
    bank.promote(bank.another("3"))
    small = Weighing(replace(reviews_in(bank), consider=counting), most=1)
    for _ in range(2):
        assert listed(bank, small, bank.vera) == listed(bank, Weighing(reviews_in(bank)), bank.vera)


def test_a_long_group_goes_on_on_pages_of_its_own(
    bank: Bank, kept: Weighing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SHOWN", 1)
    client, headers = bank.world.client(bank.vera), {"Accept": "text/html"}
    first = client.get("/inbox?environment=production", headers=headers).text
    assert 'count">2</span>' in first
    [after] = re.findall(r'href="(/inbox[^"]*skip=1)"', first)
    second = client.get(html.unescape(after), headers=headers).text
    assert "environment=production" in after
    shown = [re.findall(r'class="id" href="(/promotions/[^"]+)"', one) for one in (first, second)]
    assert len(shown[0]) == len(shown[1]) == 1
    assert shown[0] != shown[1]
    assert "skip=0" in second
