"""Predictions are counted here; counts that were made elsewhere are marked as such."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.living import expect
from tests.slices.gates.bank import DATA, STRADDLING, UNFAIR, cells, digest, rows

if TYPE_CHECKING:
    import httpx

    from tests.living import Person, Token
    from tests.slices.gates.bank import Bank

FORM: dict[str, Any] = {
    "dataset": DATA,
    "attributes": ["sex", "age_group"],
    "favourable_outcome": "1",
    "prediction": "predicted",
    "label": "repaid",
}


@pytest.fixture
def subject(bank: Bank) -> str:
    bank.data()
    return bank.model()


def upload(
    bank: Bank,
    subject: str,
    content: bytes | str | None = None,
    by: Person | Token | None = None,
    headers: dict[str, str] | None = None,
    **changes: object,
) -> httpx.Response:
    """Upload a file; a changed field that is None is left out."""
    form = {name: one for name, one in {**FORM, **changes}.items() if one is not None}
    file = ("predictions", content if content is not None else rows(UNFAIR))
    return bank.world.client(by or bank.erin).post(
        bank.predictions(subject), data=form, files={"file": file}, headers=headers
    )


def pointers(answer: httpx.Response) -> set[str]:
    return {one["pointer"] for one in expect(422, answer)["errors"]}


def test_a_file_is_counted(bank: Bank, subject: str) -> None:
    taken = expect(201, upload(bank, subject))
    [recorded] = bank.events("predictions.recorded")
    assert recorded["index"] == taken["evidence"]["index"]
    assert recorded["rows"] == 4000
    assert recorded["counted_by"] != "client"
    assert recorded["file_digest"].startswith("sha256:")
    assert (recorded["model_digest"], recorded["dataset_digest"]) == (
        digest(subject),
        digest(DATA),
    )
    counted = {tuple(sorted(one["group"].items())): one for one in recorded["cells"]}
    for one in cells(UNFAIR):
        found = counted[tuple(sorted(one["group"].items()))]
        assert {name: found[name] for name in ("tp", "fp", "fn", "tn")} == {
            name: one[name] for name in ("tp", "fp", "fn", "tn")
        }


def test_the_answer_has_a_table_for_each_attribute_and_for_both(bank: Bank, subject: str) -> None:
    tables = expect(201, upload(bank, subject))["tables"]
    assert [table["attributes"] for table in tables] == [
        ["sex"],
        ["age_group"],
        ["sex", "age_group"],
    ]
    women, men = sorted(tables[0]["groups"], key=lambda one: str(one["group"]["sex"]))
    assert (women["n"], women["selected"]) == (2000, 600)
    assert women["selection_rate"] == {"num": 600, "den": 2000, "value": "0.300000000"}
    assert women["impact_ratio"]["value"] == "0.600000000"
    assert men["selection_rate"]["value"] == "0.500000000"
    assert float(women["impact_ratio"]["low"]) < 0.6 < float(women["impact_ratio"]["high"])


def test_groups_of_fewer_than_five_people_show_no_numbers(bank: Bank, subject: str) -> None:
    content = "sex,predicted\n" + "F,1\n" * 4 + "M,1\n" * 3 + "M,0\n" * 7
    answer = upload(bank, subject, content, attributes="sex", label=None)
    [table] = expect(201, answer)["tables"]
    shown = {one["group"]["sex"]: one for one in table["groups"]}
    for name in ("n", "selected", "selection_rate", "impact_ratio"):
        assert shown["F"][name] is None
    assert shown["M"]["n"] == 10


def test_a_rate_without_anybody_is_null_and_not_zero(bank: Bank, subject: str) -> None:
    posted = [
        {"group": {"sex": "F"}, "n": 0, "selected": 0},
        {"group": {"sex": "M"}, "n": 10, "selected": 5},
    ]
    body = {"dataset": DATA, "attributes": ["sex"], "favourable_outcome": "1", "cells": posted}
    answer = bank.world.client(bank.erin).post(bank.predictions(subject), json=body)
    if answer.status_code == 201:
        shown = {one["group"]["sex"]: one for one in answer.json()["tables"][0]["groups"]}
        assert shown["F"]["selection_rate"]["value"] is None
    else:
        assert answer.status_code == 422


@pytest.mark.parametrize("written", ["sex,age_group", ["sex", "age_group"], ["sex, age_group"]])
def test_attributes_may_be_repeated_or_listed(
    bank: Bank, subject: str, written: str | list[str]
) -> None:
    expect(201, upload(bank, subject, attributes=written))
    [recorded] = bank.events("predictions.recorded")
    assert recorded["attributes"] == ["sex", "age_group"]


def test_parquet_is_counted_as_the_same_csv_is(bank: Bank, subject: str) -> None:
    path = bank.world.house.folder.path / "rows.parquet"
    source = path.with_suffix(".csv")
    source.write_text(rows(STRADDLING))
    duckdb.read_csv(str(source)).write_parquet(str(path))
    expect(201, upload(bank, subject, path.read_bytes()))
    expect(201, upload(bank, subject, rows(STRADDLING)))
    first, second = bank.events("predictions.recorded")
    assert first["cells"] == second["cells"]
    assert first["file_digest"] != second["file_digest"]


def test_a_score_is_cut_at_a_threshold(bank: Bank, subject: str) -> None:
    content = "sex,score\n" + "F,0.69\n" * 10 + "F,0.7\n" * 10 + "M,0.9\n" * 20
    answer = upload(
        bank,
        subject,
        content,
        attributes="sex",
        label=None,
        prediction=None,
        score="score",
        threshold="0.7",
    )
    expect(201, answer)
    [recorded] = bank.events("predictions.recorded")
    assert {one["group"]["sex"]: one["selected"] for one in recorded["cells"]} == {"F": 10, "M": 20}
    assert recorded["threshold"].startswith("0.7")


def test_counts_of_a_client_are_marked_as_such(bank: Bank, subject: str) -> None:
    bank.counted(subject, UNFAIR)
    [recorded] = bank.events("predictions.recorded")
    assert recorded["counted_by"] == "client"
    assert recorded.get("file_digest") is None
    assert recorded["rows"] == 4000


def test_a_policy_may_refuse_counts_of_a_client(bank: Bank) -> None:
    counted = {"type": "bias-report/v1", "computed_by": "service"}
    bank.publish(evidence__bias=counted)
    subject = bank.ready()
    outcome = "production-default/fair.impact"
    assert outcome in bank.check(subject)["unmet"]
    expect(201, upload(bank, subject, rows()))
    assert outcome not in bank.check(subject)["unmet"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"attributes": "sex,height"}, "#/attributes"),
        ({"prediction": "predictions"}, "#/prediction"),
        ({"prediction": None}, "#/prediction"),
        ({"score": "predicted"}, "#/prediction"),
        ({"prediction": None, "score": "predicted"}, "#/threshold"),
        ({"prediction": None, "score": "predicted", "threshold": "half"}, "#/threshold"),
        ({"label": "paid"}, "#/label"),
        ({"favourable_outcome": None}, "#/favourable_outcome"),
        ({"dataset": None}, "#/dataset"),
        ({"dataset": "model/credit/1"}, "#/dataset"),
        ({"unknown": "field"}, "#/unknown"),
        ({"attributes": None}, "#/attributes"),
        ({"measured_at": "yesterday"}, "#/measured_at"),
        ({"measured_at": "2036-01-01T00:00:00Z"}, "#/measured_at"),
    ],
)
def test_what_is_wrong_with_a_form_is_told_where(
    bank: Bank, subject: str, changes: dict[str, Any], pointer: str
) -> None:
    size = bank.size
    found = pointers(upload(bank, subject, **changes))
    assert any(one.startswith(pointer) for one in found), found
    assert bank.size == size


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"attributes": "sex"}, "#/attributes"),
        ({"cells": {}}, "#/cells"),
        ({"cells": [{"group": {"sex": "F"}, "n": 10, "selected": 11}]}, "#/cells"),
        ({"more": 1}, "#/more"),
        ({"measured_at": "2036-01-01T00:00:00Z"}, "#/measured_at"),
    ],
)
def test_what_is_wrong_with_counts_is_told_where(
    bank: Bank, subject: str, changes: dict[str, object], pointer: str
) -> None:
    body = {
        "dataset": DATA,
        "attributes": ["sex"],
        "favourable_outcome": "1",
        "cells": [{"group": {"sex": "F"}, "n": 10, "selected": 5}],
        **changes,
    }
    size = bank.size
    answer = bank.world.client(bank.erin).post(bank.predictions(subject), json=body)
    assert any(one.startswith(pointer) for one in pointers(answer)), answer.text
    assert bank.size == size


def test_data_and_models_that_nobody_registered_are_not_found(bank: Bank, subject: str) -> None:
    assert upload(bank, subject, dataset="dataset/applicants/9").status_code == 404
    assert upload(bank, "model/credit/9").status_code == 404


def test_other_media_and_missing_files_are_refused(bank: Bank, subject: str) -> None:
    client = bank.world.client(bank.erin)
    path = bank.predictions(subject)
    headers = {"Content-Type": "text/csv"}
    assert client.post(path, content=rows(), headers=headers).status_code == 415
    form = {"dataset": DATA, "attributes": "sex", "favourable_outcome": "1", "prediction": "p"}
    files = {"other": ("x", io.BytesIO(b"x"))}
    assert client.post(path, data=form, files=files).status_code == 422
    assert upload(bank, subject, b"\x00\x01\x02").status_code == 422


def test_the_same_key_counts_once(bank: Bank, subject: str) -> None:
    key = {"Idempotency-Key": "once"}
    first, second = (upload(bank, subject, headers=key) for _ in range(2))
    assert expect(201, second) == expect(201, first)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(list(bank.events("predictions.recorded"))) == 1
    assert upload(bank, subject, rows(), headers=key).status_code == 409


def test_only_who_records_evidence_uploads(bank: Bank, subject: str) -> None:
    assert upload(bank, subject, by=bank.vera).status_code == 403
    token = bank.world.token("evidence:write", owner=bank.erin, subject_prefix="model/other")
    assert upload(bank, subject, by=token).status_code == 403
    token = bank.world.token("evidence:write", owner=bank.erin, subject_prefix="model/credit")
    expect(201, upload(bank, subject, by=token))


def test_what_is_a_teams_is_counted_by_its_members(bank: Bank) -> None:
    bank.data()
    about = {"owner": "cards", "purpose": "cards", "risk_tier": "high", "team": "cards"}
    bank.world.record(bank.erin, "model.registered", "model/cards", about)
    version = {
        "artifact": {"digest": digest("cards"), "uri": "file:///cards"},
        "framework": "scikit-learn",
        "trained_on": [],
    }
    bank.world.record(bank.erin, "model.version_registered", "model/cards/1", version)
    member, other = bank.world.person("mia"), bank.world.person("lou")
    bank.world.grant(member, "engineer", team="cards")
    bank.world.grant(other, "engineer", team="loans")
    assert upload(bank, "model/cards/1", by=other).status_code == 403
    expect(201, upload(bank, "model/cards/1", by=member))
