"""Notices as a page: what waits, what arrived, what was given up, and having it sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from app.core.access import Permission
from app.core.errors import Conflict
from app.core.ledger.times import format_time
from app.notify import outbox
from app.notify.outbox import State
from app.web.listing import Listed, PageQuery
from app.web.tables import Column, Kind, list_page

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.identity.office import Office
    from app.notify.courier import Courier
    from app.notify.outbox import Notice
    from app.web.listing import Key

Words = Annotated[str, Query(max_length=100)]
NoticeId = Annotated[str, Path(max_length=200)]

COLUMNS = (
    Column("made_at", "Since", Kind.TIME),
    Column("about", "What"),
    Column("subject", "About", Kind.LINK),
    Column("by", "By"),
    Column("state", "State", Kind.STATUS),
    Column("attempts", "Tries", Kind.NUMBER),
    Column("problem", "Last problem"),
    Column("id", "Again"),
)


def notice_pages(office: Office, courier: Courier) -> APIRouter:
    """Build the page and its forms."""
    router = office.desk.router()
    ledger = office.identity.ledger

    @router.get("/admin/notices")
    def notices(request: Request, page: PageQuery, state: Words = "") -> Response:
        """List notices that are kept, the newest first."""
        principal = office.reader(request)

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            with ledger.snapshot() as now:
                found, upto = outbox.everything(now.connection), now.size
            chosen = [one for one in found if state in ("", one.state.value)]
            return _listed(chosen, upto if size is None else size, after, limit)

        listing = list_page(request, page, office.cursors, COLUMNS, fetch, caption="Notices")
        if isinstance(listing, Response):
            return listing
        with ledger.snapshot() as now:
            names = office.names(now.connection, {str(one["to"]) for one in listing.items})
        ways = courier.ways
        given = {
            "listing": listing,
            "wanted": {"state": state},
            "names": names,
            "webhook": None if ways.webhook is None else str(ways.webhook.target),
            "mail": None if ways.mail is None else f"{ways.mail.host}, from {ways.mail.sender}",
            "may_send": principal.may(Permission.MANAGE_PEOPLE),
            "done": _DONE.get(request.query_params.get("done", "")),
        }
        return office.page(request, "notices", "Notices", given)

    @router.post("/admin/notices/test")
    def test(request: Request) -> Response:
        """Send a test: by webhook, and by mail to whoever asks."""
        principal = office.changer(request, Permission.MANAGE_PEOPLE)
        if not courier.ways:
            raise Conflict(
                "there is no way to send a notice",
                remedy="set MUNIMENT_WEBHOOK_URL or MUNIMENT_SMTP_URL",
            )
        courier.test(str(principal.person))
        return office.desk.to(request, "/admin/notices?done=test")

    @router.post("/admin/notices/{id_}/again")
    def again(request: Request, id_: NoticeId) -> Response:
        """Have a notice that is over sent again."""
        office.changer(request, Permission.MANAGE_PEOPLE)
        courier.again(id_)
        return office.desk.to(request, "/admin/notices?done=again")

    def _listed(found: list[Notice], size: int, after: Key | None, limit: int) -> Listed:
        keyed = [((format_time(one.made_at), one.id), one) for one in found]
        rest = [(key, one) for key, one in keyed if after is None or key < after][:limit]
        items: list[dict[str, Json]] = [
            {
                "made_at": format_time(one.made_at),
                "about": one.about.value,
                "subject": one.subject,
                "index": one.index if one.index >= 0 else None,
                "by": one.by.value,
                "to": one.to,
                "state": one.state.value,
                "attempts": one.attempts,
                "next_at": format_time(one.next_at) if one.state is State.WAITING else None,
                "problem": one.problem,
                "id": one.id,
            }
            for _, one in rest
        ]
        return Listed(items, [key for key, _ in rest], size)

    return router


_DONE = {
    "test": "A test is on its way; it stands here within a few seconds",
    "again": "It is sent again",
}
