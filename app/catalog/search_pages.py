"""Searching everything that has a name, as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.catalog.search import search
from app.core.access import Permission
from app.web.paths import entry_of, page_of

if TYPE_CHECKING:
    from app.ledger.record import Ledger
    from app.web.desk import Desk

MOST_FOUND = 50


def search_pages(desk: Desk, ledger: Ledger) -> APIRouter:
    """Build the page."""
    router = desk.router()

    @router.get("/search")
    def find(request: Request, q: Annotated[str, Query(max_length=300)] = "") -> Response:
        """Find what holds every word in its name, its words about itself or its digest."""
        caller = desk.visitor(request).caller
        caller.require(Permission.READ)
        with ledger.snapshot() as now:
            found = search(now.connection, q, caller.sight, MOST_FOUND + 1)
            size = now.size
        return desk.page(
            request,
            "catalog/search",
            title="Search",
            words=q.strip(),
            found=[
                {
                    "subject": one.subject,
                    "path": page_of(one.subject),
                    "kind": one.kind.replace("_", " "),
                    "title": one.title,
                    "index": one.index,
                    "entry": entry_of(one.index),
                }
                for one in found[:MOST_FOUND]
            ],
            more=len(found) > MOST_FOUND,
            most=MOST_FOUND,
            size=size,
        )

    return router
