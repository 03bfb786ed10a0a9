"""Lists page by page, as CSV, and what each caller sees in them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from app.core.events import say
from tests.slices.catalog.story import digest, example

if TYPE_CHECKING:
    from tests.slices.catalog.asking import Api
    from tests.slices.catalog.story import Story


def pages(api: Api, path: str, **query: str | int) -> list[dict[str, Any]]:
    """Read a list to its end and check that every page is as of the first one's size."""
    items, cursor, sizes = [], None, set()
    while True:
        found = api.get(path, params={**query, **({"cursor": cursor} if cursor else {})})
        assert found.status_code == 200, found.text
        body = found.json()
        items += body["items"]
        sizes.add(body["log_size"])
        cursor = body["next_cursor"]
        if cursor is None:
            assert len(sizes) == 1
            return items


def registers(story: Story, *names: str) -> None:
    story.post_all([say(f"dataset/{name}", example("dataset.registered", 1)) for name in names])


def test_a_list_comes_in_pages_of_the_asked_size(story: Story, api: Api) -> None:
    registers(story, "c", "a", "e", "b", "d")
    for limit in (1, 2, 4, 5, 6):
        assert [one["name"] for one in pages(api, "/api/v1/datasets", limit=limit)] == list("abcde")


def test_what_is_recorded_between_two_pages_is_not_in_the_list(story: Story, api: Api) -> None:
    registers(story, "b", "d")
    first = api.get("/api/v1/datasets?limit=1").json()
    registers(story, "a", "c", "e")
    second = api.get("/api/v1/datasets", params={"limit": 5, "cursor": first["next_cursor"]}).json()
    assert [one["name"] for one in second["items"]] == ["d"]
    assert second["log_size"] == first["log_size"] == 2
    assert second["next_cursor"] is None


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1"])
def test_a_limit_out_of_range_is_refused(api: Api, limit: str) -> None:
    assert api.get(f"/api/v1/datasets?limit={limit}").status_code == 422


def test_a_cursor_is_good_for_its_own_list_and_question_only(story: Story, api: Api) -> None:
    registers(story, "a", "b")
    cursor = api.get("/api/v1/datasets?limit=1").json()["next_cursor"]
    altered = ("B" if cursor[0] == "A" else "A") + cursor[1:]
    for path, sent in (
        ("/api/v1/models", cursor),
        ("/api/v1/datasets", altered),
        ("/api/v1/datasets", cursor[:-2]),
        ("/api/v1/datasets", "not a cursor"),
        ("/api/v1/datasets", "é"),
    ):
        answer = api.get(path, params={"cursor": sent})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/query/cursor"
    story.promotes("p1", "d1")
    story.promotes("p2", "d2")
    cursor = api.get("/api/v1/promotions?limit=1&state=allowed").json()["next_cursor"]
    other = api.get("/api/v1/promotions", params={"limit": 1, "state": "denied", "cursor": cursor})
    assert other.status_code == 422


