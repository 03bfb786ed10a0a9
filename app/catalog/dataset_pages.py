"""The pages of a dataset and of its versions: schema, owners, licence, who is built on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request, UploadFile
from sqlalchemy import select
from starlette.responses import Response

from app.catalog import details, lists, queries
from app.catalog.api import DATASET_VERSION_COLUMNS
from app.catalog.tables import DEPLOYMENTS, MODEL_VERSIONS
from app.catalog.version_pages import KINDS, add_document, said
from app.catalog.visible import of_seen_models
from app.core.access import Permission
from app.core.errors import Missing, Rejected, TooLarge
from app.web.listing import PageQuery
from app.web.paths import lineage_of
from app.web.tables import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.catalog.documents import Uploads
    from app.catalog.pages import Shelf
    from app.core.access import Sight

USERS_SHOWN = 100
VERSIONS = (
    Column("version", "Version", Kind.LINK),
    Column("rows", "Rows", Kind.NUMBER),
    Column("digest", "Digest", Kind.HASH),
    Column("derived_from", "Made from", Kind.LINK),
    Column("recorded_at", "Registered", Kind.TIME),
)


def dataset_pages(shelf: Shelf, uploads: Uploads) -> APIRouter:
    """Build the pages of one dataset."""
    router = shelf.desk.router()

    @router.get("/datasets/{name}")
    def dataset(request: Request, name: str, page: PageQuery) -> Response:
        """Tell what a dataset is, and list its versions."""
        caller = shelf.reader(request)
        with shelf.ledger.snapshot() as now:
            found = details.dataset(now.connection, caller, name)
            users = used_by(now.connection, f"dataset/{name}/", caller.sight)
            names = shelf.names(now.connection, [found.actor])
        listing = shelf.list(
            request,
            page,
            VERSIONS,
            lambda now, part: lists.dataset_versions(now, part, name),
            caption=f"Versions of {name}",
            csv_columns=DATASET_VERSION_COLUMNS,
        )
        if isinstance(listing, Response):
            return listing
        return shelf.desk.page(
            request,
            "catalog/dataset",
            title=name,
            dataset=found,
            listing=listing,
            users=users[:USERS_SHOWN],
            used=len(users),
            live=sum(live for _, live in users),
            names=names,
            tabs=_tabs(f"/datasets/{name}", f"dataset/{name}"),
            here=request.url.path,
        )

    def show(
        request: Request,
        name: str,
        version: str,
        *,
        status: int = 200,
        faults: Sequence[tuple[str, str]] = (),
    ) -> Response:
        caller = shelf.reader(request)
        subject = f"dataset/{name}/{version}"
        with shelf.ledger.snapshot() as now:
            about = details.dataset(now.connection, caller, name)
            found = queries.dataset_version(now.connection, subject)
            if found is None:
                raise Missing(f"dataset {name[:100]} has no version {version[:100]}")
            approvals = queries.approvals(now.connection, [subject])
            documents = queries.documents(now.connection, [subject])
            users = used_by(now.connection, f'{subject}"', caller.sight)
            people = {found.actor, *(one.approver for one in approvals)}
            names = shelf.names(now.connection, people | {one.actor for one in documents})
            size = now.size
        return shelf.desk.page(
            request,
            "catalog/dataset_version",
            title=f"{name} {version}",
            status=status,
            dataset=about,
            version=found,
            subject=subject,
            approvals=approvals,
            personal=sum("pii" in one.tags for one in found.columns),
            documents=documents,
            users=users[:USERS_SHOWN],
            used=len(users),
            live=sum(live for _, live in users),
            names=names,
            kinds=KINDS,
            faults=faults,
            may_upload=caller.may(Permission.RECORD_EVIDENCE),
            tabs=_tabs(f"/datasets/{name}/versions/{version}", subject),
            here=request.url.path,
            size=size,
        )

    @router.get("/datasets/{name}/versions/{version}")
    def version_of(request: Request, name: str, version: str) -> Response:
        """Show a dataset version: schema, origin, approvals, files, and who uses it."""
        return show(request, name, version)

    @router.post("/datasets/{name}/versions/{version}/documents")
    def add(
        request: Request,
        name: str,
        version: str,
        file: UploadFile,
        kind: Annotated[str, Form(max_length=100)],
        title: Annotated[str, Form(max_length=300)] = "",
    ) -> Response:
        """Record a file about a dataset version."""
        caller = shelf.reader(request)
        try:
            add_document(uploads, caller, f"dataset/{name}/{version}", file, kind, title)
        except (Rejected, TooLarge) as refused:
            return show(request, name, version, status=422, faults=[("file", said(refused))])
        return shelf.desk.to(request, f"/datasets/{name}/versions/{version}#documents")

    return router


def used_by(connection: Connection, beginning: str, sight: Sight) -> list[tuple[str, bool]]:
    """Name the model versions trained on a dataset's versions, and whether each is live.

    ``beginning``: of the subjects, ``dataset/credit/`` or ``dataset/credit/3"``. The newest
    first; those of models that are not in ``sight`` are left out.
    """
    columns = MODEL_VERSIONS.c
    trained = (
        select(columns.subject)
        .where(
            # The column is a JSON array of subjects, which hold no quotes.
            columns.trained_on.contains(f'"{beginning}', autoescape=True),
            of_seen_models(sight, columns.subject),
        )
        .order_by(columns.created_index.desc())
    )
    found = list(connection.execute(trained).scalars())
    live = set(
        connection.execute(
            select(DEPLOYMENTS.c.model_version).where(
                DEPLOYMENTS.c.state == "live", DEPLOYMENTS.c.model_version.in_(found)
            )
        ).scalars()
    )
    return [(one, one in live) for one in found]


def _tabs(path: str, subject: str) -> list[tuple[str, str, None]]:
    return [
        ("Overview", path, None),
        ("Lineage", lineage_of(subject) + "&direction=downstream", None),
        ("Log", f"/ledger?subject={subject}", None),
    ]
