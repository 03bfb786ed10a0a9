"""From an entry of the log to whoever is told of it: none is lost, none is sent of nothing."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Missing
from app.ledger import operational
from app.notify import outbox
from app.notify.condition import condition_of
from app.notify.outbox import FIRST_WAIT, KEPT_FOR, LEASE, MOST_ATTEMPTS, OUTBOX, By, State
from app.settings import Settings
from tests.living import World
from tests.slices.gates.bank import Bank
from tests.slices.notify.receivers import Hook, Postbox, hooked, postbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.notify.courier import Courier
    from app.notify.outbox import Notice

SECRET = "whsec_" + "c2VjcmV0" * 4
PATIENCE = 60
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with hooked() as hook:
        yield hook


@pytest.fixture(scope="module")
def box() -> Iterator[Postbox]:
    with postbox() as box:
        yield box


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, hook: Hook, box: Postbox) -> World:
    """A bank with its data and its policy, closed; each test opens a copy."""
    settings = replace(
        Settings(),
        webhook_url=f"http://127.0.0.1:{hook.port}/muniment",
        webhook_secret=SECRET,
        webhook_allow=(f"127.0.0.1:{hook.port}",),
        smtp_url=f"smtp://127.0.0.1:{box.port}",
        mail_from="muniment@bank.example",
    )
    with World.open(tmp_path_factory.mktemp("world"), settings) as world:
        courier(world).stop()
        for name, *roles in (
            ("erin@bank.example", "engineer"),
            ("paul", "policy_author"),
            ("petra", "policy_author"),
            ("dora", "reviewer", "data-steward"),
            ("vera@bank.example", "reviewer", "model-validator"),
            ("carl", "reviewer", "compliance"),
        ):
            world.person(name, *roles)
        bank_in(world).publish()
        bank_in(world).data()
        assert bank_in(world).approve_data().status_code == 201
    return world


def bank_in(world: World) -> Bank:
    people = {name.partition("@")[0]: person for name, person in world.people.items()}
    return Bank(world, **{name: person for name, person in people.items() if name != "ada"})


@pytest.fixture
def world(tmp_path: Path, closed: World) -> Iterator[World]:
    with World.copied(closed, tmp_path) as world:
        courier(world).stop()  # the tests say when
        yield world


@pytest.fixture
def bank(world: World) -> Bank:
    return bank_in(world)


@pytest.fixture(autouse=True)
def fresh(world: World, hook: Hook, box: Postbox) -> None:
    """Begin with an empty outbox, and receivers that take everything."""
    world.house.ledger.operate(
        lambda connection: [
            operational.delete(connection, OUTBOX, key)
            for key, _ in list(operational.each(connection, OUTBOX))
        ]
    )
    hook.received.clear()
    box.messages.clear()
    hook.status, box.refuses = 204, None


def courier(world: World) -> Courier:
    found: Courier = world.app.state.courier
    return found


def kept(world: World) -> list[Notice]:
    with world.house.ledger.snapshot() as now:
        return outbox.everything(now.connection)


def send(world: World) -> None:
    """Let the courier go round once, whatever the clock says."""
    mover = courier(world)
    mover._stopping.clear()  # noqa: SLF001 - it was stopped so that the tests say when
    try:
        mover.send_due()
    finally:
        mover._stopping.set()  # noqa: SLF001


def later(world: World) -> None:
    """Go round a second later: entries of one moment are microseconds apart."""
    world.tick(1)
    send(world)


def told(hook: Hook) -> list[tuple[str, str]]:
    said = [json.loads(body) for _, body, _ in hook.received]
    return [(one["type"], one["data"]["subject"]) for one in said]


def test_a_review_waits_for_who_could_sign_and_a_decision_is_told_to_who_asked(
    world: World, bank: Bank, hook: Hook, box: Postbox
) -> None:
    promotion = bank.promote(bank.ready("1"))
    later(world)
    about = f"promotion/{promotion}"
    assert told(hook) == [("review.waiting", about)]
    assert [(one["To"], one["Subject"]) for one in box.messages] == [
        ("vera@bank.example", f"A review waits for you: {about}")
    ]
    assert f"http://localhost:8000/promotions/{promotion}" in str(box.messages[0].get_payload())
    states = {(one.by, one.to): (one.state, one.problem) for one in kept(world)}
    no_address = (State.DEAD, "the name that signs in is no mail address")
    assert states == {
        (By.WEBHOOK, None): (State.DELIVERED, None),
        (By.MAIL, bank.vera.id): (State.DELIVERED, None),
        (By.MAIL, bank.carl.id): no_address,
    }
    hook.received.clear()
    box.messages.clear()
    bank.sign(promotion)
    later(world)
    assert told(hook) == [("promotion.decided", about)]
    assert [(one["To"], one["Subject"]) for one in box.messages] == [
        ("erin@bank.example", f"A promotion was decided: {about}")
    ]


def test_what_was_denied_at_once_waits_for_nobody(world: World, bank: Bank, hook: Hook) -> None:
    bank.promote(bank.model("bare"))
    assert [one.by for one in kept(world)] == [By.NOBODY_YET] * len(kept(world))
    later(world)
    assert "review.waiting" not in [kind for kind, _ in told(hook)]


def test_a_dismissed_review_is_told_to_who_signed_and_to_who_asked(
    world: World, bank: Bank, hook: Hook, box: Postbox
) -> None:
    promotion = bank.promote(bank.another("7"))
    assert bank.review(bank.vera, promotion, "review").status_code == 201
    bank.evaluated("model/credit/7", 0.83)
    assert bank.review(bank.vera, promotion, "review").status_code == 201
    later(world)
    kinds = [kind for kind, _ in told(hook)]
    assert "review.dismissed" in kinds
    dismissed = [one["To"] for one in box.messages if "dismissed" in one["Subject"]]
    assert sorted(dismissed) == ["erin@bank.example", "vera@bank.example"]


def test_what_does_not_arrive_is_sent_again_later_and_later_then_given_up(
    world: World, hook: Hook
) -> None:
    courier(world).test(world.ada.id)
    hook.status = 500
    send(world)
    [notice] = [one for one in kept(world) if one.by is By.WEBHOOK]
    assert notice.attempts == 1
    assert "answered (500)" in str(notice.problem)
    waits = []
    while notice.state is State.WAITING:
        waits.append((notice.next_at - world.clock.now).total_seconds())
        send(world)
        assert kept(world)[0].attempts <= notice.attempts  # it is not due yet
        world.clock.now = notice.next_at
        send(world)
        [notice] = [one for one in kept(world) if one.by is By.WEBHOOK]
    assert notice.attempts == MOST_ATTEMPTS
    assert waits[:4] == [10, 20, 40, 80]
    assert max(waits) == 3600
    assert len({headers["webhook-id"] for headers, _, _ in hook.received}) == 1
    assert len(hook.received) == MOST_ATTEMPTS
    world.tick(86_400)
    hook.status = 204
    send(world)
    assert len(hook.received) == MOST_ATTEMPTS  # what is given up waits for a person
    with world.house.ledger.snapshot() as now:
        problems = condition_of(world.house.settings, now.connection).problems
    assert [what for what, _ in problems] == ["2 notices did not arrive and were given up"]
    courier(world).again(notice.id)
    send(world)
    assert len(hook.received) == MOST_ATTEMPTS + 1
    assert [one.state for one in kept(world) if one.by is By.WEBHOOK] == [State.DELIVERED]


def test_what_was_taken_out_and_lost_on_the_way_is_sent_again(world: World, hook: Hook) -> None:
    courier(world).test(world.ada.id)
    ledger = world.house.ledger
    [notice] = kept(world)
    at = world.clock.now
    taken = ledger.operate(lambda connection: outbox.claim(connection, notice.id, at))
    assert taken is not None
    assert ledger.operate(lambda connection: outbox.claim(connection, notice.id, at)) is None
    send(world)
    assert hook.received == []
    world.tick(LEASE.total_seconds())
    send(world)
    assert len(hook.received) == 1


def test_what_arrived_is_forgotten_after_a_week_and_what_did_not_is_kept(
    world: World, hook: Hook
) -> None:
    courier(world).test(world.ada.id)
    send(world)
    assert {one.state for one in kept(world)} == {State.DELIVERED, State.DEAD}  # ada has no address
    world.tick((KEPT_FOR + FIRST_WAIT).total_seconds())
    courier(world).test(world.ada.id)
    send(world)
    states = [(one.by, one.state) for one in kept(world)]
    assert states.count((By.WEBHOOK, State.DELIVERED)) == 1
    assert states.count((By.MAIL, State.DEAD)) == 2
    assert len(hook.received) == 2


def test_the_outbox_holds_no_name_and_nothing_is_sent_to_a_closed_account(
    world: World, bank: Bank, box: Postbox
) -> None:
    leaver = world.person("lena@bank.example", "reviewer", "model-validator")
    promotion = bank.promote(bank.another("8"))
    with world.house.ledger.snapshot() as now:
        rows = [str(one) for _, one in operational.each(now.connection, OUTBOX)]
    assert rows
    assert not any(word in row for row in rows for word in ("bank.example", "Lena", "Vera"))
    mover = courier(world)
    for one in kept(world):
        if one.subject == f"promotion/{promotion}":
            mover._address(one)  # noqa: SLF001 - between the two steps somebody leaves
    assert leaver.id in {one.to for one in kept(world)}
    with world.house.ledger.snapshot() as now:
        rows = [str(one) for _, one in operational.each(now.connection, OUTBOX)]
    assert not any("bank.example" in row for row in rows)
    client = world.client(world.ada)
    assert client.post(f"/api/v1/users/{leaver.id}/disable").status_code == 200
    later(world)
    assert "lena@bank.example" not in [one["To"] for one in box.messages]
    [hers] = [one for one in kept(world) if one.to == leaver.id]
    assert (hers.state, hers.problem) == (State.DEAD, "the account is closed")


def test_an_entry_that_is_refused_causes_no_notice(world: World, bank: Bank) -> None:
    again = bank.another("9")
    bank.promote(again)
    before = len(kept(world))
    body = {"subject": again, "environment": "production"}
    refused = world.client(bank.erin).post("/api/v1/promotions", json=body)
    assert refused.status_code == 409
    assert len(kept(world)) == before


def test_without_a_way_to_send_nothing_is_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    with World.open(tmp_path_factory.mktemp("silent")) as silent:
        bank = Bank.founded(silent)
        bank.publish()
        bank.promote(bank.ready("1"))
        assert kept(silent) == []
        page = silent.client(silent.ada).get("/admin/notices", headers=HTML)
        assert "not set up (MUNIMENT_WEBHOOK_URL)" in page.text
        assert "Send a test" not in page.text


def test_making_the_projections_again_sends_nothing_again(world: World) -> None:
    from app.house import projections

    assert OUTBOX not in {one.name for one in projections()}


def words(page: str) -> str:
    main = page.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def test_an_administrator_sees_what_was_given_up_and_has_it_sent_again(
    world: World, hook: Hook
) -> None:
    session = {**HTML, "Cookie": f"muniment-dev={world.session(world.ada)}"}
    anybody = world.client(None)
    help_page = anybody.get("/help", headers=session).text
    token = {"form_token": re.findall(r'name="form_token" value="([0-9a-f]+)"', help_page)[0]}
    sent = anybody.post("/admin/notices/test", data=token, headers=session)
    assert sent.headers["Location"] == "/admin/notices?done=test"
    hook.status = 410
    send(world)
    page = anybody.get("/admin/notices?state=dead", headers=session)
    assert "notice test log webhook given up 1" in words(page.text)
    assert f"http://127.0.0.1:{hook.port} answered (410)" in words(page.text)
    assert SECRET not in page.text
    assert "/muniment" not in words(page.text)
    [path] = re.findall(r'action="(/admin/notices/[^"]+webhook/again)"', page.text)
    hook.status = 204
    assert anybody.post(path, data=token, headers=session).status_code == 303
    assert anybody.post(path, data=token, headers=session).status_code == 404
    send(world)
    assert "delivered" in words(anybody.get("/admin/notices", headers=session).text)
    listed = anybody.get("/admin/notices?format=json", headers=session).json()["items"]
    assert {one["state"] for one in listed} == {"delivered", "dead"}
    first = anybody.get("/admin/notices?limit=1", headers=session).text
    assert "Next page" in first
    with pytest.raises(Missing):
        courier(world).again("none")


def test_the_courier_goes_round_by_itself(
    tmp_path_factory: pytest.TempPathFactory, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.notify.courier.LOOK_ROUND", 0.05)
    settings = replace(
        Settings(),
        webhook_url=f"http://127.0.0.1:{hook.port}/",
        webhook_secret=SECRET,
        webhook_allow=("127.0.0.1",),
    )
    with World.open(tmp_path_factory.mktemp("alone"), settings) as alone:
        courier(alone).test(alone.ada.id)
        until = time.monotonic() + PATIENCE
        while not hook.received:
            assert time.monotonic() < until, "nothing is sent"
            time.sleep(0.02)
    assert told(hook) == [("notice.test", "log")]


def test_on_postgresql_a_notice_is_taken_once_and_arrives(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, hook: Hook
) -> None:
    settings = replace(
        Settings(),
        webhook_url=f"http://127.0.0.1:{hook.port}/",
        webhook_secret=SECRET,
        webhook_allow=("127.0.0.1",),
    )
    folder = tmp_path_factory.mktemp("shared")
    with World.open(folder, settings, database_url=database_url) as shared:
        courier(shared).stop()
        courier(shared).test(shared.ada.id)
        [notice] = kept(shared)
        at, ledger = shared.clock.now, shared.house.ledger
        taken = [
            ledger.sequencer.operate(lambda connection: outbox.claim(connection, notice.id, at))
            for _ in range(2)
        ]
        assert [one.result() is not None for one in taken] == [True, False]
        shared.tick(LEASE.total_seconds())
        send(shared)
        assert [one.state for one in kept(shared)] == [State.DELIVERED]
    assert told(hook) == [("notice.test", "log")]
