"""The routes about people: who comes, who signs in, who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from app.core.access import Permission
from app.core.errors import Conflict
from app.identity import lists
from app.identity.bodies import (
    AcceptBody,
    ConfirmBody,
    Confirmed,
    Enrolment,
    InvitationBody,
    Invited,
    Me,
    OutcomeAnswer,
    ReasonBody,
    ReasonQuery,
    RoleHeld,
    SessionAnswer,
    SessionBody,
)
from app.identity.directory import People
from app.identity.rights_api import role_routes, token_routes
from app.identity.routes import (
    ASKS,
    NO_STORE,
    SIGNS_IN,
    address_of,
    outcome_of,
    people_router,
    refusals,
)
from app.web.listing import PageQuery, answer_list

if TYPE_CHECKING:
    from app.identity.accounts import Invitation
    from app.identity.assembly import Identity
    from app.identity.principal import Principal
    from app.identity.routes import PeopleRoutes
    from app.web.listing import Key, Listed


def identity_routes(routes: PeopleRoutes) -> APIRouter:
    """Build the routes about people."""
    router = APIRouter()
    for part in (_coming, _sessions, _people, role_routes, token_routes):
        router.include_router(part(routes), tags=["people"])
    return router


def _shown_once(identity: Identity, made: Invitation, response: Response) -> Invited:
    """Answer the link that opens an account; nobody keeps the answer."""
    response.headers.update(NO_STORE)
    return Invited(id=made.user, url=identity.link(made), expires_at=made.expires_at)


def _coming(routes: PeopleRoutes) -> APIRouter:
    router, identity = people_router(), routes.identity

    @router.post("/invitations", operation_id="invite", status_code=201, responses=refusals(*ASKS))
    def invite(request: Request, response: Response, body: InvitationBody) -> Invited:
        """Make an account and the link that opens it, shown once."""
        principal = identity.authentication(request)
        key = routes.key_of(request, principal, body.model_dump(mode="json"))
        made = identity.accounts.invite(principal, body.name, body.printed_name, key, body.reason)
        return _shown_once(identity, made, response)

    @router.post(
        "/invitations/{secret}/accept",
        operation_id="acceptInvitation",
        responses=refusals(400, 404, 413, 415, 422, 503),
    )
    def accept(response: Response, secret: str, body: AcceptBody) -> Enrolment:
        """Set the password; answer the address to enrol an authenticator with."""
        response.headers.update(NO_STORE)
        return Enrolment(totp_uri=identity.accounts.accept(secret, body.password))

    @router.post(
        "/invitations/{secret}/confirm",
        operation_id="confirmInvitation",
        responses=refusals(400, 401, 404, 409, 413, 415, 422, 429, 503),
    )
    def confirm(request: Request, response: Response, secret: str, body: ConfirmBody) -> Confirmed:
        """Confirm the authenticator by its first code; this opens a session."""
        opened, codes = identity.accounts.confirm(secret, body.totp, address_of(request))
        response.headers.update(NO_STORE)
        return Confirmed(session=str(opened.session), recovery_codes=codes)

    return router


def _sessions(routes: PeopleRoutes) -> APIRouter:
    router, identity = people_router(), routes.identity

    @router.post("/sessions", operation_id="signIn", responses=refusals(*SIGNS_IN))
    def sign_in(request: Request, response: Response, body: SessionBody) -> SessionAnswer:
        """Sign in; the session is sent as Bearer from then on."""
        opened = identity.sessions.open(
            body.name,
            body.password,
            totp=body.totp,
            recovery_code=body.recovery_code,
            address=address_of(request),
        )
        response.headers.update(NO_STORE)
        return SessionAnswer(session=opened.session, must_enrol=opened.must_enrol)

    @router.delete(
        "/sessions/current",
        operation_id="signOut",
        status_code=204,
        responses=refusals(401, 403, 409, 503),
    )
    def sign_out(request: Request) -> None:
        """End the session that this request came by."""
        principal = identity.authentication(request)
        if principal.session is None:
            raise Conflict("this request came by no session", remedy="revoke a token instead")
        identity.sessions.close(principal.session)

    return router


def _people(routes: PeopleRoutes) -> APIRouter:
    router, identity = people_router(), routes.identity

    @router.get("/me", operation_id="whoAmI", responses=refusals(401, 503))
    def me(request: Request) -> Me:
        """Tell who calls and what they may do."""
        principal = identity.authentication(request)
        with identity.ledger.snapshot() as now:
            return _me(principal, People(now.connection), now.size)

    @router.get(
        "/users", operation_id="listUsers", responses=refusals(400, 401, 403, 406, 422, 503)
    )
    def users(request: Request, page: PageQuery) -> Response:
        """List accounts, in the order they were made, with the roles they hold."""
        identity.authentication(request).require(Permission.READ)

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            with identity.ledger.snapshot() as now:
                return lists.users(now, size, after, limit)

        return answer_list(request, page, routes.cursors, lists.USER_COLUMNS, fetch)

    @router.post(
        "/users/{user}/disable",
        operation_id="disableUser",
        response_model=OutcomeAnswer,
        responses={202: {"model": OutcomeAnswer}, **refusals(401, 403, 404, 409, 422, 503)},
    )
    def disable(request: Request, user: str, reason: ReasonQuery = None) -> Response:
        """Close an account; of the last two administrators, when both have asked."""
        principal = identity.authentication(request)
        return outcome_of(identity.roles.disable(principal, user, reason))

    @router.post(
        "/users/{user}/factor-reset",
        operation_id="askForReset",
        status_code=202,
        responses=refusals(*ASKS),
    )
    def ask_for_reset(request: Request, user: str, body: ReasonBody) -> OutcomeAnswer:
        """Ask for a new password and second factor of somebody; a second person confirms it."""
        identity.resetting.ask(identity.authentication(request), user, body.reason)
        return OutcomeAnswer(state="pending")

    @router.post(
        "/users/{user}/factor-reset/confirm",
        operation_id="confirmReset",
        status_code=201,
        responses=refusals(401, 403, 404, 409, 503),
    )
    def confirm_reset(request: Request, response: Response, user: str) -> Invited:
        """Carry out what another administrator asked for; the link is shown once."""
        made = identity.resetting.confirm(identity.authentication(request), user)
        return _shown_once(identity, made, response)

    return router


def _me(principal: Principal, people: People, size: int) -> Me:
    user = None if principal.person is None else people.user(principal.person)
    held = [] if principal.person is None else people.grants(principal.person)
    return Me(
        id=principal.actor.id,
        kind=principal.actor.kind.value,
        name=None if user is None else user.name,
        printed_name=None if user is None else user.printed_name,
        owner=principal.answerable,
        roles=tuple(RoleHeld.model_validate(lists.role_of(one)) for one in held),
        teams=None if principal.teams is None else tuple(sorted(principal.teams)),
        permissions=tuple(one.value for one in Permission if principal.may(one)),
        log_size=size,
    )
