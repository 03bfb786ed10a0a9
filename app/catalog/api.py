"""Reading what is, over HTTP: datasets, models, versions, deployments, promotions, policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from app.catalog import details, lists
from app.catalog.lists import Part
from app.catalog.search import search
from app.core.access import Permission
from app.core.errors import Fault, Rejected
from app.core.events.decode import encode
from app.web.listing import PageQuery, answer_list

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.web.callers import Authenticate, Caller
    from app.web.listing import Asked, Cursors, Key, Listed

DATASET_COLUMNS = (
    "name",
    "owner",
    "licence",
    "description",
    "team",
    "recorded_at",
    "created_index",
)
MODEL_COLUMNS = ("name", "owner", "purpose", "risk_tier", "team", "recorded_at", "created_index")
DATASET_VERSION_COLUMNS = (
    "name", "version", "digest", "uri", "size", "rows", "derived_from", "recorded_at",
    "created_index",
)  # fmt: skip
MODEL_VERSION_COLUMNS = (
    "name", "version", "digest", "uri", "framework", "trained_on", "run", "recorded_at",
    "created_index",
)  # fmt: skip
DEPLOYMENT_COLUMNS = (
    "environment", "name", "model_version", "decision_id", "gated", "ungated_because", "target",
    "revision", "since", "step_index",
)  # fmt: skip
PROMOTION_COLUMNS = (
    "id", "model_version", "environment", "state", "submitter", "decision_id", "expires_at",
    "deployment", "recorded_at", "created_index",
)  # fmt: skip
FINDING_COLUMNS = (
    "id", "about", "severity", "owner", "due", "closed_index", "recorded_at", "created_index",
)  # fmt: skip
POLICY_COLUMNS = (
    "name", "version", "state", "digest", "drafter", "publisher", "published_at", "created_index",
)  # fmt: skip

Name = Annotated[str, Query(max_length=300)]


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the catalogue's routes work with."""

    ledger: Ledger
    authenticate: Authenticate
    cursors: Cursors

    def reader(self, request: Request) -> Caller:
        """Recognise a caller who may read. Raises Unauthenticated, RoleMissing."""
        caller = self.authenticate(request)
        caller.require(Permission.READ)
        return caller

    def answer(
        self,
        request: Request,
        page: Asked,
        columns: tuple[str, ...],
        read: Callable[[Snapshot, Part], Listed],
    ) -> Response:
        """Answer a list, each part of it read in a snapshot of its own."""

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            with self.ledger.snapshot() as now:
                return read(now, Part(now.size if size is None else size, after, limit))

        return answer_list(request, page, self.cursors, columns, fetch)


def catalog_routes(catalog: Catalog) -> APIRouter:
    """Build the routes that read the catalogue."""
    router = APIRouter(prefix="/api/v1")
    router.include_router(_dataset_routes(catalog), tags=["datasets"])
    router.include_router(_model_routes(catalog), tags=["models"])
    router.include_router(_decided_routes(catalog), tags=["decisions"])
    return router


def _dataset_routes(catalog: Catalog) -> APIRouter:
    router = APIRouter()

    @router.get("/datasets", operation_id="listDatasets")
    def datasets(request: Request, page: PageQuery) -> Response:
        """List datasets by name."""
        sight = catalog.reader(request).sight
        return catalog.answer(
            request, page, DATASET_COLUMNS, lambda now, part: lists.datasets(now, part, sight)
        )

    @router.get("/datasets/{name}", operation_id="readDataset")
    def dataset(request: Request, name: str) -> Response:
        """Give a dataset."""
        caller = catalog.authenticate(request)
        with catalog.ledger.snapshot() as now:
            return _one(now, encode(details.dataset(now.connection, caller, name)))

    @router.get("/datasets/{name}/versions", operation_id="listDatasetVersions")
    def versions(request: Request, name: str, page: PageQuery) -> Response:
        """List the versions of a dataset in the order they were registered."""
        caller = catalog.authenticate(request)
        with catalog.ledger.snapshot() as now:
            details.dataset(now.connection, caller, name)
        return catalog.answer(
            request,
            page,
            DATASET_VERSION_COLUMNS,
            lambda now, part: lists.dataset_versions(now, part, name),
        )

    @router.get("/datasets/{name}/versions/{version}", operation_id="readDatasetVersion")
    def version_of(request: Request, name: str, version: str) -> Response:
        """Give a dataset version with its approvals and documents."""
        caller = catalog.authenticate(request)
        with catalog.ledger.snapshot() as now:
            return _one(now, details.dataset_version(now.connection, caller, name, version))

    return router


