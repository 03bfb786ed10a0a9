"""The whole house on each engine: from an invitation to a signed, deployed, reported model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from app.core.ledger.verdict import Outcome
from app.house import open_house, projections
from app.main import app_of
from app.premises import database_of
from app.verification.fsck import fsck
from tests.living import CHEAP, Client, Entropy, Http, World, expect
from tests.slices.gates.bank import DATA, UNFAIR, Bank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUBJECT = "model/credit/1"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else str(request.getfixturevalue("database_url"))


@pytest.fixture
def world(tmp_path: Path, url: str | None) -> Iterator[World]:
    with World.open(tmp_path, database_url=url) as world:
        yield world
        with world.house.ledger.snapshot() as now:
            size = now.size
        assert world.house.publisher.wait_for(size, 60)
        settings, key = world.house.settings, world.house.log_signer.verifier
        report = fsck(database_of(settings), projections(), [key])
        assert report.outcome is Outcome.VALID, report.bottom_line


@pytest.fixture
def bank(world: World) -> Bank:
    return Bank.founded(world)


def released(bank: Bank) -> str:
    """Take a fair model through the gate and into production; tell its decision."""
    bank.publish()
    promotion = bank.promote(bank.ready())
    bank.sign(promotion)
    shown = bank.show(promotion)
    assert (shown["state"], shown["decision"]["gate"]) == ("allowed", "ALLOW")
    decision = str(shown["decision"]["decision_id"])
    expect(201, bank.deploy(SUBJECT, decision))
    return decision


def get(client: Client, path: str) -> dict[str, Any]:
    return expect(200, client.get(f"/api/v1{path}"))


def test_a_fair_model_is_signed_for_deployed_and_seen_in_the_graph(bank: Bank) -> None:
    released(bank)
    client = bank.world.client(bank.vera)
    [live] = get(client, "/deployments?environment=production")["items"]
    assert (live["model_version"], live["gated"]) == (SUBJECT, True)
    impact = get(client, f"/graph/impact?node={DATA}&why=1")["result"]["affected"]
    assert [one["subject"] for one in impact if one["kind"] == "deployment"] == [
        "deployment/production/scoring"
    ]
    above = get(client, f"/graph/closure?node={SUBJECT}&direction=upstream")
    assert above["source"] == "sql"
    assert DATA in {one.get("subject") for one in above["result"]["nodes"]}
    why = get(client, f"/graph/why?from={DATA}&to={SUBJECT}")
    assert why["status"] == "complete"


def test_an_unfair_model_is_denied_and_its_decision_carries_nothing(bank: Bank) -> None:
    bank.publish()
    subject = bank.ready(selected=UNFAIR)
    decided = bank.check(subject)
    assert decided["gate"] == "DENY"
    answer = expect(201, bank.deploy(subject, decided["decision_id"]))
    assert answer["index"] == bank.size - 1
    [live] = get(bank.world.client(bank.carl), "/deployments")["items"]
    assert live["gated"] is False


def test_a_report_is_made_of_it(bank: Bank) -> None:
    released(bank)
    carla = bank.world.person("carla", "compliance_officer")
    client = bank.world.client(carla)
    order = {"type": "model-audit", "scope": "model/credit"}
    path = client.post("/api/v1/reports", json=order).headers["Location"]
    while (job := expect(200, client.get(path)))["state"] not in ("done", "failed"):
        time.sleep(0.05)
    assert job["problem"] is None
    assert client.get(f"{path}.pdf").content.startswith(b"%PDF")


def test_lists_are_sorted_by_bytes_paged_and_searched(world: World) -> None:
    erin = world.person("erin", "engineer")
    names = ["b-1", "a.b", "a-b", "a_b", "a0", "ab", "z", "a"]
    about = {"owner": "o", "licence": "MIT", "description": "Straße & Ärger"}
    for name in names:
        world.record(erin, "dataset.registered", f"dataset/{name}", about)
    client = world.client(erin)
    found, cursor = [], ""
    while True:
        page = get(client, f"/datasets?limit=3{cursor}")
        found += [one["name"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == sorted(names)
    assert {one["subject"] for one in get(client, "/search?q=a-b")["items"]} == {"dataset/a-b"}
    csv = client.get("/api/v1/datasets", headers={"Accept": "text/csv"}).text
    assert len(csv.splitlines()) == len(names) + 1


def test_a_token_revoked_on_one_server_ends_on_the_other(tmp_path: Path, database_url: str) -> None:
    """Two servers on one log share its keys and its signer state, which PostgreSQL alone allows."""
    with World.open(tmp_path, database_url=database_url) as world:
        second = open_house(world.house.settings, world.clock, Entropy(2), CHEAP)
        token = world.token("read")
        headers = {"Authorization": f"Bearer {token.secret}"}
        with Http.serving(app_of(second)) as there:
            for _ in range(2):
                assert there.request("GET", "/api/v1/me", headers=headers).status_code == 200
            ended = world.client(world.ada).delete(f"/api/v1/tokens/{token.id}")
            assert ended.status_code == 204
            assert there.request("GET", "/api/v1/me", headers=headers).status_code == 401
