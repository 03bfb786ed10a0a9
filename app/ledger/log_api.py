"""The log as files, for verifiers nobody here wrote (C2SP tlog-tiles).

Each answer is one write, with the SHA-256 of its bytes as its ETag; tiles and bundles
never change under their name, so they may be cached for ever.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.core.access import Permission
from app.core.errors import Malformed, Missing, Unavailable
from app.core.ledger.tile import parse_path
from app.core.ledger.trust import TrustedKey
from app.ledger import cosigned
from app.ledger.keyring import pinned
from app.ledger.tiles import read_tile

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.ledger.note import Verifier
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.web.callers import Authenticate

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
FOR_EVER = "max-age=31536000, immutable"


def log_routes(
    ledger: Ledger,
    keys: Callable[[Snapshot], tuple[TrustedKey, ...]],
    approvals_key: Verifier,
    authenticate: Authenticate,
    *,
    public: bool,
) -> APIRouter:
    """Build the routes below ``/log``. ``public``: nobody needs a token to read them."""
    router = APIRouter(prefix="/log", tags=["log"])

    def admit(request: Request) -> None:
        if not public:
            authenticate(request).require(Permission.READ_LOG)

    # What takes a token is no shared cache's to give on.
    for_ever = f"{'public' if public else 'private'}, {FOR_EVER}"
    _add_checkpoints(router, ledger, admit)

    @router.get("/tile/{path:path}", operation_id="readTile")
    def tile(request: Request, path: str) -> Response:
        """Give a hash tile, or an entry bundle below ``entries/``."""
        admit(request)
        try:
            wanted = parse_path(f"tile/{path}")
        except Malformed as refusal:
            raise Missing(refusal.detail) from None
        with ledger.snapshot() as now:
            raw = read_tile(now.store, now.connection, wanted, now.size)
        return _answer(request, raw, BYTES, for_ever)

    @router.get("/vkeys", operation_id="readVerifierKeys")
    def vkeys(request: Request) -> Response:
        """Give the log's verifier keys, the one in force first, one a line."""
        admit(request)
        with ledger.snapshot() as now:
            lines = [f"{key.verifier.vkey()}\n" for key in reversed(keys(now))]
        return _answer(request, "".join(lines).encode(), TEXT, "no-cache")

    @router.get("/trust.json", operation_id="readTrust")
    def trust(request: Request) -> Response:
        """Give every key with the sizes it signs for, and the key that seals approvals."""
        admit(request)
        with ledger.snapshot() as now:
            log = [key.document() for key in pinned(now.store, now.connection, keys(now))]
        return JSONResponse({"log": log, "approvals": [TrustedKey(approvals_key).document()]})

    return router


def _add_checkpoints(router: APIRouter, ledger: Ledger, admit: Callable[[Request], None]) -> None:
    @router.get("/checkpoint", operation_id="readCheckpoint")
    def checkpoint(request: Request) -> Response:
        """Give the newest signed checkpoint, with the cosignatures it has so far."""
        admit(request)
        with ledger.snapshot() as now:
            note = cosigned.newest(now.store, now.connection)
        if note is None:
            raise Unavailable("the first checkpoint is not signed yet", retry_after=1)
        return _answer(request, note, TEXT, "no-cache")

    @router.get("/checkpoint/witnessed", operation_id="readWitnessedCheckpoint")
    def witnessed(request: Request) -> Response:
        """Give the newest checkpoint that the quorum of witnesses has cosigned."""
        admit(request)
        with ledger.snapshot() as now:
            note = cosigned.witnessed(now.store, now.connection)
        if note is None:
            raise Missing("no quorum of witnesses has cosigned a checkpoint of this log")
        return _answer(request, note, TEXT, "no-cache")


def _answer(request: Request, content: bytes, media: str, caching: str) -> Response:
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": caching}
    if request.headers.get("If-None-Match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media, headers=headers)
