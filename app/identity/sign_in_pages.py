"""Signing in and out in a browser, and back to the page that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from app.core.errors import Refusal, Unauthenticated
from app.identity.routes import address_of
from app.web.csrf import local_path
from app.web.desk import Desk
from app.web.errors import status_of

if TYPE_CHECKING:
    from app.identity.pages import Pages

TITLE = "Sign in"
Text = Annotated[str, Form(max_length=2000)]


def sign_in_pages(pages: Pages, desk: Desk) -> APIRouter:
    """Build the pages."""
    router = desk.open_router()

    @router.get("/sign-in")
    def ask(request: Request, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:  # noqa: A002 - as the address says
        """Ask for name, password and code; who is signed in already goes on."""
        if pages.nobody():
            return desk.to(request, "/")  # which says how the first account is made
        if desk.maybe_visitor(request) is not None:
            return desk.to(request, local_path(next))
        return sign_in_form(desk, request, going=local_path(next))

    @router.post("/sign-in")
    def sign_in(
        request: Request,
        name: Text,
        password: Text,
        totp: Text = "",
        recovery_code: Text = "",
        going: Text = "/",
        draft: Text = "",
    ) -> Response:
        """Open a session; whatever is wrong, the answer does not say which part."""
        try:
            opened = pages.identity.sessions.open(
                name.strip(),
                password,
                totp=totp.strip() or None,
                recovery_code=recovery_code.strip() or None,
                address=address_of(request),
            )
        except Refusal as refusal:
            return sign_in_form(
                desk, request, going=local_path(going), draft=draft, name=name, refusal=refusal
            )
        if opened.must_enrol is not None:
            return pages.enrol(
                request,
                otpauth=opened.must_enrol,
                action="/sign-in",
                name=name,
                fields={"going": local_path(going), "draft": draft},
            )
        path = _after(pages, desk, str(opened.session), local_path(going), draft)
        return pages.signed_in(desk.to(request, path), opened.session)

    return router


def _after(pages: Pages, desk: Desk, session: str, going: str, draft: str) -> str:
    """Tell where to go after signing in: to the form that was interrupted, if it was theirs."""
    if draft:
        page = desk.drafts.page(pages.identity.authentication.person_of(session), draft)
        if page is not None:
            return f"{page}{'&' if '?' in page else '?'}draft={draft}"
    return going


def sign_in_form(
    desk: Desk,
    request: Request,
    *,
    going: str,
    draft: str = "",
    name: str = "",
    refusal: Refusal | None = None,
    interrupted: str | None = None,
) -> Response:
    """Show the form. ``interrupted``: what became of what was typed when a session ended."""
    status = 200 if refusal is None else status_of(type(refusal))
    headers = {}
    if refusal is not None and refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return desk.page(
        request,
        "identity/sign_in",
        title=TITLE,
        status=401 if interrupted else status,
        headers=headers,
        going=going,
        draft=draft,
        name=name,
        interrupted=interrupted,
        refused=None if refusal is None else f"{refusal.detail}; {refusal.remedy}",
        seconds=None if refusal is None else refusal.retry_after,
    )


def sign_in_again(desk: Desk, request: Request, draft: str | None) -> Response:
    """Ask for a sign-in where a form was sent without a session; it is not lost if it was kept."""
    if draft is None:
        told = "Your session has ended, and what you sent could not be kept. Nothing was changed."
    else:
        told = "Your session has ended. What you typed is kept and was not sent: sign in to go on."
    going = local_path(request.url.path) if draft is None else "/"
    return sign_in_form(desk, request, going=going, draft=draft or "", interrupted=told)


def sign_out_pages(pages: Pages, desk: Desk) -> APIRouter:
    """Build the way out; it takes a form of the session itself."""
    router = desk.router()

    @router.post("/sign-out")
    def sign_out(request: Request) -> Response:
        """End the session, here and on the server."""
        principal = pages.identity.authentication(request)
        if principal.session is None:
            raise Unauthenticated("there is no session")
        pages.identity.sessions.close(principal.session)
        return pages.forgotten(desk.to(request, "/"))

    return router
