"""One's own account as pages: sessions, tokens, password, authenticator, and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from app.core.errors import Forbidden, Refusal
from app.identity import reading
from app.identity.directory import People
from app.identity.principal import Principal
from app.identity.routes import address_of
from app.identity.tables import TOKENS
from app.web.errors import status_of

if TYPE_CHECKING:
    from app.identity.pages import Pages

TITLE = "Your account"
Text = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class _Account:
    """The page itself, as it stands alone and after something was refused."""

    pages: Pages

    def caller(self, request: Request) -> Principal:
        """Recognise whose account it is."""
        principal = self.pages.desk.visitor(request).caller
        if not isinstance(principal, Principal):
            raise Forbidden("an account is a person's")
        return principal

    def show(self, request: Request, status: int = 200, **values: object) -> Response:
        """Show who one is here, and where one is signed in."""
        principal, identity = self.caller(request), self.pages.identity
        with identity.ledger.snapshot() as now:
            people = People(now.connection)
            user = people.find(str(principal.person))
            held = people.grants(user.id)
            tokens = reading.tokens(now.connection, TOKENS.c.owner == user.id)
        given = {
            "user": user,
            "roles": held,
            "sessions": identity.own.sessions(principal),
            "tokens": [token for token in tokens if not token.revoked],
            "codes_left": identity.own.recovery_codes_left(principal),
            "refused": None,
            "refused_at": None,
            "done": _DONE.get(request.query_params.get("done", "")),
            **values,
        }
        return self.pages.desk.fill(request, "identity/account", TITLE, given, status=status)

    def refused(self, request: Request, refusal: Refusal, at: str) -> Response:
        """Show it again with what was wrong. ``at``: the form that was sent."""
        told = f"{refusal.detail}; {refusal.remedy}" if refusal.remedy else refusal.detail
        status = status_of(type(refusal))
        return self.show(request, status, refused=told, refused_at=at)


def account_pages(pages: Pages) -> APIRouter:
    """Build the pages; each is about whoever opens it and nobody else."""
    router = APIRouter()
    account = _Account(pages)
    router.include_router(_account(account))
    router.include_router(_changes(account))
    return router


def _account(account: _Account) -> APIRouter:
    pages, desk = account.pages, account.pages.desk
    router = desk.router()

    @router.get("/account")
    def show(request: Request) -> Response:
        """Show who one is here, and where one is signed in."""
        return account.show(request)

    @router.post("/account/sessions/{session}/end")
    def end(request: Request, session: str) -> Response:
        """End one of one's own sessions."""
        principal = account.caller(request)
        pages.identity.own.end_session(principal, session)
        here = principal.session is not None and principal.session.startswith(session)
        if here:
            return pages.forgotten(desk.to(request, "/"))
        return desk.to(request, "/account?done=session")

    @router.post("/account/tokens/{token}/revoke")
    def revoke(request: Request, token: str) -> Response:
        """Revoke a token that one answers for."""
        pages.identity.tokens.revoke(account.caller(request), token)
        return desk.to(request, "/account?done=token")

    return router


def _changes(account: _Account) -> APIRouter:
    pages, desk = account.pages, account.pages.desk
    own = pages.identity.own
    router = desk.router()
    confirmation = "/account/authenticator/confirm"

    @router.post("/account/password")
    def password(request: Request, password: Text, new_password: Text, totp: Text = "") -> Response:
        """Set another password."""
        principal, address = account.caller(request), address_of(request)
        try:
            own.change_password(principal, password, totp.strip(), new_password, address)
        except Refusal as refusal:
            return account.refused(request, refusal, "password")
        return desk.to(request, "/account?done=password")

    @router.post("/account/authenticator")
    def begin(request: Request, password: Text, totp: Text = "") -> Response:
        """Show a new authenticator's address and new recovery codes, once."""
        principal, address = account.caller(request), address_of(request)
        try:
            made = own.begin_replacement(principal, password, totp.strip(), address)
        except Refusal as refusal:
            return account.refused(request, refusal, "authenticator")
        return pages.enrol(
            request,
            otpauth=made.otpauth,
            recovery_codes=made.recovery_codes,
            action=confirmation,
        )

    @router.post("/account/authenticator/confirm")
    def confirm(request: Request, totp: Text) -> Response:
        """Take the new authenticator, by its first code."""
        principal, address = account.caller(request), address_of(request)
        try:
            own.confirm_replacement(principal, totp.strip(), address)
        except Refusal as refusal:
            return pages.enrol(request, action=confirmation, refusal=refusal)
        return desk.to(request, "/account?done=authenticator")

    return router


_DONE = {
    "session": "The session has ended",
    "token": "The token is revoked",
    "password": "The password is changed, and your other sessions have ended",
    "authenticator": "The new authenticator is in force, and your other sessions have ended",
}
