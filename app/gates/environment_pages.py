"""Environments as a page: which there are, drafting others, and a second person's publishing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import Response

from app.catalog import queries
from app.core.access import Permission
from app.core.errors import Missing, Rejected, RoleMissing, TooManyAttempts, Unauthenticated
from app.gates.environments import drafts
from app.gates.factor import SecondFactor
from app.identity.office import told
from app.identity.routes import address_of
from app.web.errors import status_of
from app.web.rail import ADMINISTERS

if TYPE_CHECKING:
    from app.core.errors import Refusal
    from app.gates.environments import Stages
    from app.identity.office import Office
    from app.identity.principal import Principal

Text = Annotated[str, Form(max_length=4000)]
Digest = Annotated[str, Path(max_length=100)]


def environment_pages(office: Office, stages: Stages) -> APIRouter:
    """Build the page and its forms."""
    router = office.desk.router()
    ledger = stages.ledger

    def reader(request: Request) -> Principal:
        principal = office.person(request)
        if not any(map(principal.may, (*ADMINISTERS, Permission.DRAFT_POLICY))):
            raise RoleMissing(
                "this page is for administrators, policy authors and auditors",
                remedy="the environments themselves stand with each deployment",
            )
        return principal

    def show(request: Request, refusal: Refusal | None = None, at: str = "names") -> Response:
        principal = reader(request)
        with ledger.snapshot() as now:
            published = queries.environments(now.connection)
            waiting = drafts(now.connection)
            index = now.head("environments")
            said = {} if index is None else now.data(index)
            ids = {one.drafter for one in waiting} | {str(said.get("publisher"))}
            names = office.names(now.connection, ids)
            size = now.size
        in_force = () if published is None else published.names
        typed = office.desk.typed(request)
        given: dict[str, object] = {
            "in_force": in_force,
            "since": index,
            "said": said,
            "waiting": [one for one in waiting if one.names != in_force],
            "names": names,
            "me": principal.person,
            "may_draft": principal.may(Permission.DRAFT_POLICY),
            "may_publish": principal.may(Permission.PUBLISH_POLICY),
            "faults": [] if refusal is None else [(at, told(refusal))],
            "done": _DONE.get(request.query_params.get("done", "")),
            "typed": typed,
            "draft": office.desk.draft(request),
            "size": size,
        }
        if not any(map(principal.may, ADMINISTERS)):
            given["tabs"] = [("Environments", "/admin/environments", None)]
        status = 200 if refusal is None else status_of(type(refusal))
        return office.page(request, "environments", "Environments", given, status=status)

    @router.get("/admin/environments")
    def environments(request: Request) -> Response:
        """Say which environments there are, lowest first, and what waits to replace them."""
        return show(request)

    @router.post("/admin/environments")
    def draft_names(request: Request, names: Text, draft: Text = "") -> Response:
        """Draft another list of environments; a second person publishes it."""
        principal = office.changer(request, Permission.DRAFT_POLICY)
        try:
            stages.draft(principal, names.split())
        except Rejected as refusal:
            return show(request, refusal)
        office.desk.sent(request, draft)
        return office.desk.to(request, "/admin/environments?done=drafted")

    @router.post("/admin/environments/{digest}/publish")
    def publish(
        request: Request, digest: Digest, reason: Text, password: Text, totp: Text
    ) -> Response:
        """Put a drafted list into force, signed by somebody else than its drafter."""
        principal = office.changer(request, Permission.PUBLISH_POLICY)
        factor = SecondFactor(password, totp.strip(), address_of(request))
        try:
            stages.publish(principal, digest, reason.strip(), factor)
        except (Rejected, Missing, Unauthenticated, TooManyAttempts) as refusal:
            return show(request, refusal, "")
        return office.desk.to(request, "/admin/environments?done=published")

    return router


_DONE = {
    "drafted": "The list waits for somebody else to publish it",
    "published": "The environments are in force",
}
