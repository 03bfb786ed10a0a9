"""What holds for every route: the API document, numbers and times no log reaches, failures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI

from app.web.errors import PROBLEM, answer_refusals
from tests.living import World, expect

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS = ("get", "post", "put", "patch", "delete")
BEYOND = 2**70


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("surface")) as opened:
        yield opened


def test_the_api_document_tells_every_operation_under_a_name_of_its_own(world: World) -> None:
    document = expect(200, world.client(None).get("/api/v1/openapi.json"))
    named = [
        path[method]["operationId"]
        for path in document["paths"].values()
        for method in METHODS
        if method in path
    ]
    assert {"recordEvent", "listEvents", "evaluateGate", "readCheckpoint"} <= set(named)
    assert len(named) == len(set(named))


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/events/{BEYOND}",
        f"/api/v1/events/{BEYOND}/proof",
        f"/api/v1/events?after_index={BEYOND}",
        "/api/v1/events?since=0001-01-01T00:00:00%2B14:00",
        "/api/v1/events?until=9999-12-31T23:59:59-14:00",
        "/api/v1/deployments?at=0001-01-01T00:00:00%2B14:00",
        "/api/v1/deployments?at=9999-12-31T23:59:59-14:00",
    ],
)
def test_a_number_or_a_time_that_no_log_reaches_is_refused(world: World, path: str) -> None:
    refused = world.client(world.ada).get(path)
    assert refused.status_code == 422
    assert refused.headers["Content-Type"] == PROBLEM
    assert refused.json()["errors"][0]["pointer"].startswith("#/")


def test_a_batch_that_is_sent_again_answers_for_what_was_known_before_too(world: World) -> None:
    engineer = world.client(world.token("event:append"))

    def said(name: str) -> dict[str, object]:
        about = {"owner": "risk", "purpose": "scores", "risk_tier": "low"}
        return {"type": "model.registered", "subject": f"model/{name}", "data": about}

    expect(201, engineer.post("/api/v1/events", json=said("old")))
    batch = [said("new"), said("old"), said("newer")]
    key = {"Idempotency-Key": "batch"}
    first = engineer.post("/api/v1/events/batch", json=batch, headers=key)
    again = engineer.post("/api/v1/events/batch", json=batch, headers=key)
    assert len(expect(201, first)["receipts"]) == len(batch)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_failure_of_ours_is_a_problem_document_that_says_nothing_of_its_inside() -> None:
    app = FastAPI()
    answer_refusals(app)

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("the secret is swordfish")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get("/broken")

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.json()["status"] == 500
    assert "swordfish" not in answer.text
