"""Ordering, watching, cancelling and taking reports over HTTP."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from app.core.access import Permission
from app.core.ledger.verdict import Outcome
from tests.both import verify_bundle
from tests.slices.catalog.callers import CALLERS, KnownCaller
from tests.slices.reporting.test_making import finished

if TYPE_CHECKING:
    from pathlib import Path

    from app.reporting.jobs import Job
    from tests.slices.catalog.asking import Api
    from tests.slices.reporting.conftest import Office

ORDER = {"type": "model-audit", "scope": "model/risk"}


def size(office: Office) -> int:
    with office.story.ledger.snapshot() as now:
        return now.size


def job_of(office: Office, body: dict[str, str]) -> Job:
    return office.reports.find(CALLERS["everybody"], body["id"])


def test_a_report_is_ordered_watched_and_taken_in_three_forms(
    office: Office, api: Api, tmp_path: Path
) -> None:
    office.story.whole()
    before = size(office)
    answer = api.post("/api/v1/reports", json=ORDER)
    assert answer.status_code == 202
    path = answer.headers["Location"]
    assert answer.json()["state"] == "queued"
    assert answer.json()["as_of_seq"] == before
    assert api.get(f"{path}.pdf").status_code == 409
    office.runner.start()
    finished(office, job_of(office, answer.json()))
    done = api.get(path).json()
    assert (done["state"], done["progress"], done["problem"]) == ("done", 100, None)
    pdf = api.get(f"{path}.pdf")
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.headers["Content-Disposition"].startswith("attachment; filename=")
    assert f"sha256:{sha256(pdf.content).hexdigest()}" == done["digests"]["pdf"]
    data = api.get(f"{path}.json")
    assert f"sha256:{sha256(data.content).hexdigest()}" == done["digests"]["json"]
    bundle = tmp_path / "report.bundle.zip"
    for _ in range(100):
        answer = api.get(f"{path}.bundle.zip")
        if answer.status_code == 200:
            break
    bundle.write_bytes(answer.content)
    with ZipFile(BytesIO(answer.content)) as files:
        assert files.read("files/report.pdf") == pdf.content
    report = verify_bundle(bundle, [office.key])
    assert report.outcome is Outcome.VALID, report.bottom_line
    with office.story.ledger.snapshot() as now:
        subject = f"report/{done['id']}"
        taken = [
            now.data(index)
            for index in range(before, now.size)
            if now.entry(index).subject == subject
        ]
    assert [one["file"] for one in taken if "file" in one] == ["pdf", "json", "bundle"]


def test_the_same_key_orders_the_same_report(office: Office, api: Api) -> None:
    office.story.has_model()
    headers = {"Idempotency-Key": "monthly"}
    once = api.post("/api/v1/reports", json=ORDER, headers=headers)
    again = api.post("/api/v1/reports", json=ORDER, headers=headers)
    assert again.json()["id"] == once.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = api.post("/api/v1/reports", json=ORDER | {"scope": "model/risk/1"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (409, "/problems/idempotency-mismatch")


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"type": "horoscope", "scope": "model/risk"}, 422, "#/type"),
        ({"type": "model-audit"}, 422, "#/scope"),
        (ORDER | {"as_of_seq": 0}, 422, "#/as_of_seq"),
        (ORDER | {"as_of_seq": 10_000}, 422, "#/as_of_seq"),
        (ORDER | {"as_of_seq": "7"}, 422, "#/as_of_seq"),
        (ORDER | {"colour": "red"}, 422, "#/colour"),
        (ORDER | {"scope": "model/nobody"}, 404, None),
        (ORDER | {"scope": "model/risk/9"}, 404, None),
        (ORDER | {"scope": "dataset/credit"}, 404, None),
    ],
)
def test_a_wrong_order_is_refused_and_nothing_is_recorded(
    office: Office, api: Api, body: dict[str, object], status: int, pointer: str | None
) -> None:
    office.story.has_model()
    before = size(office)
    answer = api.post("/api/v1/reports", json=body)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [one["pointer"] for one in answer.json().get("errors", [])] == (
        [pointer] if pointer else []
    )
    assert size(office) == before
    assert api.get("/api/v1/reports").json()["items"] == []


def test_a_report_is_about_the_size_that_was_asked_for(office: Office, api: Api) -> None:
    office.story.has_model()
    answer = api.post("/api/v1/reports", json=ORDER | {"as_of_seq": 3})
    assert answer.json()["as_of_seq"] == 3


def test_a_queued_report_is_cancelled_once(office: Office, api: Api) -> None:
    office.story.has_model()
    path = api.post("/api/v1/reports", json=ORDER).headers["Location"]
    assert api._ask("DELETE", path).json()["state"] == "cancelled"  # noqa: SLF001
    assert api._ask("DELETE", path).status_code == 409  # noqa: SLF001
    office.runner.start()
    assert api.get(path).json()["state"] == "cancelled"


def test_reports_are_listed_in_pages_oldest_first(office: Office, api: Api) -> None:
    office.story.has_model()
    made = [api.post("/api/v1/reports", json=ORDER).json()["id"] for _ in range(5)]
    first = api.get("/api/v1/reports?limit=3").json()
    api.post("/api/v1/reports", json=ORDER)
    cursor = first["next_cursor"]
    rest = api.get(f"/api/v1/reports?limit=3&cursor={cursor}").json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == made
    assert rest["next_cursor"] is None
    as_csv = api.get("/api/v1/reports", headers={"Accept": "text/csv"}).text.splitlines()
    assert as_csv[0].startswith("id,type,scope,as_of_seq,state")
    assert len(as_csv) == 7


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/reports"),
        ("POST", "/api/v1/reports"),
        ("GET", "/api/v1/reports/x"),
        ("DELETE", "/api/v1/reports/x"),
        ("GET", "/api/v1/reports/x.pdf"),
        ("GET", "/api/v1/reports/x.json"),
        ("GET", "/api/v1/reports/x.bundle.zip"),
    ],
)
def test_every_route_refuses_a_stranger_and_a_caller_without_the_right(
    office: Office, api: Api, method: str, path: str
) -> None:
    body = {"json": ORDER} if method == "POST" else {}
    api.caller = "stranger"
    assert api._ask(method, path, **body).status_code == 403  # noqa: SLF001
    api.caller = "nobody-known"
    assert api._ask(method, path, **body).status_code == 401  # noqa: SLF001


def test_what_is_not_there_is_404(office: Office, api: Api) -> None:
    for path in ("x", "x.pdf", "x.json", "x.bundle.zip"):
        assert api.get(f"/api/v1/reports/{path}").status_code == 404


def test_a_reader_does_not_order_or_cancel(
    office: Office, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.story.has_model()
    path = api.post("/api/v1/reports", json=ORDER).headers["Location"]
    reader = KnownCaller(frozenset({Permission.READ_REPORTS, Permission.READ}))
    monkeypatch.setitem(CALLERS, "everybody", reader)
    assert api.get(path).status_code == 200
    assert api.post("/api/v1/reports", json=ORDER).status_code == 403
    assert api._ask("DELETE", path).status_code == 403  # noqa: SLF001


def test_a_report_about_a_teams_own_model_is_not_there_for_others(office: Office, api: Api) -> None:
    office.story.has_data()
    office.story.has_secret_model()
    path = api.post("/api/v1/reports", json=ORDER).headers["Location"]
    api.caller = "outsider"
    assert api.get(path).status_code == 404
    assert api.get("/api/v1/reports").json()["items"] == []
    assert api.post("/api/v1/reports", json=ORDER).status_code == 404
