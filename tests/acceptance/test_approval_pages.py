"""Every way around an approval, tried on the pages, and a thousand races between eye and pen.

What other systems were caught with is tried in ``test_approval_bypasses.py`` over the API; here
the same is tried with forms. Nothing is ever signed but what was on the screen.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.living import PASSWORD, SESSION_LASTS, Token, World, expect
from tests.slices.gates.bank import Bank
from tests.slices.reviews.deciding import (
    Sent,
    browser,
    checked,
    decide,
    forms,
    look,
    send,
    sign,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from tests.living import Person

RACES = 1000 if os.environ.get("MUNIMENT_SOAK") else 12
DIGESTS = ("subject_digest", "evidence_root", "policy_digest", "rendered_view_digest")


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with World.open(tmp_path) as world:
        yield Bank.founded(world)


@pytest.fixture
def promotion(bank: Bank) -> str:
    """A promotion that lacks nothing but signatures, asked for by erin."""
    bank.publish()
    return bank.promote(bank.ready())


def signed(bank: Bank) -> int:
    return len(list(bank.events("review.submitted")))


def forged(bank: Bank, person: Person, promotion: str, meaning: str) -> httpx.Response:
    """Send the form that somebody was never shown, with the token of their own session."""
    page = look(bank.world, person, "/promotions")
    token = forms(page)["promotions"].fields["form_token"]
    bind = bank.show(promotion)["bind"]
    fields = {
        "form_token": token,
        "view": [bind["rendered_view_digest"]],
        "decision": ["approve"],
        "meaning": [meaning],
        "reason": ["looked at everything"],
    }
    return send(bank.world, person, Sent(f"/promotions/{promotion}/decide", fields))


def refusals(bank: Bank) -> list[str]:
    return [str(one["because"]) for one in bank.events("access.refused")]


@pytest.mark.parametrize("meaning", ["review", "approval"])
def test_an_author_cannot_approve_their_own_model(bank: Bank, meaning: str) -> None:
    for role in ("reviewer", "model-validator", "compliance"):
        bank.world.grant(bank.erin, role)
    bank.publish()
    promotion = bank.promote(bank.ready())
    assert forged(bank, bank.erin, promotion, meaning).status_code == 403
    assert refusals(bank) == ["SelfApproval"]
    assert signed(bank) == 0


def test_one_member_does_not_satisfy_two_roles(bank: Bank, promotion: str) -> None:
    both = bank.world.person("bo", "reviewer", "model-validator", "compliance")
    for meaning in ("review", "approval"):
        decide(bank.world, both, promotion, meaning=meaning)
        sign(bank.world, both, checked(bank.world, both, promotion))
    assert signed(bank) == 2
    assert bank.show(promotion)["state"] == "pending"


def test_an_administrator_overrides_nothing(bank: Bank, promotion: str) -> None:
    assert forged(bank, bank.world.ada, promotion, "review").status_code == 403
    assert refusals(bank) == ["RoleMissing"]
    assert signed(bank) == 0


def test_no_token_approves_on_a_page(bank: Bank, promotion: str) -> None:
    """Pages are for people: whoever owns the token, no page is opened for it."""
    decide(bank.world, bank.vera, promotion)
    form = checked(bank.world, bank.vera, promotion)
    token = bank.world.token("event:append", "admin", "read", owner=bank.vera)
    answer = bank.world.client(token).post(
        form.action,
        data={**form.fields, **bank.world.signed(bank.vera)},
        headers=browser(bank.world),
    )
    assert answer.status_code == 403
    assert refusals(bank) == ["Forbidden"]
    assert signed(bank) == 0


def test_nobody_signs_with_the_form_of_another_session(bank: Bank, promotion: str) -> None:
    """Carl is handed vera's form: its token is not his, and her draft is not his either."""
    decide(bank.world, bank.vera, promotion)
    form = checked(bank.world, bank.vera, promotion)
    assert sign(bank.world, bank.carl, form).status_code == 403
    page = look(bank.world, bank.carl, "/promotions")
    own = forms(page)["promotions"].fields["form_token"]
    answer = sign(bank.world, bank.carl, Sent(form.action, {**form.fields, "form_token": own}))
    assert answer.status_code == 409
    assert signed(bank) == 0


def test_nobody_signs_with_another_persons_password_and_code(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.carl, promotion)
    form = checked(bank.world, bank.carl, promotion)
    answer = send(bank.world, bank.carl, form, **bank.world.signed(bank.vera))
    assert answer.status_code == 401
    assert len(list(bank.events("session.refused"))) == 1
    assert signed(bank) == 0


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD.upper()])
def test_no_other_password_signs(bank: Bank, promotion: str, password: str) -> None:
    decide(bank.world, bank.vera, promotion)
    form = checked(bank.world, bank.vera, promotion)
    assert sign(bank.world, bank.vera, form, password=password).status_code == 401
    assert len(list(bank.events("session.refused"))) == 1
    assert signed(bank) == 0


