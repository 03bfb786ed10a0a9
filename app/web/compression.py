"""Compressing answers, but for those whose length could tell a secret to a listener.

Whoever makes a browser ask, and sees how long each encrypted answer is, can guess at a secret
that is compressed together with what they put into the address (BREACH, breachattack.com). So
an answer is compressed where nobody else chose the request: to a browser that says it comes
from this site, and to whoever sends no cookie. Pages that show a secret never are, and the
token of forms is written anew in every answer (``app.web.csrf``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.gzip import GZipMiddleware

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

SECRETIVE = ("/setup/", "/invitations/", "/account", "/admin", "/sign-in", "/api/v1/invitations",
             "/api/v1/sessions", "/api/v1/tokens")  # fmt: skip
"""Where passwords are set, and codes, links and tokens shown."""
OUR_OWN = (b"same-origin", b"none")
SHORTEST = 1000
LEVEL = 6


class Compression:
    """ASGI middleware around the application: gzip for those that accept it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._gzip = GZipMiddleware(app, minimum_size=SHORTEST, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        app = self._gzip if scope["type"] == "http" and tells_nothing(scope) else self._app
        await app(scope, receive, send)


def tells_nothing(scope: Scope) -> bool:
    """Tell whether the length of the answer tells nobody anything."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if scope["path"].startswith(SECRETIVE):
        return False
    return b"cookie" not in headers or headers.get(b"sec-fetch-site") in OUR_OWN
