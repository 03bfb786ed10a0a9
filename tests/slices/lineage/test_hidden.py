"""What is for a team alone keeps its place in every answer and loses its name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.core.access import Permission
from app.core.events.kinds import datasets, models
from tests.core.lineage.histories import (
    Told,
    data_version,
    hour,
    model_version,
    moment,
    run_started,
    succeeded,
)
from tests.slices.lineage.conftest import FakeCaller

if TYPE_CHECKING:
    from tests.slices.lineage.conftest import Stage

READ = frozenset({Permission.READ})
SECRET = models.ModelRegistered("ann", "p", "high", team="lending", team_only=True)
STORY = [
    Told("dataset/open", datasets.DatasetRegistered("ann", "CC0", "d", team="lending"), hour(0)),
    Told("dataset/open/1", data_version(), hour(0)),
    Told("model/covert", SECRET, hour(1)),
    Told("model/covert/1", model_version("dataset/open/1"), hour(2)),
    Told("deployment/production/covert-scoring", succeeded("model/covert/1"), hour(3)),
    Told(
        "dataset/nobodys",
        datasets.DatasetRegistered("ann", "CC0", "d", team_only=True),
        hour(4),
    ),
    Told("dataset/nobodys/1", data_version("dataset/open/1"), hour(4)),
    Told("run/open", run_started("dataset/nobodys/1"), hour(5)),
]


@pytest.fixture(autouse=True)
def told(stage: Stage) -> None:
    stage.tells(STORY)


def ask(stage: Stage, question: str, teams: frozenset[str] | None) -> str:
    stage.door.caller = FakeCaller(READ, teams=teams)
    answer = stage.get(f"/api/v1/graph/{question}")
    assert answer.status_code == 200
    return answer.text


def test_a_stranger_sees_that_something_is_affected_but_not_what(stage: Stage) -> None:
    answer = json.loads(ask(stage, "impact?node=dataset/open/1&why=1", frozenset({"fraud"})))
    affected = answer["result"]["affected"]
    assert [(one["kind"], one["gid"], one.get("subject")) for one in affected] == [
        ("dataset_version", "dataset_version:*1", None),
        ("model_version", "model_version:*2", None),
        ("deployment_revision", "deployment_revision:*3", None),
        ("run", "run:open", "run/open"),
        ("deployment", "deployment:*4", None),
    ]
    assert [edge["dst"] for edge in affected[-1]["why"]] == [
        "model_version:*2",
        "deployment_revision:*3",
        "deployment:*4",
    ]
    assert answer["status"] == "complete"


@pytest.mark.parametrize(
    "question",
    [
        "impact?node=dataset/open/1&why=1",
        "closure?node=dataset/open/1&direction=downstream",
        "closure?node=run/open&direction=upstream",
        "why?from=dataset/open/1&to=run/open",
    ],
)
def test_no_answer_to_a_stranger_holds_a_hidden_name(stage: Stage, question: str) -> None:
    answer = ask(stage, question, frozenset())
    assert "covert" not in answer
    assert "nobodys" not in answer
    assert "*1" in answer


def test_members_and_those_whom_no_team_limits_see_the_names(stage: Stage) -> None:
    question = "impact?node=dataset/open/1"
    member = ask(stage, question, frozenset({"lending"}))
    assert "covert" in member
    assert "nobodys" not in member
    unlimited = ask(stage, question, None)
    assert "covert" in unlimited
    assert "nobodys" in unlimited


@pytest.mark.parametrize(
    "question",
    [
        "closure?direction=upstream&node=",
        "impact?node=",
        "why?from=dataset/open/1&to=",
        "why?to=dataset/open/1&from=",
    ],
)
@pytest.mark.parametrize(
    "node",
    [
        "model/covert",
        "model/covert/1",
        "model_version:covert/1",
        "dataset/nobodys/1",
        "deployment/production/covert-scoring",
        f"deployment_revision:production/covert-scoring@{moment(3)}/covert/1",
    ],
)
def test_asking_about_what_is_hidden_is_asking_about_nothing(
    stage: Stage, question: str, node: str
) -> None:
    stage.door.caller = FakeCaller(READ, teams=frozenset())
    hidden = stage.get(f"/api/v1/graph/{question}{node}")
    unknown = stage.get(f"/api/v1/graph/{question}{node}-not")
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.json()["detail"].replace(node, "") == unknown.json()["detail"].replace(
        f"{node}-not", ""
    )
    stage.door.caller = FakeCaller(READ, teams=None)
    assert stage.get(f"/api/v1/graph/{question}{node}").status_code == 200


@pytest.mark.parametrize(
    ("prefix", "environment", "named"),
    [
        ("model/covert", None, {"model/covert/1", "deployment/production/covert-scoring"}),
        ("model/covert", "production", {"model/covert/1", "deployment/production/covert-scoring"}),
        ("model/covert", "staging", {"model/covert/1"}),
        ("model/cover", None, set()),
        ("deployment/production", None, {"deployment/production/covert-scoring"}),
        ("dataset/open", None, {"dataset/open/1"}),
        (None, "staging", {"model/covert/1", "dataset/open/1"}),
    ],
)
def test_before_a_limited_token_only_what_it_is_limited_to_has_a_name(
    stage: Stage, prefix: str | None, environment: str | None, named: set[str]
) -> None:
    """A deployment is named where it lies below the prefix, or what it runs does."""
    stage.door.caller = FakeCaller(READ, prefix=prefix, environment=environment)
    subjects = ("model/covert/1", "dataset/open/1", "deployment/production/covert-scoring")
    for subject in subjects:
        answer = stage.get(f"/api/v1/graph/closure?direction=upstream&node={subject}")
        assert answer.status_code == (200 if subject in named else 404)
        if subject in named:
            nodes = answer.json()["result"]["nodes"]
            shown = {one["subject"] for one in nodes if "subject" in one}
            assert shown & set(subjects) <= named


def test_a_revision_is_named_where_what_ran_is_in_sight(stage: Stage) -> None:
    question = "/api/v1/graph/closure?direction=downstream&node=model/covert/1"
    for environment, hidden in ((None, False), ("staging", True)):
        stage.door.caller = FakeCaller(READ, prefix="model/covert", environment=environment)
        nodes = stage.get(question).json()["result"]["nodes"]
        [revision] = [one["gid"] for one in nodes if one["kind"] == "deployment_revision"]
        assert ("*" in revision) is hidden
