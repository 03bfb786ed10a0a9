"""Files of a version: uploaded, recorded with their bytes, read back by digest."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from app.catalog import queries
from app.catalog.documents import LARGEST_FILE, filled_members
from app.core.errors import ProofMismatch
from app.ledger.models import BlobRow
from tests.slices.catalog.story import CI, example

if TYPE_CHECKING:
    import httpx

    from tests.slices.catalog.asking import Api
    from tests.slices.catalog.story import Story

PATH = "/api/v1/models/risk/versions/1/documents"
CARD = b'{"intended_use": "credit", "limitations": "", "owners": [], "risks": ["bias"]}'


@pytest.fixture(autouse=True)
def model(story: Story, api: Api) -> None:
    story.has_model()
    api.caller = "engineer"


def upload(
    api: Api,
    content: bytes = CARD,
    path: str = PATH,
    data: dict[str, str] | None = None,
    media_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    files = {"file": ("card.json", content, media_type)}
    form = {"kind": "card"} if data is None else data
    return api.post(path, files=files, data=form, headers=headers or {})


def size(story: Story) -> int:
    with story.ledger.snapshot() as now:
        return now.size


def blobs_stored(story: Story) -> int:
    with story.ledger.snapshot() as now:
        return len(now.connection.execute(BlobRow.__table__.select()).all())  # type: ignore[attr-defined]


def test_a_file_is_recorded_with_its_bytes_and_comes_back_as_an_attachment(
    story: Story, api: Api
) -> None:
    receipt = upload(api)
    assert receipt.status_code == 201, receipt.text
    assert receipt.json()["subject"] == "model/risk/1"
    with story.ledger.snapshot() as now:
        (document,) = queries.documents(now.connection, ["model/risk/1"])
    sha256 = hashlib.sha256(CARD).hexdigest()
    assert document.blob == f"sha256:{sha256}"
    assert (document.kind, document.title, document.size) == ("card", "card.json", len(CARD))
    assert document.fields == ("intended_use", "risks")
    assert document.created_index == receipt.json()["index"]
    answer = api.get(f"/api/v1/blobs/{sha256}")
    assert answer.content == api.get(f"/api/v1/blobs/sha256:{sha256}").content == CARD
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{sha256[:16]}.json"'
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_of_a_dataset_version_is_recorded_too(api: Api) -> None:
    path = "/api/v1/datasets/credit/versions/1/documents"
    data = {"kind": "datasheet", "title": "Datasheet"}
    answer = upload(api, b"%PDF-1.7", path, data=data, media_type="application/pdf")
    assert answer.json()["subject"] == "dataset/credit/1"


def test_the_same_file_again_is_the_first_receipt(story: Story, api: Api) -> None:
    first = upload(api)
    again = upload(api)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert size(story) == first.json()["log_size"]


def test_a_key_stands_for_one_file(story: Story, api: Api) -> None:
    headers = {"Idempotency-Key": "upload-1"}
    first = upload(api, headers=headers)
    again = upload(api, headers=headers)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    other = upload(api, b"other", headers=headers)
    assert other.status_code == 409
    assert other.json()["type"] == "/problems/idempotency-mismatch"
    assert upload(api, headers={"Idempotency-Key": "x" * 256}).status_code == 400
    assert blobs_stored(story) == 1


@pytest.mark.parametrize(
    ("parts", "status", "pointer"),
    [
        ({"path": "/api/v1/models/none/versions/1/documents"}, 409, "#/subject"),
        ({"path": "/api/v1/models/risk/versions/9/documents"}, 409, "#/subject"),
        ({"path": "/api/v1/models/RISK/versions/1/documents"}, 409, "#/subject"),
        ({"data": {"kind": "A poem"}}, 422, "#/data/kind"),
        ({"data": {"kind": "card", "title": "x" * 301}}, 422, "#/data/title"),
        ({"data": {}}, 422, "#/kind"),
    ],
)
def test_a_file_that_does_not_fit_leaves_nothing_behind(
    story: Story, api: Api, parts: dict[str, Any], status: int, pointer: str
) -> None:
    before = size(story)
    answer = upload(api, **parts)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert (size(story), blobs_stored(story)) == (before, 0)


def test_what_is_no_form_with_a_file_is_refused(story: Story, api: Api) -> None:
    assert api.post(PATH, json={"kind": "card"}).status_code == 415
    assert api.post(PATH, data={"kind": "card"}).status_code == 415
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    no_file = b'--b\r\nContent-Disposition: form-data; name="kind"\r\n\r\ncard\r\n--b--\r\n'
    answer = api.post(PATH, content=no_file, headers=form)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/file")
    assert api.post(PATH, content=b"--c\r\nbroken", headers=form).status_code in (400, 422)
    assert (
        api.post(PATH, content=b"", headers={"Content-Type": "multipart/form-data"}).status_code
        == 400
    )
    assert blobs_stored(story) == 0


def test_a_file_above_the_limit_is_refused_however_it_comes(story: Story, api: Api) -> None:
    assert upload(api, b"x" * (LARGEST_FILE + 1)).status_code == 413
    assert upload(api, b"x" * (LARGEST_FILE + 2**20)).status_code == 413
    assert blobs_stored(story) == 0


def test_only_who_may_record_evidence_uploads(story: Story, api: Api) -> None:
    for caller, status in (("nobody", 401), ("everybody", 403)):
        api.caller = caller
        assert upload(api).status_code == status
    story.post("model/team", example("model.registered"))
    story.post("model/team/1", example("model.version_registered", 1))
    story.teams[CI.id] = frozenset()
    api.caller = "engineer"
    assert upload(api, path="/api/v1/models/team/versions/1/documents").status_code == 403


def test_a_teams_file_is_not_there_for_others(story: Story, api: Api) -> None:
    story.post("model/team", example("model.registered"))
    story.post("model/team/1", example("model.version_registered", 1))
    upload(api, path="/api/v1/models/team/versions/1/documents")
    url = f"/api/v1/blobs/{hashlib.sha256(CARD).hexdigest()}"
    for caller, status in (("lending", 200), ("outsider", 404)):
        api.caller = caller
        assert api.get(url).status_code == status


def test_a_type_that_is_none_is_served_as_bytes(story: Story, api: Api) -> None:
    upload(api, b"<script>", media_type="text/html<>; charset=x")
    with story.ledger.snapshot() as now:
        (document,) = queries.documents(now.connection, ["model/risk/1"])
    assert document.media_type == "application/octet-stream"
    answer = api.get(f"/api/v1/blobs/{hashlib.sha256(b'<script>').hexdigest()}")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].endswith('.bin"')


def test_stored_bytes_that_are_not_those_any_more_are_not_served(story: Story, api: Api) -> None:
    upload(api)
    table = BlobRow.__table__  # type: ignore[attr-defined]
    story.ledger.operate(lambda c: c.execute(table.update().values(content=b"forged")))
    answer = api.get(f"/api/v1/blobs/{hashlib.sha256(CARD).hexdigest()}")
    assert answer.status_code == 500
    assert answer.json()["title"] == "Proof mismatch"
    assert ProofMismatch.__name__ not in answer.text


@pytest.mark.parametrize(
    ("content", "members"),
    [
        (b'{"a": 0, "b": false, "c": null, "d": "", "e": [], "f": {}, "g": "x"}', ("a", "b", "g")),
        (b"{}", ()),
        (b"[1]", None),
        (b"{", None),
        (b"\xff", None),
        (b'{"a": 1, "a": 2}', None),
    ],
)
def test_members_of_a_json_document_count_when_they_hold_something(
    content: bytes, members: tuple[str, ...] | None
) -> None:
    assert filled_members(content) == members
