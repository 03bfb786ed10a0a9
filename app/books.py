"""The log as it is read, proven, looked after and erased from: its routes and its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.catalog.visible import hides
from app.identity.directory import printed_names
from app.identity.erasing import erase_drafts, erase_waiting, may_erase
from app.ledger.log_api import log_routes
from app.ledger.pages import LogPages, log_pages
from app.ledger.reading_api import reading_routes
from app.ledger.recovery_api import recovery_routes
from app.ledger.redaction import Redactions
from app.ledger.redaction_api import redaction_routes
from app.ledger.redaction_pages import redaction_pages
from app.ledger.rotation_api import rotation_routes
from app.ledger.stream_api import stream_routes
from app.reporting.erasing import erase_reports
from app.reviews.erasing import erase_notes
from app.verification.list_api import list_routes
from app.verification.pages import IntegrityPages, integrity_pages

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.house import House
    from app.ledger.api import Recording
    from app.web.desk import Desk
    from app.web.listing import Cursors


def add_books(
    app: FastAPI, house: House, desk: Desk, recording: Recording, cursors: Cursors
) -> None:
    """Add what is asked of the log; the page of its integrity goes before those of entries."""
    ledger, authenticate = house.ledger, house.identity.authentication
    keys = house.rotating.history
    redactions = Redactions(
        ledger,
        hides,
        (may_erase,),
        (erase_reports, erase_drafts, erase_waiting, erase_notes),
        house.clock,
        house.entropy,
    )
    standing = IntegrityPages(
        desk,
        ledger,
        house.scrubber,
        house.witnessing.policy,
        keys,
        printed_names,
        lambda: house.sequencer.halted,
    )
    public = house.settings.log_public
    for routes in (
        stream_routes(ledger, authenticate, cursors),
        reading_routes(ledger, house.publisher, authenticate, hides),
        redaction_routes(redactions, recording, authenticate),
        redaction_pages(desk, redactions, printed_names),
        recovery_routes(ledger, house.clock, authenticate),
        log_routes(ledger, keys, house.approvals_signer.verifier, authenticate, public=public),
        list_routes(ledger, keys, authenticate, hides),
        rotation_routes(house.rotating, authenticate),
        integrity_pages(standing),
        log_pages(LogPages(desk, ledger, cursors, house.publisher, hides, printed_names)),
    ):
        app.include_router(routes)
