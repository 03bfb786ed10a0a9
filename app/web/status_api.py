"""Is it up, and is it ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from app.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable


def status_routes(halted: Callable[[], str | None]) -> APIRouter:
    """Build the routes that need no credentials. ``halted``: why nothing is written, or None."""
    router = APIRouter(tags=["status"])

    @router.get("/healthz", operation_id="isAlive")
    def alive() -> Response:
        """Say that the process answers."""
        return JSONResponse({"status": "ok"})

    @router.get("/readyz", operation_id="isReady")
    def ready() -> Response:
        """Say whether events can be recorded."""
        because = halted()
        if because is not None:
            raise Unavailable(f"nothing can be recorded: {because}", retry_after=30)
        return JSONResponse({"status": "ready"})

    return router
