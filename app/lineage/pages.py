"""The page of lineage: why one thing goes back to another, and what is around it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from app.core.access import Permission
from app.core.errors import Missing, Rejected, Unavailable
from app.core.ledger.times import format_time
from app.core.lineage.closure import DEPTH, Direction
from app.core.lineage.relations import LATEST
from app.lineage import asking, twin
from app.lineage.api import Reading
from app.lineage.asking import Terms
from app.lineage.drawing import around, draw_around, draw_way
from app.lineage.drawing_api import svg_file
from app.lineage.hidden import Names
from app.lineage.picking import choices, way_worth_showing
from app.web.moments import MomentField

if TYPE_CHECKING:
    from app.core.lineage.closure import WhyPath
    from app.ledger.record import Ledger
    from app.lineage.asking import Answer
    from app.lineage.drawing import Drawing
    from app.lineage.layout import Layout
    from app.lineage.picture import Shown
    from app.lineage.sources import Sources
    from app.web.desk import Desk

LISTED = 1000
SECONDS = 3.0
DEEPEST = 6


def _given(written: object) -> object:
    return None if written == "" else written


Node = Annotated[str, Field(max_length=1000)]


class Question(BaseModel):
    """What the page is asked. ``node``: around what; ``from`` and ``to``: the way between."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)
    node: Node = ""
    from_: Node = Field("", alias="from")
    to: Node = ""
    direction: Direction = Direction.UPSTREAM
    depth: int = Field(3, ge=1, le=DEEPEST)
    as_of: Annotated[int | None, BeforeValidator(_given)] = Field(None, ge=0)
    at: MomentField = None
    every: bool = False
    view: Literal["picture", "list"] = "picture"
    format: Literal["svg", "csv", "json"] | None = None

    def terms(self) -> Terms:
        """Say what an answer may cost, and of when it is."""
        return Terms(
            as_of_seq=self.as_of,
            moment=LATEST if self.at is None else format_time(self.at),
            depth=self.depth,
            limit=LISTED,
            timeout=SECONDS,
        )

    def path(self, **changes: str) -> str:
        """Write the address of this question, with some of it changed."""
        asked = {
            "node": self.node,
            "from": self.from_,
            "to": self.to,
            "direction": self.direction.value,
            "depth": str(self.depth),
            "as_of": "" if self.as_of is None else str(self.as_of),
            "at": "" if self.at is None else format_time(self.at),
            "every": "true" if self.every else "",
            "view": self.view if self.view != "picture" else "",
        }
        return "/lineage?" + urlencode({k: v for k, v in (asked | changes).items() if v})


@dataclass(frozen=True, slots=True)
class Found:
    """What was asked of one state of the graph. ``refused``: why there is nothing to show."""

    question: Question
    size: int
    names: Names
    near: Answer[Shown] | None = None
    way: Answer[WhyPath] | None = None
    refused: str | None = None

    @property
    def asked_size(self) -> int:
        """The size of the log that was asked about."""
        return self.size if self.question.as_of is None else self.question.as_of


def lineage_pages(desk: Desk, ledger: Ledger, sources: Sources, layout: Layout) -> APIRouter:
    """Build the page of lineage and its downloads."""
    router = desk.router()

    @router.get("/lineage")
    def lineage(request: Request, question: Annotated[Question, Query()]) -> Response:
        """Show the way between two things and what is around one, as picture and as list."""
        caller = desk.visitor(request).caller
        caller.require(Permission.READ)
        with ledger.snapshot() as now:
            names = Names(now.connection, caller.sight)
            known = choices(now.connection, caller.sight)
            reading = Reading(now, sources, names)
            found = _ask(reading, question, known[0] if known else "")
        if question.format is not None:
            return _file(desk, layout, found)
        drawing, failed = _drawn(layout, found)
        return desk.page(
            request,
            "lineage/lineage",
            title="Lineage",
            status=404 if found.refused else 200,
            found=found,
            question=found.question,
            known=known,
            deepest=DEEPEST,
            way=_way(layout, found),
            steps=_steps(found),
            drawing=drawing,
            failed=failed,
            rows=() if found.near is None else twin.rows_of(found.near.result, names),
        )

    return router


def _ask(now: Reading, question: Question, newest: str) -> Found:
    """Ask for the way and for what is around, choosing what the reader left open."""
    size, names, terms = now.now.size, now.names, question.terms()
    node = question.node or question.to or question.from_ or newest
    asked = question.model_copy(update={"node": node})
    if not node:
        return Found(asked, size, names)
    try:
        for place, one in (("node", node), ("from", asked.from_), ("to", asked.to)):
            if one:
                names.check(place, one)
        near = now.ask(
            terms, lambda store, upto, left: around(store, upto, node, question.direction, left)
        )
        if not (asked.from_ and asked.to):
            ends = way_worth_showing(now, node)
            if ends is None:
                return Found(asked, size, names, near)
            asked = asked.model_copy(update={"from_": ends[0], "to": ends[1]})
        cause, effect, deep = asked.from_, asked.to, replace(terms, depth=DEPTH)
        way = now.ask(deep, lambda store, upto, left: asking.why(store, upto, cause, effect, left))
    except (Missing, Rejected) as refused:
        return Found(asked, size, names, refused=refused.detail)
    return Found(asked, size, names, near, way)


def _drawn(layout: Layout, found: Found) -> tuple[Drawing | None, str | None]:
    """Draw what is around; or say why it could not be drawn: the list has it all."""
    if found.near is None or found.question.view == "list":
        return None, None
    try:
        return _draw(layout, found), None
    except Unavailable as refused:
        return None, refused.detail


def _draw(layout: Layout, found: Found, base: str = "") -> Drawing:
    if found.near is None:
        raise Missing(found.refused or "nothing was asked about", remedy="name a subject")
    return draw_around(
        layout,
        found.near,
        found.names,
        node=found.question.node,
        direction=found.question.direction,
        size=found.asked_size,
        every=found.question.every,
        base=base,
    )


def _way(layout: Layout, found: Found) -> Drawing | None:
    if found.way is None:
        return None
    try:
        return draw_way(
            layout,
            found.way,
            found.names,
            cause=found.question.from_,
            effect=found.question.to,
            size=found.asked_size,
        )
    except Unavailable:
        return None  # the steps beside it say the same


def _steps(found: Found) -> tuple[twin.Step, ...]:
    path = () if found.way is None else found.way.result.path or ()
    return tuple(twin.step_of(edge, found.names) for edge in path)


def _file(desk: Desk, layout: Layout, found: Found) -> Response:
    """Answer with what is shown as a file, stamped with the size of the log."""
    if found.question.format == "svg" or found.near is None:
        drawing = _draw(layout, found, desk.frame.public_url)
        return svg_file(drawing.svg, f"lineage-{found.asked_size}.svg")
    name = f"lineage-{found.asked_size}.{found.question.format}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    if found.question.format == "json":
        body = twin.as_json(found.near, found.names, size=found.asked_size)
        return JSONResponse(body, headers=headers)
    text = twin.as_csv(found.near, found.names, size=found.asked_size)
    return Response(text, 200, headers, "text/csv; charset=utf-8; header=present")
