"""Tables of lists: filters and order in the address, pages by cursor, and the same as a file.

    listing = list_page(request, page, cursors, COLUMNS, fetch, caption="Models")
    if isinstance(listing, Response):     # ?format=csv or json: exactly this list as a file
        return listing
    return desk.page(request, "catalog/models", title="Models", listing=listing)

``{{ ui.table(listing) }}`` shows it; docs/pages.md says how a cell gets its own markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import Response

from app.core.errors import Fault, Rejected
from app.core.jsonvalue import Json
from app.web.listing import Asked, Cursors, Fetch, as_csv, as_json, read_page

PAGE_ROWS = 50
Format = Annotated[Literal["csv", "json"] | None, Query(alias="format")]


class Kind(StrEnum):
    """How a cell shows its value. LINK, SUBJECT: a ``Link``; STATUS: a word; others as said."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    HASH = "hash"
    STATUS = "status"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Column:
    """``key``: the member of an item. ``sort``: what ``?sort=`` calls it, None: not by it."""

    key: str
    title: str
    kind: Kind = Kind.TEXT
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    path: str | None


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's head. ``order``: ascending, descending or none; ``path`` turns it."""

    column: Column
    order: str
    path: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list, as a table shows it. Paths keep what is filtered and sorted."""

    caption: str
    headings: Sequence[Heading]
    items: Sequence[Mapping[str, object]]
    size: int
    filtered: bool
    first: str | None
    next: str | None
    csv: str
    json: str
    all: str


def list_page(
    request: Request,
    page: Asked,
    cursors: Cursors,
    columns: Sequence[Column],
    fetch: Fetch,
    *,
    caption: str,
    csv_columns: Sequence[str] = (),
) -> Listing | Response:
    """Read a page of a list; with ``?format=`` answer all of it as a file instead.

    ``csv_columns``: members in the file, where they are others than the table's. Raises
    Rejected for a cursor that is not this list's.
    """
    wanted = request.query_params.get("format")
    names = csv_columns or [column.key for column in columns]
    if wanted == "csv":
        return as_csv(request, names, fetch)
    if wanted == "json":
        return as_json(request, fetch)
    rows = Asked(min(page.limit, PAGE_ROWS) if "limit" not in request.query_params else page.limit,
                 page.cursor)  # fmt: skip
    found = read_page(request, rows, cursors, fetch)
    path = request.url.path
    return Listing(
        caption=caption,
        headings=[_heading(request, column) for column in columns],
        items=found.items,
        size=found.size,
        filtered=any(
            value for name, value in request.query_params.items() if name not in _NO_FILTER
        ),
        first=_with(request, cursor=None) if page.cursor else None,
        next=_with(request, cursor=found.next_cursor) if found.next_cursor else None,
        csv=_with(request, cursor=None, format="csv"),
        json=_with(request, cursor=None, format="json"),
        all=path,
    )


_NO_FILTER = frozenset({"cursor", "limit", "sort", "format", "draft"})


def order_of(request: Request, allowed: Sequence[str], default: str) -> tuple[str, bool]:
    """Read ``?sort=name`` or ``?sort=-name``: the name and whether it descends.

    Raises Rejected for a name that is not allowed.
    """
    written = request.query_params.get("sort") or default
    name = written.removeprefix("-")
    if name not in allowed:
        raise Rejected(
            f"this list is not sorted by {name[:40]!r}",
            remedy=f"sort by one of {', '.join(allowed)}",
            faults=[Fault("#/query/sort", "is not a column to sort by")],
        )
    return name, written.startswith("-")


def _heading(request: Request, column: Column) -> Heading:
    if column.sort is None:
        return Heading(column, "none", None)
    now = request.query_params.get("sort")
    order = {column.sort: "ascending", f"-{column.sort}": "descending"}.get(now or "", "none")
    turned = f"-{column.sort}" if order == "ascending" else column.sort
    return Heading(column, order, _with(request, cursor=None, sort=turned))


def _with(request: Request, **changes: str | None) -> str:
    """Give this page's address with some of its query changed; None leaves a name out."""
    kept = [one for one in request.query_params.multi_items() if one[0] not in changes]
    query = urlencode([*kept, *((name, value) for name, value in changes.items() if value)])
    return request.url.path + (f"?{query}" if query else "")


def plain(value: Json) -> str:
    """Write a value for a cell that has no kind of its own."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(plain(one) for one in value)
    return str(value)
