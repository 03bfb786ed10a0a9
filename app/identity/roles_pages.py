"""Roles as pages: who may do and approve what, and revoking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from starlette.responses import Response

from app.core.access import ROLES, Permission, PermissionRole
from app.core.errors import Conflict, Missing, Rejected
from app.identity import lists
from app.identity.agreement import Outcome
from app.identity.directory import People
from app.identity.granting import waiting
from app.identity.office import Change
from app.web.listing import PageQuery
from app.web.moments import LARGEST_INDEX
from app.web.tables import Column, Kind, list_page

if TYPE_CHECKING:
    from app.identity.office import Office
    from app.web.listing import Key, Listed

Words = Annotated[str, Query(max_length=300)]
Text = Annotated[str, Form(max_length=4000)]
GrantId = Annotated[int, Path(ge=0, le=LARGEST_INDEX)]
WaitingId = Annotated[str, Path(max_length=64)]

COLUMNS = (
    Column("role", "Role"),
    Column("user", "Person", Kind.LINK),
    Column("scope", "Where"),
    Column("grantors", "Granted by"),
    Column("granted_at", "Granted", Kind.TIME),
    Column("state", "State", Kind.STATUS),
    Column("grant", "Entry", Kind.LINK),
)
FILTERS = ("role", "kind", "state", "user")


def roles_pages(office: Office) -> APIRouter:
    """Build the pages."""
    router = office.desk.router()
    router.include_router(_revoking(office))
    identity = office.identity

    @router.get("/admin/roles")
    def roles(
        request: Request,
        page: PageQuery,
        role: Words = "",
        kind: Words = "",
        state: Words = "held",
        user: Words = "",
    ) -> Response:
        """List who holds which role, who could sign under it, and what waits."""
        principal = office.reader(request)
        where = lists.of_roles(role, kind, state, user)

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            with identity.ledger.snapshot() as now:
                return lists.grants(now, size, after, limit, *where)

        listing = list_page(
            request, page, office.cursors, COLUMNS, fetch,
            caption="Roles", csv_columns=lists.GRANT_COLUMNS,
        )  # fmt: skip
        if isinstance(listing, Response):
            return listing
        with identity.ledger.snapshot() as now:
            waits = waiting(now.connection, identity.clock())
            ids = {str(one["user"]) for one in listing.items}
            for item in listing.items:
                grantors = item["grantors"]
                ids |= set(map(str, grantors)) if isinstance(grantors, list) else set()
            ids |= {one for wait in waits for one in (wait.by, wait.asked.user)}
            approvers = _approvers(People(now.connection))
            ids |= {one for _, _, who in approvers for one, _ in who}
            names = office.names(now.connection, ids)
            known = lists.roles_known(now.connection)
        given = {
            "listing": listing,
            "wanted": {"role": role, "kind": kind, "state": state, "user": user},
            "waits": waits,
            "approvers": approvers,
            "names": names,
            "known": known,
            "permitted": [
                (role, sorted(one.value for one in ROLES[role])) for role in PermissionRole
            ],
            "me": principal.person,
            "may_roles": principal.may(Permission.MANAGE_ROLES),
        }
        return office.page(request, "roles", "Roles", given)

    return router


def _approvers(people: People) -> list[tuple[str, int, list[tuple[str, str]]]]:
    """Tell who can approve what: role, how many can sign, and who with where it holds."""
    found: dict[str, list[tuple[str, str]]] = {}
    for person in people.holders():
        user = people.user(person.id)
        for role in person.roles:
            if role.revoked_at is None:
                where = role.scope or (f"team {role.team}" if role.team else "everywhere")
                able = where if user and user.enrolled_at else f"{where}, no authenticator yet"
                found.setdefault(role.role, []).append((person.id, able))
    return [(role, len({one for one, _ in who}), who) for role, who in sorted(found.items())]


def _revoking(office: Office) -> APIRouter:
    router = office.desk.router()
    identity = office.identity

    def change(grant: int) -> tuple[Change, str]:
        with identity.ledger.snapshot() as now:
            people = People(now.connection)
            found = people.grant(grant)
            if found is None or found.revoked_at is not None:
                raise Missing(f"nobody holds a grant {grant}", remedy="look at the list of roles")
            name = office.names(now.connection, [found.user]).get(found.user, found.user)
            last = len(people.administrators())
        said = [f"{name} no longer holds {found.role} from then on."]
        if found.approval:
            said.append(
                "What they signed under it counts no more: decisions that need it wait for"
                " somebody else."
            )
        if found.role == PermissionRole.ADMINISTRATOR and last == _TWO:
            said.append(
                "This is one of the last two administrators: it is revoked when both have asked"
                " for it."
            )
        return (
            Change(
                f"Revoke {found.role} from {name}",
                said,
                f"/admin/roles/{grant}/revoke",
                f"/admin/people/{found.user}",
                "Revoke the role",
            ),
            found.user,
        )

    @router.get("/admin/roles/{grant}/revoke")
    def ask(request: Request, grant: GrantId) -> Response:
        """Say what revoking a role does, and ask why."""
        office.changer(request, Permission.MANAGE_ROLES)
        return office.ask(request, change(grant)[0])

    @router.post("/admin/roles/{grant}/revoke")
    def revoke(request: Request, grant: GrantId, reason: Text, draft: Text = "") -> Response:
        """Revoke a role, or ask the other one of the last two administrators to."""
        principal = office.changer(request, Permission.MANAGE_ROLES)
        asking, user = change(grant)
        try:
            outcome = identity.roles.revoke(principal, user, grant, reason.strip())
        except (Rejected, Conflict) as refusal:
            return office.ask(request, asking, refusal, reason)
        office.desk.sent(request, draft)
        done = "revoked" if outcome is Outcome.DONE else "asked"
        return office.desk.to(request, f"/admin/people/{user}?done={done}")

    return router


_TWO = 2