def test_no_delegate_signs_for_an_author(bank: Bank, promotion: str) -> None:
    """Nobody can hand an approval role on: there is no such event, and roles are granted."""
    body = {
        "type": "delegation.granted",
        "subject": f"user/{bank.dora.id}",
        "data": {"from": bank.erin.id, "to": bank.dora.id, "role": "model-validator"},
    }
    assert bank.world.client(bank.erin).post("/api/v1/events", json=body).status_code == 422
    path = f"/api/v1/users/{bank.dora.id}/roles"
    asked = bank.world.client(bank.erin).post(path, json={"role": "model-validator"})
    assert asked.status_code == 403
    assert forged(bank, bank.dora, promotion, "review").status_code == 403
    assert signed(bank) == 0


def test_an_approval_does_not_survive_new_content(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion)
    sign(bank.world, bank.vera, checked(bank.world, bank.vera, promotion))
    bank.evaluated("model/credit/1", 0.9)
    decide(bank.world, bank.carl, promotion)
    sign(bank.world, bank.carl, checked(bank.world, bank.carl, promotion))
    assert bank.show(promotion)["state"] == "pending"
    assert len(list(bank.events("review.dismissed"))) == 1


def test_refusals_do_not_grow_the_log(bank: Bank, promotion: str) -> None:
    before = bank.size
    for _ in range(6):
        assert forged(bank, bank.world.ada, promotion, "review").status_code == 403
    recorded = [kind for kind in bank.kinds(before) if kind == "access.refused.v1"]
    assert len(recorded) == 1


@pytest.mark.parametrize("name", [*DIGESTS, "written"])
def test_one_byte_of_what_is_signed_for_changed_signs_nothing(
    bank: Bank, promotion: str, name: str
) -> None:
    decide(bank.world, bank.vera, promotion)
    form = checked(bank.world, bank.vera, promotion)
    [whole] = form.fields[name]
    for place in (-1, len(whole) // 2):
        other = "0" if whole[place] != "0" else "1"
        at = place % len(whole)
        changed = whole[:at] + other + whole[at + 1 :]
        assert sign(bank.world, bank.vera, form, **{name: changed}).status_code == 409
    assert signed(bank) == 0
    assert sign(bank.world, bank.vera, form).status_code == 303


def test_nothing_is_signed_that_was_not_shown(bank: Bank, promotion: str) -> None:
    """Evidence comes while somebody reads, writes, checks, or presses the button.

    Every signature there is names the view that its check page named, and between that view
    and the signature no evidence was recorded.
    """
    chance = random.Random(20_260_105)
    shown: dict[str, str] = {}

    def measure() -> None:
        bank.evaluated("model/credit/1", 0.75 + chance.randrange(200) / 1000)

    with ThreadPoolExecutor(1) as aside:
        for _ in range(RACES):
            when = chance.choice(["never", "written", "checked", "pressed", "pressed"])
            race(bank, promotion, when, measure, aside, shown)
    reviews = list(bank.events("review.submitted"))
    assert reviews
    for one in reviews:
        digest = one["bind"]["rendered_view_digest"]
        assert shown[one["reason"]] == digest
        assert digest == "sha256:" + hashlib.sha256(one["view"].encode()).hexdigest()
        known = {item["index"] for item in json.loads(one["view"])["evidence"]}
        with bank.world.house.ledger.snapshot() as now:
            recorded = {
                index
                for index in range(one["index"])
                if now.entry(index).type == "evaluation.recorded.v1"
            }
        assert recorded <= known


def renewed(bank: Bank, person: Person) -> None:
    """Let somebody sign in again in good time: a form is of the session that it was shown in."""
    since = person.signed_in_at
    if since is None or bank.world.clock() >= since + SESSION_LASTS / 2:
        person.session = None
    bank.world.session(person)


def race(
    bank: Bank,
    promotion: str,
    when: str,
    measure: Callable[[], None],
    aside: ThreadPoolExecutor,
    shown: dict[str, str],
) -> None:
    """Let vera look, write, check and sign, and evidence come in between."""
    for person in (bank.vera, bank.erin):
        renewed(bank, person)
    reason = f"race {len(shown)}"
    page = look(bank.world, bank.vera, f"/promotions/{promotion}?decide=request_changes")
    if when == "written":
        measure()
    answer = send(bank.world, bank.vera, forms(page)["decide"], reason=reason)
    assert answer.status_code == (409 if when == "written" else 303)
    shown[reason] = ""
    if when == "written":
        return
    form = checked(bank.world, bank.vera, promotion)
    shown[reason] = form.fields["rendered_view_digest"][0]
    if when == "checked":
        measure()
    given = bank.world.signed(bank.vera)
    meanwhile = aside.submit(measure) if when == "pressed" else None
    answer = send(bank.world, bank.vera, form, **given)
    if meanwhile is not None:
        meanwhile.result()
    allowed = {"never": {303}, "checked": {409}, "pressed": {303, 409}}
    assert answer.status_code in allowed[when]


def test_a_token_is_shown_no_promotion(bank: Bank, promotion: str) -> None:
    token = bank.world.token("read", owner=bank.vera)
    assert isinstance(token, Token)
    answer = bank.world.client(token).get(f"/promotions/{promotion}", headers=browser(bank.world))
    assert answer.status_code == 403
    expect(200, bank.world.client(token).get(f"/api/v1/promotions/{promotion}"))
