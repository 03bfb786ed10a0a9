"""Uploading a version's documents, and downloading them by digest."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from app.catalog.documents import LARGEST_FILE, File, stored_file
from app.core.access import Permission
from app.core.errors import Fault, SchemaMismatch, TooLarge, UnsupportedMedia

if TYPE_CHECKING:
    from starlette.types import Message, Receive

    from app.catalog.documents import Uploads
    from app.core.jsonvalue import Json
    from app.web.callers import Authenticate

FORM_OVERHEAD = 2**20
"""What the form may need around the file."""

FORM: dict[str, Json] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "kind"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "kind": {"type": "string", "description": "as in document.recorded.v1"},
                        "title": {"type": "string", "maxLength": 300},
                    },
                }
            }
        },
    }
}
# A browser that is made to open the file shows it as from nowhere, and runs nothing in it.
SANDBOX = "default-src 'none'; sandbox"


def document_routes(uploads: Uploads, authenticate: Authenticate) -> APIRouter:
    """Build the routes for files."""
    router = APIRouter(prefix="/api/v1", tags=["documents"])

    async def add(request: Request, subject: str) -> Response:
        caller = authenticate(request)
        caller.require(Permission.RECORD_EVIDENCE, subject=subject)
        file = await _file(request)
        route = f"{request.method} {request.url.path}"
        key = request.headers.get("Idempotency-Key")
        receipt, again = await run_in_threadpool(
            uploads.record, subject, file, caller.actor, route, key
        )
        headers = {"Idempotent-Replayed": "true"} if again else {}
        return JSONResponse(receipt.to_json(), 201, headers)

    @router.post(
        "/datasets/{name}/versions/{version}/documents",
        operation_id="addDatasetDocument",
        status_code=201,
        openapi_extra=FORM,
    )
    async def add_to_dataset(request: Request, name: str, version: str) -> Response:
        """Record a file about a dataset version and answer the receipt."""
        return await add(request, f"dataset/{name}/{version}")

    @router.post(
        "/models/{name}/versions/{version}/documents",
        operation_id="addModelDocument",
        status_code=201,
        openapi_extra=FORM,
    )
    async def add_to_model(request: Request, name: str, version: str) -> Response:
        """Record a file about a model version and answer the receipt."""
        return await add(request, f"model/{name}/{version}")

    @router.get("/blobs/{sha256}", operation_id="downloadFile")
    def download(request: Request, sha256: str) -> Response:
        """Give a recorded file, as an attachment, by the hexadecimal digest of its bytes."""
        caller = authenticate(request)
        caller.require(Permission.READ)
        sha256 = sha256.removeprefix("sha256:")
        with uploads.ledger.snapshot() as now:
            document, content = stored_file(now.connection, caller.sight, sha256)
        ending = mimetypes.guess_extension(document.media_type) or ".bin"
        headers = {
            "Content-Disposition": f'attachment; filename="{sha256[:16]}{ending}"',
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "ETag": f'"{sha256}"',
            "Cache-Control": "private, no-cache",
        }
        return Response(content, media_type=document.media_type, headers=headers)

    return router


async def _file(request: Request) -> File:
    """Read the form. Raises UnsupportedMedia, TooLarge, SchemaMismatch."""
    media_type = request.headers.get("Content-Type", "")
    if not media_type.lower().startswith("multipart/form-data"):
        raise UnsupportedMedia("a file is sent as multipart/form-data", remedy="see the API's page")
    limited = Request(request.scope, _limited(request.receive))
    async with limited.form(max_files=1, max_fields=8) as form:
        upload, kind, title = form.get("file"), form.get("kind"), form.get("title")
        if not isinstance(upload, UploadFile):
            raise _missing("file", "must be a file")
        if not isinstance(kind, str):
            raise _missing("kind", "says what the file is, such as card")
        content = await upload.read()
        if len(content) > LARGEST_FILE:
            raise _too_large()
        named = title if isinstance(title, str) and title else (upload.filename or kind)[:300]
        return File(content, upload.content_type or "", kind, named)


def _limited(receive: Receive) -> Receive:
    """Stop reading a form that is longer than any file may be."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST_FILE + FORM_OVERHEAD:
            raise _too_large()
        return message

    return counted


def _too_large() -> TooLarge:
    return TooLarge(
        f"a file has at most {LARGEST_FILE} bytes",
        remedy="keep the file elsewhere and record its digest in a label",
    )


def _missing(member: str, message: str) -> SchemaMismatch:
    return SchemaMismatch(f"{member} {message}", faults=[Fault(f"#/{member}", message)])
