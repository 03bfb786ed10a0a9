"""What the routes about people share: their parts, refusals on record, documented statuses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from fastapi import APIRouter
from starlette.responses import JSONResponse

from app.core.errors import Forbidden, Refusal
from app.identity.agreement import Outcome
from app.web.errors import PROBLEM
from app.web.strict_json import StrictJson

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

    from app.core.jsonvalue import Json
    from app.identity.assembly import Identity
    from app.identity.duties import Duties
    from app.ledger.idempotency import IdempotencyKey
    from app.web.callers import Caller
    from app.web.errors import Answers
    from app.web.listing import Cursors

KeyOf = Callable[["Request", "Caller", "Json"], "IdempotencyKey | None"]
"""Reads a request's Idempotency-Key. Raises Malformed."""

NO_STORE = {"Cache-Control": "no-store"}
SIGNS_IN = (400, 401, 413, 415, 422, 429, 503)
ASKS = (400, 401, 403, 404, 409, 413, 415, 422, 503)


@dataclass(frozen=True, slots=True)
class PeopleRoutes:
    """What the routes work with."""

    identity: Identity
    key_of: KeyOf
    cursors: Cursors
    duties: Duties


def people_router() -> APIRouter:
    """Begin a group of routes that read JSON strictly."""
    return APIRouter(prefix="/api/v1", route_class=StrictJson)


def note_refusals(app: FastAPI, identity: Identity, answers: Answers) -> None:
    """Put on record, aggregated, that a known caller was refused something; then answer it."""

    def refused(request: Request, failure: Exception) -> Response:
        refusal = cast("Forbidden", failure)
        principal = getattr(request.state, "principal", None)
        if principal is not None:
            pattern = getattr(request.scope.get("route"), "path", request.url.path)
            route = f"{request.method} {pattern}"
            # Where the log takes no writes now, the answer stays no.
            with suppress(Refusal):
                identity.refusals.access(
                    principal.actor, address_of(request), route, type(refusal).__name__
                )
        return answers.refusal(refusal, request)

    app.add_exception_handler(Forbidden, refused)


def address_of(request: Request) -> str:
    """Tell where a request came from; the admin socket has no address."""
    return "local" if request.client is None else request.client.host


def outcome_of(outcome: Outcome) -> Response:
    return JSONResponse({"state": outcome}, 200 if outcome is Outcome.DONE else 202)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document statuses that are answered with a problem document."""
    return {status: {"description": "refused", "content": {PROBLEM: {}}} for status in statuses}
