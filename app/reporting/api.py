"""Reports over HTTP: order, watch, cancel, download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from app.core.events.decode import encode
from app.reporting.ordering import Order, Reports
from app.web.listing import Listed, PageQuery, answer_list
from app.web.strict_json import StrictJson

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.reporting.jobs import Job
    from app.web.callers import Authenticate
    from app.web.listing import Cursors, Key

COLUMNS = (
    "id", "type", "scope", "as_of_seq", "state", "progress", "page_count", "requested_by",
    "requested_at",
)  # fmt: skip
MEDIA_TYPES = {"pdf": "application/pdf", "json": "application/json", "bundle": "application/zip"}
ENDINGS = {"pdf": "pdf", "json": "json", "bundle": "bundle.zip"}
# A browser that is made to open the file shows it as from nowhere, and runs nothing in it.
SANDBOX = "default-src 'none'; sandbox"

JobId = Annotated[str, Path(max_length=100)]


class OrderBody(BaseModel):
    """What to report about, and as of which size of the log."""

    model_config = ConfigDict(extra="forbid", strict=True)
    type: str = Field(max_length=100, examples=["model-audit"])
    scope: str = Field(max_length=300, examples=["model/credit-risk"])
    as_of_seq: int | None = None


def report_routes(reports: Reports, authenticate: Authenticate, cursors: Cursors) -> APIRouter:
    """Build the routes for reports."""
    router = APIRouter(prefix="/api/v1/reports", tags=["reports"], route_class=StrictJson)
    # The first route that matches answers, and an id matches anything without a slash.
    _add_files(router, reports, authenticate)
    _add_orders(router, reports, authenticate)

    @router.get("", operation_id="listReports")
    def list_all(request: Request, page: PageQuery) -> Response:
        """List reports, oldest first."""
        caller = authenticate(request)

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            seen, now = reports.everything(caller)
            upto = now if size is None else size
            items = [
                job
                for job in seen
                if job.requested_index < upto and (after is None or job.id > str(after[0]))
            ][:limit]
            return Listed([_shown(job) for job in items], [(job.id,) for job in items], upto)

        return answer_list(request, page, cursors, COLUMNS, fetch)

    return router


def _add_orders(router: APIRouter, reports: Reports, authenticate: Authenticate) -> None:
    @router.post("", operation_id="orderReport", status_code=202)
    def order(request: Request, body: OrderBody) -> Response:
        """Order a report; its state is to be watched under Location."""
        caller = authenticate(request)
        route = f"{request.method} {request.url.path}"
        key = request.headers.get("Idempotency-Key")
        asked = Order(body.type, body.scope, body.as_of_seq)
        job, again = reports.order(caller, asked, route, key)
        headers = {"Location": f"/api/v1/reports/{job.id}"}
        if again:
            headers["Idempotent-Replayed"] = "true"
        return JSONResponse(_shown(job), 202, headers)

    @router.get("/{job_id}", operation_id="readReport")
    def read(request: Request, job_id: JobId) -> Response:
        """Give a report's state, and its digests once it is done."""
        return JSONResponse(_shown(reports.find(authenticate(request), job_id)))

    @router.delete("/{job_id}", operation_id="cancelReport")
    def cancel(request: Request, job_id: JobId) -> Response:
        """Cancel a report that is not finished."""
        return JSONResponse(_shown(reports.cancel(authenticate(request), job_id)))


def _add_files(router: APIRouter, reports: Reports, authenticate: Authenticate) -> None:
    def answer(request: Request, job_id: str, file: str) -> Response:
        content = reports.take(authenticate(request), job_id, file)
        headers = {
            "Content-Disposition": f'attachment; filename="report-{job_id}.{ENDINGS[file]}"',
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
        return Response(content, media_type=MEDIA_TYPES[file], headers=headers)

    @router.get("/{job_id}.pdf", operation_id="downloadReportPdf")
    def pdf(request: Request, job_id: JobId) -> Response:
        """Download the report as PDF; the download is recorded."""
        return answer(request, job_id, "pdf")

    @router.get("/{job_id}.json", operation_id="downloadReportJson")
    def data(request: Request, job_id: JobId) -> Response:
        """Download the data that the pages were set from; the download is recorded."""
        return answer(request, job_id, "json")

    @router.get("/{job_id}.bundle.zip", operation_id="downloadReportBundle")
    def bundle(request: Request, job_id: JobId) -> Response:
        """Download report and proofs, for `muniment verify`; the download is recorded."""
        return answer(request, job_id, "bundle")


def _shown(job: Job) -> dict[str, Json]:
    """A job as it is served, every member present."""
    given = encode(job)
    absent: dict[str, Json] = {
        "state": job.state,
        "progress": job.progress,
        "page_count": job.page_count,
        "digests": dict(job.digests),
        "generated_index": job.generated_index,
        "redacted_index": job.redacted_index,
        "problem": None,
    }
    return absent | given
