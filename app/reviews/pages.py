"""The pages of deciding: the inbox, and a promotion with all that is decided on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import Response

from app.reviews.deciding_form import Filled, show_promotion
from app.reviews.inbox import COLUMNS, Filter, Group, Item, inbox_of
from app.web.listing import Listed, as_csv, as_json
from app.web.tables import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fastapi import APIRouter

    from app.reviews.looking import Looking
    from app.web.listing import Key

Text = Annotated[str, Query(max_length=300)]
SHOWN = 50
"""Rows of a group on one page; the rest follows on pages of the group's own."""
LONGEST = 1_000_000
NOT_KEPT = frozenset({"group", "skip", "format"})
TITLES = {
    Group.YOURS: "Yours to decide",
    Group.OTHERS: "Waiting on others",
    Group.DECIDED: "Recently decided",
}


@dataclass(frozen=True, slots=True)
class Shelf:
    """A group as it is shown. ``count``: of all its items. ``before``, ``after``: other pages."""

    title: str
    kind: Group
    count: int
    items: Sequence[Item]
    before: str | None
    after: str | None


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
        skip: Annotated[int, Query(ge=0, le=LONGEST)] = 0,
        format: Format = None,  # noqa: A002 - as the address says
    ) -> Response:
        """List promotions by whom they wait for, or give the list as a file."""
        caller = looking.reader(request)
        with looking.ledger.snapshot() as now:
            everything = inbox_of(now, looking.weighing, caller, looking.clock())
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
                _shown(request, kind, [one for one in items if one.group is kind], skip)
                for kind in Group
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


def _shown(request: Request, kind: Group, items: Sequence[Item], skip: int) -> Shelf:
    """Cut out what of a group is shown, with the pages before and after it."""

    def page(start: int) -> str:
        asked = [one for one in request.query_params.multi_items() if one[0] not in NOT_KEPT]
        return f"/inbox?{urlencode([*asked, ('group', kind.value), ('skip', str(start))])}"

    end = skip + SHOWN
    return Shelf(
        TITLES[kind],
        kind,
        len(items),
        items[skip:end],
        page(max(0, skip - SHOWN)) if skip else None,
        page(end) if end < len(items) else None,
    )


def _options(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(one, one) for one in sorted(set(values))]


def _as_file(request: Request, kind: str) -> str:
    """Give the address of exactly this list as a file."""
    asked = [one for one in request.query_params.multi_items() if one[1]]
    return f"{request.url.path}?{urlencode([*asked, ('format', kind)])}"
