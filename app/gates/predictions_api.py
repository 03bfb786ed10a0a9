"""Uploading predictions, to be counted here, or counts that a client made."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response

from app.catalog.admission import AHEAD
from app.core.access import Permission
from app.core.errors import Fault, FutureTime, SchemaMismatch, UnsupportedMedia
from app.core.events.envelope import check_subject, version_of
from app.core.ledger.canonical import parse_json
from app.core.policy.codec import decode
from app.gates.counting import CountingQuestion, Prediction, Score
from app.gates.predictions import About, PostedCells

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.core.jsonvalue import Json
    from app.gates.api import KeyOf
    from app.gates.predictions import Taken, TakePredictions
    from app.settings import Clock
    from app.web.callers import Authenticate, Caller

ABOUT = frozenset({"dataset", "role", "measured_at", "label", "positive_label"})
MEANING = frozenset({"attributes", "favourable_outcome"})
FIELDS = ABOUT | MEANING | {"prediction", "score", "threshold", "file"}
CELL_MEMBERS = ABOUT | MEANING | {"cells"}
MOST_FIELDS = 40


@dataclass(frozen=True, slots=True)
class PredictionRoutes:
    """What the route works with."""

    take: TakePredictions
    authenticate: Authenticate
    key_of: KeyOf
    clock: Clock


def prediction_routes(routes: PredictionRoutes) -> APIRouter:
    """Build the route that takes predictions."""
    router = APIRouter(prefix="/api/v1", tags=["evidence"])

    @router.post(
        "/models/{name}/versions/{version}/predictions",
        operation_id="uploadPredictions",
        status_code=201,
    )
    async def upload(request: Request, name: str, version: str) -> Response:
        """Count predictions (CSV or Parquet as multipart form, or JSON cells)."""
        caller = routes.authenticate(request)
        subject = f"model/{name}/{version}"
        check_subject(subject)
        caller.require(Permission.RECORD_EVIDENCE, subject=subject)
        media = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media == "application/json":
            taken = await _cells(routes, request, caller, subject)
        elif media == "multipart/form-data":
            taken = await _file(routes, request, caller, subject)
        else:
            raise UnsupportedMedia(
                "predictions come as a multipart form with a file, or as JSON cells",
                remedy="send multipart/form-data, or application/json",
            )
        body: dict[str, Json] = {
            "evidence": {"index": taken.index, "digest": taken.digest},
            "tables": taken.tables,
        }
        headers = {"Idempotent-Replayed": "true"} if taken.replayed else {}
        return JSONResponse(body, 201, headers)

    return router


async def _cells(routes: PredictionRoutes, request: Request, caller: Caller, subject: str) -> Taken:
    document = parse_json(await request.body())
    if not isinstance(document, dict):
        raise SchemaMismatch("the body is a JSON object", faults=[Fault("#", "an object")])
    _known(document.keys(), CELL_MEMBERS)
    attributes, cells = document.get("attributes"), document.get("cells")
    if not isinstance(attributes, list) or not all(isinstance(one, str) for one in attributes):
        raise _wrong("attributes", "must be an array of strings")
    if not isinstance(cells, list):
        raise _wrong("cells", "must be an array")
    posted = PostedCells(
        tuple(str(one) for one in attributes),
        _text(document, "favourable_outcome"),
        cells,
        _optional(document, "label"),
        _optional(document, "positive_label"),
    )
    key = routes.key_of(request, caller, document)
    about = _about(document, subject, routes.clock())
    return await run_in_threadpool(routes.take.cells, caller, about, posted, key)


async def _file(routes: PredictionRoutes, request: Request, caller: Caller, subject: str) -> Taken:
    async with request.form(max_files=1, max_fields=MOST_FIELDS) as form:
        _known(form.keys(), FIELDS)
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise _wrong("file", "must be a CSV or Parquet file")
        fields: dict[str, Json] = {
            name: value
            for name, value in form.items()
            if isinstance(value, str) and name != "attributes"
        }
        question = _question(form, fields)
        about = _about(fields, subject, routes.clock())
        with tempfile.TemporaryDirectory(prefix="muniment-") as folder:
            path = Path(folder) / "upload"
            with path.open("wb") as out:
                await run_in_threadpool(shutil.copyfileobj, upload.file, out, 2**20)
            key_body = {**fields, "attributes": list(question.attributes), "file": _digest(path)}
            key = routes.key_of(request, caller, key_body)
            return await run_in_threadpool(routes.take.upload, caller, about, path, question, key)


def _question(form: FormData, fields: dict[str, Json]) -> CountingQuestion:
    """Read which columns mean what. Raises SchemaMismatch pointing to the field."""
    written = [str(one) for one in form.getlist("attributes")]
    attributes = tuple(one.strip() for part in written for one in part.split(",") if one.strip())
    prediction, score = _optional(fields, "prediction"), _optional(fields, "score")
    if (prediction is None) is (score is None):
        raise _wrong("prediction", "name either the column prediction or the column score")
    decided: Prediction | Score = Prediction(str(prediction))
    if score is not None:
        decided = Score(score, _decimal(fields, "threshold"))
    return CountingQuestion(
        attributes=attributes,
        favourable_outcome=_text(fields, "favourable_outcome"),
        decided=decided,
        label=_optional(fields, "label"),
        positive_label=_optional(fields, "positive_label"),
    )


def _about(fields: dict[str, Json], subject: str, now: datetime) -> About:
    dataset = _text(fields, "dataset")
    check_subject(dataset)
    if version_of(dataset)[0] != "dataset":
        raise _wrong("dataset", "must be dataset/<name>/<version>")
    measured_at = _optional(fields, "measured_at")
    if measured_at is not None and decode(datetime, measured_at, "#/measured_at") > now + AHEAD:
        raise FutureTime(
            "measured_at lies ahead of this service's clock",
            faults=[Fault("#/measured_at", "lies in the future")],
        )
    return About(subject, dataset, _optional(fields, "role"), measured_at)


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _decimal(fields: dict[str, Json], name: str) -> Decimal:
    try:
        return Decimal(_text(fields, name))
    except InvalidOperation:
        raise _wrong(name, "must be a decimal number") from None


def _text(fields: dict[str, Json], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _wrong(name, "must be a string that is not empty")
    return value


def _optional(fields: dict[str, Json], name: str) -> str | None:
    return None if fields.get(name) in (None, "") else _text(fields, name)


def _known(names: Iterable[str], known: frozenset[str]) -> None:
    for name in names:
        if name not in known:
            raise _wrong(name, "is not a known parameter")


def _wrong(name: str, message: str) -> SchemaMismatch:
    return SchemaMismatch(f"{name[:100]} {message}", faults=[Fault(f"#/{name[:100]}", message)])
