"""The pages of one model: overview, versions, evidence, decisions, deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.catalog import details, finding, lists, of_model, queries, timeline
from app.catalog.api import MODEL_VERSION_COLUMNS
from app.catalog.comparing import compare
from app.core.errors import Missing
from app.web.listing import PageQuery
from app.web.paths import lineage_of
from app.web.tables import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from app.catalog.lists import Part
    from app.catalog.pages import Shelf
    from app.catalog.values import Model, ModelVersion
    from app.ledger.snapshot import Snapshot
    from app.web.desk import Desk
    from app.web.listing import Asked, Listed

    Columns = Sequence[Column]
    Read = Callable[[Snapshot, Part, str], Listed]

Text = Annotated[str, Query(max_length=300)]

STEPS_SHOWN = 200
VERSIONS = (
    Column("version", "Version", Kind.LINK),
    Column("digest", "Artifact", Kind.HASH),
    Column("framework", "Framework"),
    Column("trained_on", "Trained on", Kind.LINK),
    Column("recorded_at", "Registered", Kind.TIME),
)
EVIDENCE = (
    Column("kind", "Kind"),
    Column("about", "About", Kind.LINK),
    Column("what", "What"),
    Column("on", "Measured on", Kind.LINK),
    Column("measured_at", "Measured", Kind.TIME),
    Column("digest", "Digest", Kind.HASH),
    Column("created_index", "Entry", Kind.LINK),
)
DECISIONS = (
    Column("model_version", "Version", Kind.LINK),
    Column("environment", "Environment"),
    Column("gate", "Verdict", Kind.STATUS),
    Column("promotion", "Promotion", Kind.LINK),
    Column("expires_at", "Holds until", Kind.TIME),
    Column("recorded_at", "Decided", Kind.TIME),
    Column("created_index", "Entry", Kind.LINK),
)


def model_pages(shelf: Shelf) -> APIRouter:
    """Build the pages of one model; its parts are links."""
    router = shelf.desk.router()
    router.include_router(_lists(shelf))
    desk, ledger = shelf.desk, shelf.ledger

    @router.get("/models/{name}")
    def overview(request: Request, name: str) -> Response:
        """Tell what a model is, where it runs and what is measured of it."""
        caller = shelf.reader(request)
        with ledger.snapshot() as now:
            model = details.model(now.connection, caller, name)
            live = of_model.deployments(now.connection, name)
            documents = queries.documents(now.connection, [f"model/{name}"])
            newest = of_model.newest(now.connection, name)
            versions = of_model.version_names(now.connection, name)
            subjects = (f"model/{name}", *(f"model/{name}/{one}" for one in versions))
            findings = finding.shown(now, *subjects)
            people = [model.actor, *(one.owner for one, _ in findings)]
            names = shelf.names(now.connection, people)
            size = now.size
        return _page(
            desk,
            request,
            model,
            "overview",
            findings=findings,
            live=live,
            documents=documents,
            newest=newest,
            names=names,
            size=size,
        )

    @router.get("/models/{name}/compare")
    def comparison(request: Request, name: str, left: Text, right: Text) -> Response:
        """Compare two versions of a model."""
        caller = shelf.reader(request)
        with ledger.snapshot() as now:
            model = details.model(now.connection, caller, name)
            first = _version(now.connection, name, left)
            second = _version(now.connection, name, right)
            differences = compare(now.connection, first, second)
            known = of_model.version_names(now.connection, name)
            size = now.size
        return _page(
            desk,
            request,
            model,
            "compare",
            first=first,
            second=second,
            differences=differences,
            known=known,
            size=size,
        )

    @router.get("/models/{name}/deployments")
    def deployments(request: Request, name: str) -> Response:
        """Tell what of a model was live when."""
        caller = shelf.reader(request)
        with ledger.snapshot() as now:
            model = details.model(now.connection, caller, name)
            live = of_model.deployments(now.connection, name)
            steps = timeline.steps_of_model(now.connection, name, now.size, STEPS_SHOWN + 1)
            names = shelf.names(now.connection, {one.actor for one in steps})
            size = now.size
        return _page(
            desk,
            request,
            model,
            "deployments",
            live=live,
            steps=timeline.happened(steps[:STEPS_SHOWN], names),
            more=len(steps) > STEPS_SHOWN,
            size=size,
        )

    return router


def _lists(shelf: Shelf) -> APIRouter:
    """Build the pages that list what stands about a model."""
    router = shelf.desk.router()
    desk, ledger = shelf.desk, shelf.ledger

    @router.get("/models/{name}/versions")
    def versions(request: Request, name: str, page: PageQuery) -> Response:
        """List the versions of a model; any two can be compared."""
        caller = shelf.reader(request)
        with ledger.snapshot() as now:
            model = details.model(now.connection, caller, name)
            known = of_model.version_names(now.connection, name)
        listing = shelf.list(
            request,
            page,
            VERSIONS,
            lambda now, part: lists.model_versions(now, part, name),
            caption=f"Versions of {name}",
            csv_columns=MODEL_VERSION_COLUMNS,
        )
        if isinstance(listing, Response):
            return listing
        return _page(desk, request, model, "versions", listing=listing, known=known)

    def about(
        request: Request, page: Asked, name: str, what: str, columns: Columns, read: Read
    ) -> Response:
        """List a part of what stands about a model."""
        caller = shelf.reader(request)
        with ledger.snapshot() as now:
            model = details.model(now.connection, caller, name)
        listing = shelf.list(
            request,
            page,
            columns,
            lambda now, part: read(now, part, name),
            caption=f"{what.capitalize()} about {name}",
        )
        if isinstance(listing, Response):
            return listing
        return _page(desk, request, model, what, listing=listing)

    @router.get("/models/{name}/evidence")
    def evidence(request: Request, name: str, page: PageQuery) -> Response:
        """List what was measured on a model's versions, and the files about them."""
        return about(request, page, name, "evidence", EVIDENCE, of_model.evidence)

    @router.get("/models/{name}/decisions")
    def decisions(request: Request, name: str, page: PageQuery) -> Response:
        """List what gates decided about a model's versions."""
        return about(request, page, name, "decisions", DECISIONS, of_model.decisions)

    return router


def _page(desk: Desk, request: Request, model: Model, part: str, **values: object) -> Response:
    about = {"model": model, "tabs": _tabs(model.name), "here": request.url.path}
    return desk.fill(request, f"catalog/model_{part}", model.name, about | values)


def _tabs(name: str) -> list[tuple[str, str, None]]:
    path = f"/models/{name}"
    return [
        ("Overview", path, None),
        ("Versions", f"{path}/versions", None),
        ("Evidence", f"{path}/evidence", None),
        ("Lineage", lineage_of(f"model/{name}"), None),
        ("Decisions", f"{path}/decisions", None),
        ("Deployments", f"{path}/deployments", None),
        ("Log", f"/ledger?subject=model/{name}", None),
    ]


def _version(connection: Connection, name: str, version: str) -> ModelVersion:
    found = queries.model_version(connection, f"model/{name}/{version}")
    if found is None:
        raise Missing(f"model {name[:100]} has no version {version[:100]}")
    return found
