"""Types by their wire names, and the subjects that events stand under."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.core.errors import SchemaMismatch, UnknownKind
from app.core.events import CLIENT_TYPES, KINDS, Said, full_type, parse_event, say
from app.core.events.envelope import check_subject, version_of
from app.core.events.kinds.datasets import DatasetRegistered


def test_a_type_without_its_version_means_the_newest() -> None:
    assert full_type("dataset.registered") == "dataset.registered.v1"
    assert full_type("dataset.registered.v1") == "dataset.registered.v1"


def test_an_unknown_type_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(UnknownKind) as refused:
        full_type("dataset.registred")
    assert "dataset.registered.v1" in str(refused.value.remedy)
    assert refused.value.faults[0].pointer == "#/type"


def test_a_type_like_no_other_is_refused_with_where_they_are_listed() -> None:
    with pytest.raises(UnknownKind) as refused:
        full_type("§§§")
    assert refused.value.remedy == "GET /api/v1/schemas"


def test_types_without_an_effect_yet_are_unknown() -> None:
    for name in ("legal_hold.placed", "waiver.granted", "incident.opened"):
        with pytest.raises(UnknownKind):
            full_type(name)


def test_every_type_carries_its_version_and_clients_post_some_of_them() -> None:
    assert all(kind.endswith(".v1") for kind in KINDS)
    assert set(KINDS) > CLIENT_TYPES
    assert "predictions.recorded.v1" not in CLIENT_TYPES


def test_an_event_says_its_own_data() -> None:
    event = DatasetRegistered(owner="risk", licence="MIT", description="")
    then = datetime(2026, 11, 21, tzinfo=UTC)
    assert say("dataset/credit", event, then) == Said(
        "dataset/credit", event, {"owner": "risk", "licence": "MIT", "description": ""}, then
    )
    assert (
        parse_event("dataset.registered", {"owner": "risk", "licence": "MIT", "description": ""})
        == event
    )


@pytest.mark.parametrize(
    "subject",
    [
        "dataset/credit",
        "dataset/credit/1.0",
        "model/m/2026-11-21",
        "deployment/production/scoring",
        "run/0192f4a0-7b1c-7d3e-8f00-000000000001",
        "policy/p",
        "policy/p/1.0.0",
        "promotion/a",
        "report/a",
        "user/a",
        "token/a",
        "environments",
        "settings",
        "log",
        "dataset/" + "a" * 100,
    ],
)
def test_subjects_of_the_contract_are_accepted(subject: str) -> None:
    check_subject(subject)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "dataset",
        "dataset/",
        "dataset//1",
        "dataset/a/b/c",
        "dataset/A",
        "dataset/-a",
        "dataset/a\n",
        "dataset/" + "a" * 101,
        "dataset/\N{ARABIC-INDIC DIGIT ONE}",
        "deployment/production",
        "log/1",
        "waiver/1",
        "Dataset/a",
    ],
)
def test_any_other_subject_is_refused_with_its_place(subject: str) -> None:
    with pytest.raises(SchemaMismatch) as refused:
        check_subject(subject)
    assert [fault.pointer for fault in refused.value.faults] == ["#/subject"]
    assert refused.value.remedy


def test_a_version_is_split_and_anything_else_refused() -> None:
    assert version_of("model/credit-risk/3") == ("model", "credit-risk", "3")
    with pytest.raises(SchemaMismatch):
        version_of("model/credit-risk")
