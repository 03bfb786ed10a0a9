"""Where people are administered: who may look, who may change, and one page that asks why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import Forbidden, RoleMissing
from app.identity.directory import People
from app.identity.principal import Principal
from app.web.errors import status_of
from app.web.rail import ADMINISTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fastapi import Request
    from sqlalchemy import Connection
    from starlette.responses import Response

    from app.core.access import Permission
    from app.core.errors import Refusal
    from app.identity.accounts import Invitation
    from app.identity.assembly import Identity
    from app.identity.duties import Duties
    from app.web.desk import Desk
    from app.web.listing import Cursors

TABS = (
    ("Overview", "/admin"),
    ("People", "/admin/people"),
    ("Roles", "/admin/roles"),
    ("Tokens", "/admin/tokens"),
    ("Sessions", "/admin/sessions"),
    ("Environments", "/admin/environments"),
    ("Notices", "/admin/notices"),
    ("Trail", "/admin/trail"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """A change that somebody is about to answer for.

    ``consequences``: what it does, in sentences. ``action``: where its form goes; ``back``:
    where one goes without changing anything. ``button``: what the button says.
    ``asks``: for a reason; else it was given before, by whoever asked first. Without an
    ``action`` there is nothing to send: somebody else has to.
    """

    title: str
    consequences: Sequence[str]
    action: str
    back: str
    button: str
    alarm: bool = True
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Office:
    """What the pages of administration work with."""

    desk: Desk
    identity: Identity
    cursors: Cursors
    duties: Duties

    def reader(self, request: Request) -> Principal:
        """Recognise who looks: whoever administers something, or audits who does."""
        principal = self.person(request)
        if not any(map(principal.may, ADMINISTERS)):
            raise RoleMissing(
                "these pages are for administrators and auditors",
                remedy="ask an administrator what you need to know or have",
            )
        return principal

    def changer(self, request: Request, permission: Permission) -> Principal:
        """Recognise who changes something. Raises RoleMissing."""
        principal = self.person(request)
        principal.require(permission)
        return principal

    def page(
        self,
        request: Request,
        template: str,
        title: str,
        values: Mapping[str, object],
        *,
        status: int = 200,
    ) -> Response:
        """Fill in a page of administration, with its tabs."""
        tabs = [(text, path, None) for text, path in TABS]
        path = request.url.path
        here = max((one for _, one in TABS if _below(path, one)), key=len, default="/admin")
        given = {"tabs": tabs, "tab": here, **values}
        return self.desk.fill(request, f"identity/{template}", title, given, status=status)

    def ask(
        self, request: Request, change: Change, refusal: Refusal | None = None, reason: str = ""
    ) -> Response:
        """Show what a change does and ask for the reason; again with what was refused."""
        typed = self.desk.typed(request)
        return self.page(
            request,
            "admin_change",
            change.title,
            {
                "change": change,
                "reason": reason or typed.get("reason"),
                "typed": typed,
                "draft": self.desk.draft(request),
                "faults": [] if refusal is None else [("reason", told(refusal))],
            },
            status=200 if refusal is None else status_of(type(refusal)),
        )

    def hand_out(self, request: Request, title: str, made: Invitation, *, again: bool) -> Response:
        """Show the link that opens an account, once. ``again``: after a reset."""
        given = {
            "link": self.identity.link(made),
            "expires_at": made.expires_at,
            "user": made.user,
            "again": again,
        }
        return self.page(request, "invited", title, given)

    def names(self, connection: Connection, ids: Iterable[str]) -> dict[str, str]:
        """Tell by which name to show whom; closed accounts too."""
        people = People(connection)
        found = ((id_, people.user(id_)) for id_ in set(ids))
        return {id_: user.called for id_, user in found if user}

    def person(self, request: Request) -> Principal:
        """Recognise who looks, whoever it is. Raises Forbidden for what is no person."""
        caller = self.desk.visitor(request).caller
        if not isinstance(caller, Principal):
            raise Forbidden("people are administered by people")
        return caller


def told(refusal: Refusal) -> str:
    """Write a refusal as a sentence with what to do."""
    remedy = f": {refusal.remedy}" if refusal.remedy else ""
    said = f"{refusal.detail}{remedy}"
    return f"{said[0].upper()}{said[1:]}."


def _below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")
