"""The routes about rights: roles and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import JSONResponse

from app.core.access import Permission
from app.core.ledger.times import format_time
from app.identity import lists
from app.identity.bodies import (
    ConflictAnswer,
    ConflictsAnswer,
    GrantAnswer,
    GrantPending,
    OutcomeAnswer,
    ReasonQuery,
    RoleBody,
    TokenAnswer,
    TokenBody,
    WaitingAnswer,
    WaitingGrant,
)
from app.identity.granting import Asked, waiting
from app.identity.issuing import Wanted
from app.identity.routes import ASKS, NO_STORE, outcome_of, people_router, refusals
from app.web.listing import PageQuery, answer_list
from app.web.moments import LARGEST_INDEX

if TYPE_CHECKING:
    from app.identity.routes import PeopleRoutes
    from app.web.listing import Key, Listed


def role_routes(routes: PeopleRoutes) -> APIRouter:
    router, identity = people_router(), routes.identity

    @router.post(
        "/users/{user}/roles",
        operation_id="grantRole",
        status_code=201,
        response_model=GrantAnswer,
        responses={202: {"model": GrantPending}, **refusals(*ASKS)},
    )
    def grant(request: Request, user: str, body: RoleBody) -> Response:
        """Grant a role; 202 where a second administrator has to confirm it."""
        principal = identity.authentication(request)
        key = routes.key_of(request, principal, body.model_dump(mode="json"))
        granted = identity.roles.grant(
            principal, Asked(user, body.role, body.team, body.scope, body.reason), key
        )
        headers = {"Idempotent-Replayed": "true"} if granted.replayed else None
        if granted.pending is not None:
            return JSONResponse({"grant_id": granted.pending}, 202)
        return JSONResponse({"grant": granted.grant}, 201, headers)

    @router.get(
        "/users/{user}/roles/check",
        operation_id="checkGrant",
        responses=refusals(400, 401, 403, 404, 422, 503),
    )
    def check(
        request: Request,
        user: str,
        role: Annotated[str, Query(min_length=1, max_length=64)],
        team: Annotated[str | None, Query(max_length=100)] = None,
        scope: Annotated[str | None, Query(max_length=250)] = None,
    ) -> ConflictsAnswer:
        """Say in words why granting this would be a conflict of duties; nothing is granted."""
        principal = identity.authentication(request)
        principal.require(Permission.MANAGE_ROLES)
        asked = Asked(user, role, team, scope)
        asked.check()
        found, _ = routes.duties.conflicts(principal, asked)
        return ConflictsAnswer(
            conflicts=tuple(ConflictAnswer(kind=one.kind, text=one.text) for one in found)
        )

    @router.get(
        "/role-grants", operation_id="listWaitingGrants", responses=refusals(400, 401, 403, 503)
    )
    def waits(request: Request) -> WaitingAnswer:
        """List the grants that wait for a second administrator's confirmation."""
        identity.authentication(request).require(Permission.MANAGE_ROLES)
        with identity.ledger.snapshot() as now:
            found, size = waiting(now.connection, identity.clock()), now.size
        return WaitingAnswer(
            items=tuple(
                WaitingGrant(
                    grant_id=one.id,
                    user=one.asked.user,
                    role=one.asked.role,
                    team=one.asked.team,
                    scope=one.asked.scope,
                    reason=one.asked.reason,
                    asked_by=one.by,
                    asked_at=format_time(one.at),
                )
                for one in found
            ),
            log_size=size,
        )

    @router.post(
        "/role-grants/{grant_id}/confirm",
        operation_id="confirmGrant",
        status_code=201,
        response_model=GrantAnswer,
        responses=refusals(401, 403, 404, 409, 503),
    )
    def confirm(request: Request, grant_id: str) -> Response:
        """Confirm, as a second administrator, a grant that another one asked for."""
        granted = identity.roles.confirm(identity.authentication(request), grant_id)
        return JSONResponse({"grant": granted.grant}, 201)

    @router.delete(
        "/users/{user}/roles/{grant}",
        operation_id="revokeRole",
        response_model=OutcomeAnswer,
        responses={202: {"model": OutcomeAnswer}, **refusals(401, 403, 404, 409, 422, 503)},
    )
    def revoke(
        request: Request,
        user: str,
        grant: Annotated[int, Path(ge=0, le=LARGEST_INDEX)],
        reason: ReasonQuery = None,
    ) -> Response:
        """Revoke a grant; of the last two administrators, when both have asked."""
        principal = identity.authentication(request)
        return outcome_of(identity.roles.revoke(principal, user, grant, reason))

    return router


def token_routes(routes: PeopleRoutes) -> APIRouter:
    router, identity = people_router(), routes.identity

    @router.post("/tokens", operation_id="createToken", status_code=201, responses=refusals(*ASKS))
    def create(request: Request, response: Response, body: TokenBody) -> TokenAnswer:
        """Make a service token, shown once."""
        principal = identity.authentication(request)
        key = routes.key_of(request, principal, body.model_dump(mode="json"))
        issued = identity.tokens.create(principal, Wanted(**dict(body)), key)
        response.headers.update(NO_STORE)
        return TokenAnswer(id=issued.id, token=issued.secret, expires_at=issued.expires_at)

    @router.get(
        "/tokens", operation_id="listTokens", responses=refusals(400, 401, 403, 406, 422, 503)
    )
    def tokens(request: Request, page: PageQuery) -> Response:
        """List tokens: all for who manages them or reads the access log, else one's own."""
        principal = identity.authentication(request)
        everybodys = any(
            principal.may(one) for one in (Permission.MANAGE_TOKENS, Permission.READ_ACCESS_LOG)
        )
        if not everybodys:
            principal.require(Permission.READ)
        owner = None if everybodys else principal.answerable

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            with identity.ledger.snapshot() as now:
                return lists.tokens(now, owner, size, after, limit)

        return answer_list(request, page, routes.cursors, lists.TOKEN_COLUMNS, fetch)

    @router.delete(
        "/tokens/{token}",
        operation_id="revokeToken",
        status_code=204,
        responses=refusals(401, 403, 404, 409, 422, 503),
    )
    def revoke(request: Request, token: str, reason: ReasonQuery = None) -> None:
        """Revoke a token at once."""
        identity.tokens.revoke(identity.authentication(request), token, reason)

    return router
