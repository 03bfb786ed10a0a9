"""The page of a model version: is it ready, what stands about it, its files, and the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request, UploadFile
from starlette.responses import Response

from app.catalog import details, finding, inventory, queries
from app.catalog.documents import LARGEST_FILE, File
from app.core.access import Permission
from app.core.errors import Conflict, Refusal, Rejected, TooLarge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.catalog.documents import Uploads
    from app.catalog.pages import Shelf
    from app.catalog.ports import Readiness
    from app.web.callers import Caller

Text = Annotated[str, Query(max_length=300)]
KINDS = (
    "card", "datasheet", "instructions", "validation_report", "risk_register", "contract", "other",
)  # fmt: skip
"""What a file is offered as; any other kind may be recorded from the command line."""


def version_pages(shelf: Shelf, uploads: Uploads) -> APIRouter:
    """Build the pages of a model version and the forms on them."""
    router = shelf.desk.router()

    def show(
        request: Request,
        name: str,
        version: str,
        *,
        status: int = 200,
        environment: str = "",
        faults: Sequence[tuple[str, str]] = (),
        reason: str = "",
    ) -> Response:
        caller = shelf.reader(request)
        subject = f"model/{name}/{version}"
        with shelf.ledger.snapshot() as now:
            known = details.model_version(now.connection, caller, name, version)
            model = queries.model(now.connection, name)
            evaluations = queries.evaluations(now.connection, subject)
            predictions = queries.predictions(now.connection, subject)
            documents = queries.documents(now.connection, [f"model/{name}", subject])
            decisions = queries.decisions(now.connection, subject)
            steps = queries.deployment_steps(now.connection, subject)
            promotions = queries.promotions(now.connection, subject)
            places = inventory.environments(now.connection)
            findings = finding.shown(now, f"model/{name}", subject)
            people = {str(known["actor"]), *_people(documents, steps)}
            people |= {one.owner for one, _ in findings}
            names = shelf.names(now.connection, people)
            size = now.size
        place = environment or _next_place(places, known["stages"])
        typed = shelf.desk.typed(request)
        return shelf.desk.page(
            request,
            "catalog/version",
            title=f"{name} {version}",
            status=status,
            model=model,
            version=known,
            subject=subject,
            place=place,
            places=places,
            ready=_ready(shelf, caller, subject, place) if place in places else None,
            may_request=caller.may(Permission.REQUEST_PROMOTION),
            may_upload=caller.may(Permission.RECORD_EVIDENCE),
            evaluations=evaluations,
            predictions=predictions,
            documents=documents,
            decisions=decisions[::-1],
            steps=steps[::-1],
            promotions=promotions[::-1],
            findings=findings,
            names=names,
            kinds=KINDS,
            faults=faults,
            reason=reason or typed.get("reason"),
            typed=typed,
            draft=shelf.desk.draft(request),
            size=size,
        )

    @router.get("/models/{name}/versions/{version}")
    def version_of(
        request: Request,
        name: str,
        version: str,
        environment: Annotated[str, Query(alias="for", max_length=300)] = "",
    ) -> Response:
        """Show a version and what it needs for an environment."""
        return show(request, name, version, environment=environment)

    @router.post("/models/{name}/versions/{version}/promotions")
    def request_promotion(
        request: Request,
        name: str,
        version: str,
        environment: Annotated[str, Form(max_length=300)],
        reason: Annotated[str, Form(max_length=4000)] = "",
        draft: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        """Ask for a promotion."""
        caller = shelf.reader(request)
        caller.must(Permission.REQUEST_PROMOTION)
        subject = f"model/{name}/{version}"
        with shelf.ledger.snapshot() as now:
            details.model_version(now.connection, caller, name, version)
        try:
            promotion = shelf.request_promotion(caller, subject, environment, reason or None)
        except (Conflict, Rejected) as refused:
            return show(
                request,
                name,
                version,
                status=409 if isinstance(refused, Conflict) else 422,
                environment=environment,
                faults=[("reason", said(refused))],
                reason=reason,
            )
        shelf.desk.sent(request, draft)
        return shelf.desk.to(request, f"/promotions/{promotion}")

    @router.post("/models/{name}/versions/{version}/documents")
    def add(
        request: Request,
        name: str,
        version: str,
        file: UploadFile,
        kind: Annotated[str, Form(max_length=100)],
        title: Annotated[str, Form(max_length=300)] = "",
    ) -> Response:
        """Record a file about a version."""
        caller = shelf.reader(request)
        try:
            add_document(uploads, caller, f"model/{name}/{version}", file, kind, title)
        except (Rejected, TooLarge) as refused:
            return show(request, name, version, status=422, faults=[("file", said(refused))])
        return shelf.desk.to(request, f"/models/{name}/versions/{version}#documents")

    return router


def add_document(
    uploads: Uploads, caller: Caller, subject: str, upload: UploadFile, kind: str, title: str
) -> None:
    """Record a file as the API does. Raises RoleMissing, Rejected, TooLarge."""
    caller.require(Permission.RECORD_EVIDENCE, subject=subject)
    if upload.size is None or upload.size > LARGEST_FILE:
        raise TooLarge(f"a file has at most {LARGEST_FILE:,} bytes")
    if not upload.size:
        raise Rejected("no file was chosen, or an empty one", remedy="choose a file")
    content = upload.file.read()
    named = title or (upload.filename or kind)[:300]
    file = File(content, upload.content_type or "", kind, named)
    uploads.record(subject, file, caller.actor, "page", None)


def _ready(shelf: Shelf, caller: Caller, subject: str, place: str) -> Readiness | None:
    """Ask the gate, for those who may ask it."""
    return shelf.ready(subject, place) if caller.may(Permission.READ_DECISIONS) else None


def _next_place(places: Sequence[str], stages: object) -> str:
    """Choose what to ask about first: the lowest environment where it is not allowed yet."""
    allowed = stages if isinstance(stages, list) else []
    return next((one for one in places if one not in allowed), places[-1] if places else "")


def _people(*about: Sequence[object]) -> set[str]:
    return {str(getattr(one, "actor", "")) for ones in about for one in ones}


def said(refused: Refusal) -> str:
    remedy = f". {refused.remedy[0].upper()}{refused.remedy[1:]}" if refused.remedy else ""
    return f"{refused.detail[0].upper()}{refused.detail[1:]}{remedy}"