def test_a_list_is_csv_for_whom_accepts_csv(story: Story, api: Api) -> None:
    registers(story, *(f"d{number:04}" for number in range(1005)))
    story.post("dataset/evil", example("dataset.registered", 1, description='=cmd|"calc"!A1, "x"'))
    answer = api.get("/api/v1/datasets?limit=3", headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="datasets.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 1006
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    assert rows[-1]["description"] == '\'=cmd|"calc"!A1, "x"'


@pytest.mark.parametrize(
    ("accept", "status", "media_type"),
    [
        ("*/*", 200, "application/json"),
        ("application/json", 200, "application/json"),
        ("text/html, */*;q=0.8", 200, "application/json"),
        ("text/csv;q=0.5, application/json", 200, "application/json"),
        ("text/csv, application/json", 200, "text/csv"),
        ("text/csv, */*;q=0.1", 200, "text/csv"),
        ("text/*", 200, "text/csv"),
        ("application/xml", 406, "application/problem+json"),
        ("text/csv;q=0", 406, "application/problem+json"),
        ("text/csv;q=oops", 406, "application/problem+json"),
    ],
)
def test_the_form_is_chosen_by_accept(api: Api, accept: str, status: int, media_type: str) -> None:
    answer = api.get("/api/v1/models", headers={"Accept": accept})
    assert answer.status_code == status
    assert answer.headers["Content-Type"].partition(";")[0] == media_type


def test_versions_come_in_the_order_of_the_log(story: Story, api: Api) -> None:
    story.has_model()
    for version in ("9", "10", "2"):
        event = example("dataset.version_registered", 1, digest=digest(version[-1]))
        story.post(f"dataset/credit/{version}", event)
    versions = pages(api, "/api/v1/datasets/credit/versions", limit=2)
    assert [one["version"] for one in versions] == ["1", "9", "10", "2"]
    models = pages(api, "/api/v1/models/risk/versions")
    assert [one["subject"] for one in models] == ["model/risk/1"]


def test_promotions_are_filtered_by_what_is_asked(story: Story, api: Api) -> None:
    story.has_model()
    story.promotes("p1", "d1")
    story.say(
        "promotion/p2",
        example("promotion.requested", model_version="model/risk/1", environment="staging"),
    )
    for query, expected in (
        ({}, ["p1", "p2"]),
        ({"state": "allowed"}, ["p1"]),
        ({"environment": "staging"}, ["p2"]),
        ({"subject": "model/risk/1", "state": "requested"}, ["p2"]),
        ({"subject": "model/risk/2"}, []),
    ):
        assert [one["id"] for one in pages(api, "/api/v1/promotions", **query)] == expected


def test_policies_are_listed_without_their_documents(story: Story, api: Api) -> None:
    for version in ("2.0.0", "1.0.0"):
        story.say(f"policy/strict/{version}", example("policy.drafted"))
    story.say("policy/strict/1.0.0", example("policy.published"))
    found = pages(api, "/api/v1/policies", limit=1)
    assert [(one["version"], one["state"]) for one in found] == [
        ("2.0.0", "draft"),
        ("1.0.0", "published"),
    ]
    assert "document" not in found[0]
    assert [one["version"] for one in pages(api, "/api/v1/policies", state="published")] == [
        "1.0.0"
    ]


def test_deployments_are_listed_by_place_and_time(story: Story, api: Api) -> None:
    story.has_model()
    for name in ("b", "a", "c"):
        story.deploys("succeeded", name=name)
    found = pages(api, "/api/v1/deployments", limit=2)
    assert [one["name"] for one in found] == ["a", "b", "c"]
    assert pages(api, "/api/v1/deployments", environment="staging") == []
    assert pages(api, "/api/v1/deployments", at="2020-01-01T00:00:00Z") == []
    later = pages(api, "/api/v1/deployments", at="2030-01-01T00:00:00+02:00")
    assert later == found


@pytest.mark.parametrize("at", ["yesterday", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", ""])
def test_a_time_that_is_none_is_refused(api: Api, at: str) -> None:
    answer = api.get("/api/v1/deployments", params={"at": at})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/query/at"


def test_what_belongs_to_a_team_alone_is_not_there_for_others(story: Story, api: Api) -> None:
    registers(story, "open")
    story.post("dataset/secret", example("dataset.registered"))
    story.post("dataset/secret/1", example("dataset.version_registered", 1))
    story.post("model/secret", example("model.registered"))
    story.post("model/secret/1", example("model.version_registered", 1))
    story.deploys("succeeded", version="model/secret/1")
    story.say("promotion/p", example("promotion.requested", model_version="model/secret/1"))

    def sees(caller: str) -> list[list[str]]:
        api.caller = caller
        lists = ("datasets", "models", "deployments", "promotions")
        return [
            [str(one.get("name", one.get("id"))) for one in pages(api, f"/api/v1/{path}")]
            for path in lists
        ]

    everything = [["open", "secret"], ["secret"], ["scoring"], ["p"]]
    assert sees("everybody") == sees("lending") == everything
    assert sees("outsider") == [["open"], [], [], []]
    for path in (
        "datasets/secret",
        "datasets/secret/versions",
        "datasets/secret/versions/1",
        "models/secret",
        "models/secret/versions",
        "models/secret/versions/1",
    ):
        assert api.get(f"/api/v1/{path}").status_code == 404
    assert api.get("/api/v1/search?q=secret").json()["items"] == []


ROUTES = (
    "datasets", "datasets/credit", "datasets/credit/versions", "datasets/credit/versions/1",
    "models", "models/risk", "models/risk/versions", "models/risk/versions/1",
    "deployments", "promotions", "policies", "search?q=a", "blobs/" + "0" * 64,
)  # fmt: skip


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_wants_credentials_and_the_right_to_read(
    story: Story, api: Api, path: str
) -> None:
    story.has_model()
    for caller, status in (("nobody", 401), ("stranger", 403)):
        headers = {"Authorization": f"Bearer {caller}"}
        assert api.get(f"/api/v1/{path}", headers=headers).status_code == status
    waiting = api.get(f"/api/v1/{path}", headers={"Authorization": "Bearer pipeline"})
    assert waiting.status_code == (200 if path == "promotions" else 403)


def test_a_token_limited_to_a_subject_reads_that_subject_alone(story: Story, api: Api) -> None:
    story.has_model()
    api.caller = "limited"
    assert api.get("/api/v1/models/risk/versions/1").status_code == 200
    assert api.get("/api/v1/datasets/credit").status_code == 403


@pytest.mark.parametrize("path", [path for path in ROUTES if "/" in path])
def test_what_is_not_there_is_404(api: Api, path: str) -> None:
    answer = api.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["datasets/credit/versions/9", "models/risk/versions/9"])
def test_a_version_that_is_not_there_is_404_and_says_where_to_look(
    story: Story, api: Api, path: str
) -> None:
    story.has_model()
    answer = api.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.json()["remedy"] == f"GET /api/v1/{path.removesuffix('/9')} lists them"


def test_a_model_version_shows_what_is_on_record_about_it(story: Story, api: Api) -> None:
    story.has_model()
    story.post(
        "model/risk/1",
        example(
            "evaluation.recorded",
            model_version="model/risk/1",
            dataset_version="dataset/credit/1",
            measured_at=None,
        ),
    )
    story.say(
        "model/risk/1",
        example(
            "predictions.recorded", model_version="model/risk/1", dataset_version="dataset/credit/1"
        ),
    )
    story.decides("old", "DENY")
    story.promotes("p", "d1")
    story.deploys("succeeded", "d1")
    body = api.get("/api/v1/models/risk/versions/1").json()
    assert body["digest"] == digest("6")
    assert body["trained_on"] == ["dataset/credit/1"]
    assert body["stages"] == ["production"]
    assert [one["metrics"][0]["value"] for one in body["evaluations"]] == [0.79]
    assert [one["rows"] for one in body["predictions"]] == [1000]
    assert "cells" not in body["predictions"][0]
    assert body["decisions"] == {"production": {"decision_id": "d1", "gate": "ALLOW"}}
    assert [one["state"] for one in body["promotions"]] == ["live"]
    assert [(one["name"], one["gated"]) for one in body["deployments"]] == [("scoring", True)]
    with story.ledger.snapshot() as now:
        assert body["log_size"] == now.size


def test_a_dataset_version_shows_its_approvals(story: Story, api: Api) -> None:
    story.has_data()
    granted = story.say("dataset/credit/1", example("dataset.approval_granted"))
    story.say("dataset/credit/1", example("dataset.approval_granted", until=None))
    revoked = story.say("dataset/credit/1", example("dataset.approval_revoked", approval=granted))
    found = api.get("/api/v1/datasets/credit/versions/1").json()["approvals"]
    assert [one["revoked_index"] for one in found] == [revoked, None]
    assert [one["until"] for one in found] == ["2027-11-21T00:00:00.000000Z", None]
