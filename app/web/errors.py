"""How a refusal is answered: one table, and RFC 9457 problem documents.

``type`` is relative and is served as a page under ``/problems/<slug>``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from app.core import errors
from app.core.errors import Fault, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request
    from starlette.responses import Response

    from app.core.jsonvalue import Json

PROBLEM = "application/problem+json"

STATUSES: Mapping[type[Refusal], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.Missing: 404,
    errors.NotAcceptable: 406,
    errors.Conflict: 409,
    errors.Redacted: 410,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.Rejected: 422,
    errors.TooManyAttempts: 429,
    errors.Unverifiable: 500,
    errors.Unavailable: 503,
    errors.StorageFull: 507,
}
"""The status of each branch of the tree in ``app/core/errors.py``."""

_BY_STATUS: Mapping[int, type[Refusal]] = {
    400: errors.Malformed,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.Missing,
    406: errors.NotAcceptable,
    413: errors.TooLarge,
    415: errors.UnsupportedMedia,
    422: errors.Rejected,
}


def status_of(kind: type[Refusal]) -> int:
    """Find the status of a refusal's class: its own, or its nearest ancestor's."""
    for ancestor in kind.__mro__:
        if ancestor in STATUSES:
            return STATUSES[ancestor]
    raise AssertionError(kind)


def slug_of(kind: type[Refusal]) -> str:
    """Name a refusal in a URL: ``StaleReview`` is ``stale-review``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def title_of(kind: type[Refusal]) -> str:
    """Name a refusal in words: ``StaleReview`` is "Stale review"."""
    return slug_of(kind).replace("-", " ").capitalize()


def kinds() -> dict[str, type[Refusal]]:
    """Find every refusal there is, by slug."""
    found: dict[str, type[Refusal]] = {}
    waiting: list[type[Refusal]] = list(Refusal.__subclasses__())
    while waiting:
        kind = waiting.pop()
        found[slug_of(kind)] = kind
        waiting.extend(kind.__subclasses__())
    return found


def problem(refusal: Refusal, request: Request) -> Response:
    """Answer a request with a refusal, as a problem document (RFC 9457)."""
    kind = type(refusal)
    body: dict[str, Json] = {
        "type": f"/problems/{slug_of(kind)}",
        "title": title_of(kind),
        "status": status_of(kind),
        "detail": refusal.detail,
        "instance": request.url.path,
        "request_id": request.scope.get("muniment.request_id", ""),
    }
    if refusal.remedy is not None:
        body["remedy"] = refusal.remedy
    if refusal.faults:
        body["errors"] = [
            {"pointer": one.pointer, "message": one.message} for one in refusal.faults
        ]
    headers = {"Cache-Control": "no-store"}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if isinstance(refusal, errors.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="muniment"'
    return JSONResponse(body, status_of(kind), headers, PROBLEM)


def answer_refusals(app: FastAPI) -> None:
    """Make every refusal, and every complaint of the framework, a problem document."""

    def refused(request: Request, failure: Exception) -> Response:
        return problem(cast("Refusal", failure), request)

    def invalid(request: Request, failure: Exception) -> Response:
        return problem(_from_validation(cast("RequestValidationError", failure)), request)

    def http(request: Request, failure: Exception) -> Response:
        complaint = cast("HTTPException", failure)
        kind = _BY_STATUS.get(complaint.status_code)
        if kind is None:
            return _plain(complaint, request)
        return problem(kind(str(complaint.detail)), request)

    def broken(request: Request, _: Exception) -> Response:
        return _plain(HTTPException(500, "the service failed; its log says why"), request)

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, broken)


def _from_validation(failure: RequestValidationError) -> Refusal:
    """Tell a body that is no JSON (400) from one that is wrong (422); values stay unsaid."""
    faults = []
    for one in failure.errors():
        if one["type"] == "json_invalid":
            return errors.Malformed("the body is not JSON")
        where = [str(step) for step in one["loc"] if step != "body"]
        pointer = "#" + "".join(f"/{_escape(step)}" for step in where)
        faults.append(Fault(pointer, str(one["msg"])))
    first = faults[0]
    return errors.SchemaMismatch(f"{first.pointer} {first.message}", faults=faults)


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _plain(failure: HTTPException, request: Request) -> Response:
    body: dict[str, Json] = {
        "type": "about:blank",
        "title": str(failure.detail),
        "status": failure.status_code,
        "detail": str(failure.detail),
        "instance": request.url.path,
        "request_id": request.scope.get("muniment.request_id", ""),
    }
    return JSONResponse(body, failure.status_code, failure.headers, PROBLEM)
