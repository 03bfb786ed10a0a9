"""Style, scripts, fonts: files of the package, kept by browsers as long as they are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.staticfiles import StaticFiles

from app.web.templates import STATIC

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import Response
    from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve a file; its address with ``?v=`` is of these bytes and no others."""
        answer = await super().get_response(path, scope)
        named = b"v=" in scope["query_string"]
        answer.headers["Cache-Control"] = FOR_EVER if named else ASK_AGAIN
        return answer


def mount_static(app: FastAPI) -> None:
    """Serve what pages load; nothing is fetched from elsewhere."""
    app.mount("/static", _Files(directory=STATIC), name="static")
