"""What a client may say next."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import pytest

from app.core.errors import (
    Conflict,
    FutureTime,
    HeadMoved,
    ParentMissing,
    Refusal,
    ReservedType,
    RoleMissing,
    SchemaMismatch,
)
from app.core.events import Event, say
from app.ledger import blobs
from app.ledger.posting import admit
from tests.slices.catalog.story import ALICE, CI, digest, example

if TYPE_CHECKING:
    from tests.slices.catalog.story import Story


def refused(story: Story, kind: type[Refusal], subject: str, event: Event) -> Refusal:
    """Post, expect a refusal of exactly this kind, and that nothing was stored."""
    with story.ledger.snapshot() as before:
        size = before.size
    with pytest.raises(kind) as raised:
        story.post(subject, event)
    assert type(raised.value) is kind
    with story.ledger.snapshot() as after:
        assert after.size == size
    return raised.value


def test_the_same_registration_again_is_the_first_receipt(story: Story) -> None:
    first = story.post("dataset/credit", example("dataset.registered"))
    assert story.post("dataset/credit", example("dataset.registered")) == first
    with story.ledger.snapshot() as now:
        assert now.size == 1


@pytest.mark.parametrize(
    ("kind", "subject", "change"),
    [
        ("dataset.registered", "dataset/credit", {"owner": "somebody-else"}),
        ("model.registered", "model/risk", {"risk_tier": "low"}),
        ("run.started", "run/train-2", {"kind": "tune", "inputs": []}),
    ],
)
def test_another_registration_of_the_same_name_is_a_conflict(
    story: Story, kind: str, subject: str, change: dict[str, str]
) -> None:
    story.post(subject, example(kind, **({"inputs": []} if kind == "run.started" else {})))
    refusal = refused(story, Conflict, subject, example(kind, **change))
    assert "entry 0" in refusal.detail


def test_a_version_waits_for_its_parent_and_the_refusal_names_the_command(story: Story) -> None:
    refusal = refused(
        story, ParentMissing, "dataset/credit/1", example("dataset.version_registered", 1)
    )
    assert refusal.remedy == "muniment dataset register credit"
    refusal = refused(story, ParentMissing, "model/risk/1", example("model.version_registered", 1))
    assert refusal.remedy == "muniment model register risk"


@pytest.mark.parametrize(
    ("change", "pointer", "command"),
    [
        ({"trained_on": ["dataset/none/1"]}, "#/data/trained_on/0", "muniment dataset version add"),
        ({"base_model": "model/risk/0"}, "#/data/base_model", "muniment model version add"),
        ({"run": "run/none"}, "#/data/run", "muniment run"),
    ],
)
def test_a_model_version_waits_for_all_it_comes_from(
    story: Story, change: dict[str, str], pointer: str, command: str
) -> None:
    story.has_model()
    event = example("model.version_registered", 1, **change)
    refusal = refused(story, ParentMissing, "model/risk/2", event)
    assert [fault.pointer for fault in refusal.faults] == [pointer]
    assert str(refusal.remedy).startswith(command)


def test_a_dataset_version_waits_for_what_it_is_derived_from(story: Story) -> None:
    story.has_data()
    event = example("dataset.version_registered", 1, derived_from=["dataset/credit/0"])
    refused(story, ParentMissing, "dataset/credit/2", event)


def test_the_same_version_with_the_same_digest_is_the_first_receipt(story: Story) -> None:
    story.has_model()
    moved = example("dataset.version_registered", 1, uri="s3://elsewhere")
    assert story.post("dataset/credit/1", moved) == 1
    again = example("model.version_registered", 1, trained_on=["dataset/credit/1"])
    assert story.post("model/risk/1", again) == 3


def test_the_same_version_with_another_digest_is_a_conflict(story: Story) -> None:
    story.has_model()
    other = example("dataset.version_registered", 1, digest=digest("f"))
    refused(story, Conflict, "dataset/credit/1", other)
    artifact = {"digest": digest("f"), "uri": "x"}
    refused(
        story, Conflict, "model/risk/1", example("model.version_registered", 1, artifact=artifact)
    )


def test_an_earlier_item_of_the_batch_is_a_valid_parent(story: Story) -> None:
    batch = [
        say("dataset/credit", example("dataset.registered", 1)),
        say("dataset/credit/1", example("dataset.version_registered", 1)),
        say("model/risk", example("model.registered")),
        say(
            "run/a",
            example("run.started", inputs=[{"subject": "dataset/credit/1", "role": "train"}]),
        ),
        say(
            "model/risk/1",
            example("model.version_registered", 1, trained_on=["dataset/credit/1"], run="run/a"),
        ),
        say("run/a", example("run.finished", inputs=None)),
        say(
            "model/risk/1",
            example(
                "evaluation.recorded",
                model_version="model/risk/1",
                dataset_version="dataset/credit/1",
                measured_at=None,
            ),
        ),
    ]
    assert story.post_all(batch) == [0, 1, 2, 3, 4, 5, 6]
    with pytest.raises(ParentMissing):
        story.post_all(
            list(
                reversed(
                    [
                        say("dataset/new", example("dataset.registered", 1)),
                        say("dataset/new/1", example("dataset.version_registered", 1)),
                    ]
                )
            )
        )


def test_the_same_thing_twice_in_one_batch_is_a_conflict(story: Story) -> None:
    with pytest.raises(Conflict, match="twice"):
        story.post_all([say("dataset/credit", example("dataset.registered"))] * 2)


def test_a_batch_that_is_partly_on_record_answers_each_with_its_own_receipt(story: Story) -> None:
    story.has_data()
    batch = [
        say("dataset/credit", example("dataset.registered", 1)),
        say("dataset/rates", example("dataset.registered", 1)),
        say("dataset/credit/1", example("dataset.version_registered", 1)),
    ]
    assert story.post_all(batch) == [0, 2, 1]


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("dataset.registered", "dataset/credit/1"),
        ("dataset.registered", "model/credit"),
        ("dataset.version_registered", "dataset/credit"),
        ("dataset.version_registered", "model/risk/1"),
        ("model.registered", "model/risk/1"),
        ("model.version_registered", "model/risk"),
        ("run.started", "dataset/credit"),
        ("run.finished", "model/risk/1"),
        ("document.recorded", "run/a"),
        ("evaluation.recorded", "model/risk/2"),
        ("deployment.started", "deployment/staging/scoring"),
        ("deployment.succeeded", "deployment/production/other"),
    ],
)
def test_an_event_stands_under_the_subject_its_data_is_about(
    story: Story, kind: str, subject: str
) -> None:
    story.has_model()
    change = {"model_version": "model/risk/1"} if kind.startswith(("eval", "deploy")) else {}
    refusal = refused(story, SchemaMismatch, subject, example(kind, **change))
    assert [fault.pointer for fault in refusal.faults] == ["#/subject"]


def measured(**changes: str | None) -> Event:
    whole = {
        "model_version": "model/risk/1",
        "dataset_version": "dataset/credit/1",
        "measured_at": None,
    }
    return example("evaluation.recorded", **(whole | changes))


def test_an_evaluation_is_of_the_registered_bytes(story: Story) -> None:
    story.has_model()
    story.post("model/risk/1", measured())
    for member in ("model_digest", "dataset_digest"):
        refusal = refused(story, Conflict, "model/risk/1", measured(**{member: digest("f")}))
        assert [fault.pointer for fault in refusal.faults] == [f"#/data/{member}"]


def test_an_evaluation_waits_for_model_and_data(story: Story) -> None:
    story.has_model()
    refused(story, ParentMissing, "model/risk/1", measured(dataset_version="dataset/credit/2"))
    refused(story, ParentMissing, "model/risk/2", measured(model_version="model/risk/2"))


def test_a_measurement_from_the_future_is_refused(story: Story) -> None:
    story.has_model()
    ahead = story.clock.now + timedelta(minutes=1)
    refused(
        story,
        FutureTime,
        "model/risk/1",
        measured(measured_at=ahead.strftime("%Y-%m-%dT%H:%M:%SZ")),
    )
    story.post("model/risk/1", measured(measured_at="2019-01-01T00:00:00Z"))


def test_a_run_is_finished_once_and_not_before_it_started(story: Story) -> None:
    refused(story, ParentMissing, "run/a", example("run.finished", inputs=None))
    story.post("run/a", example("run.started", inputs=[]))
    done = story.post("run/a", example("run.finished", inputs=None))
    assert story.post("run/a", example("run.finished", inputs=None)) == done
    refused(story, Conflict, "run/a", example("run.finished", inputs=None, status="failed"))


def test_inputs_of_a_run_are_registered_versions(story: Story) -> None:
    story.has_data()
    unknown = [{"subject": "dataset/credit/9", "role": "train_set"}]
    refusal = refused(story, ParentMissing, "run/a", example("run.started", inputs=unknown))
    assert [fault.pointer for fault in refusal.faults] == ["#/data/inputs/0"]
    other = [{"subject": "dataset/credit/1", "role": "train_set", "digest": digest("f")}]
    refused(story, Conflict, "run/a", example("run.started", inputs=other))


def test_inputs_that_are_no_versions_are_not_looked_up(story: Story) -> None:
    story.post("run/a", example("run.started", inputs=[{"subject": "run/b", "role": "parent"}]))


def test_a_document_may_be_about_a_model_as_a_whole(story: Story) -> None:
    story.has_model()
    blob = story.ledger.operate(lambda connection: blobs.put(connection, b"contract"))
    story.post("model/risk", example("document.recorded", blob=blob))


def test_a_document_waits_for_its_file_and_its_subject(story: Story) -> None:
    story.has_data()
    content = b'{"intended_use": "credit"}'
    event = example("document.recorded", blob=story.ledger.operate(lambda c: blobs.put(c, content)))
    refused(story, ParentMissing, "dataset/credit/1", example("document.recorded"))
    refused(story, ParentMissing, "dataset/credit/2", event)
    refused(story, ParentMissing, "model/risk", event)
    first = story.post("dataset/credit/1", event)
    assert story.post("dataset/credit/1", event) == first


def test_only_members_write_what_belongs_to_a_team(story: Story) -> None:
    story.teams[CI.id] = frozenset({"marketing"})
    refused(story, RoleMissing, "dataset/credit", example("dataset.registered"))
    story.post("dataset/credit", example("dataset.registered"), actor=ALICE)
    refused(story, RoleMissing, "dataset/credit/1", example("dataset.version_registered", 1))
    story.teams[CI.id] = frozenset({"marketing", "lending"})
    story.post("dataset/credit/1", example("dataset.version_registered", 1))


def test_a_deployment_is_its_models_teams(story: Story) -> None:
    story.has_data()
    story.post("model/risk", example("model.registered"))
    story.post("model/risk/1", example("model.version_registered", 1))
    story.teams[CI.id] = frozenset()
    started = example("deployment.started", 1, model_version="model/risk/1")
    refused(story, RoleMissing, "deployment/production/scoring", started)


def test_a_service_type_is_not_a_clients_to_say(story: Story) -> None:
    story.has_model()
    refused(story, ReservedType, "model/risk/1", example("predictions.recorded"))


def test_of_two_who_register_the_same_name_at_once_one_wins(story: Story) -> None:
    """Both look before either is recorded; the append lets only one of them in."""
    events = [example("dataset.registered", owner=owner) for owner in ("one", "two")]
    postings = [
        admit(story.ledger, story.rules, [say("dataset/credit", event)], CI) for event in events
    ]
    outcomes: list[object] = []
    together = Barrier(2)

    def record(place: int) -> None:
        together.wait()
        posting = postings[place]
        try:
            outcomes.append(story.ledger.record_all(posting.fresh, CI, expects=posting.expects))
        except HeadMoved as refusal:
            outcomes.append(refusal)

    threads = [Thread(target=record, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one) is HeadMoved for one in outcomes) == [False, True]
