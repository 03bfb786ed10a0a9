"""Reading events back over HTTP: lists, single entries, proofs, schemas."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, Response

from app.core.access import Permission
from app.core.errors import Missing, Rejected, Unavailable
from app.core.events import CLIENT_TYPES, full_type
from app.core.ledger import consistency, inclusion
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.merkle import leaf_hash
from app.core.ledger.note import parse_note
from app.core.ledger.proof_file import ProofFile, format_proof
from app.ledger.redactions import erasures_of
from app.ledger.tiles import tile_reader
from app.web.moments import LARGEST_INDEX

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.ledger.ports import Hides
    from app.ledger.publisher import Publisher
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.web.callers import Authenticate

Index = Annotated[int, Path(le=LARGEST_INDEX)]

PATIENCE = 3.0
"""Seconds to wait for the checkpoint that covers an entry just recorded."""


def reading_routes(
    ledger: Ledger, publisher: Publisher, authenticate: Authenticate, hides: Hides
) -> APIRouter:
    """Build the routes that read events."""
    router = APIRouter(prefix="/api/v1", tags=["events"])

    @router.get("/events/{index}", operation_id="readEvent")
    def event(request: Request, index: Index) -> Response:
        """Give an entry and its bytes, and its data but for what is erased or withheld."""
        caller = authenticate(request)
        caller.require(Permission.READ_LOG)
        with ledger.snapshot() as now:
            raw = now.store.entry_bytes(now.connection, index)
            entry = now.entry(index)
            data = now.data(index)
            erased = erasures_of(now, index) if len(data) < entry.data.members else []
            withheld = hides(now.connection, caller, entry.subject, data)
            size = now.size
        body: dict[str, Json] = {
            "index": index,
            "leaf_hash": leaf_hash(raw).hex(),
            "entry": json.loads(raw),
            "data": {} if withheld else data,
            "redacted": entry.data.members - len(data),
            "redactions": [one.to_json() for one in erased],
            "withheld": len(data) if withheld else 0,
            "canonical": base64.b64encode(raw).decode(),
            "log_size": size,
        }
        return JSONResponse(body)

    @router.get("/events/{index}/proof", operation_id="proveEvent")
    def proof(
        request: Request, index: Index, size: Annotated[int | None, Query(ge=1)] = None
    ) -> Response:
        """Prove that an entry is in the log: JSON, or a ``.tlog-proof`` as text/plain."""
        authenticate(request).require(Permission.READ_LOG)
        with ledger.snapshot() as now:
            if not 0 <= index < now.size:
                raise Missing(f"the log has no entry {index}")
            if size is not None and not index < size <= now.size:
                raise Rejected(f"entry {index} has no proof at size {size} of {now.size}")
        publisher.wait_for(size or index + 1, PATIENCE)
        with ledger.snapshot() as now:
            proven = prove_entry(now, index, size)
        if "text/plain" in request.headers.get("Accept", ""):
            return Response(format_proof(proven), media_type="text/plain; charset=utf-8")
        return JSONResponse(_proof_json(proven))

    @router.get("/consistency", operation_id="proveConsistency")
    def grown(
        request: Request,
        old: Annotated[int, Query(alias="from", ge=0)],
        new: Annotated[int, Query(alias="to", ge=0)],
    ) -> Response:
        """Prove that the log of one size is the beginning of the log of another."""
        authenticate(request).require(Permission.READ_LOG)
        with ledger.snapshot() as now:
            if not old <= new <= now.size:
                raise Rejected(f"from {old} to {new} is no growth of a log of {now.size} entries")
            hashes = consistency.prove(old, new, tile_reader(now.store, now.connection, new))
        body: dict[str, Json] = {"from": old, "to": new, "hashes": _base64(hashes)}
        return JSONResponse(body)

    @router.get("/schemas", operation_id="listSchemas")
    def schemas(request: Request) -> Response:
        """List every event type, and who may record it."""
        authenticate(request).require(Permission.READ)
        items: list[Json] = [
            {
                "type": wire,
                "recorded_by": "client" if wire in CLIENT_TYPES else "service",
                "digest": f"sha256:{schema.digest}",
            }
            for wire, schema in sorted(ledger.schemas.items())
        ]
        return JSONResponse({"items": items})

    @router.get("/schemas/{wire}", operation_id="readSchema")
    def schema(request: Request, wire: str) -> Response:
        """Give the JSON Schema of an event type, byte for byte as entries name it."""
        authenticate(request).require(Permission.READ)
        raw = ledger.schemas[full_type(wire)].raw
        etag = f'"{hashlib.sha256(raw).hexdigest()}"'
        return Response(raw, media_type="application/schema+json", headers={"ETag": etag})

    return router


def prove_entry(now: Snapshot, index: int, size: int | None = None) -> ProofFile:
    """Prove an entry against a published checkpoint: that of ``size``, or the newest.

    Raises Unavailable while no checkpoint covers the entry, Missing if none is of ``size``.
    """
    store, connection = now.store, now.connection
    note = store.checkpoint(connection) if size is None else store.checkpoint_from(connection, size)
    if note is None:
        raise Unavailable(f"no checkpoint covers entry {index} yet", retry_after=1)
    checkpoint = parse_checkpoint(parse_note(note)[0])
    if checkpoint.size <= index:
        raise Unavailable(f"no checkpoint covers entry {index} yet", retry_after=1)
    if size is not None and checkpoint.size != size:
        raise Missing(
            f"no checkpoint of size {size} was published",
            remedy=f"ask for size {checkpoint.size}",
        )
    hashes = inclusion.prove(
        index, checkpoint.size, tile_reader(store, connection, checkpoint.size)
    )
    return ProofFile(index, tuple(hashes), note)


def _proof_json(proven: ProofFile) -> dict[str, Json]:
    checkpoint = parse_checkpoint(parse_note(proven.checkpoint)[0])
    return {
        "index": proven.index,
        "size": checkpoint.size,
        "root": base64.b64encode(checkpoint.root).decode(),
        "hashes": _base64(proven.hashes),
        "checkpoint": proven.checkpoint.decode(),
    }


def _base64(hashes: list[bytes] | tuple[bytes, ...]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]
