"""The pages by which people come: set-up and invitation. They work without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import segno
from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from app.core.errors import Conflict, Missing, Refusal
from app.identity.authentication import ABSOLUTE
from app.identity.deciding import ACCOUNTS
from app.identity.directory import People
from app.identity.routes import address_of
from app.web.desk import Desk
from app.web.errors import status_of

if TYPE_CHECKING:
    from app.identity.assembly import Identity
    from app.identity.setup import Setup

QR_SCALE = 5
NO_FIELDS: Mapping[str, str] = MappingProxyType({})
Text = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages work with. ``setup``: None where there are people already."""

    identity: Identity
    setup: Setup | None
    desk: Desk

    def show(
        self, request: Request, template: str, title: str, status: int = 200, **values: object
    ) -> Response:
        """Fill in a page of this room."""
        given = {"complaint": None, **values}
        return self.desk.fill(request, f"identity/{template}", title, given, status=status)

    def nobody(self) -> bool:
        """Tell whether the first account is still to be made."""
        if self.setup is None:
            return False
        with self.identity.ledger.snapshot() as now:
            return now.head(ACCOUNTS) is None

    def enrol(
        self,
        request: Request,
        *,
        action: str,
        otpauth: str | None = None,
        name: str | None = None,
        recovery_codes: Sequence[str] = (),
        refusal: Refusal | None = None,
        fields: Mapping[str, str] = NO_FIELDS,
    ) -> Response:
        """Show an authenticator's address, and ask for its first code.

        ``name``: of whom the password is asked for as well, None: it is not asked for.
        """
        return self.show(
            request,
            "enrol",
            "Enrol an authenticator",
            200 if refusal is None else status_of(type(refusal)),
            complaint=None if refusal is None else refusal.detail,
            otpauth=otpauth,
            picture=None if otpauth is None else _picture(otpauth),
            recovery_codes=recovery_codes,
            action=action,
            asks_password=name is not None,
            name=name or "",
            fields=fields,
        )

    def gone(self, request: Request, refusal: Refusal) -> Response:
        """Say on a page why there is none."""
        return self.show(
            request,
            "gone",
            "This does not work",
            status_of(type(refusal)),
            complaint=refusal.detail,
            remedy=refusal.remedy,
        )

    def signed_in(self, response: Response, session: str | None) -> Response:
        """Hand a browser its session, where a cookie may hold one."""
        cookie = self.identity.authentication.cookie
        if cookie is not None:
            response.set_cookie(
                cookie,
                str(session),
                max_age=int(ABSOLUTE.total_seconds()),
                path="/",
                secure=cookie.startswith("__Host-"),
                httponly=True,
                samesite="lax",
            )
        return response

    def forgotten(self, response: Response) -> Response:
        """Let a browser forget its session, and what it kept of pages."""
        cookie = self.identity.authentication.cookie
        if cookie is not None:
            response.delete_cookie(
                cookie, "/", secure=cookie.startswith("__Host-"), httponly=True, samesite="lax"
            )
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    def open_setup(self, secret: str, request: Request) -> Setup:
        """Find the set-up that an address opens. Raises Missing, Forbidden."""
        if self.setup is None:
            raise Missing("there are people already", remedy="ask one of them for an invitation")
        self.setup.check(secret, address_of(request))
        return self.setup


def identity_pages(pages: Pages) -> APIRouter:
    """Build the pages; none of them is part of the API document."""
    router = APIRouter(include_in_schema=False)
    router.include_router(_setup(pages))
    router.include_router(_invitation(pages))
    return router


def _setup(pages: Pages) -> APIRouter:
    router = pages.desk.open_router()
    title = "Set up Muniment"

    @router.get("/setup/{secret}")
    def ask(request: Request, secret: str) -> Response:
        """Ask for the first administrator's names and password."""
        try:
            pages.open_setup(secret, request)
        except Refusal as refusal:
            return pages.gone(request, refusal)
        return pages.show(request, "setup", title, name="", printed_name="")

    @router.post("/setup/{secret}")
    def found(
        request: Request, secret: str, name: Text, printed_name: Text, password: Text
    ) -> Response:
        """Make the first administrator; show the authenticator's address and the codes once."""
        try:
            setup = pages.open_setup(secret, request)
            made = setup.found(secret, address_of(request), name, printed_name, password)
        except (Missing, Conflict) as refusal:
            return pages.gone(request, refusal)
        except Refusal as refusal:
            status = status_of(type(refusal))
            return pages.show(
                request, "setup", title, status, name=name, printed_name=printed_name,
                complaint=refusal.detail,
            )  # fmt: skip
        return pages.enrol(
            request,
            otpauth=made.otpauth,
            recovery_codes=made.recovery_codes,
            action=f"/setup/{secret}/confirm",
            name=name,
        )

    @router.post("/setup/{secret}/confirm")
    def confirm(request: Request, secret: str, name: Text, password: Text, totp: Text) -> Response:
        """Sign the first administrator in; the first code confirms the authenticator."""
        try:
            pages.open_setup(secret, request)
        except Refusal as refusal:
            return pages.gone(request, refusal)
        try:
            opened = pages.identity.sessions.open(
                name, password, totp=totp, address=address_of(request)
            )
        except Refusal as refusal:
            action = f"/setup/{secret}/confirm"
            return pages.enrol(request, action=action, name=name, refusal=refusal)
        done = pages.show(request, "done", "Welcome", recovery_codes=(), name=name)
        return pages.signed_in(done, opened.session)

    return router


def _invitation(pages: Pages) -> APIRouter:
    router = pages.desk.open_router()
    title = "Accept an invitation"
    accounts = pages.identity.accounts

    def name_of(user: str) -> str:
        with pages.identity.ledger.snapshot() as now:
            return People(now.connection).find(user).name or user

    @router.get("/invitations/{secret}")
    def ask(request: Request, secret: str) -> Response:
        """Ask for a password."""
        try:
            user = accounts.invited(secret)
        except Refusal as refusal:
            return pages.gone(request, refusal)
        return pages.show(request, "invitation", title, name=name_of(user))

    @router.post("/invitations/{secret}")
    def accept(request: Request, secret: str, password: Text) -> Response:
        """Set the password; show the authenticator's address."""
        try:
            name = name_of(accounts.invited(secret))
        except Refusal as refusal:
            return pages.gone(request, refusal)
        try:
            otpauth = accounts.accept(secret, password)
        except Refusal as refusal:
            status = status_of(type(refusal))
            return pages.show(
                request, "invitation", title, status, name=name, complaint=refusal.detail
            )
        return pages.enrol(request, otpauth=otpauth, action=f"/invitations/{secret}/confirm")

    @router.post("/invitations/{secret}/confirm")
    def confirm(request: Request, secret: str, totp: Text) -> Response:
        """Confirm the authenticator, sign in, show the recovery codes once."""
        try:
            name = name_of(accounts.invited(secret))
        except Refusal as refusal:
            return pages.gone(request, refusal)
        try:
            opened, codes = accounts.confirm(secret, totp, address_of(request))
        except Refusal as refusal:
            action = f"/invitations/{secret}/confirm"
            return pages.enrol(request, action=action, refusal=refusal)
        done = pages.show(request, "done", "Welcome", recovery_codes=codes, name=name)
        return pages.signed_in(done, opened.session)

    return router


def _picture(otpauth: str) -> str:
    """Draw an address as QR code: SVG in a data URI, which needs no style and no script."""
    return segno.make(otpauth, error="m", micro=False).svg_data_uri(scale=QR_SCALE)
