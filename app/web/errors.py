"""How a refusal is answered: one table, and RFC 9457 problem documents.

``type`` is relative and is served as a page under ``/problems/<slug>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from app.core import errors
from app.core.errors import Fault, Refusal

if TYPE_CHECKING:
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


class Pages(Protocol):
    """Shows refusals to people; ``app.web.problem_pages``."""

    def refusal(
        self, refusal: Refusal, document: Mapping[str, Json], request: Request
    ) -> Response: ...

    def document(
        self, document: Mapping[str, Json], request: Request, title: str, kind: str | None = None
    ) -> Response: ...


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers refusals: a problem document for programs, a page for people at a browser.

    ``pages`` None: there are only programs.
    """

    pages: Pages | None = None
    wants_page: Callable[[Request], bool] = lambda _: False

    def refusal(self, refusal: Refusal, request: Request) -> Response:
        """Answer with a refusal (RFC 9457)."""
        document = _document(refusal, request)
        if self.pages is not None and self.wants_page(request):
            answer = self.pages.refusal(refusal, document, request)
        else:
            answer = JSONResponse(document, status_of(type(refusal)), media_type=PROBLEM)
            if isinstance(refusal, errors.Unauthenticated):
                answer.headers["WWW-Authenticate"] = 'Bearer realm="muniment"'
        answer.headers["Cache-Control"] = "no-store"
        if refusal.retry_after is not None:
            answer.headers["Retry-After"] = str(refusal.retry_after)
        return answer

    def complaint(self, complaint: HTTPException, request: Request) -> Response:
        """Answer with what the framework says where no refusal of ours fits."""
        document: dict[str, Json] = {
            "type": "about:blank",
            "title": str(complaint.detail),
            "status": complaint.status_code,
            "detail": str(complaint.detail),
            "instance": request.url.path,
            "request_id": request.scope.get("muniment.request_id", ""),
        }
        if self.pages is not None and self.wants_page(request):
            answer = self.pages.document(document, request, "This did not work")
        else:
            answer = JSONResponse(document, complaint.status_code, media_type=PROBLEM)
        for name, value in (complaint.headers or {}).items():
            answer.headers[name] = value
        return answer


def _document(refusal: Refusal, request: Request) -> dict[str, Json]:
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
    return body


PROGRAMS_ONLY = Answers()


def answer_refusals(app: FastAPI, answers: Answers = PROGRAMS_ONLY) -> None:
    """Answer every refusal, and every complaint of the framework."""

    def refused(request: Request, failure: Exception) -> Response:
        return answers.refusal(cast("Refusal", failure), request)

    def invalid(request: Request, failure: Exception) -> Response:
        complaint = cast("RequestValidationError", failure)
        return answers.refusal(_from_validation(complaint), request)

    def http(request: Request, failure: Exception) -> Response:
        complaint = cast("HTTPException", failure)
        kind = _BY_STATUS.get(complaint.status_code)
        if kind is None:
            return answers.complaint(complaint, request)
        return answers.refusal(kind(str(complaint.detail)), request)

    def broken(request: Request, _: Exception) -> Response:
        told = HTTPException(500, "the service failed; its log says why")
        return answers.complaint(told, request)

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
