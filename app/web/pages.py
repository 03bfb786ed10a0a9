"""Pages that need no credentials, and the one way any page is filled in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

HERE = Path(__file__).parent
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
)


def show(template: str, **values: object) -> Response:
    """Fill in ``templates/<template>.html``."""
    return HTMLResponse(TEMPLATES.get_template(f"{template}.html").render(values))


def front_routes(origin: str, public_url: str, nobody: Callable[[], bool]) -> APIRouter:
    """Build the front page. ``nobody``: whether the first account is still to be made."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def front() -> Response:
        """Say what this is, and what to do next."""
        return show(
            "front", title="Muniment", origin=origin, public_url=public_url, nobody=nobody()
        )

    return router


def mount_static(app: FastAPI) -> None:
    """Serve style from the package; nothing is fetched from elsewhere."""
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
