"""The page on which the log's state is seen, and from which it is read over at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.core.access import Permission
from app.core.errors import Missing
from app.resources import runbooks
from app.verification.integrity import integrity_of, strip
from app.verification.trust_page import fingerprint
from app.web.desk import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.core.ledger.quorum import WitnessPolicy
    from app.core.ledger.trust import TrustedKey
    from app.ledger.ports import NamesOf
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.verification.scrubbing import Scrubber
    from app.web.desk import Desk

PAGE = "/ledger/integrity"


@dataclass(frozen=True, slots=True)
class IntegrityPages:
    """What the pages work with. ``halted``: tells why nothing is recorded, or None."""

    desk: Desk
    ledger: Ledger
    scrubber: Scrubber
    policy: WitnessPolicy
    keys: Callable[[Snapshot], Sequence[TrustedKey]]
    names: NamesOf
    halted: Callable[[], str | None]


def integrity_pages(pages: IntegrityPages) -> APIRouter:
    """Build the page of the log's integrity and the runbooks that it points to."""
    router = pages.desk.router()
    desk = pages.desk

    @router.get(PAGE)
    def integrity(request: Request) -> Response:
        """Tell what was read over, signed, witnessed and stamped, and by which keys."""
        caller = desk.visitor(request).caller
        caller.require(Permission.READ_LOG)
        with pages.ledger.snapshot() as now:
            found = integrity_of(now, pages.policy, pages.keys(now))
            asked_by = found.going.asked_by if found.going is not None else None
            people = {one.actor.id for one in found.happened} | ({asked_by} if asked_by else set())
            names = pages.names(now.connection, people)
        if request.query_params.get("format") == "json":
            return JSONResponse(
                found.to_json(), headers={"Content-Disposition": 'attachment; filename="log.json"'}
            )
        halted = pages.halted()
        going = found.going is not None and found.going.ended_at is None
        return desk.page(
            request,
            "verification/integrity",
            title="Integrity of the log",
            block="state" if request.headers.get("HX-Target") == "state" else WHOLE,
            found=found,
            going=going and halted is None,
            strip=strip(found.segments),
            names=names,
            fingerprint=fingerprint,
            halted=halted,
            may_verify=caller.may(Permission.VERIFY),
        )

    @router.post(f"{PAGE}/verify")
    def verify(request: Request) -> Response:
        """Have the whole log read over now."""
        caller = desk.visitor(request).caller
        caller.require(Permission.VERIFY)
        pages.scrubber.ask(caller.actor.id)
        return desk.to(request, PAGE)

    @router.get("/help/runbooks/{name}")
    def runbook(request: Request, name: str) -> Response:
        """Show what an operator does when something is wrong."""
        desk.visitor(request).caller.require(Permission.READ_LOG)
        text = runbooks().get(name)
        if text is None:
            known = ", ".join(runbooks())
            raise Missing(f"there is no runbook {name[:80]!r}", remedy=f"there are: {known}")
        heading, _, rest = text.partition("\n")
        return desk.page(request, "verification/runbook", title=heading.lstrip("# "), text=rest)

    return router
