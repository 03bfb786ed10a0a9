"""Pages that anybody may open: the front, help, and what a refusal means."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.core.errors import Missing
from app.web.desk import Desk
from app.web.errors import kinds, status_of, title_of
from app.web.rail import RAIL


def front_pages(desk: Desk, nobody: Callable[[], bool]) -> APIRouter:
    """Build the pages. ``nobody``: whether the first account is still to be made."""
    router = desk.open_router()

    @router.get("/")
    def front(request: Request) -> Response:
        """Send a person to their first place; tell everybody else what this is."""
        if desk.maybe_visitor(request) is not None:
            return desk.to(request, RAIL[0].path if RAIL else "/start")
        return desk.page(request, "front", title="The record of your models", nobody=nobody())

    @router.get("/help")
    def help_page(request: Request) -> Response:
        """Say which keys there are and what the words mean."""
        return desk.page(request, "help", title="Help")

    @router.get("/problems/{slug}")
    def problem_page(request: Request, slug: str) -> Response:
        """Explain a kind of refusal to a person."""
        kind = kinds().get(slug)
        if kind is None:
            raise Missing(f"there is no problem {slug[:80]!r}")
        told = inspect.getdoc(kind) or ""
        return desk.page(
            request, "refusal", title=title_of(kind), status_code=status_of(kind), told=told
        )

    return router
