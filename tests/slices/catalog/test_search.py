"""Finding things by words or digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.catalog.search import search
from app.core.access import Sight
from app.ledger import blobs
from tests.slices.catalog.story import digest, example

if TYPE_CHECKING:
    from tests.slices.catalog.asking import Api
    from tests.slices.catalog.story import Story


@pytest.fixture(autouse=True)
def organisation(story: Story) -> None:
    story.has_model()
    story.post(
        "dataset/rates_2026", example("dataset.registered", 1, description="100% of the Rates")
    )
    story.post("run/train-2", example("run.started", inputs=[]))
    blob = story.ledger.operate(lambda connection: blobs.put(connection, b"card"))
    story.post("model/risk/1", example("document.recorded", blob=blob, title="Model card of RISK"))
    story.say("policy/strict/1.0.0", example("policy.drafted"))
    story.say("promotion/p1", example("promotion.requested", model_version="model/risk/1"))


def found(story: Story, words: str, teams: frozenset[str] | None = None) -> list[tuple[str, str]]:
    with story.ledger.snapshot() as now:
        return [(one.kind, one.subject) for one in search(now.connection, words, Sight(teams), 50)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("model/risk", [
            ("promotion", "promotion/p1"), ("document", "model/risk/1"),
            ("model_version", "model/risk/1"), ("model", "model/risk"),
        ]),
        ("RISK card", [("document", "model/risk/1")]),
        ("rates_2026", [("dataset", "dataset/rates_2026")]),
        ("ratesX2026", []),
        ("100%", [("dataset", "dataset/rates_2026")]),
        ("100_", []),
        (digest("6"), [("model_version", "model/risk/1")]),
        ("1111111111", [("dataset_version", "dataset/credit/1")]),
        ("strict", [("policy", "policy/strict/1.0.0")]),
        ("train-2", [("run", "run/train-2")]),
        ("risk nothing-like-it", []),
        ("   ", []),
        ("'; drop table datasets; --", []),
    ],
)  # fmt: skip
def test_what_holds_every_word_is_found_the_newest_first(
    story: Story, words: str, expected: list[tuple[str, str]]
) -> None:
    assert found(story, words) == expected


def test_what_is_hidden_is_not_found_and_neighbours_by_name_are(story: Story) -> None:
    story.post("model/hid_en", example("model.registered", team="lending"))
    story.post("model/hidden", example("model.registered", team=None, team_only=None))
    story.say("promotion/p2", example("promotion.requested", model_version="model/hid_en/1"))
    assert found(story, "model/hid", frozenset()) == [("model", "model/hidden")]
    assert len(found(story, "model/hid", frozenset({"lending"}))) == 3


def test_search_over_http_says_its_size_and_wants_a_question(story: Story, api: Api) -> None:
    body = api.get("/api/v1/search", params={"q": "strict"}).json()
    assert [one["subject"] for one in body["items"]] == ["policy/strict/1.0.0"]
    with story.ledger.snapshot() as now:
        assert body["log_size"] == now.size
    assert len(api.get("/api/v1/search?q=risk&limit=2").json()["items"]) == 2
    for query in ("", "?q=", "?q=a&limit=0", "?q=a&limit=101", "?q=" + "a" * 301):
        assert api.get(f"/api/v1/search{query}").status_code == 422
