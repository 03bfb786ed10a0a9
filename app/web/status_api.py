"""Is it up, is it ready, and what a refusal's ``type`` means."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from app.core.errors import Missing, Unavailable
from app.web.errors import kinds, status_of, title_of
from app.web.pages import show

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

    @router.get("/problems/{slug}", operation_id="readProblem", include_in_schema=False)
    def problem_page(slug: str) -> Response:
        """Explain a kind of refusal to a person."""
        kind = kinds().get(slug)
        if kind is None:
            raise Missing(f"there is no problem {slug[:80]!r}")
        told = inspect.getdoc(kind) or ""
        return show("problem", title=title_of(kind), status=status_of(kind), told=told)

    return router
