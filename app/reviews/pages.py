"""The pages of deciding: the inbox, and a promotion with all that is decided on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import Response

from app.reviews.deciding_form import Filled, show_promotion
from app.reviews.inbox import COLUMNS, Filter, Group, inbox_of
from app.web.listing import Listed, as_csv, as_json
from app.web.tables import Format

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import APIRouter

    from app.reviews.looking import Looking
    from app.web.listing import Key

Text = Annotated[str, Query(max_length=300)]
TITLES = {
    Group.YOURS: "Yours to decide",
    Group.OTHERS: "Waiting on others",
    Group.DECIDED: "Recently decided",
}


def review_pages(looking: Looking) -> APIRouter:
    """Build the pages that only read."""
    router = looking.desk.router()
    desk = looking.desk

    @router.get("/inbox")
    def inbox(
        request: Request,
        group: Text = "",
        model: Text = "",
        environment: Text = "",
        tier: Text = "",
        format: Format = None,  # noqa: A002 - as the address says
    ) -> Response:
        """List promotions by whom they wait for, or give the list as a file."""
        caller = looking.reader(request)
        with looking.ledger.snapshot() as now:
            everything = inbox_of(now, looking.reviews, caller, looking.clock())
            size = now.size
        wanted = Filter(group, model, environment, tier)
        items = [one for one in everything if wanted.takes(one)]

        def fetch(_: int | None, after: Key | None, __: int) -> Listed:
            rows = [] if after is not None else [one.to_json() for one in items]
            return Listed(rows, [(one.id,) for one in items][: len(rows)], size)

        if format == "csv":
            return as_csv(request, COLUMNS, fetch)
        if format == "json":
            return as_json(request, fetch)
        return desk.page(
            request,
            "reviews/inbox",
            title="Inbox",
            groups=[
                (TITLES[kind], kind, [one for one in items if one.group is kind]) for kind in Group
            ],
            wanted=wanted,
            last=next((one for one in everything if one.group is Group.DECIDED), None),
            models=_options(one.subject.split("/")[1] for one in everything),
            environments=_options(one.environment for one in everything),
            tiers=_options(one.risk_tier for one in everything),
            size=size,
            files={kind: _as_file(request, kind) for kind in ("csv", "json")},
        )

    @router.get("/promotions/{promotion_id}")
    def promotion(
        request: Request, promotion_id: str, decide: Text = "", meaning: Text = ""
    ) -> Response:
        """Show a promotion, with a form for whoever may sign."""
        before = looking.before(looking.reader(request), promotion_id)
        filled = Filled.typed(desk.typed(request)) or Filled.drafted(before.draft)
        return show_promotion(looking, request, before, filled.choosing(decide, meaning))

    return router


def _options(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(one, one) for one in sorted(set(values))]


def _as_file(request: Request, kind: str) -> str:
    """Give the address of exactly this list as a file."""
    asked = [one for one in request.query_params.multi_items() if one[1]]
    return f"{request.url.path}?{urlencode([*asked, ('format', kind)])}"
