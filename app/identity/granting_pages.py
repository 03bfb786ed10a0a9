"""Granting a role as pages: a look at conflicts first, and a second person for approval roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.core.access import ROLES, Permission, PermissionRole
from app.core.errors import Conflict, Missing, Rejected
from app.identity import lists
from app.identity.directory import People
from app.identity.granting import Asked, find_waiting
from app.identity.office import told
from app.web.errors import status_of

if TYPE_CHECKING:
    from app.core.errors import Refusal
    from app.identity.conflicts import Conflict as DutyConflict
    from app.identity.office import Office

Words = Annotated[str, Query(max_length=300)]
Line = Annotated[str, Field(max_length=4000)]
UNREAD = "Read the conflicts and say that you have, or grant something else."
MOVED = "The conflicts have changed since the page was opened. Read them as they are now."
WaitingId = Annotated[str, Path(max_length=64)]


class Granting(BaseModel):
    """A role that is to be granted. ``accepts``: kinds of the conflicts that were shown."""

    user: Line
    role: Line
    team: Line = ""
    scope: Line = ""
    accepts: list[Line] = []
    read: Line = ""
    reason: Line
    draft: Line = ""


def granting_pages(office: Office) -> APIRouter:
    """Build the pages."""
    router = office.desk.router()
    router.include_router(_granting(office))
    router.include_router(_waiting(office))
    return router


def _granting(office: Office) -> APIRouter:
    router = office.desk.router()
    identity = office.identity

    def show(
        request: Request,
        asked: Asked,
        refusal: Refusal | str | None = None,
        *,
        read: bool = False,
    ) -> Response:
        principal = office.changer(request, Permission.MANAGE_ROLES)
        checked, name = False, ""
        found: tuple[DutyConflict, ...] = ()
        faults = []
        if asked.user and asked.role:
            try:
                asked.check()
                found, name = office.duties.conflicts(principal, asked)
                checked = True
            except (Rejected, Missing) as wrong:
                faults.append(("role" if isinstance(wrong, Rejected) else "user", told(wrong)))
        with identity.ledger.snapshot() as now:
            everybody = [one for one in People(now.connection).everybody() if not one.disabled]
            two = len(People(now.connection).administrators()) > 1 and asked.approval
            known = lists.roles_known(now.connection)
        if refusal is not None:
            faults.append(("reason", refusal if isinstance(refusal, str) else told(refusal)))
        typed = office.desk.typed(request)
        status = 200
        if refusal is not None:
            status = 422 if isinstance(refusal, str) else status_of(type(refusal))
        given = {
            "grant": asked,
            "checked": checked,
            "conflicts": found,
            "read": read,
            "name": name,
            "everybody": everybody,
            "known": known,
            "permitted": sorted(one.value for one in ROLES[PermissionRole(asked.role)])
            if asked.role and not asked.approval and checked
            else [],
            "two": two,
            "faults": faults,
            "reason": asked.reason or typed.get("reason"),
            "typed": typed,
            "draft": office.desk.draft(request),
        }
        return office.page(request, "grant", "Grant a role", given, status=status)

    @router.get("/admin/roles/grant")
    def check(
        request: Request, user: Words = "", role: Words = "", team: Words = "", scope: Words = ""
    ) -> Response:
        """Say what a grant gives and why it would be a conflict; ask why it is granted."""
        return show(request, _asked(user, role, team, scope))

    @router.post("/admin/roles/grant")
    def grant(request: Request, form: Annotated[Granting, Form()]) -> Response:
        """Grant a role, or ask a second administrator to confirm it."""
        principal = office.changer(request, Permission.MANAGE_ROLES)
        asked = _asked(form.user, form.role, form.team, form.scope, form.reason)
        try:
            asked.check()
            found, _ = office.duties.conflicts(principal, asked)
            shown = {one.kind for one in found} <= set(form.accepts)
            if found and not (form.read and shown):
                return show(request, asked, UNREAD if shown else MOVED)
            granted = identity.roles.grant(principal, asked)
        except (Rejected, Missing, Conflict) as refusal:
            return show(request, asked, refusal, read=bool(form.read))
        office.desk.sent(request, form.draft)
        with identity.ledger.snapshot() as now:
            whom = People(now.connection).find(asked.user).id
        done = "granted" if granted.pending is None else "waits"
        return office.desk.to(request, f"/admin/people/{whom}?done={done}")

    return router


def _asked(user: str, role: str, team: str, scope: str, reason: str | None = None) -> Asked:
    return Asked(user.strip(), role.strip(), team.strip() or None, scope.strip() or None, reason)


def _waiting(office: Office) -> APIRouter:
    router = office.desk.router()
    identity = office.identity

    def show(request: Request, id_: str, refusal: Refusal | None = None) -> Response:
        principal = office.changer(request, Permission.MANAGE_ROLES)
        with identity.ledger.snapshot() as now:
            found = find_waiting(now.connection, id_, identity.clock())
            if found is None:
                raise Missing("no such grant waits for confirmation", remedy="ask for it again")
            names = office.names(now.connection, [found.by])
        objections, name = office.duties.conflicts(principal, found.asked, found.by)
        given = {
            "one": found,
            "name": name,
            "by": names.get(found.by, found.by),
            "conflicts": objections,
            "own": found.by == principal.person,
            "faults": [] if refusal is None else [("", told(refusal))],
        }
        title = f"Confirm {found.asked.role} for {name}"
        status = 200 if refusal is None else status_of(type(refusal))
        return office.page(request, "grant_waiting", title, given, status=status)

    @router.get("/admin/roles/waiting/{id_}")
    def look(request: Request, id_: WaitingId) -> Response:
        """Show a grant that waits: who asks, why, and what would be a conflict."""
        return show(request, id_)

    @router.post("/admin/roles/waiting/{id_}")
    def confirm(request: Request, id_: WaitingId) -> Response:
        """Grant what another administrator asked for."""
        principal = office.changer(request, Permission.MANAGE_ROLES)
        with identity.ledger.snapshot() as now:
            found = find_waiting(now.connection, id_, identity.clock())
        try:
            identity.roles.confirm(principal, id_)
        except Conflict as refusal:
            return show(request, id_, refusal)
        whom = "" if found is None else found.asked.user
        return office.desk.to(request, f"/admin/people/{whom}?done=granted")

    return router
