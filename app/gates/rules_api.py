"""Policies, environments and dataset approvals over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from app.catalog import queries
from app.core.access import Permission
from app.core.errors import Missing
from app.core.events.decode import encode
from app.gates.factor import SecondFactor
from app.web.moments import Moment
from app.web.strict_json import StrictJson

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.gates.approvals import Approvals
    from app.gates.environments import Stages
    from app.gates.rules import Rules
    from app.identity.principal import Principal
    from app.ledger.record import Ledger
    from app.web.callers import Authenticate

Reason = Annotated[str, Field(min_length=1, max_length=4000)]


class Signed(BaseModel):
    """What proves who signs."""

    model_config = ConfigDict(extra="forbid")
    password: Annotated[str, Field(max_length=1024)]
    totp: Annotated[str, Field(max_length=16)]


class PolicyBody(BaseModel):
    """A policy and its cases, as parsed from their files."""

    model_config = ConfigDict(extra="forbid")
    document: dict[str, object]
    cases: list[object] = []


class PublishBody(Signed):
    """Which content is published, and why."""

    digest: str
    reason: Reason


class ReasonBody(Signed):
    """Why."""

    reason: Reason


class EnvironmentsBody(BaseModel):
    """The stages, lowest first."""

    model_config = ConfigDict(extra="forbid")
    environments: Annotated[list[str], Field(min_length=1, max_length=50)]


class ApprovalBody(Signed):
    """An approval of a dataset version."""

    role: Annotated[str, Field(max_length=100)]
    conditions: Annotated[str | None, Field(max_length=4000)] = None
    until: Moment | None = None


@dataclass(frozen=True, slots=True)
class RuleRoutes:
    """What the routes work with."""

    ledger: Ledger
    rules: Rules
    stages: Stages
    approvals: Approvals
    authenticate: Authenticate

    def caller(self, request: Request, permission: Permission) -> Principal:
        """Recognise the caller. Raises Unauthenticated, RoleMissing."""
        caller = self.authenticate(request)
        caller.require(permission)
        return cast("Principal", caller)


def rule_routes(routes: RuleRoutes) -> APIRouter:
    """Build the routes of policies."""
    router = APIRouter(prefix="/api/v1", tags=["rules"], route_class=StrictJson)

    @router.post("/policies", operation_id="draftPolicy", status_code=201)
    def draft(request: Request, body: PolicyBody) -> Response:
        """Draft a policy version; the answer says what keeps it from being published."""
        caller = routes.caller(request, Permission.DRAFT_POLICY)
        drafted = routes.rules.draft(caller, cast("Json", body.document), cast("Json", body.cases))
        lint: list[Json] = [
            {"pointer": one.pointer, "message": one.message} for one in drafted.lint
        ]
        answer: dict[str, Json] = {
            "name": drafted.name,
            "version": drafted.version,
            "digest": drafted.digest,
            "lint": lint,
        }
        return JSONResponse(answer, 201)

    @router.get("/policies/{name}/versions/{version}", operation_id="readPolicy")
    def read(request: Request, name: str, version: str) -> Response:
        """Give a policy version with its document and cases."""
        routes.caller(request, Permission.READ)
        with routes.ledger.snapshot() as now:
            found = queries.policy_version(now.connection, name, version)
            size = now.size
        if found is None:
            raise Missing(f"there is no policy/{name[:100]}/{version[:100]}")
        return JSONResponse({**encode(found), "log_size": size})

    @router.post(
        "/policies/{name}/versions/{version}/publish", operation_id="publishPolicy", status_code=201
    )
    def publish(request: Request, name: str, version: str, body: PublishBody) -> Response:
        """Put a drafted policy version into force; the drafter may not."""
        caller = routes.caller(request, Permission.PUBLISH_POLICY)
        receipt = routes.rules.publish(
            caller, name, version, body.digest, body.reason, factor_of(request, body)
        )
        return JSONResponse(receipt.to_json(), 201)

    @router.post(
        "/policies/{name}/versions/{version}/retire", operation_id="retirePolicy", status_code=201
    )
    def retire(request: Request, name: str, version: str, body: ReasonBody) -> Response:
        """Take a published policy version out of force."""
        caller = routes.caller(request, Permission.PUBLISH_POLICY)
        receipt = routes.rules.retire(caller, name, version, body.reason, factor_of(request, body))
        return JSONResponse(receipt.to_json(), 201)

    return router


def environment_routes(routes: RuleRoutes) -> APIRouter:
    """Build the routes of environments and dataset approvals."""
    router = APIRouter(prefix="/api/v1", tags=["rules"], route_class=StrictJson)

    @router.get("/environments", operation_id="readEnvironments")
    def environments(request: Request) -> Response:
        """Give the published environments, lowest first."""
        routes.caller(request, Permission.READ)
        with routes.ledger.snapshot() as now:
            found = queries.environments(now.connection)
            size = now.size
        if found is None:
            raise Missing("no environments are published", remedy="muniment init")
        return JSONResponse({"environments": found.names, "digest": found.digest, "log_size": size})

    @router.post("/environments", operation_id="draftEnvironments", status_code=201)
    def draft_environments(request: Request, body: EnvironmentsBody) -> Response:
        """Draft another list of environments."""
        caller = routes.caller(request, Permission.DRAFT_POLICY)
        digest = routes.stages.draft(caller, body.environments)
        return JSONResponse({"digest": digest}, 201)

    @router.post(
        "/environments/{digest}/publish", operation_id="publishEnvironments", status_code=201
    )
    def publish_environments(request: Request, digest: str, body: ReasonBody) -> Response:
        """Put a drafted list of environments into force; the drafter may not."""
        caller = routes.caller(request, Permission.PUBLISH_POLICY)
        receipt = routes.stages.publish(caller, digest, body.reason, factor_of(request, body))
        return JSONResponse(receipt.to_json(), 201)

    @router.post(
        "/datasets/{name}/versions/{version}/approvals",
        operation_id="approveDataset",
        status_code=201,
    )
    def approve(request: Request, name: str, version: str, body: ApprovalBody) -> Response:
        """Approve a dataset version for use, in an approval role."""
        caller = routes.caller(request, Permission.REVIEW)
        receipt = routes.approvals.grant(
            caller,
            f"dataset/{name}/{version}",
            body.role,
            body.conditions,
            body.until,
            factor_of(request, body),
        )
        return JSONResponse(receipt.to_json(), 201)

    return router


def factor_of(request: Request, body: Signed) -> SecondFactor:
    """Read what proves who signs."""
    address = request.client.host if request.client else ""
    return SecondFactor(body.password, body.totp, address)
