"""Service tokens as pages: what acts in whose name, making one, revoking one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.core.access import SCOPES, Permission, Scope
from app.core.errors import Conflict, Fault, Missing, Rejected
from app.identity import lists
from app.identity.directory import People
from app.identity.issuing import Wanted
from app.identity.office import Change, told
from app.web.errors import status_of
from app.web.listing import PageQuery
from app.web.tables import Column, Kind, list_page

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.errors import Refusal
    from app.identity.office import Office
    from app.web.listing import Key, Listed
    from app.web.visitors import Typed

Words = Annotated[str, Query(max_length=300)]
Text = Annotated[str, Form(max_length=4000)]
Line = Annotated[str, Field(max_length=4000)]
TokenId = Annotated[str, Path(max_length=64)]

COLUMNS = (
    Column("name", "Token"),
    Column("owner", "Owner", Kind.LINK),
    Column("scopes", "May"),
    Column("limits", "Only"),
    Column("last_used_at", "Last used", Kind.TIME),
    Column("expires_at", "Until", Kind.TIME),
    Column("state", "State", Kind.STATUS),
    Column("created_index", "Entry", Kind.LINK),
)


class Making(BaseModel):
    """A token that is to be made. ``days``: until it expires."""

    name: Line
    owner: Line = ""
    scopes: list[Line] = []
    subject_prefix: Line = ""
    environment: Line = ""
    team: Line = ""
    days: Line = "90"
    reason: Line
    draft: Line = ""

    def wanted(self, now: datetime) -> Wanted:
        """Read the form. Raises Rejected for what is no scope or no number of days."""
        known = {one.value for one in Scope}
        if unknown := sorted(set(self.scopes) - known):
            raise Rejected(
                f"{unknown[0][:40]!r} is no scope", faults=[Fault("#/scopes", "is no scope")]
            )
        if not (self.days.isascii() and self.days.isdigit() and len(self.days) < _LONG):
            raise Rejected(
                "that is no number of days", faults=[Fault("#/days", "a whole number up to 365")]
            )
        return Wanted(
            name=self.name.strip(),
            scopes=tuple(Scope(one) for one in self.scopes),
            owner=self.owner or None,
            subject_prefix=self.subject_prefix.strip() or None,
            environment=self.environment.strip() or None,
            team=self.team.strip() or None,
            expires_at=now + timedelta(days=int(self.days)),
            reason=self.reason.strip(),
        )


_LONG = 5


def tokens_pages(office: Office) -> APIRouter:
    """Build the pages."""
    router = office.desk.router()
    router.include_router(_making(office))
    router.include_router(_revoking(office))
    identity = office.identity

    @router.get("/admin/tokens")
    def tokens(
        request: Request, page: PageQuery, owner: Words = "", state: Words = "active"
    ) -> Response:
        """List tokens: whose they are, what they may do, and when they were last used."""
        principal = office.reader(request)
        where = lists.of_tokens(state, identity.clock())

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            with identity.ledger.snapshot() as now:
                return lists.tokens(now, owner or None, size, after, limit, *where)

        listing = list_page(
            request, page, office.cursors, COLUMNS, fetch,
            caption="Tokens", csv_columns=lists.TOKEN_COLUMNS,
        )  # fmt: skip
        if isinstance(listing, Response):
            return listing
        with identity.ledger.snapshot() as now:
            everybody = People(now.connection).everybody()
            ids = {str(one["owner"]) for one in listing.items}
            names = office.names(now.connection, ids)
        given = {
            "listing": listing,
            "wanted": {"owner": owner, "state": state},
            "owners": [(one.id, one.called) for one in everybody],
            "names": names,
            "may_tokens": principal.may(Permission.MANAGE_TOKENS),
            "done": _DONE.get(request.query_params.get("done", "")),
        }
        return office.page(request, "tokens", "Tokens", given)

    return router


def _making(office: Office) -> APIRouter:
    router = office.desk.router()
    identity = office.identity

    def show(
        request: Request, form: Making | None = None, refusal: Refusal | None = None
    ) -> Response:
        typed = office.desk.typed(request)
        with identity.ledger.snapshot() as now:
            everybody = [one for one in People(now.connection).everybody() if not one.disabled]
        values = form.model_dump() if form is not None else _resumed(typed)
        given = {
            "values": values,
            "everybody": everybody,
            "scopes": [(one.value, sorted(may.value for may in SCOPES[one])) for one in Scope],
            "faults": [] if refusal is None else [_fault(refusal)],
            "typed": typed,
            "draft": office.desk.draft(request),
        }
        status = 200 if refusal is None else status_of(type(refusal))
        return office.page(request, "token_new", "Make a token", given, status=status)

    @router.get("/admin/tokens/new")
    def ask(request: Request) -> Response:
        """Ask what a token is for, who answers for it and until when."""
        office.changer(request, Permission.MANAGE_TOKENS)
        return show(request)

    @router.post("/admin/tokens/new")
    def make(request: Request, form: Annotated[Making, Form()]) -> Response:
        """Make a token; it is shown once."""
        principal = office.changer(request, Permission.MANAGE_TOKENS)
        try:
            made = identity.tokens.create(principal, form.wanted(identity.clock()))
        except (Rejected, Missing, Conflict) as refusal:
            return show(request, form, refusal)
        office.desk.sent(request, form.draft)
        given = {"token": made.secret, "id": made.id, "expires_at": made.expires_at}
        return office.page(request, "token_made", f"Token {form.name.strip()}", given)

    return router


def _resumed(typed: Typed) -> dict[str, object]:
    """Give the form's fields as they were typed before a session ended."""
    return {
        **{name: typed.get(name, "90" if name == "days" else "") for name in Making.model_fields},
        "scopes": typed.all("scopes"),
    }


def _fault(refusal: Refusal) -> tuple[str, str]:
    """Say a refusal at the field that it is about."""
    field = next((one.pointer.rpartition("/")[2] for one in refusal.faults), "")
    return field.replace("expires_at", "days").replace("scopes", "scopes-1"), told(refusal)


def _revoking(office: Office) -> APIRouter:
    router = office.desk.router()
    identity = office.identity

    def change(token: str) -> Change:
        with identity.ledger.snapshot() as now:
            found = People(now.connection).token(token)
            if found is None or found.revoked:
                raise Missing(f"there is no token {token[:80]}", remedy="look at the list")
            owner = office.names(now.connection, [found.owner]).get(found.owner, found.owner)
        return Change(
            f"Revoke the token {found.name}",
            [
                f"Whatever sends it is refused at once. It ends in {found.last4}.",
                f"{owner} stays answerable for what it did.",
            ],
            f"/admin/tokens/{token}/revoke",
            "/admin/tokens",
            "Revoke the token",
        )

    @router.get("/admin/tokens/{token}/revoke")
    def ask(request: Request, token: TokenId) -> Response:
        """Say what revoking a token does, and ask why."""
        office.changer(request, Permission.MANAGE_TOKENS)
        return office.ask(request, change(token))

    @router.post("/admin/tokens/{token}/revoke")
    def revoke(request: Request, token: TokenId, reason: Text, draft: Text = "") -> Response:
        """Revoke a token."""
        principal = office.changer(request, Permission.MANAGE_TOKENS)
        asking = change(token)
        try:
            identity.tokens.revoke(principal, token, reason.strip())
        except Rejected as refusal:
            return office.ask(request, asking, refusal, reason)
        office.desk.sent(request, draft)
        return office.desk.to(request, "/admin/tokens?done=revoked")

    return router


_DONE = {"revoked": "The token is revoked; whatever sends it is refused"}
