"""Asking an app over HTTP, without a socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@dataclass
class Http:
    """Asks ``app`` as a client of the address ``client`` with these cookies."""

    app: ASGIApp
    base: str = "http://localhost:8000"
    client: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return self._ask("GET", path, **parts)

    def post(self, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return self._ask("POST", path, **parts)

    def delete(self, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return self._ask("DELETE", path, **parts)

    def _ask(self, method: str, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(self.client, 1))
            async with httpx.AsyncClient(
                transport=transport, base_url=self.base, cookies=self.cookies
            ) as client:
                return await client.request(method, path, **parts)

        return asyncio.run(ask())
