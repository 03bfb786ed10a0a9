"""A refusal as a page that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from app.core.errors import Unauthenticated
from app.web.csrf import SAFE_METHODS
from app.web.desk import NO_STORE, Desk, is_fragment
from app.web.errors import slug_of, status_of, title_of

if TYPE_CHECKING:
    from fastapi import Request

    from app.core.errors import Refusal

PROGRAMS = ("/api/", "/log/", "/static/")
RETRIED = 500

SignInAgain = Callable[["Request", "str | None"], "Response"]
"""Shows the sign-in page in the place of a form, whose draft has that id (None: not kept)."""


def wants_page(request: Request) -> bool:
    """Tell a person at a browser from a program: programs get problem documents."""
    if request.url.path.startswith(PROGRAMS):
        return False
    return is_fragment(request) or "text/html" in request.headers.get("Accept", "")


class ProblemPages:
    """Answers refusals of pages."""

    def __init__(self, desk: Desk, sign_in_again: SignInAgain) -> None:
        self._desk = desk
        self._sign_in_again = sign_in_again

    def refusal(self, refusal: Refusal, document: Mapping[str, Any], request: Request) -> Response:
        """Show a refusal; whoever has no session is asked to sign in and comes back here."""
        if isinstance(refusal, Unauthenticated):
            return self._signed_out(request)
        kind = type(refusal)
        return self.document(document, request, title_of(kind), f"/problems/{slug_of(kind)}")

    def document(
        self, document: Mapping[str, Any], request: Request, title: str, kind: str | None = None
    ) -> Response:
        """Show a problem document."""
        status = int(document["status"])
        again = request.method in SAFE_METHODS and status >= RETRIED
        return self._desk.page(
            request,
            "problem",
            title=title,
            status=status,
            problem={
                "detail": document["detail"],
                "remedy": document.get("remedy"),
                "errors": document.get("errors", []),
                "status": status,
                "request_id": document["request_id"],
                "retry": request.url.path if again else None,
                "kind": kind,
            },
        )

    def _signed_out(self, request: Request) -> Response:
        if request.method in SAFE_METHODS:
            path = sign_in_path(request)
            if is_fragment(request):
                return Response(
                    status_code=status_of(Unauthenticated),
                    headers={**NO_STORE, "HX-Redirect": path},
                )
            return RedirectResponse(path, 303, NO_STORE)
        return self._sign_in_again(request, self._desk.keep_typed(request))


def sign_in_path(request: Request) -> str:
    """Give the address of the sign-in page that leads back here."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/sign-in?next={quote(asked, safe='/')}"
