"""How the graph is kept, over HTTP: where it stands, and the long work on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.core.access import Permission

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.ledger.record import Ledger
    from app.lineage.jobs import Job, Jobs
    from app.lineage.projector import Projector
    from app.web.callers import Authenticate


@dataclass(frozen=True, slots=True)
class KeepingRoutes:
    """What the routes work with. ``projector`` None: SQL alone keeps the graph."""

    ledger: Ledger
    authenticate: Authenticate
    projector: Projector | None
    jobs: Jobs


def keeping_routes(routes: KeepingRoutes) -> APIRouter:
    """Build the routes that look after the graph."""
    router = APIRouter(prefix="/api/v1/graph", tags=["lineage"])

    @router.get("/status", operation_id="lineageStatus")
    def get_status(request: Request) -> Response:
        """Tell which store answers, how far behind the log it is, and what is wrong with it."""
        routes.authenticate(request).require(Permission.READ)
        with routes.ledger.snapshot() as now:
            size = now.size
        body: dict[str, Json] = {
            "store": "sql",
            "graph_seq": size,
            "log_size": size,
            "lag": 0,
            "last_error": None,
        }
        if routes.projector is not None:
            progress = routes.projector.progress
            seq = min(progress.graph_seq, size)
            body |= {
                "store": "neo4j",
                "graph_seq": seq,
                "lag": size - seq,
                "last_error": progress.last_error,
                "answers": "neo4j" if progress.answers else "sql",
                "quarantined": list(progress.quarantined),
            }
        return JSONResponse(body)

    @router.post("/rebuild", operation_id="lineageRebuild", status_code=202)
    def post_rebuild(request: Request) -> Response:
        """Begin to make the graph in Neo4j anew, beside the one in force."""
        routes.authenticate(request).require(Permission.REBUILD)
        return _begun(routes.jobs.rebuild())

    @router.post("/reconcile", operation_id="lineageReconcile", status_code=202)
    def post_reconcile(request: Request) -> Response:
        """Begin to hold every store of the graph against the log, and to set it right."""
        caller = routes.authenticate(request)
        caller.require(Permission.RECONCILE)
        return _begun(routes.jobs.reconcile(caller.actor))

    @router.get("/jobs/{job_id}", operation_id="lineageJob")
    def get_job(request: Request, job_id: str) -> Response:
        """Tell how a job is getting on, and what it found."""
        routes.authenticate(request).require(Permission.READ)
        return JSONResponse(routes.jobs.find(job_id).to_json())

    return router


def _begun(job: Job) -> Response:
    return JSONResponse(job.to_json(), 202, {"Location": f"/api/v1/graph/jobs/{job.id}"})
