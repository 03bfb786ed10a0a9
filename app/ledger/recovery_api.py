"""Answering for the log over HTTP, where the server runs and its clock is not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

from app.core.access import Permission
from app.core.errors import Conflict
from app.core.events import say
from app.core.events.kinds.records import LogRecovered
from app.ledger import operational
from app.ledger.timekeeping import ACCEPT_CLOCK, CLOCK, LOG, forget_doubt
from app.web.strict_json import StrictJson

if TYPE_CHECKING:
    from app.core.events import Actor
    from app.ledger.receipt import Receipt
    from app.ledger.record import Ledger
    from app.settings import Clock
    from app.web.callers import Authenticate

RECOVERED = f"type:{LogRecovered.TYPE}"


class RecoveryBody(BaseModel):
    """What a person answers for."""

    model_config = ConfigDict(extra="forbid", strict=True)
    because: Literal["accept-clock"]


def recovery_routes(ledger: Ledger, clock: Clock, authenticate: Authenticate) -> APIRouter:
    """Build the route."""
    router = APIRouter(prefix="/api/v1/log", tags=["log"], route_class=StrictJson)

    @router.post("/recoveries", operation_id="recoverLog", status_code=201)
    def recover(request: Request, _body: RecoveryBody) -> Response:
        """Answer for the clock: entries are recorded again, at the time it tells now."""
        caller = authenticate(request)
        caller.require(Permission.RECOVER)
        return JSONResponse(accept_clock(ledger, caller.actor, clock).to_json(), 201)

    return router


def accept_clock(ledger: Ledger, actor: Actor, clock: Clock) -> Receipt:
    """Record that a person answers for the clock. Raises Conflict: it is not in doubt."""
    with ledger.snapshot() as now:
        if operational.get(now.connection, LOG, CLOCK) is None:
            raise Conflict("the clock is not in doubt: there is nothing to recover from")
        size, expects = now.size, now.heads([RECOVERED])
    said = say("log", LogRecovered(ACCEPT_CLOCK, size), occurred_at=clock())
    return ledger.record(
        said, actor, expects=expects, beside=lambda connection, _: forget_doubt(connection)
    )