def _model_routes(catalog: Catalog) -> APIRouter:
    router = APIRouter()

    @router.get("/models", operation_id="listModels")
    def models(request: Request, page: PageQuery) -> Response:
        """List models by name."""
        sight = catalog.reader(request).sight
        return catalog.answer(
            request, page, MODEL_COLUMNS, lambda now, part: lists.models(now, part, sight)
        )

    @router.get("/models/{name}", operation_id="readModel")
    def model(request: Request, name: str) -> Response:
        """Give a model."""
        caller = catalog.authenticate(request)
        with catalog.ledger.snapshot() as now:
            return _one(now, encode(details.model(now.connection, caller, name)))

    @router.get("/models/{name}/versions", operation_id="listModelVersions")
    def versions(request: Request, name: str, page: PageQuery) -> Response:
        """List the versions of a model in the order they were registered."""
        caller = catalog.authenticate(request)
        with catalog.ledger.snapshot() as now:
            details.model(now.connection, caller, name)
        return catalog.answer(
            request,
            page,
            MODEL_VERSION_COLUMNS,
            lambda now, part: lists.model_versions(now, part, name),
        )

    @router.get("/models/{name}/versions/{version}", operation_id="readModelVersion")
    def version_of(request: Request, name: str, version: str) -> Response:
        """Give a model version with its stages, evidence, last decisions and deployments."""
        caller = catalog.authenticate(request)
        with catalog.ledger.snapshot() as now:
            return _one(now, details.model_version(now.connection, caller, name, version))

    @router.get("/deployments", operation_id="listDeployments")
    def deployments(
        request: Request,
        page: PageQuery,
        environment: Name | None = None,
        at: Annotated[str | None, Query(description="RFC 3339: what was live then")] = None,
    ) -> Response:
        """List what is live, or was at a time, as the log tells it now."""
        sight = catalog.reader(request).sight
        moment = None if at is None else moment_of(at)
        return catalog.answer(
            request,
            page,
            DEPLOYMENT_COLUMNS,
            lambda now, part: lists.deployments(
                now, part, sight, environment=environment, at=moment
            ),
        )

    return router


def _decided_routes(catalog: Catalog) -> APIRouter:
    router = APIRouter()

    @router.get("/promotions", operation_id="listPromotions")
    def promotions(
        request: Request,
        page: PageQuery,
        subject: Name | None = None,
        environment: Name | None = None,
        state: Name | None = None,
    ) -> Response:
        """List promotions in the order they were asked for."""
        caller = catalog.authenticate(request)
        caller.require(Permission.READ_DECISIONS)
        return catalog.answer(
            request,
            page,
            PROMOTION_COLUMNS,
            lambda now, part: lists.promotions(
                now, part, caller.sight, subject=subject, environment=environment, state=state
            ),
        )

    @router.get("/findings", operation_id="listFindings")
    def findings(
        request: Request,
        page: PageQuery,
        about: Name | None = None,
        state: Literal["open", "closed"] | None = None,
    ) -> Response:
        """List findings in the order they were raised; what was written is in their entries."""
        sight = catalog.reader(request).sight
        return catalog.answer(
            request,
            page,
            FINDING_COLUMNS,
            lambda now, part: lists.findings(now, part, sight, about=about, state=state),
        )

    @router.get("/policies", operation_id="listPolicies")
    def policies(request: Request, page: PageQuery, state: Name | None = None) -> Response:
        """List policy versions by name, without their documents."""
        catalog.reader(request)
        return catalog.answer(
            request, page, POLICY_COLUMNS, lambda now, part: lists.policies(now, part, state)
        )

    @router.get("/search", operation_id="search")
    def find(
        request: Request,
        q: Annotated[str, Query(min_length=1, max_length=300)],
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> Response:
        """Find what holds every word in its name, its description or its digest."""
        sight = catalog.reader(request).sight
        with catalog.ledger.snapshot() as now:
            found = search(now.connection, q, sight, limit)
            return _one(now, {"items": [encode(one) for one in found]})

    return router


def _one(now: Snapshot, body: dict[str, Json]) -> Response:
    return JSONResponse({**body, "log_size": now.size})


def moment_of(written: str) -> datetime:
    """Read ``?at=``; a time without a zone is refused."""
    try:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # no time at all, or none in UTC
        pass
    raise Rejected(
        "at is not an RFC 3339 time with a zone",
        remedy="write it like 2026-11-21T09:30:00Z",
        faults=[Fault("#/query/at", "must be RFC 3339 with a zone")],
    )
