"""The pages of reports: what there is, ordering one, watching it, taking it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Path, Request
from sqlalchemy import select
from starlette.responses import Response

from app.catalog.tables import MODEL_VERSIONS, MODELS
from app.catalog.visible import of_seen_models, seen_by
from app.core.access import Permission
from app.core.errors import IllegalTransition, Missing, Refusal, Rejected
from app.reporting.jobs import State
from app.reporting.ordering import TYPES, Order
from app.web.listing import Listed, PageQuery
from app.web.tables import Column, Kind, list_page, order_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.core.access import Sight
    from app.core.jsonvalue import Json
    from app.ledger.ports import NamesOf
    from app.ledger.record import Ledger
    from app.reporting.jobs import Job
    from app.reporting.ordering import Reports
    from app.web.desk import Desk
    from app.web.listing import Cursors, Key

JobId = Annotated[str, Path(max_length=100)]

OFFERED = 500
OVER = (State.DONE, State.FAILED, State.CANCELLED)
ANSWERS = {
    "model-audit": (
        "Everything on record about a model or one version: purpose and owners, data and its "
        "origin, measurements, bias, decisions and signatures, what ran when, and how to verify it."
    ),
}
FILES = (("pdf", "PDF"), ("bundle.zip", "Evidence bundle"), ("json", "Data as JSON"))
COLUMNS = (
    Column("id", "Report", Kind.LINK),
    Column("type", "Type"),
    Column("scope", "About", Kind.LINK),
    Column("as_of_seq", "As of size", Kind.NUMBER),
    Column("state", "State", Kind.STATUS),
    Column("requested_by", "Asked by"),
    Column("requested_at", "Asked", Kind.TIME, "requested_at"),
)


def report_pages(
    desk: Desk, ledger: Ledger, reports: Reports, cursors: Cursors, names: NamesOf
) -> APIRouter:
    """Build the pages of reports."""
    router = desk.router()
    router.include_router(_one(desk, ledger, reports, names))

    def show(
        request: Request,
        page: PageQuery,
        *,
        status: int = 200,
        faults: Sequence[tuple[str, str]] = (),
        scope: str = "",
        as_of: str = "",
    ) -> Response:
        caller = desk.visitor(request).caller
        caller.require(Permission.READ_REPORTS)
        _, newest_first = order_of(request, ("requested_at",), "-requested_at")

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            return _listed(*reports.everything(caller), size, after, limit, newest_first)

        listing = list_page(request, page, cursors, COLUMNS, fetch, caption="Reports")
        if isinstance(listing, Response):
            return listing
        with ledger.snapshot() as now:
            called = names(now.connection, {str(one["requested_by"]) for one in listing.items})
            scopes = scopes_of(now.connection, caller.sight)
        typed = desk.typed(request)
        return desk.page(
            request,
            "reporting/reports",
            title="Reports",
            status=status,
            listing=listing,
            names=called,
            scopes=scopes,
            answers=ANSWERS,
            faults=faults,
            scope=scope or typed.get("scope"),
            as_of=as_of or typed.get("as_of"),
            typed=typed,
            draft=desk.draft(request),
            may_order=caller.may(Permission.CREATE_REPORT),
        )

    @router.get("/reports")
    def list_all(request: Request, page: PageQuery) -> Response:
        """List reports, the newest first, and offer to order one."""
        return show(request, page)

    @router.post("/reports")
    def order(
        request: Request,
        page: PageQuery,
        scope: Annotated[str, Form(max_length=300)],
        type: Annotated[str, Form(max_length=100)] = TYPES[0],
        as_of: Annotated[str, Form(max_length=20)] = "",
        draft: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        """Order a report."""
        caller = desk.visitor(request).caller
        try:
            asked = Order(type, scope.strip(), _size(as_of))
            job, _ = reports.order(caller, asked, "POST /reports", None)
        except (Rejected, Missing) as refused:
            field = "as_of" if any("as_of" in one.pointer for one in refused.faults) else "scope"
            return show(
                request,
                page,
                status=422,
                faults=[(field, _said(refused))],
                scope=scope,
                as_of=as_of,
            )
        desk.sent(request, draft)
        return desk.to(request, f"/reports/{job.id}")

    return router


def _one(desk: Desk, ledger: Ledger, reports: Reports, names: NamesOf) -> APIRouter:
    """Build the page of one report."""
    router = desk.router()

    @router.get("/reports/{job_id}")
    def report(request: Request, job_id: JobId) -> Response:
        """Show how far a report is, and its files and digests once it is done."""
        caller = desk.visitor(request).caller
        job = reports.find(caller, job_id)
        with ledger.snapshot() as now:
            called = names(now.connection, [job.requested_by])
            size = now.size
        waiting = job.state not in OVER
        return desk.page(
            request,
            "reporting/report",
            title=f"{job.type.replace('-', ' ').capitalize()} of {job.scope}",
            block="state" if request.headers.get("HX-Target") == "state" else "content",
            job=job,
            waiting=waiting,
            files=FILES,
            names=called,
            may_cancel=waiting and caller.may(Permission.CREATE_REPORT),
            size=size,
        )

    @router.post("/reports/{job_id}/cancel")
    def cancel(request: Request, job_id: JobId) -> Response:
        """Cancel a report that is not finished; one that just finished is shown as it is."""
        with suppress(IllegalTransition):  # the page says what became of it
            reports.cancel(desk.visitor(request).caller, job_id)
        return desk.to(request, f"/reports/{job_id}")

    return router


def scopes_of(connection: Connection, sight: Sight) -> list[str]:
    """Name what a report can be about: models, then their newest versions."""
    models = connection.execute(
        select(MODELS.c.name).where(seen_by(sight, MODELS)).order_by(MODELS.c.name).limit(OFFERED)
    ).scalars()
    versions = connection.execute(
        select(MODEL_VERSIONS.c.subject)
        .where(of_seen_models(sight, MODEL_VERSIONS.c.subject))
        .order_by(MODEL_VERSIONS.c.created_index.desc())
        .limit(OFFERED)
    ).scalars()
    return [*(f"model/{name}" for name in models), *versions]


def _listed(
    seen: Sequence[Job],
    now: int,
    size: int | None,
    after: Key | None,
    limit: int,
    newest_first: bool,  # noqa: FBT001 - the last of the list's own
) -> Listed:
    upto = now if size is None else size
    jobs = sorted(
        (one for one in seen if one.requested_index < upto),
        key=lambda one: one.requested_index,
        reverse=newest_first,
    )
    if after is not None:
        last = int(after[0])
        jobs = [
            one
            for one in jobs
            if (one.requested_index < last if newest_first else one.requested_index > last)
        ]
    items: list[dict[str, Json]] = [
        {column.key: getattr(one, column.key) for column in COLUMNS}
        | {"progress": one.progress, "page_count": one.page_count}
        for one in jobs[:limit]
    ]
    return Listed(items, [(one.requested_index,) for one in jobs[:limit]], upto)


def _size(written: str) -> int | None:
    """Read the size of the log that was typed. Raises Rejected."""
    if not written.strip():
        return None
    if not written.strip().isdecimal():
        raise Rejected(
            f"{written[:20]!r} is no size of the log",
            remedy="leave it empty for everything, or write a number",
        )
    return int(written)


def _said(refused: Refusal) -> str:
    remedy = f". {refused.remedy[0].upper()}{refused.remedy[1:]}" if refused.remedy else ""
    return f"{refused.detail[0].upper()}{refused.detail[1:]}{remedy}"
