"""The drawing of a closure over HTTP, the same that the page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.lineage.api import ClosureQuery
from app.lineage.drawing import around, draw_around

if TYPE_CHECKING:
    from app.lineage.api import LineageRoutes
    from app.lineage.layout import Layout

SANDBOX = "default-src 'none'; sandbox"
"""A browser that is made to open the file runs nothing in it."""


class DrawingQuery(ClosureQuery):
    """As a closure. ``every``: one box a node, however many there are."""

    every: bool = False


def drawing_routes(routes: LineageRoutes, layout: Layout, public_url: str) -> APIRouter:
    """Build the route that draws. ``public_url``: what the links of a file begin with."""
    router = APIRouter(prefix="/api/v1/graph", tags=["lineage"])

    @router.get("/drawing.svg", operation_id="lineageDrawing", response_class=SvgResponse)
    def get_drawing(request: Request, query: Annotated[DrawingQuery, Query()]) -> Response:
        """Draw what a node came from, or what came of it; over 150 nodes grouped."""
        terms = query.terms(query.kinds)
        with routes.reading(request) as now:
            answer = now.ask(
                terms,
                lambda store, size, left: around(store, size, query.node, query.direction, left),
            )
        names = now.names
        names.check("node", query.node)
        drawing = draw_around(
            layout,
            answer,
            names,
            node=query.node,
            direction=query.direction,
            size=answer.log_size if query.as_of_seq is None else query.as_of_seq,
            every=query.every,
            base=public_url,
        )
        return svg_file(drawing.svg, "lineage.svg")

    return router


class SvgResponse(Response):
    """A picture."""

    media_type = "image/svg+xml"


def svg_file(svg: str, name: str) -> Response:
    """Answer with a picture to be kept."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": SANDBOX,
        "Cache-Control": "private, no-store",
    }
    return SvgResponse(svg, headers=headers)
