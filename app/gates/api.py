"""Gates and promotions over HTTP: evaluate, request, withdraw, read a decision, replay it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from app.catalog import details, queries
from app.core.access import Permission
from app.core.errors import Missing
from app.core.events.envelope import check_subject, version_of
from app.core.policy.codec import decode
from app.core.policy.decide import decide
from app.core.policy.decision import decision_to_json
from app.core.policy.document import parse_policy
from app.core.policy.facts import facts_from_json
from app.core.policy.replay import replay
from app.web.strict_json import StrictJson

if TYPE_CHECKING:
    from app.catalog import values
    from app.core.jsonvalue import Json
    from app.gates.evaluate import Evaluate
    from app.gates.promotions import Promotions
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.settings import Clock
    from app.web.callers import Authenticate, Caller

KeyOf = Callable[["Request", "Caller", "Json"], "IdempotencyKey | None"]
"""Reads a request's Idempotency-Key. Raises Malformed."""

Subject = Annotated[str, Field(max_length=300, description="model/<name>/<version>")]


class DryRun(BaseModel):
    """What a dry run may name: policies and facts of its own, and a time."""

    model_config = ConfigDict(extra="forbid")
    policy: dict[str, object]
    evidence: dict[str, object]
    as_of: str | None = None


class EvaluationBody(BaseModel):
    """What to decide about. ``digest``: what the caller believes the artifact is."""

    model_config = ConfigDict(extra="forbid")
    subject: Subject
    digest: str | None = None
    dry_run: DryRun | None = None


class PromotionBody(BaseModel):
    """A request for a promotion."""

    model_config = ConfigDict(extra="forbid")
    subject: Subject
    environment: Annotated[str, Field(max_length=100)]
    reason: Annotated[str | None, Field(max_length=4000)] = None


