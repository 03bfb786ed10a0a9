"""Filling in pages: the frame around them, whole or as a fragment, and forms that are ours.

A slice's ``pages.py`` is a router factory that is handed the ``Desk``:

    def model_pages(desk: Desk, ...) -> APIRouter:
        router = desk.router()

        @router.get("/models")
        def models(request: Request) -> Response:
            visitor = desk.visitor(request)
            visitor.caller.require(Permission.READ)
            return desk.page(request, "catalog/models", title="Models", ...)
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Depends, Request
from jinja2_fragments import render_block
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.core.errors import Forbidden, Unauthenticated
from app.web.csrf import (
    FORM_TOKEN,
    SAFE_METHODS,
    SECRET_FIELDS,
    check_own_page,
    local_path,
    masked,
    unmasked,
)
from app.web.rail import RAIL, within
from app.web.templates import TEMPLATES
from app.web.visitors import Drafts, Frame, Recognise, Typed, Visitor

NO_STORE = {"Cache-Control": "no-store", "Vary": "HX-Request"}
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
WHOLE = "content"
"""The block that base.html gives alone where htmx asks."""
LONGEST_KEPT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Desk:
    """Where pages are made."""

    frame: Frame
    recognise: Recognise
    drafts: Drafts

    def router(self) -> APIRouter:
        """Begin pages for people: a change takes a form of the person's own session."""
        return APIRouter(include_in_schema=False, dependencies=[Depends(self._own_form)])

    def open_router(self) -> APIRouter:
        """Begin pages for anybody: a change takes a form of this site."""
        return APIRouter(include_in_schema=False, dependencies=[Depends(self._own_site)])

    def visitor(self, request: Request) -> Visitor:
        """Recognise who looks, once for each request. Raises Unauthenticated, Forbidden."""
        known = getattr(request.state, "visitor", None)
        if isinstance(known, Visitor):
            return known
        visitor = request.state.visitor = self.recognise(request)
        return visitor

    def maybe_visitor(self, request: Request) -> Visitor | None:
        """Recognise who looks; None for nobody."""
        try:
            return self.visitor(request)
        except (Unauthenticated, Forbidden):
            return None

    def page(
        self,
        request: Request,
        template: str,
        *,
        title: str,
        status: int = 200,
        headers: Mapping[str, str] = NO_HEADERS,
        block: str = WHOLE,
        **values: object,
    ) -> Response:
        """Fill in ``templates/<template>.html``; nobody keeps what it shows.

        htmx gets ``block`` alone (one that the template itself writes; else all that is in
        ``main``), everybody else the whole page. ``title``: its one heading.
        """
        return self.fill(
            request, template, title, values, status=status, headers=headers, block=block
        )

    def fill(
        self,
        request: Request,
        template: str,
        title: str,
        values: Mapping[str, object],
        *,
        status: int = 200,
        headers: Mapping[str, str] = NO_HEADERS,
        block: str = WHOLE,
    ) -> Response:
        """Do as ``page``, with the template's values as one mapping."""
        name = f"{template}.html"
        context = {**self._around(request, title), **values}
        if is_fragment(request) and block != WHOLE:
            html = render_block(TEMPLATES, name, block, **context)
        else:
            html = TEMPLATES.get_template(name).render(context)
        return HTMLResponse(html, status, {**NO_STORE, **headers})

    def to(self, request: Request, path: str) -> Response:
        """Send a browser to a page of this site after a change (303, or htmx's header)."""
        path = local_path(path)
        if is_fragment(request):
            return Response(status_code=204, headers={**NO_STORE, "HX-Location": path})
        return RedirectResponse(path, 303, NO_STORE)

    def typed(self, request: Request) -> Typed:
        """Give what this person had typed here when their session ended, by ``?draft=``."""
        draft = request.query_params.get("draft")
        if draft is None:
            return Typed()
        return self.drafts.typed(self.visitor(request).user, draft)

    def draft(self, request: Request) -> str:
        """Give the draft that a page was opened with, for a hidden field of its form."""
        return request.query_params.get("draft", "")

    def sent(self, request: Request, draft: str) -> None:
        """Forget a draft: what was in it has been sent."""
        if draft:
            self.drafts.drop(self.visitor(request).user, draft)

    def keep_typed(self, request: Request) -> str | None:
        """Keep the form of a request whose session has ended; None where it cannot be."""
        typed: Typed | None = getattr(request.state, "typed", None)
        if not typed or sum(len(value) for _, value in typed.fields) > LONGEST_KEPT:
            return None
        return self.drafts.keep(request, self._page_of_form(request), typed)

    def _page_of_form(self, request: Request) -> str:
        """Tell which page of ours a form stood on; else the path it was sent to."""
        came = urlsplit(request.headers.get("Referer", ""))
        if f"{came.scheme}://{came.netloc}" != self.frame.public_url:
            return local_path(request.url.path)
        query = urlencode([one for one in parse_qsl(came.query) if one[0] != "draft"])
        return local_path(came.path + (f"?{query}" if query else ""))

    async def _own_site(self, request: Request) -> None:
        if request.method not in SAFE_METHODS:
            check_own_page(request, self.frame.public_url)

    async def _own_form(self, request: Request) -> AsyncIterator[None]:
        if request.method in SAFE_METHODS:
            yield
            return
        check_own_page(request, self.frame.public_url)
        async with request.form() as form:
            texts = [(name, text) for name, text in form.multi_items() if isinstance(text, str)]
            request.state.typed = Typed(tuple(one for one in texts if one[0] not in SECRET_FIELDS))
            visitor = await run_in_threadpool(self.visitor, request)
            given = unmasked(dict(texts).get(FORM_TOKEN, ""))
            if not hmac.compare_digest(given, visitor.form_token):
                raise Forbidden(
                    "this form is not one of your session",
                    remedy="open the page again and send its form once more",
                )
            yield

    def _around(self, request: Request, title: str) -> dict[str, object]:
        visitor = self.maybe_visitor(request)
        places = [one for one in RAIL if visitor is None or one.open_to(visitor.caller)]
        return {
            "title": title,
            "visitor": visitor,
            "form_token": "" if visitor is None else _written_anew(visitor.form_token),
            "frame": self.frame,
            "standing": None if visitor is None else self.frame.standing(),
            "now": self.frame.now(),
            "rail": places,
            "here": next((one.path for one in places if within(one, request.url.path)), None),
            "path": request.url.path,
            "asked": request.query_params.get("q", ""),
            "fragment": is_fragment(request),
        }


def _written_anew(token: bytes) -> str:
    return masked(token, secrets.token_bytes(len(token)))


def is_fragment(request: Request) -> bool:
    """Tell whether htmx asks for a part of a page. Source: htmx reference, request headers."""
    asked = request.headers
    return asked.get("HX-Request") == "true" and "HX-History-Restore-Request" not in asked
