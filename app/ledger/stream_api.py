"""The stream of entries as a list, exact at the size its first page was read at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotation

from app.core.access import Permission
from app.core.events import full_type
from app.core.ledger.entry import parse
from app.core.ledger.times import format_time
from app.ledger.sql_store import ENTRIES
from app.web.listing import Listed, PageQuery, answer_list
from app.web.moments import LARGEST_INDEX, Moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from app.core.jsonvalue import Json
    from app.ledger.record import Ledger
    from app.web.callers import Authenticate
    from app.web.listing import Cursors, Fetch, Key

COLUMNS = (
    "index", "id", "type", "subject", "source", "actor", "actor_kind", "occurred_at",
    "recorded_at", "leaf_hash",
)  # fmt: skip

Text = Annotated[str | None, Query(max_length=300)]
Time = Annotated[Moment | None, Query()]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries are asked for; None: all. Times are of recording."""

    type: str | None
    subject: str | None
    actor: str | None
    since: datetime | None
    until: datetime | None
    after_index: int | None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Write them in SQL. ``subject`` covers its versions too: ``model/x`` has ``model/x/1``."""
        found: list[ColumnElement[bool]] = []
        if self.type is not None:
            found.append(ENTRIES.c.type == full_type(self.type))
        if self.subject is not None:
            below = ENTRIES.c.subject.startswith(f"{self.subject}/", autoescape=True)
            found.append((ENTRIES.c.subject == self.subject) | below)
        if self.actor is not None:
            found.append(ENTRIES.c.actor == self.actor)
        if self.since is not None:
            found.append(ENTRIES.c.recorded_at >= format_time(self.since))
        if self.until is not None:
            found.append(ENTRIES.c.recorded_at < format_time(self.until))
        if self.after_index is not None:
            found.append(ENTRIES.c.idx > self.after_index)
        return found


def stream_routes(ledger: Ledger, authenticate: Authenticate, cursors: Cursors) -> APIRouter:
    """Build the route that lists entries."""
    router = APIRouter(prefix="/api/v1", tags=["events"])

    @router.get("/events", operation_id="listEvents")
    def events(
        request: Request,
        page: PageQuery,
        type: Text = None,
        subject: Text = None,
        actor: Text = None,
        since: Time = None,
        until: Time = None,
        after_index: Annotated[int | None, Query(ge=-1, le=LARGEST_INDEX)] = None,
    ) -> Response:
        """List entries in the order of the log."""
        authenticate(request).require(Permission.READ_LOG)
        conditions = Filters(type, subject, actor, since, until, after_index).conditions()

        return answer_list(request, page, cursors, COLUMNS, reading(ledger, conditions))

    return router


def reading(
    ledger: Ledger, conditions: Sequence[ColumnElement[bool]], *, newest_first: bool = False
) -> Fetch:
    """Read the stream part by part, each in a snapshot of its own, exact at one size."""

    def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
        with ledger.snapshot() as now:
            upto = now.size if size is None else size
            where = [ENTRIES.c.idx < upto, *conditions]
            if after is not None:
                last = int(after[0])
                where.append(ENTRIES.c.idx < last if newest_first else ENTRIES.c.idx > last)
            rows = now.connection.execute(
                select(ENTRIES.c.body, ENTRIES.c.leaf_hash)
                .where(*where)
                .order_by(ENTRIES.c.idx.desc() if newest_first else ENTRIES.c.idx)
                .limit(limit)
            )
            items = [_item(row.body, row.leaf_hash) for row in rows]
        return Listed(items, [(int(str(one["index"])),) for one in items], upto)

    return fetch


def _item(raw: bytes, leaf: bytes) -> dict[str, Json]:
    entry = parse(raw)
    return {
        "index": entry.index,
        "id": entry.id,
        "type": entry.type,
        "subject": entry.subject,
        "source": entry.source,
        "actor": entry.actor.id,
        "actor_kind": entry.actor.kind,
        "occurred_at": format_time(entry.occurred_at),
        "recorded_at": format_time(entry.recorded_at),
        "leaf_hash": leaf.hex(),
    }
