"""Routes whose JSON bodies are read strictly before the framework reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.routing import APIRoute

from app.core.errors import UnsupportedMedia
from app.core.ledger.canonical import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from fastapi import Request, Response


class StrictJson(APIRoute):
    """A route that takes a JSON body and nothing like it.

    Duplicate names, NaN, lone surrogates and endless depth are Malformed or Rejected, other
    media types UnsupportedMedia; the framework alone would let them pass.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the strict reader before the framework's."""
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            if takes_body:
                media = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                if media != "application/json":
                    raise UnsupportedMedia(
                        "the body is not declared to be JSON",
                        remedy="send Content-Type: application/json",
                    )
                parse_json(await request.body())
            return await handle(request)

        return strict
