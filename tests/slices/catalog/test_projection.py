"""Rows come from the log alone: replayed, they are the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.catalog import queries
from app.catalog.evidence import evidence_digest
from app.catalog.projection import CatalogProjection
from app.catalog.tables import TABLES
from app.core.events import KINDS, say
from app.core.events.kinds.models import EvaluationRecorded
from tests.slices.catalog.story import ALICE, CI, digest, example

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.catalog.values import PolicyVersion
    from tests.slices.catalog.story import Story


def everything(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    return {
        table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
        for table in TABLES
    }


def a_long_story(story: Story) -> None:
    story.has_model()
    story.post("run/a", example("run.started", inputs=[]))
    story.post("run/a", example("run.finished", inputs=None))
    story.say("dataset/credit/1", example("dataset.approval_granted"))
    story.say("dataset/credit/1", example("dataset.approval_revoked", approval=6))
    story.say("environments", example("environments.published"))
    story.say("policy/p/1.0.0", example("policy.drafted"))
    story.say("policy/p/1.0.0", example("policy.published"))
    story.promotes("p1", "d1")
    story.deploys("started", "d1")
    story.deploys("succeeded", "d1")
    story.promotes("p2", "d2")
    story.deploys("succeeded", "d2")
    story.deploys("rolled_back")
    story.say("promotion/p3", example("promotion.requested", model_version="model/risk/1"))
    story.say("promotion/p3", example("promotion.withdrawn"))
    for kind in sorted(KINDS):
        story.say("log", example(kind.removesuffix(".v1"))) if kind.startswith(
            ("user", "role", "token", "second", "session", "access", "report", "log", "review")
        ) else None


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_replayed_in_any_batches_the_log_makes_the_same_rows(story: Story, step: int) -> None:
    a_long_story(story)
    with story.ledger.snapshot() as now:
        before, size = everything(now.connection), now.size
    assert all(before[name] for name in ("promotions", "deployments", "policies", "runs"))

    def rebuild(connection: Connection) -> None:
        for table in TABLES:
            connection.execute(table.delete())
        for first in range(0, size, step):
            last = min(first + step, size)
            recorded = list(story.ledger.store.recorded(connection, first, last))
            CatalogProjection().apply(connection, recorded)

    story.ledger.operate(rebuild)
    with story.ledger.snapshot() as now:
        assert everything(now.connection) == before


def test_what_was_never_legal_changes_nothing_and_raises_nothing(story: Story) -> None:
    """The projection refuses nothing: refusals came before the entry, or not at all."""
    story.has_model()
    with story.ledger.snapshot() as now:
        before = everything(now.connection)
    story.say("run/none", example("run.finished"))
    story.say("promotion/none", example("promotion.withdrawn"))
    story.say("dataset/credit", example("dataset.registered", owner="another"))
    story.say("dataset/credit/1", example("dataset.approval_revoked", approval=999))
    with story.ledger.snapshot() as now:
        assert everything(now.connection) == before


def test_a_final_promotion_stays_as_it_ended(story: Story) -> None:
    story.has_model()
    story.say("promotion/p", example("promotion.requested", model_version="model/risk/1"))
    story.say("promotion/p", example("promotion.decided", state="denied"))
    story.say("promotion/p", example("promotion.decided", state="allowed"))
    with story.ledger.snapshot() as now:
        found = queries.promotion(now.connection, "p")
    assert found is not None
    assert found.state == "denied"


def test_a_run_is_read_back_as_its_two_events_say(story: Story) -> None:
    story.has_data()
    inputs = [{"subject": "dataset/credit/1", "role": "train_set"}]
    began = datetime(2026, 11, 20, tzinfo=UTC)
    story.post("run/a", example("run.started", inputs=inputs), at=began)
    with story.ledger.snapshot() as now:
        running = queries.run(now.connection, "run/a")
    assert running is not None
    assert (running.status, running.finished_at) == ("running", None)
    more = [{"subject": "dataset/credit/1", "role": "reference"}]
    story.post("run/a", example("run.finished", inputs=more), actor=ALICE)
    with story.ledger.snapshot() as now:
        run = queries.run(now.connection, "run/a")
    assert run is not None
    assert [edge.role for edge in run.inputs] == ["train_set", "reference"]
    assert [edge.subject for edge in run.outputs] == ["model/credit-risk/2"]
    assert (run.started_at, run.status) == ("2026-11-20T00:00:00.000000Z", "succeeded")
    assert (run.actor, run.finished_by) == (CI.id, ALICE.id)
    assert run.params == {"trees": 200, "rate": 0.1, "columns": ["credit_amount"]}
    assert run.cost is not None
    assert run.cost.amount == "0.02"


def test_evidence_is_never_newer_than_its_entry(story: Story) -> None:
    story.has_model()
    event = example(
        "evaluation.recorded",
        model_version="model/risk/1",
        dataset_version="dataset/credit/1",
        measured_at="2026-11-21T12:00:20Z",
    )
    story.post("model/risk/1", event)
    with story.ledger.snapshot() as now:
        (found,) = queries.evaluations(now.connection, "model/risk/1")
    assert found.measured_at == found.recorded_at < "2026-11-21T12:00:20"
    assert isinstance(event, EvaluationRecorded)
    assert found.digest == evidence_digest(event)


def test_the_digest_of_evidence_is_that_of_its_data() -> None:
    """Recomputed by hand: sha256 of the members as recorded, sorted, without spaces."""
    import hashlib
    import json

    event = example("evaluation.recorded")
    assert isinstance(event, EvaluationRecorded)
    data = say("model/credit-risk/2", event).data
    written = json.dumps(data, sort_keys=True, separators=(",", ":"))
    assert evidence_digest(event) == "sha256:" + hashlib.sha256(written.encode()).hexdigest()


def test_predictions_come_back_cell_by_cell(story: Story) -> None:
    story.has_model()
    event = example("predictions.recorded", model_version="model/risk/1")
    story.say("model/risk/1", event)
    with story.ledger.snapshot() as now:
        (found,) = queries.predictions(now.connection, "model/risk/1")
        assert queries.predictions(now.connection, "model/risk/1", found.created_index) == ()
    assert [(one.group, one.n, one.tp) for one in found.cells] == [
        ({"sex": "female"}, 310, 130),
        ({"sex": None}, 690, 330),
    ]


def policy(story: Story, version: str) -> PolicyVersion:
    with story.ledger.snapshot() as now:
        found = queries.policy_version(now.connection, "p", version)
    assert found is not None
    return found


def test_a_policy_goes_from_draft_to_published_to_replaced_and_one_is_in_force(
    story: Story,
) -> None:
    story.say("policy/p/1.0.0", example("policy.drafted", digest=digest("1")))
    story.say("policy/p/1.0.0", example("policy.drafted", digest=digest("2")))
    assert (policy(story, "1.0.0").state, policy(story, "1.0.0").digest) == ("draft", digest("2"))
    published = story.say("policy/p/1.0.0", example("policy.published", digest=digest("2")))
    story.say("policy/p/1.0.0", example("policy.drafted", digest=digest("3")))
    first = policy(story, "1.0.0")
    assert (first.state, first.digest, first.published_index) == (
        "published",
        digest("2"),
        published,
    )
    story.say("policy/p/2.0.0", example("policy.drafted"))
    story.say("policy/p/2.0.0", example("policy.published"))
    assert policy(story, "1.0.0").state == "replaced"
    with story.ledger.snapshot() as now:
        assert [one.version for one in queries.policies_in_force(now.connection)] == ["2.0.0"]
    story.say("policy/p/2.0.0", example("policy.retired"))
    with story.ledger.snapshot() as now:
        assert queries.policies_in_force(now.connection) == ()


def test_the_environments_published_last_hold(story: Story) -> None:
    with story.ledger.snapshot() as now:
        assert queries.environments(now.connection) is None
    story.say("environments", example("environments.published"))
    story.say("environments", example("environments.published", environments=["test", "live"]))
    with story.ledger.snapshot() as now:
        found = queries.environments(now.connection)
    assert found is not None
    assert found.names == ("test", "live")


def test_rows_in_common_are_counted_by_fingerprint(story: Story) -> None:
    prints = {"1": ["00" * 16, "11" * 16, "22" * 16], "2": ["22" * 16, "00" * 16], "3": None}
    story.post("dataset/d", example("dataset.registered", 1))
    for version, given in prints.items():
        event = example(
            "dataset.version_registered", 1, digest=digest(version), row_fingerprints=given
        )
        story.post(f"dataset/d/{version}", event)
    with story.ledger.snapshot() as now:
        shared = queries.rows_shared
        assert shared(now.connection, "dataset/d/1", "dataset/d/2") == 2
        assert shared(now.connection, "dataset/d/1", "dataset/d/1") == 3
        assert shared(now.connection, "dataset/d/1", "dataset/d/3") is None
        assert shared(now.connection, "dataset/d/4", "dataset/d/1") is None
        versions = queries.dataset_versions(now.connection, ["dataset/d/1", "dataset/d/3"])
    assert [one.fingerprinted for one in versions] == [True, False]


def test_decisions_and_promotions_of_a_version_are_found(story: Story) -> None:
    story.has_model()
    story.decides("d1", "DENY")
    last = story.decides("d2", "PENDING")
    story.decides("d3", environment="staging")
    story.say("promotion/p", example("promotion.requested", model_version="model/risk/1"))
    with story.ledger.snapshot() as now:
        connection = now.connection
        found = queries.last_decision(connection, "model/risk/1", "production")
        assert found is not None
        assert (found.id, found.created_index) == ("d2", last)
        assert queries.last_decision(connection, "model/risk/1", "test") is None
        assert [one.id for one in queries.decisions(connection, "model/risk/1", last)] == ["d1"]
        waiting = queries.open_promotion(connection, "model/risk/1", "production")
        assert waiting is not None
        assert waiting.id == "p"
        assert queries.open_promotion(connection, "model/risk/1", "staging") is None
        assert [one.id for one in queries.open_promotions(connection)] == ["p"]
        assert queries.stages(connection, "model/risk/1") == ()
    story.say("promotion/p", example("promotion.decided", decision_id="d2"))
    with story.ledger.snapshot() as now:
        assert queries.stages(now.connection, "model/risk/1") == ("production",)
