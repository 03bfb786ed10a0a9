"""The pages on which two people erase personal members of an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Path, Request
from pydantic import StringConstraints
from starlette.responses import Response

from app.core.access import Permission
from app.ledger.redaction import Wish
from app.web.moments import LARGEST_INDEX
from app.web.visitors import Typed

if TYPE_CHECKING:
    from app.ledger.ports import NamesOf
    from app.ledger.redaction import Redactions
    from app.web.desk import Desk

Index = Annotated[int, Path(ge=0, le=LARGEST_INDEX)]
Id = Annotated[str, Path(max_length=100)]
Name = Annotated[str, StringConstraints(max_length=200)]


def redaction_pages(desk: Desk, redactions: Redactions, names: NamesOf) -> APIRouter:
    """Build the page below an entry's: what was asked, asking, and the second person's word."""
    router = desk.router()

    def show(
        request: Request,
        index: int,
        typed: Typed,
        fault: tuple[str, str] | None = None,
    ) -> Response:
        caller = desk.visitor(request).caller
        caller.require(Permission.REDACT)
        with redactions.ledger.snapshot() as now:
            members = redactions.erasable(now, caller, index)
            asked = redactions.of(caller, index)
            people = {one.request.requested_by for one in asked}
            called = names(now.connection, people)
            size = now.size
        return desk.page(
            request,
            "ledger/redactions",
            title=f"Erase from entry {index:,}",
            status=422 if fault else 200,
            index=index,
            members=members,
            requests=asked,
            names=called,
            typed=typed,
            draft=desk.draft(request),
            faults=[fault] if fault else [],
            mine=(caller.person, caller.actor.id),
            size=size,
        )

    @router.get("/ledger/{index}/redactions")
    def redaction(request: Request, index: Index) -> Response:
        """Show what can be erased of an entry, and what somebody asked to be."""
        return show(request, index, desk.typed(request))

    @router.post("/ledger/{index}/redactions")
    def ask(
        request: Request,
        index: Index,
        members: Annotated[list[Name] | None, Form(max_length=100)] = None,
        reason: Annotated[str, Form(max_length=4000)] = "",
        legal_basis: Annotated[str, Form(max_length=500)] = "",
        draft: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        """Ask for members to be erased; another person confirms it."""
        caller = desk.visitor(request).caller
        chosen = tuple(members or ())
        typed = Typed(
            (
                ("reason", reason),
                ("legal_basis", legal_basis),
                *(("members", name) for name in chosen),
            )
        )
        if not chosen:
            return show(request, index, typed, ("members", "Choose what is to be erased"))
        for field, text in (("reason", reason), ("legal_basis", legal_basis)):
            if not text.strip():
                return show(request, index, typed, (field, f"Give the {field.replace('_', ' ')}"))
        wish = Wish(chosen, reason.strip(), legal_basis.strip())
        redactions.request(caller, index, wish, None)
        desk.sent(request, draft)
        return desk.to(request, f"/ledger/{index}/redactions")

    @router.post("/ledger/{index}/redactions/{redaction_id}/confirm")
    def confirm(request: Request, index: Index, redaction_id: Id) -> Response:
        """Erase, for good, what another person asked for."""
        redactions.confirm(desk.visitor(request).caller, index, redaction_id, None)
        return desk.to(request, f"/ledger/{index}")

    return router
