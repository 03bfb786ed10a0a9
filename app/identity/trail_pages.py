"""Who is signed in, and the trail of administration: every change of who may what, with why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.core.access import Permission
from app.core.events.kinds.decisions import EnvironmentsPublished, PolicyPublished, PolicyRetired
from app.core.events.kinds.people import (
    AccessRefused,
    RoleGranted,
    RoleRevoked,
    SecondFactorChanged,
    SessionEnded,
    SessionRefused,
    TokenCreated,
    TokenRevoked,
    UserCreated,
    UserDisabled,
)
from app.core.ledger.times import format_time
from app.identity.open_sessions import OpenSession, open_sessions
from app.ledger.sql_store import ENTRIES
from app.ledger.stream_api import Filters, reading
from app.web.listing import Listed, PageQuery
from app.web.moments import MomentField
from app.web.tables import Column, Kind, list_page, order_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.jsonvalue import Json
    from app.identity.office import Office
    from app.web.listing import Fetch, Key

Words = Annotated[str, Query(max_length=300)]

ADMINISTRATION = tuple(
    kind.TYPE
    for kind in (
        UserCreated,
        UserDisabled,
        RoleGranted,
        RoleRevoked,
        TokenCreated,
        TokenRevoked,
        SecondFactorChanged,
        SessionEnded,
        SessionRefused,
        AccessRefused,
        PolicyPublished,
        PolicyRetired,
        EnvironmentsPublished,
    )
)
SESSIONS = (
    Column("user", "Person", Kind.LINK),
    Column("opened_at", "Opened", Kind.TIME),
    Column("seen_at", "Last used", Kind.TIME),
    Column("methods", "By"),
    Column("id", "End"),
)
TRAIL = (
    Column("index", "Entry", Kind.LINK, "index"),
    Column("recorded_at", "Recorded", Kind.TIME),
    Column("type", "What"),
    Column("subject", "About", Kind.LINK),
    Column("actor", "Who", Kind.LINK),
    Column("said", "Said"),
    Column("reason", "Why"),
)
SAYS = (
    "role", "scope", "team", "name", "scopes", "change", "sessions", "because", "route",
    "grant", "environments", "last4",
)  # fmt: skip
"""Members that the trail shows, in this order; names of people are shown by who they are."""


def trail_pages(office: Office) -> APIRouter:
    """Build the pages."""
    router = office.desk.router()
    router.include_router(_sessions(office))
    ledger = office.identity.ledger

    @router.get("/admin/trail")
    def trail(
        request: Request,
        page: PageQuery,
        type: Words = "",
        about: Words = "",
        actor: Words = "",
        since: Annotated[MomentField, Query()] = None,
        until: Annotated[MomentField, Query()] = None,
    ) -> Response:
        """List what changed who may what, and who was refused, the newest first."""
        office.reader(request)
        _, newest_first = order_of(request, ("index",), "-index")
        filters = Filters(type or None, about or None, actor or None, since, until, None)
        where = [ENTRIES.c.type.in_(ADMINISTRATION), *filters.conditions()]
        listing = list_page(
            request,
            page,
            office.cursors,
            TRAIL,
            _with_what_was_said(office, reading(ledger, where, newest_first=newest_first)),
            caption="Changes",
        )
        if isinstance(listing, Response):
            return listing
        with ledger.snapshot() as now:
            ids = {str(one["actor"]) for one in listing.items}
            ids |= {str(one["subject"]).removeprefix("user/") for one in listing.items}
            names = office.names(now.connection, ids)
        given = {
            "listing": listing,
            "names": names,
            "types": ADMINISTRATION,
            "wanted": {
                name: request.query_params.get(name, "")
                for name in ("type", "about", "actor", "since", "until")
            },
        }
        return office.page(request, "trail", "Trail of administration", given)

    return router


def _with_what_was_said(office: Office, fetch: Fetch) -> Fetch:
    """Add to each entry what it says, and why."""

    def told(size: int | None, after: Key | None, limit: int) -> Listed:
        found = fetch(size, after, limit)
        with office.identity.ledger.snapshot() as now:
            items = [{**one, **_said(now.data(int(str(one["index"]))))} for one in found.items]
        return Listed(items, found.keys, found.size)

    return told


def _said(data: Mapping[str, Json]) -> dict[str, Json]:
    shown = [
        f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name in SAYS
        if (value := data.get(name)) is not None
    ]
    return {"said": "; ".join(shown), "reason": data.get("reason")}


def _sessions(office: Office) -> APIRouter:
    router = office.desk.router()
    identity = office.identity

    @router.get("/admin/sessions")
    def sessions(request: Request, page: PageQuery) -> Response:
        """List who is signed in, the last used first."""
        principal = office.reader(request)

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            with identity.ledger.snapshot() as now:
                found, upto = open_sessions(now.connection, identity.clock()), now.size
            return _listed(found, upto if size is None else size, after, limit)

        listing = list_page(request, page, office.cursors, SESSIONS, fetch, caption="Open sessions")
        if isinstance(listing, Response):
            return listing
        with identity.ledger.snapshot() as now:
            names = office.names(now.connection, {str(one["user"]) for one in listing.items})
        given = {
            "listing": listing,
            "names": names,
            "may_people": principal.may(Permission.MANAGE_PEOPLE),
            "here": str(principal.session),
        }
        return office.page(request, "sessions", "Sessions", given)

    return router


def _listed(found: list[OpenSession], size: int, after: Key | None, limit: int) -> Listed:
    keyed = [((format_time(one.seen_at), one.id), one) for one in found]
    rest = [(key, one) for key, one in keyed if after is None or key < after][:limit]
    items: list[dict[str, Json]] = [
        {
            "user": one.user,
            "opened_at": format_time(one.opened_at),
            "seen_at": format_time(one.seen_at),
            "methods": list(one.methods),
            "id": one.id,
        }
        for _, one in rest
    ]
    return Listed(items, [key for key, _ in rest], size)
