"""One promotion before one reader: what every page about it begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from app.catalog import details, queries
from app.core.access import Permission
from app.core.errors import Missing
from app.identity.directory import People
from app.reviews.moved import Moved, moved
from app.reviews.notes import draft_of, seen
from app.reviews.sheet import sheet_of

if TYPE_CHECKING:
    from fastapi import Request

    from app.identity.principal import Principal
    from app.ledger.record import Ledger
    from app.reviews.notes import Draft, Looked, Notes
    from app.reviews.ports import RequestPromotion
    from app.reviews.sheet import Sheet
    from app.reviews.submit import Reviews, Shown
    from app.reviews.weighing import Weighing
    from app.settings import Clock
    from app.web.desk import Desk

GONE = Moved("What you saw is not kept any more; look at everything again", None, None)


@dataclass(frozen=True, slots=True)
class Before:
    """What a reader has before them. ``views``: what they had before, the last one last.

    ``people``: id and name of everybody who may own a finding.
    """

    shown: Shown
    sheet: Sheet
    draft: Draft | None
    views: tuple[Looked, ...]
    earlier: str | None
    later: str | None
    people: tuple[tuple[str, str], ...] = ()

    def moved_since(self, digest: str) -> tuple[Moved, ...]:
        """Name what is not as in the view of that digest; empty: it is that view."""
        sheet = self.sheet
        if sheet.bind is None or sheet.view is None or sheet.bind.rendered_view_digest == digest:
            return ()
        for one in self.views:
            if one.digest == digest:
                return moved(one.view, sheet.view)
        return (GONE,)


@dataclass(frozen=True, slots=True)
class Looking:
    """Shows promotions to whoever may read them."""

    desk: Desk
    ledger: Ledger
    reviews: Reviews
    promotions: RequestPromotion
    notes: Notes
    clock: Clock
    weighing: Weighing

    def reader(self, request: Request) -> Principal:
        """Recognise who looks. Raises Unauthenticated, Forbidden, RoleMissing."""
        caller = cast("Principal", self.desk.visitor(request).caller)
        caller.require(Permission.READ)
        return caller

    def before(self, caller: Principal, promotion_id: str) -> Before:
        """Put a promotion before a reader, and note what they were shown. Raises Missing."""
        person = str(caller.person)
        with self.ledger.snapshot() as now:
            found = queries.promotion(now.connection, promotion_id)
            if found is None:
                raise Missing(f"there is no promotion {promotion_id[:80]}")
            details.check_readable(now.connection, caller, found, f"promotion {promotion_id[:80]}")
            shown = self.reviews.show(now, promotion_id, person)
            sheet = sheet_of(now, shown, caller)
            waiting = [one.id for one in queries.open_promotions(now.connection)]
            at = waiting.index(promotion_id) if promotion_id in waiting else None
            before = Before(
                shown,
                sheet,
                draft_of(now.connection, person, promotion_id),
                tuple(seen(now.connection, person, promotion_id)),
                None if not at else waiting[at - 1],
                None if at is None or at + 1 == len(waiting) else waiting[at + 1],
                tuple(
                    (one.id, one.called)
                    for one in People(now.connection).everybody()
                    if not one.disabled
                ),
            )
        if sheet.view is not None:
            self.notes.looked(person, promotion_id, sheet.view)
        return before
