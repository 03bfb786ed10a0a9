"""Erasing personal members of an entry over HTTP: ask, list what was asked, confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from app.ledger.redaction import Wish
from app.web.moments import LARGEST_INDEX
from app.web.strict_json import StrictJson

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.ledger.api import Recording
    from app.ledger.redaction import Redactions
    from app.web.callers import Authenticate

Index = Annotated[int, Path(ge=0, le=LARGEST_INDEX)]
Id = Annotated[str, Path(max_length=100)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class RedactionBody(BaseModel):
    """Which members to erase, why, and what obliges to it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    members: Annotated[list[Name], Field(min_length=1, max_length=100, examples=[["reason"]])]
    reason: Annotated[str, Field(min_length=1, max_length=4000)]
    legal_basis: Annotated[
        str, Field(min_length=1, max_length=500, examples=["GDPR Art. 17 (1) (b)"])
    ]


def redaction_routes(
    redactions: Redactions, recording: Recording, authenticate: Authenticate
) -> APIRouter:
    """Build the routes below ``/api/v1/events/{index}/redactions``."""
    router = APIRouter(
        prefix="/api/v1/events/{index}/redactions", tags=["events"], route_class=StrictJson
    )

    @router.get("", operation_id="listRedactions")
    def asked(request: Request, index: Index) -> Response:
        """List what was asked to be erased of an entry, and by which entry it was."""
        items = [one.to_json() for one in redactions.of(authenticate(request), index)]
        return JSONResponse({"items": items})

    @router.post("", operation_id="requestRedaction", status_code=201)
    def ask(request: Request, index: Index, body: RedactionBody) -> Response:
        """Ask for personal members of an entry to be erased; somebody else confirms it."""
        caller = authenticate(request)
        key = recording.key(request, caller, body.model_dump())
        wish = Wish(tuple(body.members), body.reason, body.legal_basis)
        made, again = redactions.request(caller, index, wish, key)
        return _created(made.to_json(), again=again)

    @router.post("/{redaction_id}/confirm", operation_id="confirmRedaction", status_code=201)
    def confirm(request: Request, index: Index, redaction_id: Id) -> Response:
        """Erase what somebody else asked for, for good; answers the receipt of the entry."""
        caller = authenticate(request)
        key = recording.key(request, caller, None)
        receipt, again = redactions.confirm(caller, index, redaction_id, key)
        return _created(receipt.to_json(), again=again)

    return router


def _created(body: dict[str, Json], *, again: bool) -> Response:
    headers = {"Idempotent-Replayed": "true"} if again else {}
    return JSONResponse(body, 201, headers)
