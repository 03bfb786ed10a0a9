"""The pages of the log: its stream, and one entry with its bytes, data, links and proof."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy import func, select
from starlette.responses import Response

from app.core.access import Permission
from app.core.errors import Missing
from app.core.ledger.merkle import leaf_hash
from app.core.ledger.proof_file import format_proof
from app.ledger.reading_api import PATIENCE, prove_entry
from app.ledger.redactions import erasures_of
from app.ledger.sql_store import ENTRIES
from app.ledger.stream_api import COLUMNS, Filters, reading
from app.web.listing import PageQuery
from app.web.moments import LARGEST_INDEX, MomentField
from app.web.tables import Column, Kind, list_page, order_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.jsonvalue import Json
    from app.core.ledger.entry import Entry
    from app.ledger.ports import Hides, NamesOf
    from app.ledger.publisher import Publisher
    from app.ledger.record import Ledger
    from app.ledger.redactions import Erased
    from app.ledger.snapshot import Snapshot
    from app.web.callers import Caller
    from app.web.desk import Desk
    from app.web.listing import Cursors

Index = Annotated[int, Path(le=LARGEST_INDEX)]
Text = Annotated[str, Query(max_length=300)]

STREAM = (
    Column("index", "Entry", Kind.LINK, "index"),
    Column("recorded_at", "Recorded", Kind.TIME),
    Column("type", "What"),
    Column("subject", "About", Kind.LINK),
    Column("actor", "Who"),
    Column("leaf_hash", "Leaf", Kind.HASH),
)


@dataclass(frozen=True, slots=True)
class LogPages:
    """What the pages of the log work with."""

    desk: Desk
    ledger: Ledger
    cursors: Cursors
    publisher: Publisher
    hides: Hides
    names: NamesOf


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Entries to go on to; None where there is none."""

    before: int | None
    after: int | None
    subject_before: int | None
    subject_after: int | None
    type_before: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an entry's data. ``erased``: how it came to be absent; ``value`` None then."""

    name: str
    value: str | None
    erased: Erased | None = None


def log_pages(pages: LogPages) -> APIRouter:
    """Build the pages that read the log."""
    router = pages.desk.router()
    desk, ledger = pages.desk, pages.ledger

    @router.get("/ledger")
    def stream(
        request: Request,
        page: PageQuery,
        type: Text = "",
        subject: Text = "",
        actor: Text = "",
        since: Annotated[MomentField, Query()] = None,
        until: Annotated[MomentField, Query()] = None,
    ) -> Response:
        """List the entries of the log, the newest first."""
        desk.visitor(request).caller.require(Permission.READ_LOG)
        _, newest_first = order_of(request, ("index",), "-index")
        filters = Filters(type or None, subject or None, actor or None, since, until, None)
        listing = list_page(
            request,
            page,
            pages.cursors,
            STREAM,
            reading(ledger, filters.conditions(), newest_first=newest_first),
            caption="Entries",
            csv_columns=COLUMNS,
        )
        if isinstance(listing, Response):
            return listing
        with ledger.snapshot() as now:
            names = pages.names(now.connection, {str(one["actor"]) for one in listing.items})
        return desk.page(
            request,
            "ledger/stream",
            title="Ledger",
            listing=listing,
            names=names,
            wanted={name: request.query_params.get(name, "") for name in _FILTERS},
            types=sorted(ledger.schemas),
        )

    @router.get("/ledger/{index}")
    def entry(request: Request, index: Index) -> Response:
        """Show an entry: what it says, its bytes, and what is beside it."""
        caller = desk.visitor(request).caller
        caller.require(Permission.READ_LOG)
        with ledger.snapshot() as now:
            raw = now.store.entry_bytes(now.connection, index)
            found = now.entry(index)
            members, withheld = _members(now, pages.hides, caller, found)
            erased = {one.erased.event.confirmed_by for one in members if one.erased}
            names = pages.names(now.connection, {found.actor.id, *map(str, erased)})
            beside = _neighbours(now, found)
            size = now.size
        return desk.page(
            request,
            "ledger/entry",
            title=f"Entry {index:,}",
            entry=found,
            raw=raw.decode(),
            leaf=leaf_hash(raw).hex(),
            members=members,
            withheld=withheld,
            names=names,
            beside=beside,
            size=size,
            may_erase=caller.may(Permission.REDACT),
        )

    @router.get("/ledger/{index}/proof")
    def proof(request: Request, index: Index) -> Response:
        """Give the proof that an entry is in the log, as a file for any verifier."""
        desk.visitor(request).caller.require(Permission.READ_LOG)
        with ledger.snapshot() as now:
            if not 0 <= index < now.size:
                raise Missing(f"the log has no entry {index}")
        pages.publisher.wait_for(index + 1, PATIENCE)
        with ledger.snapshot() as now:
            proven = prove_entry(now, index)
        headers = {
            "Content-Disposition": f'attachment; filename="entry-{index}.tlog-proof"',
            "Cache-Control": "private, no-store",
        }
        return Response(format_proof(proven), 200, headers, "text/plain; charset=utf-8")

    return router


_FILTERS = ("type", "subject", "actor", "since", "until")


def _members(
    now: Snapshot, hides: Hides, caller: Caller, entry: Entry
) -> tuple[Sequence[Member], int]:
    """Give an entry's data member by member, with the erased ones, and how many are withheld."""
    data = now.data(entry.index)
    if hides(now.connection, caller, entry.subject, data):
        return (), len(data)
    erased = {name: one for one in erasures_of(now, entry.index) for name in one.event.members}
    shown = [Member(name, _written(value)) for name, value in data.items()]
    gone = [Member(name, None, one) for name, one in erased.items() if name not in data]
    return sorted([*shown, *gone], key=lambda one: one.name), 0


def _written(value: Json) -> str:
    """Write a member for reading: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2)


def _neighbours(now: Snapshot, entry: Entry) -> Neighbours:
    following = select(func.min(ENTRIES.c.idx)).where(
        ENTRIES.c.subject == entry.subject, ENTRIES.c.idx > entry.index
    )
    return Neighbours(
        before=entry.index - 1 if entry.index else None,
        after=entry.index + 1 if entry.index + 1 < now.size else None,
        subject_before=entry.subject_prev,
        subject_after=now.connection.execute(following).scalar(),
        type_before=entry.type_prev,
    )