class WithdrawalBody(BaseModel):
    """Why a request is taken back."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str | None, Field(max_length=4000)] = None


@dataclass(frozen=True, slots=True)
class GateRoutes:
    """What the routes work with."""

    ledger: Ledger
    evaluate: Evaluate
    promotions: Promotions
    authenticate: Authenticate
    key_of: KeyOf
    clock: Clock


def gate_routes(routes: GateRoutes) -> APIRouter:
    """Build the routes of gates, promotions and decisions."""
    router = APIRouter(prefix="/api/v1", tags=["gates"], route_class=StrictJson)

    @router.post("/gates/{environment}/evaluations", operation_id="evaluateGate")
    def evaluations(request: Request, environment: str, body: EvaluationBody) -> Response:
        """Decide whether a model version may go to an environment; DENY is an answer too."""
        caller = routes.authenticate(request)
        _check_model_version(body.subject)
        caller.require(Permission.CHECK_GATE, subject=body.subject, environment=environment)
        if body.dry_run is not None:
            return JSONResponse(_dry_run(body.dry_run, routes.clock()))
        with routes.ledger.snapshot() as now:
            details.check_seen(now.connection, caller, body.subject)
        decision = routes.evaluate(body.subject, environment, body.digest)
        with routes.ledger.snapshot() as now:
            size = now.size
        return JSONResponse({**cast("dict[str, Json]", decision.decision), "log_size": size})

    @router.post("/promotions", operation_id="requestPromotion", status_code=201)
    def request_promotion(request: Request, body: PromotionBody) -> Response:
        """Ask for a promotion; the first decision comes with the answer."""
        caller = routes.authenticate(request)
        caller.must(Permission.REQUEST_PROMOTION)
        _check_model_version(body.subject)
        key = routes.key_of(request, caller, body.model_dump())
        promotion, again = routes.promotions.request(
            caller, body.subject, body.environment, body.reason, "api", key
        )
        headers = {"Idempotent-Replayed": "true"} if again else {}
        headers["Location"] = f"/api/v1/promotions/{promotion.id}"
        return JSONResponse(_promotion(promotion.id), 201, headers)

    @router.post("/promotions/{promotion_id}/withdraw", operation_id="withdrawPromotion")
    def withdraw(request: Request, promotion_id: str, body: WithdrawalBody) -> Response:
        """Take a request back."""
        caller = routes.authenticate(request)
        routes.promotions.withdraw(caller, promotion_id, body.reason)
        return JSONResponse(_promotion(promotion_id))

    @router.get("/decisions/{decision_id}", operation_id="readDecision")
    def read(request: Request, decision_id: str) -> Response:
        """Give a recorded decision."""
        caller = routes.authenticate(request)
        caller.require(Permission.READ_DECISIONS)
        with routes.ledger.snapshot() as now:
            found = _readable(now, caller, decision_id)
            size = now.size
        decision = cast("dict[str, Json]", found.decision)
        body = {**decision, "index": found.created_index, "used_by": found.used_by}
        return JSONResponse({**body, "log_size": size})

    @router.get("/decisions/{decision_id}/replay", operation_id="replayDecision")
    def replay_decision(request: Request, decision_id: str) -> Response:
        """Compute a decision again, from the policies and facts recorded with it."""
        caller = routes.authenticate(request)
        caller.require(Permission.READ_DECISIONS)
        return JSONResponse(_replay(routes.ledger, caller, decision_id))

    def _promotion(promotion_id: str) -> dict[str, Json]:
        with routes.ledger.snapshot() as now:
            promotion = queries.promotion(now.connection, promotion_id)
            if promotion is None:
                raise Missing(f"there is no promotion {promotion_id[:80]}")
            last = queries.last_decision(
                now.connection, promotion.model_version, promotion.environment
            )
            return {
                "id": promotion.id,
                "subject": promotion.model_version,
                "environment": promotion.environment,
                "state": promotion.state,
                "decision": None if last is None else last.decision,
                "log_size": now.size,
            }

    return router


def _check_model_version(subject: str) -> None:
    """Refuse what is no model version. Raises SchemaMismatch, Missing."""
    check_subject(subject)
    if version_of(subject)[0] != "model":
        raise Missing(f"{subject[:80]} is no model version", remedy="write model/<name>/<version>")


def _dry_run(asked: DryRun, now: datetime) -> dict[str, Json]:
    """Decide on what the caller made up; it is never recorded and never a verdict."""
    policy = parse_policy(cast("Json", asked.policy))
    facts = facts_from_json(cast("Json", asked.evidence))
    as_of = now if asked.as_of is None else _time(asked.as_of)
    body = dict(decision_to_json(decide([policy], facts, as_of)))
    return {**body, "would_be": body["gate"], "gate": "DRY_RUN"}


def _time(written: str) -> datetime:
    return decode(datetime, written, "#/dry_run/as_of")


def _readable(now: Snapshot, caller: Caller, decision_id: str) -> values.Decision:
    """Find a decision that the caller may read. Raises Missing, Forbidden."""
    found = queries.decision(now.connection, decision_id)
    if found is None:
        raise Missing(f"there is no decision {decision_id[:80]}")
    details.check_readable(now.connection, caller, found, f"decision {decision_id[:80]}")
    return found


def _replay(ledger: Ledger, caller: Caller, decision_id: str) -> dict[str, Json]:
    with ledger.snapshot() as now:
        found = _readable(now, caller, decision_id)
        recorded = cast("dict[str, Json]", found.decision)
        documents = [
            queries.policy_with_digest(now.connection, digest) for digest in _digests(recorded)
        ]
        size = now.size
    facts = facts_from_json(found.facts)
    policies = [parse_policy(one.document) for one in documents if one is not None]
    again = replay(recorded, policies, facts, _time(str(recorded["as_of"])))
    return {
        "decision_id": decision_id,
        "holds": again.holds,
        "recorded": again.recorded,
        "recomputed": again.recomputed,
        "differs": list(again.differs),
        "log_size": size,
    }


def _digests(recorded: dict[str, Json]) -> list[str]:
    """Name the policies that spoke, and those in shadow."""
    policies = cast("list[dict[str, str]]", recorded["policies"])
    shadow = cast("list[dict[str, dict[str, str]]]", recorded.get("shadow", []))
    return [one["digest"] for one in policies] + [one["policy"]["digest"] for one in shadow]
