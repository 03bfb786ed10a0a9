"""People as administrators and auditors see them: the list, inviting, and one person's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from app.core.access import Permission
from app.core.errors import Conflict, Missing, Rejected
from app.identity import lists, reading
from app.identity.agreement import requests
from app.identity.directory import People
from app.identity.granting import waiting
from app.identity.office import told
from app.identity.open_sessions import open_sessions
from app.identity.resetting import resets, signs_again_at
from app.identity.tables import ROLE_GRANTS, TOKENS
from app.ledger.stream_api import Filters
from app.ledger.stream_api import reading as entries
from app.web.errors import status_of
from app.web.listing import PageQuery
from app.web.tables import Column, Kind, list_page

if TYPE_CHECKING:
    from app.core.errors import Refusal
    from app.identity.office import Office
    from app.identity.values import User
    from app.web.listing import Key, Listed

Words = Annotated[str, Query(max_length=300)]
Text = Annotated[str, Form(max_length=4000)]

DEEDS_SHOWN = 20
COLUMNS = (
    Column("printed_name", "Person", Kind.LINK),
    Column("name", "Signs in as"),
    Column("roles", "Roles"),
    Column("state", "State", Kind.STATUS),
    Column("created_at", "Here since", Kind.TIME),
    Column("created_index", "Entry", Kind.LINK),
)


def people_pages(office: Office) -> APIRouter:
    """Build the pages."""
    router = office.desk.router()
    router.include_router(_overview(office))
    router.include_router(_one(office))
    identity = office.identity

    def show(
        request: Request, page: PageQuery, refusal: Refusal | None = None, **typed: str
    ) -> Response:
        principal = office.reader(request)
        words, state, role = (request.query_params.get(one, "") for one in ("q", "state", "role"))

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            with identity.ledger.snapshot() as now:
                where = lists.of_people(words[:300], state, role)
                return lists.users(now, size, after, limit, *where)

        listing = list_page(
            request, page, office.cursors, COLUMNS, fetch,
            caption="People", csv_columns=lists.USER_COLUMNS,
        )  # fmt: skip
        if isinstance(listing, Response):
            return listing
        with identity.ledger.snapshot() as now:
            roles = lists.roles_known(now.connection)
        kept = office.desk.typed(request)
        given = {
            "listing": listing,
            "wanted": {"q": words, "state": state, "role": role},
            "roles": roles,
            "may_invite": principal.may(Permission.MANAGE_PEOPLE),
            "faults": [] if refusal is None else [("name", told(refusal))],
            "invited": {
                name: typed.get(name, kept.get(name)) for name in ("name", "printed_name", "reason")
            },
            "typed": kept,
            "draft": office.desk.draft(request),
        }
        status = 200 if refusal is None else status_of(type(refusal))
        return office.page(request, "people", "People", given, status=status)

    @router.get("/admin/people")
    def people(
        request: Request,
        page: PageQuery,
        q: Words = "",  # noqa: ARG001 - read from the query, with what a file keeps of it
        state: Words = "",  # noqa: ARG001
        role: Words = "",  # noqa: ARG001
    ) -> Response:
        """List accounts with the roles they hold."""
        return show(request, page)

    @router.post("/admin/people")
    def invite(
        request: Request,
        page: PageQuery,
        name: Text,
        printed_name: Text,
        reason: Text,
        draft: Text = "",
    ) -> Response:
        """Make an account; show the link that opens it, once."""
        principal = office.changer(request, Permission.MANAGE_PEOPLE)
        try:
            made = identity.accounts.invite(
                principal, name.strip(), printed_name.strip(), reason=reason.strip()
            )
        except (Rejected, Conflict) as refusal:
            return show(request, page, refusal, name=name, printed_name=printed_name, reason=reason)
        office.desk.sent(request, draft)
        return office.hand_out(request, f"{printed_name.strip()} is invited", made, again=False)

    return router


def _overview(office: Office) -> APIRouter:
    router = office.desk.router()

    @router.get("/admin")
    def overview(request: Request) -> Response:
        """Say what waits for an administrator, and how many there are of what."""
        principal, at = office.reader(request), office.identity.clock()
        with office.identity.ledger.snapshot() as now:
            people = People(now.connection)
            everybody, held = people.everybody(), people.administrators()
            grants, agreed = waiting(now.connection, at), requests(now.connection, at)
            begun = resets(now.connection, at)
            tokens = [one for one in people.tokens() if not one.revoked and at < one.expires_at]
            sessions = open_sessions(now.connection, at)
            ids = {one.asked.user for one in grants} | {one.user for one in begun}
            ids |= {one.by for one in grants} | {one.by for one in agreed}
            names = office.names(now.connection, ids | {one.by for one in begun})
            size = now.size
        open_ = [one for one in everybody if not one.disabled]
        given = {
            "grants": grants,
            "agreed": [(one, *_about(people_of=everybody, what=one.what)) for one in agreed],
            "resets": begun,
            "names": names,
            "me": principal.person,
            "facts": {
                "open": len(open_),
                "unconfirmed": sum(one.enrolled_at is None for one in open_),
                "administrators": len(held),
                "tokens": len(tokens),
                "sessions": len(sessions),
            },
            "size": size,
        }
        return office.page(request, "admin", "Administration", given)

    return router


def _about(people_of: list[User], what: str) -> tuple[str, str]:
    """Say what one of the last two administrators asked for, and where to see it."""
    verb, _, about = what.partition("/")
    if verb == "disable":
        user = next((one for one in people_of if one.id == about), None)
        name = about if user is None else user.called
        return f"Close the account of {name}", f"/admin/people/{about}/disable"
    return f"Revoke the administrator role of grant {about}", f"/admin/roles/{about}/revoke"


def _one(office: Office) -> APIRouter:
    router = office.desk.router()
    identity = office.identity

    @router.get("/admin/people/{user}")
    def person(request: Request, user: str) -> Response:
        """Show one person: roles, tokens, sessions, and what they did last."""
        principal, at = office.reader(request), identity.clock()
        with identity.ledger.snapshot() as now:
            found = People(now.connection).user(user)
            if found is None:
                raise Missing(f"there is no account {user[:80]!r}")
            grants = reading.grants(now.connection, ROLE_GRANTS.c.user == user)
            tokens = reading.tokens(now.connection, TOKENS.c.owner == user)
            sessions = [one for one in open_sessions(now.connection, at) if one.user == user]
            signs_at = signs_again_at(now, user, at)
            begun = next((one for one in resets(now.connection, at) if one.user == user), None)
            ids = {one for grant in grants for one in grant.grantors}
            names = office.names(now.connection, ids | ({begun.by} if begun else set()))
            size = now.size
        by = Filters(None, None, user, None, None, None).conditions()
        deeds = entries(identity.ledger, by, newest_first=True)(None, None, DEEDS_SHOWN)
        given = {
            "user": found,
            "grants": [one for one in grants if one.revoked_at is None],
            "past": [one for one in grants if one.revoked_at is not None],
            "tokens": tokens,
            "sessions": sessions,
            "deeds": deeds.items,
            "signs_at": signs_at,
            "reset": begun,
            "names": names,
            "me": principal.person,
            "may_people": principal.may(Permission.MANAGE_PEOPLE),
            "may_roles": principal.may(Permission.MANAGE_ROLES),
            "may_tokens": principal.may(Permission.MANAGE_TOKENS),
            "done": _DONE.get(request.query_params.get("done", "")),
            "size": size,
        }
        title = found.printed_name or found.name or f"Account {found.id}"
        return office.page(request, "person", title, given)

    return router


_DONE = {
    "disabled": "The account is closed; its sessions and tokens open nothing any more",
    "asked": "It waits for another administrator to ask for the same",
    "granted": "The role is granted",
    "waits": "The grant waits for another administrator's confirmation",
    "revoked": "The role is revoked",
    "ended": "The sessions have ended",
    "reset": "The reset waits for another administrator's confirmation",
}
