"""The pages that ask for a promotion, and take a request back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Form, Query, Request
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotation

from app.catalog import queries
from app.core.access import Permission
from app.core.errors import Conflict, Missing, Rejected
from app.web.errors import status_of

if TYPE_CHECKING:
    from fastapi import APIRouter

    from app.reviews.looking import Looking

Text = Annotated[str, Query(max_length=300)]
Field = Annotated[str, Form(max_length=4000)]


def request_pages(looking: Looking) -> APIRouter:
    """Build the pages."""
    router = looking.desk.router()
    desk = looking.desk

    @router.get("/promotions")
    def ask(request: Request, subject: Text = "", environment: Text = "") -> Response:
        """Ask which version should go where, and why."""
        looking.reader(request)
        return _ask(looking, request, subject, environment, desk.typed(request).get("reason"))

    @router.post("/promotions")
    def asked(request: Request, subject: Field, environment: Field, reason: Field = "") -> Response:
        """Open a promotion."""
        caller = looking.reader(request)
        caller.must(Permission.REQUEST_PROMOTION)
        subject = subject.strip()
        try:
            opened, _ = looking.promotions.request(
                caller, subject, environment.strip(), reason.strip() or None, "api", None
            )
        except (Missing, Rejected, Conflict) as refusal:
            return _ask(looking, request, subject, environment, reason, refusal)
        return desk.to(request, f"/promotions/{opened.id}")

    @router.post("/promotions/{promotion_id}/withdraw")
    def withdraw(request: Request, promotion_id: str, reason: Field = "") -> Response:
        """Take a request back."""
        caller = looking.reader(request)
        looking.promotions.withdraw(caller, promotion_id, reason.strip() or None)
        return desk.to(request, f"/promotions/{promotion_id}")

    return router


def _ask(
    looking: Looking,
    request: Request,
    subject: str,
    environment: str,
    reason: str,
    refusal: Missing | Rejected | Conflict | None = None,
) -> Response:
    with looking.ledger.snapshot() as now:
        published = queries.environments(now.connection)
    return looking.desk.page(
        request,
        "reviews/request",
        title="Ask for a promotion",
        status=200 if refusal is None else status_of(type(refusal)),
        subject=subject,
        environment=environment,
        reason=reason,
        environments=() if published is None else published.names,
        refusal=refusal,
    )
