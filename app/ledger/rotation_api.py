"""Rotating the log's key over HTTP: for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

from app.core.access import Permission
from app.core.ledger.rotation import Step
from app.web.strict_json import StrictJson

if TYPE_CHECKING:
    from app.ledger.rotating import Rotating
    from app.web.callers import Authenticate

STEPS = {"begin": Step.BEGUN, "finish": Step.FINISHED, "revoke": Step.REVOKED}


class RotationBody(BaseModel):
    """Which step to take."""

    model_config = ConfigDict(extra="forbid")
    step: Literal["begin", "finish", "revoke"]


def rotation_routes(rotating: Rotating, authenticate: Authenticate) -> APIRouter:
    """Build the route that rotates the log's key."""
    router = APIRouter(tags=["log"], route_class=StrictJson)

    @router.post("/api/v1/log/rotations", operation_id="rotateLogKey", status_code=201)
    def rotate(request: Request, body: RotationBody) -> Response:
        """Begin or finish a rotation of the log's key, or revoke the old key at once."""
        caller = authenticate(request)
        caller.require(Permission.RECOVER)
        made = rotating.rotate(STEPS[body.step], caller.actor)
        return JSONResponse(
            {
                "step": str(made.rotation.step),
                "old_vkey": made.rotation.old.vkey(),
                "new_vkey": made.rotation.new.vkey(),
                "receipt": made.receipt.to_json(),
            },
            201,
        )

    return router
