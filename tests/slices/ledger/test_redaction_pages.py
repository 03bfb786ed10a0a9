"""Erasing on pages: one person asks, another one confirms, and the entry says what became of it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from tests.slices.gates.bank import Bank
from tests.slices.reviews.deciding import forms, look, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

WORDS = "Mrs Example of 12 Sample Street asked for it"
FILLED = {"reason": "she asked for it", "legal_basis": "GDPR Art. 17 (1) (b)"}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with Bank.made(tmp_path_factory.mktemp("bank")) as bank:
        for name in ("olga", "omar"):
            bank.world.person(name, "compliance_officer")
        bank.publish()
        yield bank


def asked_for(bank: Bank, version: str) -> int:
    """Open a promotion with words of a person in it; tell its entry."""
    bank.ready(version)
    body = {"subject": f"model/credit/{version}", "environment": "production", "reason": WORDS}
    made = bank.world.client(bank.erin).post("/api/v1/promotions", json=body)
    assert made.status_code == 201, made.text
    with bank.world.house.ledger.snapshot() as now:
        about = now.about(f"promotion/{made.json()['id']}")
        return next(index for index in about if now.data(index).get("reason") == WORDS)


@pytest.fixture(scope="module")
def index(bank: Bank) -> int:
    return asked_for(bank, "1")


def text(page: httpx.Response) -> str:
    main = page.text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def page_of(bank: Bank, who: str, index: int) -> httpx.Response:
    return look(bank.world, bank.world.people[who], f"/ledger/{index}/redactions")


def test_two_people_erase_what_one_of_them_cannot(bank: Bank, index: int) -> None:
    olga, omar = bank.world.people["olga"], bank.world.people["omar"]
    entry = look(bank.world, olga, f"/ledger/{index}")
    assert WORDS in text(entry)
    assert f'href="/ledger/{index}/redactions"' in entry.text
    form = forms(page_of(bank, "olga", index))["redactions"]
    assert send(bank.world, olga, form, members=["reason"], **FILLED).status_code == 303
    hers = page_of(bank, "olga", index)
    assert "confirm" not in forms(hers)
    assert "somebody else has to confirm it" in text(hers)
    his = page_of(bank, "omar", index)
    assert "she asked for it" in text(his)
    assert 'name="q" type="search" value=""' in his.text
    assert "Asked by Olga" in text(his)
    done = send(bank.world, omar, forms(his)["confirm"])
    assert done.headers["location"] == f"/ledger/{index}"
    entry = look(bank.world, omar, f"/ledger/{index}")
    assert WORDS not in text(entry)
    assert "confirmed by Omar; legal basis: GDPR Art. 17 (1) (b)" in text(entry)
    assert "Nothing of this entry can be erased" in text(page_of(bank, "omar", index))
    again = send(bank.world, omar, forms(his)["confirm"])
    assert again.status_code == 409


def test_whoever_asked_does_not_confirm_though_the_form_is_sent(bank: Bank) -> None:
    index = asked_for(bank, "2")
    olga = bank.world.people["olga"]
    form = forms(page_of(bank, "olga", index))["redactions"]
    send(bank.world, olga, form, members=["reason"], **FILLED)
    confirm = forms(page_of(bank, "omar", index))["confirm"]
    confirm.fields["form_token"] = form.fields["form_token"]
    refused = send(bank.world, olga, confirm)
    assert refused.status_code == 403
    assert "whoever asked for an erasure does not confirm it" in text(refused).lower()
    assert WORDS in text(look(bank.world, olga, f"/ledger/{index}"))


@pytest.mark.parametrize(
    ("filled", "said"),
    [
        ({**FILLED, "members": []}, "Choose what is to be erased"),
        ({**FILLED, "members": ["reason"], "reason": "  "}, "Give the reason"),
        ({**FILLED, "members": ["reason"], "legal_basis": ""}, "Give the legal basis"),
    ],
)
def test_what_is_missing_is_said_and_nothing_typed_is_lost(
    bank: Bank, filled: dict[str, str | list[str]], said: str
) -> None:
    index = asked_for(bank, f"missing-{len(said)}")
    form = forms(page_of(bank, "olga", index))["redactions"]
    before = bank.size
    refused = send(bank.world, bank.world.people["olga"], form, **filled)
    assert refused.status_code == 422
    assert said in text(refused)
    kept = forms(refused)["redactions"].fields
    assert {name: kept.get(name, [])[-1:] for name in FILLED} == {
        name: [str(filled[name])] for name in FILLED
    }
    assert kept.get("members", []) == filled["members"]
    assert bank.size == before


def test_what_is_not_personal_is_refused(bank: Bank) -> None:
    index = asked_for(bank, "3")
    form = forms(page_of(bank, "olga", index))["redactions"]
    refused = send(bank.world, bank.world.people["olga"], form, members=["environment"], **FILLED)
    assert refused.status_code == 422
    assert "no personal member" in text(refused)


def test_whoever_may_not_erase_is_not_shown_how(bank: Bank, index: int) -> None:
    assert page_of(bank, "erin", index).status_code == 403
    assert "/redactions" not in look(bank.world, bank.erin, f"/ledger/{index}").text
    olga = bank.world.people["olga"]
    assert look(bank.world, olga, "/ledger/99999/redactions").status_code == 404
