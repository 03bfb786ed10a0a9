"""Forms that raise, answer and close findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Form, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.catalog import finding
from app.core.access import Permission
from app.core.errors import Missing
from app.core.events import say
from app.core.events.kinds.findings import FindingClosed, FindingRaised, FindingReplied

if TYPE_CHECKING:
    from fastapi import APIRouter

    from app.identity.principal import Principal
    from app.ledger.api import Recording
    from app.reviews.looking import Looking

Text = Annotated[str, Field(max_length=4000)]


class Raising(BaseModel):
    """A new finding. ``due``: a day, empty for none."""

    text: Text
    severity: Text
    owner: Text
    due: Text = ""


class Answering(BaseModel):
    """What is said of a finding. ``then``: ``close`` ends it."""

    text: Text
    then: Text = ""


def finding_pages(looking: Looking, recording: Recording) -> APIRouter:
    """Build the forms' routes; each leads back to its promotion."""
    router = looking.desk.router()
    desk = looking.desk

    def caller_of(request: Request, promotion_id: str) -> tuple[Principal, str]:
        caller = looking.reader(request)
        caller.require(Permission.RAISE_FINDING)
        return caller, looking.before(caller, promotion_id).sheet.promotion.model_version

    @router.post("/promotions/{promotion_id}/findings")
    async def found(
        request: Request, promotion_id: str, form: Annotated[Raising, Form()]
    ) -> Response:
        """Raise a finding about the version that is to be promoted."""
        caller, version = await run_in_threadpool(caller_of, request, promotion_id)
        id_ = f"f{looking.reviews.entropy(8).hex()}"
        event = FindingRaised(
            version, form.severity, form.owner, form.due or None, form.text.strip() or None
        )
        await recording.record([say(f"finding/{id_}", event)], caller, None)
        return desk.to(request, f"/promotions/{promotion_id}")

    @router.post("/promotions/{promotion_id}/findings/{finding_id}")
    async def answered(
        request: Request,
        promotion_id: str,
        finding_id: str,
        form: Annotated[Answering, Form()],
    ) -> Response:
        """Answer a finding, or close it."""
        caller, version = await run_in_threadpool(caller_of, request, promotion_id)
        kind = FindingClosed if form.then == "close" else FindingReplied
        with looking.ledger.snapshot() as now:
            known = finding.find(now.connection, finding_id)
        if known is None or known.about not in (version, version.rpartition("/")[0]):
            raise Missing(f"{version} has no finding {finding_id[:80]}")
        said = say(f"finding/{finding_id}", kind(form.text.strip() or None))
        await recording.record([said], caller, None)
        return desk.to(request, f"/promotions/{promotion_id}")

    return router
