"""What goes around every request: an id, a limit on its body, and headers on its answer."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from app.core.errors import Malformed
from app.web.errors import PROGRAMS_ONLY
from app.web.hosts import Hosts

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
A_YEAR = "max-age=31536000; includeSubDomains"
UPLOADS = ("/predictions", "/documents")
LARGEST_UPLOAD = 512 * 2**20


class Shell:
    """ASGI middleware: request id, size limit, security headers.

    ``max_body``: bytes of an ordinary body. Uploads have a larger limit here, and each its
    own where it is read. ``public_url``, ``host``: under which names it may be asked.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_body: int,
        public_url: str = "http://localhost:8000",
        host: str = "127.0.0.1",
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._hosts = Hosts(public_url, host)
        self._public_url = public_url
        self._headers = dict(HEADERS)
        if public_url.startswith("https:"):
            self._headers["Strict-Transport-Security"] = A_YEAR

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["muniment.request_id"] = secrets.token_hex(8)

        # What answers GET answers HEAD (RFC 9110, 9.3.2); the framework's routes do not.
        bodiless = scope["method"] == "HEAD"
        if bodiless:
            scope = {**scope, "method": "GET"}

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = scope["muniment.request_id"]
            elif bodiless:
                message = {**message, "body": b""}
            await send(message)

        answer = self._elsewhere(scope) or _nul(scope)
        if answer is not None:
            await answer(scope, receive, headed)
            return
        limit = LARGEST_UPLOAD if _is_upload(scope) else self._max_body
        await self._app(scope, _limited(receive, scope, limit), headed)

    def _elsewhere(self, scope: Scope) -> Response | None:
        """Answer what is asked under another name than ours; None: it is ours."""
        if scope.get("server") is None or scope.get("client") is None:
            return None  # the operator's socket has no name
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._hosts.knows(host, scope["path"]):
            return PlainTextResponse("this is not the host that is asked for\n", 421)
        page = b"text/html" in headers.get(b"accept", b"")
        if page and scope["method"] == "GET" and self._hosts.leads_elsewhere(host):
            path = quote(scope["path"], safe="/%:@") or "/"
            query = scope["query_string"].decode("latin-1")
            return RedirectResponse(self._public_url + path + (f"?{query}" if query else ""), 307)
        return None


def _nul(scope: Scope) -> Response | None:
    """Refuse an address with a NUL in it: no name has one, and not every database takes one."""
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        refusal = Malformed("a NUL is no part of an address", remedy="leave %00 out")
        return PROGRAMS_ONLY.refusal(refusal, Request(scope))
    return None


def _is_upload(scope: Scope) -> bool:
    """Tell a form with a file from the JSON that the same route may take."""
    media: bytes = dict(scope["headers"]).get(b"content-type", b"").lower()
    path: str = scope["path"]
    return path.endswith(UPLOADS) and media.startswith(b"multipart/form-data")


def _limited(receive: Receive, scope: Scope, limit: int) -> Receive:
    """Count the body as it comes in; a declared length over the limit stops it at once."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        if declared.isdigit() and int(declared) > limit:
            raise HTTPException(413, f"the body is longer than {limit} bytes")
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, f"the body is longer than {limit} bytes")
        return message

    return counted
