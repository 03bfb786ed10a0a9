"""All pages of deciding, in one router."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from app.reviews.findings_pages import finding_pages
from app.reviews.pages import review_pages
from app.reviews.receipts import receipt_pages
from app.reviews.requesting import request_pages
from app.reviews.signing_pages import signing_pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.ledger.note import Verifier
    from app.ledger.api import Recording
    from app.ledger.publisher import Publisher
    from app.reviews.looking import Looking
    from app.reviews.ports import Bundle


def deciding_pages(
    looking: Looking,
    publisher: Publisher,
    recording: Recording,
    bundle: Bundle,
    newest: Callable[[], Verifier],
) -> APIRouter:
    """Build the pages. ``publisher``: waits until an entry can be proven.

    ``newest``: the log's key, as whoever checks a file has to trust it.
    """
    router = APIRouter()
    router.include_router(request_pages(looking))
    router.include_router(review_pages(looking))
    router.include_router(signing_pages(looking))
    router.include_router(finding_pages(looking, recording))
    router.include_router(receipt_pages(looking, publisher, bundle, newest))
    return router
