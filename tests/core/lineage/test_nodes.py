"""Every subject has one gid, and a gid leads back to its subject."""

from __future__ import annotations

import pytest

from app.core.lineage.nodes import NodeKind, gid_of, kind_of, revision_gid, subject_of

SUBJECTS = [
    ("dataset/credit", "dataset:credit", NodeKind.DATASET),
    ("dataset/credit/3", "dataset_version:credit/3", NodeKind.DATASET_VERSION),
    ("run/train-7", "run:train-7", NodeKind.RUN),
    ("model/risk", "model:risk", NodeKind.MODEL),
    ("model/risk/2", "model_version:risk/2", NodeKind.MODEL_VERSION),
    ("deployment/production/risk", "deployment:production/risk", NodeKind.DEPLOYMENT),
    ("policy/fair/1", "entity:policy/fair/1", NodeKind.ENTITY),
    ("run/a/b", "entity:run/a/b", NodeKind.ENTITY),
    ("log", "entity:log", NodeKind.ENTITY),
]


@pytest.mark.parametrize(("subject", "gid", "kind"), SUBJECTS)
def test_a_subject_and_its_gid_name_each_other(subject: str, gid: str, kind: NodeKind) -> None:
    assert gid_of(subject) == gid
    assert kind_of(gid) is kind
    assert subject_of(gid) == subject


def test_a_revision_is_named_by_what_happened_and_stands_for_no_subject() -> None:
    gid = revision_gid("deployment/production/risk", "2026-01-02T03:04:05.000006Z", "model/risk/2")
    assert gid == "deployment_revision:production/risk@2026-01-02T03:04:05.000006Z/risk/2"
    assert kind_of(gid) is NodeKind.DEPLOYMENT_REVISION
    assert subject_of(gid) is None


def test_a_revision_in_which_nothing_runs_names_no_model() -> None:
    gid = revision_gid("deployment/production/risk", "2026-01-02T03:04:05.000006Z", None)
    assert gid == "deployment_revision:production/risk@2026-01-02T03:04:05.000006Z"
