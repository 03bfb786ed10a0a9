"""Requests to a Muniment server.

Each request that records carries an idempotency key, so that it may be sent again after a
broken connection or an overloaded answer without being recorded twice.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import httpx
import stamina

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from app.core.jsonvalue import Json

OVERLOADED = 503
ATTEMPTS = 4
JSON_TYPE = "application/json"


class Unreachable(Exception):  # noqa: N818 - says what is the case
    """No answer came, or none that can be understood."""


@dataclass
class Refused(Exception):  # noqa: N818 - says what is the case
    """The server said no. The members are those of the problem document (RFC 9457)."""

    status: int
    title: str
    detail: str
    remedy: str | None
    errors: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Write it for a person: what is wrong, where, and what to do."""
        lines = [f"{self.title}: {self.detail}" if self.title else self.detail]
        lines += [f"  {pointer}: {message}" for pointer, message in self.errors]
        if self.remedy:
            lines.append(f"  → {self.remedy}")
        return "\n".join(lines)


class _Overloaded(Exception):  # noqa: N818 - never leaves this file
    """The server asked to come back later."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class Client:
    """A connection to one server, as one caller.

    ``server``: its address, such as ``http://localhost:8000``, or ``unix:<path>`` of an
    embedded server's socket. ``token``: of a service, or a session's; None for the socket.
    """

    def __init__(
        self,
        server: str,
        token: str | None,
        *,
        seconds: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"User-Agent": "muniment", "Accept": JSON_TYPE}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if server.startswith("unix:"):
            transport = httpx.HTTPTransport(uds=server.removeprefix("unix:"))
            server = "http://localhost"
        self._http = httpx.Client(
            base_url=server, headers=headers, timeout=seconds, transport=transport
        )

    def __enter__(self) -> Self:
        """Use it until the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """Read a resource. Raises Refused, Unreachable."""
        return _object(self._send("GET", path, params=_given(query)))

    def items(self, path: str, **query: str | int | None) -> Iterator[dict[str, Any]]:
        """Read every item of a list, page after page. Raises Refused, Unreachable."""
        cursor: str | None = None
        while True:
            page = self.get(path, **query, cursor=cursor)
            yield from page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def raw(self, path: str, accept: str = "*/*", **query: str | int | None) -> bytes:
        """Read a resource's bytes. Raises Refused, Unreachable."""
        answer = self._send("GET", path, params=_given(query), headers={"Accept": accept})
        return answer.content

    def post(self, path: str, body: Json = None, *, key: str | None = None) -> dict[str, Any]:
        """Send a JSON document. ``key``: an idempotency key; one is made if none is given.

        Raises Refused, Unreachable.
        """
        headers = {"Content-Type": JSON_TYPE, "Idempotency-Key": key or secrets.token_hex(16)}
        content = json.dumps({} if body is None else body).encode()
        return _object(self._send("POST", path, content=content, headers=headers))

    def delete(self, path: str) -> dict[str, Any]:
        """Remove a resource. Raises Refused, Unreachable."""
        return _object(self._send("DELETE", path))

    def upload(
        self,
        path: str,
        file: Path,
        media_type: str,
        fields: Mapping[str, str | list[str]],
        *,
        key: str | None = None,
    ) -> dict[str, Any]:
        """Send a file with form fields. Raises Refused, Unreachable."""
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        with file.open("rb") as content:
            answer = self._send(
                "POST",
                path,
                files={"file": (file.name, content, media_type)},
                data=dict(fields),
                headers=headers,
            )
        return _object(answer)

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        @stamina.retry(on=(httpx.TransportError, _Overloaded), attempts=ATTEMPTS, timeout=30.0)
        def attempt() -> httpx.Response:
            for part in cast("dict[str, Any]", parts.get("files") or {}).values():
                part[1].seek(0)
            answer = self._http.request(method, path, **parts)
            if answer.status_code == OVERLOADED:
                raise _Overloaded(answer)
            return answer

        try:
            answer = attempt()
        except httpx.TransportError as failure:
            raise Unreachable(f"no answer from {self._http.base_url}: {failure!r}") from failure
        except _Overloaded as failure:
            answer = failure.answer
        if answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED:
            return answer
        raise _refused(answer)


def _given(query: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in query.items() if value is not None}


def _object(answer: httpx.Response) -> dict[str, Any]:
    if not answer.content:
        return {}
    try:
        document = answer.json()
    except ValueError as failure:
        raise Unreachable(f"the answer of {answer.url} is not JSON") from failure
    if not isinstance(document, dict):
        raise Unreachable(f"the answer of {answer.url} is not a JSON object")
    return document


def _refused(answer: httpx.Response) -> Refused | Unreachable:
    """Read the problem document; without one it was not our server that answered."""
    try:
        problem = answer.json()
        return Refused(
            status=answer.status_code,
            title=str(problem["title"]),
            detail=str(problem["detail"]),
            remedy=problem.get("remedy"),
            errors=tuple(
                (str(one["pointer"]), str(one["message"])) for one in problem.get("errors", ())
            ),
        )
    except (ValueError, KeyError, TypeError):
        return Unreachable(f"{answer.url} answered {answer.status_code} without saying why")
