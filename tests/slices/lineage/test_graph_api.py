"""The graph's questions as clients ask them, and every way to be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.access import Permission
from tests.core.lineage.histories import (
    Told,
    data_version,
    hour,
    model_version,
    moment,
    retired,
    run_finished,
    run_started,
    succeeded,
)
from tests.slices.lineage.conftest import FakeCaller

if TYPE_CHECKING:
    from httpx import Response

    from tests.slices.lineage.conftest import Stage

PLACE = "deployment/production/scoring"
STORY = [
    Told("dataset/credit/1", data_version(), hour(0)),
    Told("dataset/clean/1", data_version("dataset/credit/1"), hour(1)),
    Told("run/train-1", run_started("dataset/clean/1"), hour(2)),
    Told("run/train-1", run_finished("model/risk/1"), hour(3)),
    Told("model/risk/1", model_version(run="run/train-1"), hour(4)),
    Told(PLACE, succeeded("model/risk/1"), hour(5)),
]
REVISION = f"deployment_revision:production/scoring@{moment(5)}/risk/1"


@pytest.fixture(autouse=True)
def reader(stage: Stage) -> None:
    stage.door.caller = FakeCaller(frozenset({Permission.READ}))
    stage.tells(STORY)


def ask(stage: Stage, question: str, **query: object) -> Response:
    params = {name.rstrip("_"): str(value) for name, value in query.items()}
    return stage.get(f"/api/v1/graph/{question}", params)


def edge(src: str, type_: str, dst: str, index: int, role: str = "") -> dict[str, object]:
    return {"src": src, "dst": dst, "type": type_, "role": role, "index": index}


WHY = [
    edge("dataset_version:credit/1", "source", "dataset_version:clean/1", 1),
    edge("dataset_version:clean/1", "input", "run:train-1", 2, "train_set"),
    edge("run:train-1", "output", "model_version:risk/1", 3, "model"),
    edge("model_version:risk/1", "deployed", REVISION, 5),
    edge(REVISION, "live", "deployment:production/scoring", 5),
]


def test_impact_names_every_live_deployment_and_why(stage: Stage) -> None:
    answer = ask(stage, "impact", node="dataset/credit/1", kind="deployment", state="live", why=1)
    assert answer.status_code == 200
    assert answer.json() == {
        "result": {
            "affected": [
                {
                    "gid": "deployment:production/scoring",
                    "subject": PLACE,
                    "kind": "deployment",
                    "state": "live",
                    "distance": 5,
                    "why": WHY,
                }
            ]
        },
        "graph_seq": 6,
        "log_size": 6,
        "status": "complete",
        "source": "sql",
    }


def test_without_being_asked_why_impact_is_short(stage: Stage) -> None:
    affected = ask(stage, "impact", node="dataset/credit/1").json()["result"]["affected"]
    assert [(one["kind"], one["state"], one["distance"]) for one in affected] == [
        ("dataset_version", None, 1),
        ("run", None, 2),
        ("model_version", None, 3),
        ("deployment_revision", "live", 4),
        ("deployment", "live", 5),
    ]
    assert all("why" not in one for one in affected)
    assert "subject" not in affected[3]


def test_a_retired_deployment_is_affected_no_more_but_was(stage: Stage) -> None:
    stage.tells([Told(PLACE, retired("model/risk/1"), hour(8))])
    asked = {"node": "dataset/credit/1", "kind": "deployment", "state": "live"}
    now = ask(stage, "impact", **asked)
    before = ask(stage, "impact", **asked, as_of_seq=6)
    then = ask(stage, "impact", **asked, as_of_time=hour(7).isoformat())
    found = [len(one.json()["result"]["affected"]) for one in (now, before, then)]
    assert found == [0, 1, 1]
    assert [one.json()["log_size"] for one in (now, before, then)] == [7, 7, 7]


def test_closure_gives_nodes_with_distance_and_the_edges_among_them(stage: Stage) -> None:
    answer = ask(stage, "closure", node="model/risk/1", direction="upstream", depth=1).json()
    assert answer["result"] == {
        "nodes": [
            {
                "gid": "model_version:risk/1",
                "subject": "model/risk/1",
                "kind": "model_version",
                "distance": 0,
            },
            {"gid": "model:risk", "subject": "model/risk", "kind": "model", "distance": 1},
            {"gid": "run:train-1", "subject": "run/train-1", "kind": "run", "distance": 1},
        ],
        "edges": [
            edge("model:risk", "version", "model_version:risk/1", 4),
            edge("run:train-1", "output", "model_version:risk/1", 3, "model"),
        ],
    }
    assert answer["status"] == "truncated"


@pytest.mark.parametrize("kinds", ["kinds=run&kinds=dataset_version", "kinds=run,dataset_version"])
def test_several_kinds_are_written_either_way(stage: Stage, kinds: str) -> None:
    url = f"/api/v1/graph/closure?node=model/risk/1&direction=upstream&{kinds}"
    listed = stage.get(url).json()["result"]["nodes"]
    assert {one["kind"] for one in listed} == {"model_version", "run", "dataset_version"}


def test_why_gives_the_way_and_null_where_none_is(stage: Stage) -> None:
    there = ask(stage, "why", from_="dataset/credit/1", to="deployment:production/scoring")
    assert there.json()["result"] == {"path": WHY}
    back = ask(stage, "why", from_=PLACE, to="dataset/credit/1")
    assert back.json()["result"] == {"path": None}
    assert back.json()["status"] == "complete"


def test_a_limit_or_a_timeout_never_looks_complete(stage: Stage) -> None:
    few = ask(stage, "closure", node="dataset/credit/1", direction="downstream", limit=2)
    assert (few.json()["status"], len(few.json()["result"]["nodes"])) == ("truncated", 2)
    none = ask(stage, "closure", node="dataset/credit/1", direction="downstream", timeout_ms=0)
    assert none.json()["status"] == "timeout"


def test_the_store_says_how_far_it_is(stage: Stage) -> None:
    assert ask(stage, "status").json() == {
        "store": "sql",
        "graph_seq": 6,
        "log_size": 6,
        "lag": 0,
        "last_error": None,
    }


def test_a_caller_reads_their_own_write(stage: Stage) -> None:
    assert ask(stage, "impact", node="dataset/credit/1", min_seq=6).status_code == 200


CLOSURE = {"node": "dataset/credit/1", "direction": "upstream"}
WRONG: list[tuple[str, dict[str, object], int, str]] = [
    ("closure", {**CLOSURE, "min_seq": 7}, 422, "#/query/min_seq"),
    ("closure", {**CLOSURE, "as_of_seq": 7}, 422, "#/query/as_of_seq"),
    ("closure", {**CLOSURE, "as_of_seq": -1}, 422, "#/query/as_of_seq"),
    ("closure", {**CLOSURE, "as_of_seq": "x"}, 422, "#/query/as_of_seq"),
    ("closure", {**CLOSURE, "as_of_seq": 0}, 404, "#/query/node"),
    ("closure", {**CLOSURE, "as_of_time": "2026-01-01T00:00:00"}, 422, "#/query/as_of_time"),
    ("closure", {**CLOSURE, "as_of_time": "soon"}, 422, "#/query/as_of_time"),
    ("closure", {**CLOSURE, "as_of_time": "0001-01-01T00:00:00+14:00"}, 422, "#/query/as_of_time"),
    ("closure", {**CLOSURE, "depth": 0}, 422, "#/query/depth"),
    ("closure", {**CLOSURE, "depth": 10_001}, 422, "#/query/depth"),
    ("closure", {**CLOSURE, "limit": 0}, 422, "#/query/limit"),
    ("closure", {**CLOSURE, "limit": 10_001}, 422, "#/query/limit"),
    ("closure", {**CLOSURE, "timeout_ms": -1}, 422, "#/query/timeout_ms"),
    ("closure", {**CLOSURE, "timeout_ms": 30_001}, 422, "#/query/timeout_ms"),
    ("closure", {**CLOSURE, "kinds": "banana"}, 422, "#/query/kinds/0"),
    ("closure", {**CLOSURE, "dept": 3}, 422, "#/query/dept"),
    ("closure", {"node": "dataset/credit/1"}, 422, "#/query/direction"),
    ("closure", {"node": "dataset/credit/1", "direction": "sideways"}, 422, "#/query/direction"),
    ("closure", {"direction": "upstream"}, 422, "#/query/node"),
    ("closure", {"node": "", "direction": "upstream"}, 422, "#/query/node"),
    ("closure", {"node": "x" * 1001, "direction": "upstream"}, 422, "#/query/node"),
    ("closure", {"node": "dataset/nobody", "direction": "upstream"}, 404, "#/query/node"),
    ("closure", {"node": "banana:x", "direction": "upstream"}, 404, "#/query/node"),
    ("impact", {"node": "dataset/nobody"}, 404, "#/query/node"),
    ("impact", {"node": "dataset/credit/1", "state": "dead"}, 422, "#/query/state"),
    ("impact", {"node": "dataset/credit/1", "kind": "banana"}, 422, "#/query/kind/0"),
    ("impact", {"node": "dataset/credit/1", "why": "maybe"}, 422, "#/query/why"),
    ("why", {"from": "dataset/credit/1"}, 422, "#/query/to"),
    ("why", {"from": "dataset/nobody", "to": "model/risk/1"}, 404, "#/query/from"),
    ("why", {"from": "dataset/credit/1", "to": "model/nobody"}, 404, "#/query/to"),
    ("why", {"from": "model/risk", "to": "model/risk/1", "min_seq": 9}, 422, "#/query/min_seq"),
]


@pytest.mark.parametrize(("question", "query", "status", "pointer"), WRONG)
def test_a_wrong_question_is_refused_with_its_place(
    stage: Stage, question: str, query: dict[str, object], status: int, pointer: str
) -> None:
    answer = ask(stage, question, **query)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("closure", CLOSURE),
        ("impact", {"node": "dataset/credit/1"}),
        ("why", {"from": "dataset/credit/1", "to": "model/risk/1"}),
        ("status", {}),
    ],
)
def test_every_question_takes_the_permission_to_read(
    stage: Stage, question: str, query: dict[str, object]
) -> None:
    stage.door.caller = FakeCaller(frozenset())
    assert ask(stage, question, **query).status_code == 403
    stage.door.caller = None
    assert ask(stage, question, **query).status_code == 401
