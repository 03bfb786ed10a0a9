"""Promotions as reviewers see them, and reviews, over HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Literal, cast

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from app.catalog import details, queries
from app.catalog.visible import sees_about
from app.core.access import Permission
from app.core.errors import Missing
from app.core.events.kinds.decisions import Bind
from app.core.policy.codec import encode
from app.core.policy.decision import Gate
from app.core.policy.rules import Meaning
from app.core.promotion.states import State
from app.core.promotion.states import shown as shown_state
from app.identity.directory import People
from app.reviews.reading import shown as reviews_shown
from app.reviews.submit import Verdict
from app.web.listing import Listed, PageQuery, answer_list
from app.web.strict_json import StrictJson

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.identity.principal import Principal
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.reviews.submit import Reviews, Shown
    from app.reviews.weighing import Weighing
    from app.settings import Clock
    from app.web.callers import Authenticate
    from app.web.listing import Cursors, Key

INBOX_COLUMNS = ("id", "subject", "environment", "submitter", "state", "yours", "expires_at")
LONGEST_WAIT = 25
PAUSE = 0.2


class BindBody(BaseModel):
    """The four digests of what was shown."""

    model_config = ConfigDict(extra="forbid")
    subject_digest: str
    evidence_root: str
    policy_digest: str
    rendered_view_digest: str


class ReviewBody(BaseModel):
    """A review, with what proves who signs it."""

    model_config = ConfigDict(extra="forbid")
    decision: Literal["approve", "request_changes", "reject"]
    meaning: Meaning
    reason: Annotated[str, Field(max_length=4000)]
    accepts: Annotated[list[str], Field(max_length=200)] = []
    bind: BindBody
    password: Annotated[str, Field(max_length=1024)]
    totp: Annotated[str, Field(max_length=16)]


@dataclass(frozen=True, slots=True)
class ReviewRoutes:
    """What the routes work with."""

    ledger: Ledger
    reviews: Reviews
    authenticate: Authenticate
    weighing: Weighing
    clock: Clock
    cursors: Cursors

    def caller(self, request: Request) -> Principal:
        """Recognise the caller, as identity knows them."""
        return cast("Principal", self.authenticate(request))

    def reader(self, request: Request, permission: Permission, promotion_id: str) -> None:
        """Check that the caller may read a promotion. Raises Forbidden, Missing."""
        caller = self.caller(request)
        caller.require(permission)
        with self.ledger.snapshot() as now:
            found = queries.promotion(now.connection, promotion_id)
            if found is None:
                raise Missing(f"there is no promotion {promotion_id[:80]}")
            details.check_readable(now.connection, caller, found, f"promotion {promotion_id[:80]}")

    def promotion(self, promotion_id: str) -> dict[str, Json]:
        """Read a promotion as it is served."""
        with self.ledger.snapshot() as now:
            shown = self.reviews.show(now, promotion_id)
            return _promotion(now, shown)

    def inbox(self, caller: Principal, after: Key | None, limit: int) -> Listed:
        """List the open promotions that the caller sees, those that wait for them first."""
        person = caller.person or ""
        with self.ledger.snapshot() as now:
            roles = People(now.connection).approval_roles(person)
            seen = [
                one
                for one in self.weighing.open_ones(now, self.clock())
                if sees_about(caller.sight, one.model, one.subject, one.environment)
            ]
            mine = {one.id: one.could_sign(person, roles) for one in seen}
            keyed = sorted(
                (((int(not mine[one.id]), one.index), one) for one in seen), key=itemgetter(0)
            )
            wanted = [(key, one) for key, one in keyed if after is None or key > after][:limit]
            items = [
                {**_promotion(now, one.shown), "yours": list(mine[one.id])} for _, one in wanted
            ]
            return Listed(items, [key for key, _ in wanted], now.size)


def review_routes(routes: ReviewRoutes) -> APIRouter:
    """Build the routes below ``/api/v1/promotions/{id}`` and ``/api/v1/reviews``."""
    router = APIRouter(prefix="/api/v1", tags=["reviews"], route_class=StrictJson)

    @router.get("/promotions/{promotion_id}", operation_id="readPromotion")
    async def read(
        request: Request,
        promotion_id: str,
        wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT)] = 0,
    ) -> Response:
        """Give a promotion; with ``wait``, as soon as it waits for nobody any more."""
        await run_in_threadpool(routes.reader, request, Permission.READ_DECISIONS, promotion_id)
        document = await run_in_threadpool(routes.promotion, promotion_id)
        rounds = int(wait / PAUSE)
        while rounds and document["state"] in (State.REQUESTED, "pending"):
            await asyncio.sleep(PAUSE)
            rounds -= 1
            with routes.ledger.snapshot() as now:
                same = now.size == document["log_size"]
            if not same:
                document = await run_in_threadpool(routes.promotion, promotion_id)
        return JSONResponse(document)

    @router.get("/promotions/{promotion_id}/view", operation_id="readPromotionView")
    def view(request: Request, promotion_id: str) -> Response:
        """Give the canonical bytes of what is signed; their digest is the ETag."""
        routes.reader(request, Permission.READ, promotion_id)
        with routes.ledger.snapshot() as now:
            shown = routes.reviews.show(now, promotion_id)
        etag = f'"{shown.bind.rendered_view_digest.removeprefix("sha256:")}"'
        return Response(shown.view, media_type="application/json", headers={"ETag": etag})

    @router.post("/promotions/{promotion_id}/reviews", operation_id="review", status_code=201)
    def review(request: Request, promotion_id: str, body: ReviewBody) -> Response:
        """Sign a review, with password and code."""
        verdict = Verdict(
            body.decision,
            body.meaning,
            body.reason,
            tuple(body.accepts),
            Bind(**body.bind.model_dump()),
        )
        address = request.client.host if request.client else ""
        receipt, statement = routes.reviews.submit(
            routes.caller(request), promotion_id, verdict, body.password, body.totp, address
        )
        answer: dict[str, Json] = {
            "receipt": receipt.to_json(),
            "statement": statement,
            "promotion": routes.promotion(promotion_id),
        }
        return JSONResponse(answer, 201)

    @router.get("/reviews/inbox", operation_id="readInbox")
    def inbox(request: Request, page: PageQuery) -> Response:
        """List open promotions, and in which meanings the caller could sign each."""
        caller = routes.caller(request)
        caller.require(Permission.READ)

        def fetch(_: int | None, after: Key | None, limit: int) -> Listed:
            return routes.inbox(caller, after, limit)

        return answer_list(request, page, routes.cursors, INBOX_COLUMNS, fetch)

    return router


def _promotion(now: Snapshot, shown: Shown) -> dict[str, Json]:
    promotion, decision = shown.promotion, shown.considered.decision
    stored = None
    if promotion.decision_id is not None:
        stored = queries.decision(now.connection, promotion.decision_id)
    elif promotion.state == State.REQUESTED:
        stored = queries.last_decision(
            now.connection, promotion.model_version, promotion.environment
        )
    waiting = decision.gate is Gate.PENDING
    needs = decision.missing if promotion.state == State.REQUESTED else ()
    return {
        "id": promotion.id,
        "subject": promotion.model_version,
        "environment": promotion.environment,
        "submitter": promotion.submitter,
        "reason": promotion.reason,
        "state": shown_state(State(promotion.state), only_people_missing=waiting),
        "decision": None if stored is None else stored.decision,
        "needs": cast("Json", [encode(one) for one in needs]),
        "reviews": cast("Json", reviews_shown(now.connection, promotion.id)),
        "bind": encode(shown.bind),
        "expires_at": promotion.expires_at,
        "deployment": promotion.deployment,
        "log_size": now.size,
    }
