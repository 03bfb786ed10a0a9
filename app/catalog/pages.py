"""The pages of what exists: lists of models, datasets and deployments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.catalog import inventory, lists
from app.catalog.api import DATASET_COLUMNS, DEPLOYMENT_COLUMNS, moment_of
from app.catalog.inventory import SORTS, Wanted, live_in
from app.catalog.lists import Part
from app.core.access import Permission
from app.web.listing import PageQuery
from app.web.moments import with_zone
from app.web.tables import Column, Kind, Listing, list_page, order_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.catalog.ports import ReadyFor, RequestPromotion
    from app.ledger.ports import NamesOf
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.web.callers import Caller
    from app.web.desk import Desk
    from app.web.listing import Asked, Cursors, Key, Listed

Text = Annotated[str, Query(max_length=300)]

DATASETS = (
    Column("name", "Name", Kind.LINK),
    Column("owner", "Owner"),
    Column("licence", "Licence"),
    Column("description", "Description"),
    Column("recorded_at", "Registered", Kind.TIME),
)
DEPLOYMENTS = (
    Column("environment", "Environment"),
    Column("name", "Deployment"),
    Column("model_version", "Version", Kind.LINK),
    Column("since", "Since", Kind.TIME),
    Column("gated", "Decision"),
    Column("step_index", "Entry", Kind.LINK),
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the catalogue's pages work with."""

    desk: Desk
    ledger: Ledger
    cursors: Cursors
    names: NamesOf
    ready: ReadyFor
    request_promotion: RequestPromotion

    def reader(self, request: Request) -> Caller:
        """Recognise a person who may read. Raises Unauthenticated, RoleMissing."""
        caller = self.desk.visitor(request).caller
        caller.require(Permission.READ)
        return caller

    def list(
        self,
        request: Request,
        page: Asked,
        columns: Sequence[Column],
        read: Callable[[Snapshot, Part], Listed],
        *,
        caption: str,
        csv_columns: Sequence[str] = (),
    ) -> Listing | Response:
        """Read a page of a list, each part of it in a snapshot of its own."""

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            with self.ledger.snapshot() as now:
                return read(now, Part(now.size if size is None else size, after, limit))

        return list_page(
            request,
            page,
            self.cursors,
            columns,
            fetch,
            caption=caption,
            csv_columns=csv_columns,
        )


def catalog_pages(shelf: Shelf) -> APIRouter:
    """Build the pages that list what exists."""
    router = shelf.desk.router()

    @router.get("/models")
    def models(
        request: Request, page: PageQuery, q: Text = "", tier: Text = "", live: Text = ""
    ) -> Response:
        """List models as an inventory."""
        caller = shelf.reader(request)
        sort, descending = order_of(request, SORTS, "name")
        wanted = Wanted(q, tier, live, sort, descending)
        with shelf.ledger.snapshot() as now:
            places = inventory.environments(now.connection)
            tiers = inventory.tiers(now.connection)
        columns = _inventory_columns(places)
        listing = shelf.list(
            request,
            page,
            columns,
            partial(inventory.models, sight=caller.sight, wanted=wanted),
            caption="Models",
            csv_columns=[*(one.key for one in columns), "purpose", "team", "created_index"],
        )
        if isinstance(listing, Response):
            return listing
        return shelf.desk.page(
            request,
            "catalog/models",
            title="Models",
            listing=listing,
            wanted=wanted,
            places=places,
            tiers=tiers,
        )

    @router.get("/datasets")
    def datasets(request: Request, page: PageQuery, q: Text = "") -> Response:
        """List datasets by name."""
        sight = shelf.reader(request).sight
        listing = shelf.list(
            request,
            page,
            DATASETS,
            lambda now, part: lists.datasets(now, part, sight, words=q),
            caption="Datasets",
            csv_columns=DATASET_COLUMNS,
        )
        if isinstance(listing, Response):
            return listing
        return shelf.desk.page(
            request, "catalog/datasets", title="Datasets", listing=listing, words=q
        )

    @router.get("/deployments")
    def deployments(
        request: Request, page: PageQuery, environment: Text = "", name: Text = "", at: Text = ""
    ) -> Response:
        """List what is live, or was at a time; ``name``: one deployment alone."""
        sight = shelf.reader(request).sight
        moment = moment_of(with_zone(at)) if at else None
        listing = shelf.list(
            request,
            page,
            DEPLOYMENTS,
            lambda now, part: lists.deployments(
                now, part, sight, environment=environment or None, name=name or None, at=moment
            ),
            caption="Deployments",
            csv_columns=DEPLOYMENT_COLUMNS,
        )
        if isinstance(listing, Response):
            return listing
        with shelf.ledger.snapshot() as now:
            places = inventory.environments(now.connection)
        return shelf.desk.page(
            request,
            "catalog/deployments",
            title="What is live" if moment is None else "What was live",
            listing=listing,
            places=places,
            environment=environment,
            name=name,
            at=at,
        )

    return router


def _inventory_columns(places: Sequence[str]) -> list[Column]:
    return [
        Column("name", "Name", Kind.LINK, "name"),
        Column("owner", "Owner", sort="owner"),
        Column("risk_tier", "Tier", sort="risk_tier"),
        *(Column(live_in(place), f"Live in {place}") for place in places),
        Column("verdict", "Last verdict", Kind.STATUS),
        Column("validated_at", "Last measured", Kind.TIME),
        Column("revalidation_due", "Next revalidation due", Kind.TIME),
        Column("open_findings", "Open findings", Kind.NUMBER),
        Column("recorded_at", "Registered", Kind.TIME, "recorded_at"),
    ]
