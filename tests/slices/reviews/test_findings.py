"""Findings: raised about a version, answered, closed, listed; refused where they do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.living import expect
from tests.slices.gates.bank import digest
from tests.slices.reviews.deciding import Sent, forms, look, send
from tests.slices.reviews.looking import sheet

if TYPE_CHECKING:
    import httpx

    from tests.living import Person
    from tests.slices.gates.bank import Bank

VERSION = "model/credit/1"


@pytest.fixture
def promotion(bank: Bank) -> str:
    bank.publish()
    return bank.promote(bank.ready())


def post(
    bank: Bank, who: Person, kind: str, data: dict[str, Any], id_: str = "a"
) -> httpx.Response:
    body = {"type": f"finding.{kind}", "subject": f"finding/{id_}", "data": data}
    return bank.world.client(who).post("/api/v1/events", json=body)


def raising(bank: Bank, **more: object) -> dict[str, Any]:
    about = {"about": VERSION, "severity": "high", "owner": bank.erin.id}
    return {**about, "text": "no word about <b>the young</b>", "due": "2026-01-31", **more}


def test_a_finding_is_raised_answered_and_closed(bank: Bank, promotion: str) -> None:
    expect(201, post(bank, bank.vera, "raised", raising(bank, evidence=[digest("card")])))
    expect(201, post(bank, bank.erin, "replied", {"text": "it is being written"}))
    [found] = sheet(bank, promotion, bank.carl).findings
    assert (found.severity, found.owner, found.due) == ("high", "Erin", "2026-01-31")
    assert (found.open, found.overdue) == (True, False)
    assert [(one.who, one.what) for one in found.said] == [
        ("Vera", "raised it"),
        ("Erin", "replied"),
    ]
    bank.world.tick(40 * 86_400)
    assert sheet(bank, promotion, bank.carl).findings[0].overdue
    expect(201, post(bank, bank.vera, "closed", {"text": "read it, and it is there"}))
    [found] = sheet(bank, promotion, bank.carl).findings
    assert (found.open, found.overdue, found.said[-1].what) == (False, False, "closed it")


def test_what_is_closed_stays_closed(bank: Bank, promotion: str) -> None:
    expect(201, post(bank, bank.vera, "raised", raising(bank)))
    expect(201, post(bank, bank.vera, "closed", {"text": "done"}))
    for kind in ("replied", "closed"):
        refused = expect(409, post(bank, bank.vera, kind, {"text": "more"}))
        assert "was closed at entry" in refused["detail"]


def test_only_what_was_raised_is_answered(bank: Bank, promotion: str) -> None:
    refused = expect(409, post(bank, bank.vera, "replied", {"text": "to what?"}))
    assert refused["type"] == "/problems/parent-missing"


def test_the_same_finding_twice_is_one(bank: Bank, promotion: str) -> None:
    first = expect(201, post(bank, bank.vera, "raised", raising(bank)))
    again = post(bank, bank.vera, "raised", raising(bank))
    assert again.json()["index"] == first["index"]
    other = post(bank, bank.vera, "raised", raising(bank, severity="low"))
    assert other.status_code == 409


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"about": "model/credit/9"}, 409),
        ({"about": "dataset/none"}, 409),
        ({"about": "run/nightly"}, 422),
        ({"severity": "awful"}, 422),
        ({"due": "soon"}, 422),
        ({"text": ""}, 422),
    ],
)
def test_a_finding_that_does_not_fit_is_refused(
    bank: Bank, promotion: str, change: dict[str, str], status: int
) -> None:
    assert post(bank, bank.vera, "raised", raising(bank, **change)).status_code == status


def test_whoever_only_reads_raises_none(bank: Bank, promotion: str) -> None:
    assert post(bank, bank.world.ada, "raised", raising(bank)).status_code == 403
    page = look(bank.world, bank.world.ada, f"/promotions/{promotion}")
    assert "Raise a finding" not in page.text


def test_findings_are_listed_open_or_closed(bank: Bank, promotion: str) -> None:
    expect(201, post(bank, bank.vera, "raised", raising(bank)))
    expect(201, post(bank, bank.vera, "raised", raising(bank, about="model/credit"), "b"))
    expect(201, post(bank, bank.vera, "closed", {"text": "done"}, "b"))
    client = bank.world.client(bank.erin)

    def listed(query: str) -> list[str]:
        return [one["id"] for one in expect(200, client.get(f"/api/v1/findings{query}"))["items"]]

    assert listed("") == ["a", "b"]
    assert listed("?state=open") == ["a"]
    assert listed("?state=closed") == ["b"]
    assert listed("?about=model/credit") == ["b"]
    assert [one.id for one in sheet(bank, promotion, bank.vera).findings] == ["a", "b"]


def test_a_finding_of_a_hidden_model_is_listed_for_its_team_alone(bank: Bank) -> None:
    about = {"owner": "r", "purpose": "x", "risk_tier": "low", "team": "risk", "team_only": True}
    bank.world.grant(bank.erin, "engineer", team="risk")
    bank.world.record(bank.erin, "model.registered", "model/secret", about)
    expect(201, post(bank, bank.erin, "raised", raising(bank, about="model/secret")))
    stranger = bank.world.person("sten")
    bank.world.grant(stranger, "reviewer", team="others")
    answer = bank.world.client(stranger).get("/api/v1/findings")
    assert expect(200, answer)["items"] == []
    secret, unknown = (
        expect(409, post(bank, stranger, "raised", raising(bank, about=f"model/{name}"), "c"))
        for name in ("secret", "nobodys")
    )
    assert secret["detail"] == unknown["detail"].replace("nobodys", "secret")
    for kind in ("replied", "closed"):
        refused = expect(409, post(bank, stranger, kind, {"text": "so what"}))
        assert refused["detail"].endswith("was not raised")


def test_only_its_team_answers_what_was_found_about_a_model_that_everybody_sees(
    bank: Bank,
) -> None:
    about = {"owner": "r", "purpose": "x", "risk_tier": "low", "team": "risk"}
    bank.world.grant(bank.erin, "engineer", team="risk")
    bank.world.record(bank.erin, "model.registered", "model/shown", about)
    expect(201, post(bank, bank.erin, "raised", raising(bank, about="model/shown")))
    stranger = bank.world.person("sten")
    bank.world.grant(stranger, "reviewer", team="others")
    for kind in ("replied", "closed"):
        assert post(bank, stranger, kind, {"text": "so what"}).status_code == 403
    expect(201, post(bank, bank.vera, "closed", {"text": "mended"}))


def test_a_reviewer_raises_answers_and_closes_on_the_page(bank: Bank, promotion: str) -> None:
    page = look(bank.world, bank.vera, f"/promotions/{promotion}")
    sent = send(
        bank.world,
        bank.vera,
        forms(page)["findings"],
        text="the card says <i>nothing</i>",
        severity="critical",
        owner=bank.erin.id,
    )
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/promotions/{promotion}")
    page = look(bank.world, bank.vera, f"/promotions/{promotion}")
    assert "the card says &lt;i&gt;nothing&lt;/i&gt;" in page.text
    [raised] = bank.events("finding.raised")
    [found] = sheet(bank, promotion, bank.vera).findings
    assert (raised["about"], found.severity, found.due) == (VERSION, "critical", None)
    form = forms(page)[found.id]
    assert send(bank.world, bank.vera, form, text="asked again").status_code == 303
    assert send(bank.world, bank.vera, form, text="it is there", then="close").status_code == 303
    [found] = sheet(bank, promotion, bank.vera).findings
    assert not found.open
    assert send(bank.world, bank.vera, form, text="once more").status_code == 409
    other = Sent(form.action.replace(found.id, "none"), form.fields)
    assert send(bank.world, bank.vera, other, text="to nothing").status_code == 404
    empty = send(
        bank.world, bank.vera, forms(page)["findings"], text=" ", severity="low", owner="x"
    )
    assert empty.status_code == 422
