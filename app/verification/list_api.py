"""Evidence that a list is complete, over HTTP: all entries of a type, or of a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.core.access import Permission
from app.core.errors import Rejected
from app.core.ledger.completeness import SUBJECT, TYPE, Complete
from app.verification.bundles import list_of, zip_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.core.ledger.trust import TrustedKey
    from app.ledger.ports import Hides
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.web.callers import Authenticate

Word = Annotated[str | None, Query(min_length=1, max_length=1000)]
Size = Annotated[int | None, Query(ge=0, le=2**53 - 1)]


def list_routes(
    ledger: Ledger,
    keys: Callable[[Snapshot], tuple[TrustedKey, ...]],
    authenticate: Authenticate,
    hides: Hides,
) -> APIRouter:
    """Build the route that hands out complete lists."""
    router = APIRouter(tags=["log"])
    schemas: Mapping[str, bytes] = {wire: one.raw for wire, one in ledger.schemas.items()}

    @router.get("/api/v1/evidence", operation_id="readCompleteList")
    def read_list(
        request: Request,
        type: Word = None,
        subject: Word = None,
        first: Annotated[int, Query(alias="from", ge=0, le=2**53 - 1)] = 0,
        end: Annotated[Size, Query(alias="to")] = None,
    ) -> Response:
        """Give an evidence bundle of all entries of a type or subject, provably all."""
        caller = authenticate(request)
        caller.require(Permission.READ_LOG)
        if (type is None) == (subject is None):
            raise Rejected("name a type or a subject, and not both")
        with ledger.snapshot() as now:
            size = now.store.published_size(now.connection) or 0
            last = size if end is None else end
            if not first <= last <= size:
                raise Rejected(f"the signed log has {size} entries; from and to lie within it")
            key = f"{SUBJECT}{subject}" if type is None else f"{TYPE}{type}"
            verifiers = [one.verifier for one in reversed(keys(now))]

            def shows(index: int) -> bool:
                subject = now.entry(index).subject
                return not hides(now.connection, caller, subject, now.data(index))

            files = list_of(now, Complete(key, first, last), verifiers, schemas, shows)
        headers = {"Content-Disposition": 'attachment; filename="evidence.zip"'}
        return Response(zip_of(files), media_type="application/zip", headers=headers)

    return router
