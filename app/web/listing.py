"""Lists: pages with sealed cursors, or the whole list as CSV.

A cursor says where the last page ended: the size of the log that the first page was read at,
and the sort key of its last item. It is sealed with a MAC over itself and over what was
asked, so that nobody writes one by hand or carries one to another list. Entries that come
later do not shift the pages.
"""

from __future__ import annotations

import base64
import binascii
import csv
import hmac
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from app.core.errors import Fault, NotAcceptable, Rejected
from app.core.jsonvalue import Json

LARGEST_PAGE = 1000
DEFAULT_PAGE = 100
MAC_BYTES = 16
FORMULA = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)

Key: TypeAlias = tuple[str | int, ...]
"""What a list is sorted by, the last part unique: where a page ends."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A page as the query asks for it. ``cursor`` None: the first."""

    limit: int
    cursor: str | None


def asked(
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = DEFAULT_PAGE,
    cursor: Annotated[
        str | None, Query(max_length=2000, description="next_cursor of the page before")
    ] = None,
) -> Asked:
    """Read ``?limit=`` and ``?cursor=``."""
    return Asked(limit, cursor)


PageQuery = Annotated[Asked, Depends(asked)]
"""What a route that lists takes as a parameter."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Items in order with the key of each, read when the log had ``size`` entries."""

    items: Sequence[Mapping[str, Json]]
    keys: Sequence[Key]
    size: int


Fetch = Callable[["int | None", "Key | None", int], Listed]
"""Read items: as of a size (None: now), after a key (None: from the first), so many."""


@dataclass(frozen=True, slots=True)
class Cursors:
    """Seals and opens cursors. ``secret``: 32 bytes that stay in the service."""

    secret: bytes

    def seal(self, scope: str, size: int, key: Key) -> str:
        """Write a cursor; ``scope`` is the list and what was asked of it."""
        body = json.dumps([size, *key], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(scope, body) + body).decode().rstrip("=")

    def open(self, scope: str, cursor: str) -> tuple[int, Key]:
        """Read a cursor's size and key. Raises Rejected unless it was sealed for ``scope``."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        mac, body = raw[:MAC_BYTES], raw[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(scope, body)):
            raise Rejected(
                "this cursor is not one that this list gave",
                remedy="ask for the first page again, without a cursor",
                faults=[Fault("#/query/cursor", "is not a cursor of this list")],
            )
        size, *key = json.loads(body)
        return size, tuple(key)

    def _mac(self, scope: str, body: bytes) -> bytes:
        message = b"cursor\0" + scope.encode() + b"\0" + body
        return hmac.digest(self.secret, message, "sha256")[:MAC_BYTES]


def answer_list(
    request: Request, page: Asked, cursors: Cursors, columns: Sequence[str], fetch: Fetch
) -> Response:
    """Answer ``{items, next_cursor, log_size}``, or all of the list as CSV by Accept.

    ``columns``: members that CSV shows, in order. Raises Rejected for a cursor that is not
    this list's, NotAcceptable where neither form is accepted.
    """
    if _wants_csv(request.headers.get("Accept", "*/*")):
        return as_csv(request, columns, fetch)
    found = read_page(request, page, cursors, fetch)
    body: dict[str, Json] = {
        "items": list(found.items),
        "next_cursor": found.next_cursor,
        "log_size": found.size,
    }
    return JSONResponse(body, headers={"Vary": "Accept"})


@dataclass(frozen=True, slots=True)
class Page:
    """Items of one page, read when the log had ``size`` entries. ``next_cursor`` None: the last."""

    items: Sequence[Mapping[str, Json]]
    next_cursor: str | None
    size: int


def read_page(request: Request, page: Asked, cursors: Cursors, fetch: Fetch) -> Page:
    """Read one page. Raises Rejected for a cursor that is not this list's."""
    scope = _scope(request)
    size, after = (None, None) if page.cursor is None else cursors.open(scope, page.cursor)
    found = fetch(size, after, page.limit + 1)
    more = len(found.items) > page.limit
    following = cursors.seal(scope, found.size, found.keys[page.limit - 1]) if more else None
    return Page(found.items[: page.limit], following, found.size)


def _scope(request: Request) -> str:
    """Name the list and its filters: everything asked but where in the list."""
    filters = sorted(
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in ("limit", "cursor")
    )
    return json.dumps([request.url.path, filters])


def _wants_csv(accept: str) -> bool:
    """Tell whether CSV is preferred to JSON. Raises NotAcceptable if both are refused."""
    weights: dict[str, float] = {}
    for written in accept.split(","):
        media, *parameters = (part.strip().lower() for part in written.split(";"))
        quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        weights[media] = float(quality) if NUMBER.fullmatch(quality) else 0.0
    anything = weights.get("*/*", 0.0)
    as_json = weights.get("application/json", weights.get("application/*", anything))
    as_csv = weights.get("text/csv", weights.get("text/*", 0.0))
    if not as_json and not as_csv:
        raise NotAcceptable(
            "this list is to be had as application/json or text/csv", remedy="accept one of them"
        )
    return as_csv > as_json or ("text/csv" in weights and as_csv >= as_json)


def as_csv(request: Request, columns: Sequence[str], fetch: Fetch) -> Response:
    """Stream the whole list at one size. The first page is read before anything is sent."""
    first = fetch(None, None, LARGEST_PAGE)
    return StreamingResponse(
        _csv_lines(columns, fetch, first),
        media_type="text/csv; charset=utf-8; header=present",
        headers=_as_file(request, "csv"),
    )


def as_json(request: Request, fetch: Fetch) -> Response:
    """Stream the whole list at one size as ``{items, log_size}``."""
    first = fetch(None, None, LARGEST_PAGE)
    return StreamingResponse(
        _json_lines(fetch, first), media_type="application/json", headers=_as_file(request, "json")
    )


def _as_file(request: Request, ending: str) -> dict[str, str]:
    name = request.url.path.rsplit("/", 1)[-1] or "list"
    return {"Vary": "Accept", "Content-Disposition": f'attachment; filename="{name}.{ending}"'}


def _csv_lines(columns: Sequence[str], fetch: Fetch, first: Listed) -> Iterator[str]:
    yield csv_text([columns])
    for page in _pages(fetch, first):
        yield csv_text([[item.get(name) for name in columns] for item in page.items])


def _json_lines(fetch: Fetch, first: Listed) -> Iterator[str]:
    yield f'{{"log_size": {first.size}, "items": ['
    for number, page in enumerate(_pages(fetch, first)):
        items = ",\n".join(json.dumps(item, ensure_ascii=False) for item in page.items)
        yield (",\n" if number else "\n") + items
    yield "\n]}\n"


def _pages(fetch: Fetch, first: Listed) -> Iterator[Listed]:
    page = first
    while page.items:
        yield page
        if len(page.items) < LARGEST_PAGE:
            return
        page = fetch(first.size, page.keys[-1], LARGEST_PAGE)


def csv_text(rows: Sequence[Sequence[Json]]) -> str:
    """Write rows as CSV (RFC 4180).

    Null is empty, arrays and objects are JSON, and a text that a spreadsheet would take for
    a formula gets an apostrophe in front.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_cell(one) for one in row] for row in rows)
    return text.getvalue()


def _cell(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        risky = value.startswith(FORMULA) and not NUMBER.fullmatch(value)
        return f"'{value}" if risky else value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
