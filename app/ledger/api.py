"""Recording events over HTTP.

Both routes wait for the sequencer's commit without holding a thread.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from app.core.errors import HeadMoved, Unavailable, UnsupportedMedia
from app.core.ledger.canonical import canonical, parse_json
from app.ledger.append import Request as Wanted
from app.ledger.idempotency import make_key
from app.ledger.posting import admit, read_batch, read_said, replayed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.events import Said
    from app.core.jsonvalue import Json
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.ports import Admit
    from app.ledger.posting import Posting
    from app.ledger.receipt import Receipt
    from app.ledger.record import Ledger
    from app.settings import Clock
    from app.web.callers import Authenticate, Caller

TRIES = 8
"""How often a request is put before the rules again when heads move under it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What the recording routes work with. ``secret``: for idempotency keys, 32 bytes."""

    ledger: Ledger
    rules: Admit
    secret: bytes
    clock: Clock

    def key(self, request: Request, caller: Caller, document: Json) -> IdempotencyKey | None:
        """Read the request's Idempotency-Key, if it has one. Raises Malformed."""
        written = request.headers.get("Idempotency-Key")
        if written is None:
            return None
        route = f"{request.method} {request.url.path}"
        return make_key(self.secret, caller.actor.id, route, written, canonical(document))

    async def record(
        self, saids: Sequence[Said], caller: Caller, key: IdempotencyKey | None
    ) -> tuple[tuple[Receipt, ...], bool]:
        """Admit and record; tell the receipts, and whether they are those of an earlier time.

        Raises what the rules raise; Unavailable when heads keep moving.
        """
        for _ in range(TRIES):
            posting = await self._admit(saids, caller)
            if not posting.fresh:
                return posting.merge([]), True
            wanted = Wanted(
                self.ledger.prepare(posting.fresh),
                caller.actor,
                "api",
                posting.expects,
                key,
                posting.resource,
                beside=None,
            )
            # Others who are nearly as far come along: what is handed in within one turn of the
            # loop is committed together, and whoever is alone waits for nobody.
            await asyncio.sleep(0)
            try:
                appended = await asyncio.wrap_future(self.ledger.sequencer.append(wanted))
            except HeadMoved:
                continue
            if appended.replayed and key is not None:
                return replayed(self.ledger, key) or appended.receipts, True
            return posting.merge(appended.receipts), False
        raise Unavailable("what this depends on keeps changing", retry_after=1)

    async def _admit(self, saids: Sequence[Said], caller: Caller) -> Posting:
        if len(saids) == 1:  # a few look-ups cost less than a thread
            return admit(self.ledger, self.rules, saids, caller.actor)
        return await run_in_threadpool(admit, self.ledger, self.rules, saids, caller.actor)


def recording_routes(recording: Recording, authenticate: Authenticate) -> APIRouter:
    """Build the routes that record."""
    router = APIRouter(tags=["events"])

    @router.post("/api/v1/events", operation_id="recordEvent", status_code=201)
    async def post_event(request: Request) -> Response:
        """Record one event and answer its receipt."""
        caller = authenticate(request)
        document = await _document(request)
        said = read_said(document, recording.ledger.schemas, caller, recording.clock)
        receipts, again = await _record(request, caller, document, [said])
        return _created(receipts[0].to_json(), again=again)

    @router.post("/api/v1/events/batch", operation_id="recordEvents", status_code=201)
    async def post_batch(request: Request) -> Response:
        """Record up to 1,000 events, all or none, and answer their receipts in order."""
        caller = authenticate(request)
        document = await _document(request)
        schemas = recording.ledger.schemas
        saids = await run_in_threadpool(read_batch, document, schemas, caller, recording.clock)
        receipts, again = await _record(request, caller, document, saids)
        return _created({"receipts": [one.to_json() for one in receipts]}, again=again)

    async def _record(
        request: Request, caller: Caller, document: Json, saids: Sequence[Said]
    ) -> tuple[tuple[Receipt, ...], bool]:
        key = recording.key(request, caller, document)
        before = None if key is None else replayed(recording.ledger, key)
        if before is not None:
            return before, True
        return await recording.record(saids, caller, key)

    return router


async def _document(request: Request) -> Json:
    """Read the JSON body. Raises UnsupportedMedia, Malformed, Rejected, TooLarge."""
    media = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise UnsupportedMedia(
            "the body is not declared to be JSON", remedy="send Content-Type: application/json"
        )
    return parse_json(await request.body())


def _created(body: Json, *, again: bool) -> Response:
    headers = {"Idempotent-Replayed": "true"} if again else {}
    return JSONResponse(body, 201, headers)
