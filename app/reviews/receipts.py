"""What a signer takes away: the entry of a review, its proof, and the signed statement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002 - the framework reads the annotation
from starlette.responses import Response

from app.core.errors import Missing
from app.core.ledger.proof_file import format_proof
from app.ledger.reading_api import prove_entry
from app.reviews.inbox import Group, inbox_of
from app.reviews.reading import shown as reviews_shown
from app.reviews.sheet import names
from app.web.paths import entry_of, page_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import APIRouter

    from app.core.ledger.note import Verifier
    from app.ledger.publisher import Publisher
    from app.ledger.snapshot import Snapshot
    from app.reviews.looking import Looking
    from app.reviews.ports import Bundle

PATIENCE = 10.0


def receipt_pages(
    looking: Looking, publisher: Publisher, bundle: Bundle, newest: Callable[[], Verifier]
) -> APIRouter:
    """Build the pages. ``publisher``: waits until an entry can be proven.

    ``newest``: the log's key, as whoever checks a file has to trust it.
    """
    router = looking.desk.router()
    desk = looking.desk

    @router.get("/promotions/{promotion_id}/reviews/{index}")
    def receipt(request: Request, promotion_id: str, index: int) -> Response:
        """Show what was signed: its entry, its proof, and what comes next."""
        caller = looking.reader(request)
        before = looking.before(caller, promotion_id)
        with looking.ledger.snapshot() as now:
            review = _review(now, promotion_id, index)
            data = now.data(index)
            receipt = now.receipt(index)
            waiting = inbox_of(now, looking.weighing, caller, looking.clock())
            named = names(now.connection)
        return desk.page(
            request,
            "reviews/receipt",
            title=f"Receipt of entry {index:,}",
            sheet=before.sheet,
            review=review,
            signer=named(str(review["reviewer"])),
            receipt=receipt,
            bind=data["bind"],
            statement=json.dumps(data["statement"], indent=2, ensure_ascii=False),
            vkey=newest().vkey(),
            following=next((one for one in waiting if one.group is Group.YOURS), None),
            page_of=page_of,
            entry_of=entry_of,
        )

    @router.get("/promotions/{promotion_id}/reviews/{index}/proof")
    def proof(request: Request, promotion_id: str, index: int) -> Response:
        """Give the inclusion proof of a review, as a ``.tlog-proof``."""
        looking.before(looking.reader(request), promotion_id)
        with looking.ledger.snapshot() as now:
            _review(now, promotion_id, index)
        publisher.wait_for(index + 1, PATIENCE)
        with looking.ledger.snapshot() as now:
            proven = prove_entry(now, index)
        return _file(
            format_proof(proven), "text/plain; charset=utf-8", f"review-{index}.tlog-proof"
        )

    @router.get("/promotions/{promotion_id}/reviews/{index}/statement")
    def statement(request: Request, promotion_id: str, index: int) -> Response:
        """Give the signed statement, a DSSE envelope."""
        looking.before(looking.reader(request), promotion_id)
        with looking.ledger.snapshot() as now:
            _review(now, promotion_id, index)
            envelope = json.dumps(now.data(index)["statement"], indent=2).encode()
        return _file(envelope, "application/json", f"review-{index}.dsse.json")

    @router.get("/promotions/{promotion_id}/reviews/{index}/bundle")
    def bundled(request: Request, promotion_id: str, index: int) -> Response:
        """Give the review with its proof, to be verified without this server."""
        looking.before(looking.reader(request), promotion_id)
        with looking.ledger.snapshot() as now:
            _review(now, promotion_id, index)
        publisher.wait_for(index + 1, PATIENCE)
        purpose = f"review at entry {index} of promotion {promotion_id}"
        with looking.ledger.snapshot() as now:
            content = bundle(now, [index], purpose=purpose)
        return _file(content, "application/zip", f"review-{index}.zip")

    @router.get("/promotions/{promotion_id}/view")
    def view(request: Request, promotion_id: str) -> Response:
        """Give the very bytes that are signed for."""
        sheet = looking.before(looking.reader(request), promotion_id).sheet
        if sheet.view is None:
            raise Missing("this promotion is decided; each review keeps the view it was signed for")
        return _file(sheet.view, "application/json", f"{promotion_id}.view.json")

    return router


def _review(now: Snapshot, promotion_id: str, index: int) -> dict[str, object]:
    """Find a review by its entry. Raises Missing."""
    for one in reviews_shown(now.connection, promotion_id):
        if one["index"] == index:
            return dict(one)
    raise Missing(f"entry {index} is no review of promotion {promotion_id[:80]}")


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=media_type, headers=headers)
