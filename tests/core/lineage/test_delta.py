"""What each event adds to the graph, and that all others add nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.core.events import KINDS, parse_event
from app.core.events.kinds import datasets, deployments, models
from app.core.lineage.delta import GraphDelta, delta
from app.core.lineage.nodes import revision_gid
from app.core.lineage.relations import FLOW, FOREVER, OPEN, PROV, Edge, RelationType
from tests.core.lineage.histories import (
    data_version,
    hour,
    model_version,
    moment,
    retired,
    rolled_back,
    run_finished,
    run_started,
    succeeded,
)

if TYPE_CHECKING:
    from app.core.events import Event

SCHEMAS = Path(__file__).parents[3] / "schemas"
EFFECTIVE = {
    "dataset.registered.v1",
    "dataset.version_registered.v1",
    "run.started.v1",
    "run.finished.v1",
    "model.registered.v1",
    "model.version_registered.v1",
    "deployment.succeeded.v1",
    "deployment.rolled_back.v1",
    "deployment.retired.v1",
}
PLACE = "deployment/production/scoring"


def flows(event: Event, subject: str) -> set[tuple[str, str, str, str]]:
    """What the event claims, as (src, type, role, dst)."""
    opened = delta(event, subject, 7, hour(0)).opened
    return {(edge.src, edge.type.value, edge.role, edge.dst) for edge in opened}


def test_a_claimed_edge_is_open_at_both_ends() -> None:
    (edge,) = delta(run_started("dataset/a/1"), "run/r", 7, hour(2)).opened
    assert edge == Edge(
        "dataset_version:a/1",
        "run:r",
        RelationType.INPUT,
        "train_set",
        7,
        OPEN,
        moment(2),
        FOREVER,
    )


def test_registering_names_a_node() -> None:
    event = models.ModelRegistered("ann", "scoring", "high")
    assert delta(event, "model/m", 0, hour(0)) == GraphDelta(("model:m",))


def test_a_dataset_version_comes_from_its_dataset_and_its_sources() -> None:
    assert flows(data_version("dataset/b/1", "dataset/c/1"), "dataset/a/2") == {
        ("dataset:a", "version", "", "dataset_version:a/2"),
        ("dataset_version:b/1", "source", "", "dataset_version:a/2"),
        ("dataset_version:c/1", "source", "", "dataset_version:a/2"),
    }


def test_a_run_uses_its_inputs_and_makes_its_outputs() -> None:
    event = models.RunFinished(
        "succeeded",
        (models.RunEdge("model/m/1", "model"),),
        (models.RunEdge("dataset/a/1", "eval_set"),),
    )
    assert flows(event, "run/r") == {
        ("dataset_version:a/1", "input", "eval_set", "run:r"),
        ("run:r", "output", "model", "model_version:m/1"),
    }


def test_a_run_without_inputs_is_a_node_all_the_same() -> None:
    assert delta(run_started(), "run/r", 0, hour(0)) == GraphDelta(("run:r",))


def test_a_model_version_comes_from_its_run_its_data_and_its_base() -> None:
    event = model_version("dataset/a/1", run="run/r", base_model="model/base/1")
    assert flows(event, "model/m/1") == {
        ("model:m", "version", "", "model_version:m/1"),
        ("dataset_version:a/1", "trained", "", "model_version:m/1"),
        ("model_version:base/1", "base", "", "model_version:m/1"),
        ("run:r", "output", "model", "model_version:m/1"),
    }


def test_a_model_version_may_come_from_nothing_known() -> None:
    assert flows(model_version(), "model/m/1") == {
        ("model:m", "version", "", "model_version:m/1"),
    }


@pytest.mark.parametrize("event", [succeeded("model/m/1"), rolled_back("model/m/1")])
def test_what_runs_is_live_through_a_revision(event: Event) -> None:
    revision = revision_gid(PLACE, moment(0), "model/m/1")
    assert flows(event, PLACE) == {
        ("model_version:m/1", "deployed", "", revision),
        (revision, "live", "", "deployment:production/scoring"),
    }


def test_retiring_is_a_revision_that_nothing_flows_from() -> None:
    revision = revision_gid(PLACE, moment(0), None)
    assert flows(retired("model/m/1"), PLACE) == {
        (revision, "retired", "", "deployment:production/scoring")
    }
    assert RelationType.RETIRED not in FLOW


def test_naming_the_same_input_twice_is_one_edge() -> None:
    assert len(delta(run_started("dataset/a/1", "dataset/a/1"), "run/r", 0, hour(0)).opened) == 1


def test_one_dataset_in_two_roles_is_two_edges() -> None:
    edges = (models.RunEdge("dataset/a/1", "train_set"), models.RunEdge("dataset/a/1", "eval_set"))
    assert len(delta(models.RunStarted("train", edges), "run/r", 0, hour(0)).opened) == 2


def test_a_failed_or_started_deployment_changes_nothing() -> None:
    for kind in (deployments.DeploymentStarted, deployments.DeploymentFailed):
        event = kind("production", "scoring", "model/m/1")
        assert delta(event, PLACE, 0, hour(0)) == GraphDelta()


@pytest.mark.parametrize("type_", sorted(KINDS))
def test_every_type_has_its_effect_or_none(type_: str) -> None:
    schema = json.loads((SCHEMAS / f"{type_}.json").read_text())
    for example in schema["examples"]:
        change = delta(parse_event(type_, example), "dataset/a/1", 0, hour(0))
        assert bool(change.nodes) == (type_ in EFFECTIVE)


def test_a_subject_of_another_kind_is_kept_as_an_entity() -> None:
    event = datasets.DatasetVersionRegistered(
        "sha256:0", "file:x", 1, 1, datasets.Schema(()), ("report/q1",)
    )
    assert ("entity:report/q1", "source", "", "dataset_version:a/1") in flows(event, "dataset/a/1")


def test_every_type_of_edge_reads_as_prov() -> None:
    assert set(PROV) == set(RelationType)
    assert PROV[RelationType.INPUT] == "used"
    assert PROV[RelationType.OUTPUT] == "was_generated_by"


def test_a_run_told_by_itself_and_by_its_model_gives_one_edge() -> None:
    by_run = flows(run_finished("model/m/1"), "run/r")
    assert by_run <= flows(model_version(run="run/r"), "model/m/1")
