"""A client that calls an app in this process, one request at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from fastapi import FastAPI


@dataclass
class Api:
    """Asks as ``caller``, whom ``callers.by_header`` knows by that name."""

    app: FastAPI
    caller: str = "everybody"

    def get(self, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return self._ask("GET", path, **parts)

    def post(self, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return self._ask("POST", path, **parts)

    def _ask(self, method: str, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {self.caller}", **parts.pop("headers", {})}

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, headers=headers, **parts)

        return asyncio.run(ask())
