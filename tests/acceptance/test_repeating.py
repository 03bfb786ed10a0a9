"""A request sent again under its key is answered again, word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.routes import API, EVENT
from tests.living import Person, World, expect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.open(tmp_path) as world:
        yield world


@pytest.fixture
def erin(world: World) -> Person:
    return world.person("erin", "engineer")


def version(number: int) -> dict[str, Any]:
    return {
        "type": "dataset.version_registered",
        "subject": f"dataset/credit/{number}",
        "data": {
            "digest": f"sha256:{number:064d}",
            "uri": "file:///data.csv",
            "size": 1,
            "rows": 1,
            "schema": {"columns": [{"name": "age", "type": "int"}]},
            "derived_from": [],
        },
    }


def test_an_event_sent_again_is_answered_again(world: World, erin: Person) -> None:
    key = {"Idempotency-Key": "k"}
    client = world.client(erin)
    first = client.post(f"{API}/events", json=EVENT, headers=key)
    again = client.post(f"{API}/events", json=EVENT, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    other = client.post(f"{API}/events", json={**EVENT, "subject": "dataset/x"}, headers=key)
    assert other.status_code == 409
    assert other.json()["type"] == "/problems/idempotency-mismatch"


def test_a_batch_of_known_and_new_events_is_answered_again_whole(
    world: World, erin: Person
) -> None:
    client, key = world.client(erin), {"Idempotency-Key": "k"}
    expect(201, client.post(f"{API}/events/batch", json=[EVENT, version(1)]))
    batch = [version(1), version(2)]
    first = expect(201, client.post(f"{API}/events/batch", json=batch, headers=key))
    again = expect(201, client.post(f"{API}/events/batch", json=batch, headers=key))
    assert len(first["receipts"]) == 2
    assert again == first


def test_a_batch_is_recorded_whole_or_not_at_all(world: World, erin: Person) -> None:
    client = world.client(erin)
    before = client.get(f"{API}/me").json()["log_size"]
    wrong = {**version(2), "subject": "dataset/nowhere/1"}
    refused = client.post(f"{API}/events/batch", json=[EVENT, version(1), wrong])
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/parent-missing"
    assert client.get(f"{API}/me").json()["log_size"] == before
