"""The graph's questions over HTTP. Every parameter that is not known is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, TypeAlias, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from app.core.access import Permission
from app.core.jsonvalue import Json
from app.core.ledger.times import format_time
from app.core.lineage.closure import DEPTH, Closure, Direction, Impact, Related, State, WhyPath
from app.core.lineage.nodes import NodeKind, kind_of
from app.core.lineage.relations import LATEST, Edge
from app.ledger.record import Ledger
from app.ledger.snapshot import Snapshot
from app.lineage import asking
from app.lineage.asking import Answer, Terms
from app.lineage.hidden import Names
from app.lineage.ports import LineageStore
from app.lineage.sources import Sources
from app.web.callers import Authenticate
from app.web.moments import Moment

Body: TypeAlias = dict[str, Json]
T = TypeVar("T")


def _split(written: list[str]) -> list[str]:
    """Take ``kinds=run,model`` as well as ``kinds=run&kinds=model``."""
    return [one for part in written for one in part.split(",")]


Node = Annotated[str, Field(min_length=1, max_length=1000, description="A subject or a gid.")]
Kinds = Annotated[list[NodeKind], BeforeValidator(_split)]


class View(BaseModel):
    """From where the graph is looked at, and what the answer may cost."""

    model_config = ConfigDict(extra="forbid")
    as_of_seq: int | None = Field(None, ge=0, description="Size of the log to answer for.")
    as_of_time: Moment | None = Field(None, description="Time to answer for, at that size.")
    min_seq: int = Field(0, ge=0, description="Size that the graph must have reached.")
    depth: int = Field(DEPTH, ge=1, le=10_000, description="Hops to follow.")
    limit: int = Field(1000, ge=1, le=10_000, description="Nodes to list, the nearest first.")
    timeout_ms: int = Field(5000, ge=0, le=30_000)

    def terms(self, kinds: Sequence[NodeKind] = ()) -> Terms:
        return Terms(
            as_of_seq=self.as_of_seq,
            moment=LATEST if self.as_of_time is None else format_time(self.as_of_time),
            min_seq=self.min_seq,
            depth=self.depth,
            kinds=kinds or None,
            limit=self.limit,
            timeout=self.timeout_ms / 1000,
        )


class ClosureQuery(View):
    """``kinds``: what to list besides the node itself; everything is followed."""

    node: Node
    direction: Direction
    kinds: Kinds = Field([])


class ImpactQuery(View):
    """``kind``, ``state``: what to list. ``why``: with the shortest way to each."""

    node: Node
    kind: Kinds = Field([])
    state: State | None = None
    why: bool = False


class WhyQuery(View):
    """From cause to effect."""

    from_: Node = Field(alias="from")
    to: Node


@dataclass(frozen=True, slots=True)
class LineageRoutes:
    """What the routes work with."""

    ledger: Ledger
    authenticate: Authenticate
    sources: Sources

    @contextmanager
    def reading(self, request: Request) -> Iterator[Reading]:
        """Open one consistent state of everything for a caller who may read it."""
        caller = self.authenticate(request)
        caller.require(Permission.READ)
        with self.ledger.snapshot() as now:
            yield Reading(now, self.sources, Names(now.connection, caller.sight))


@dataclass(frozen=True, slots=True)
class Reading:
    """One consistent state to ask, and what its nodes are called before the caller."""

    now: Snapshot
    sources: Sources
    names: Names

    def ask(
        self, terms: Terms, question: Callable[[LineageStore, int, Terms], Answer[T]]
    ) -> Answer[T]:
        """Put a question, with the log's size, to the store that can answer it.

        It is asked on the terms it is given: some of the time may be gone by then.
        """
        size = self.now.size
        return self.sources.ask(self.now, terms, lambda store, left: question(store, size, left))


def lineage_routes(routes: LineageRoutes) -> APIRouter:
    """Build the routes that ask the graph."""
    router = APIRouter(prefix="/api/v1/graph", tags=["lineage"])

    @router.get("/closure", operation_id="lineageClosure")
    def get_closure(request: Request, query: Annotated[ClosureQuery, Query()]) -> Response:
        """Find everything that a node came from, or that came of it."""
        terms = query.terms(query.kinds)
        with routes.reading(request) as now:
            answer = now.ask(
                terms,
                lambda store, size, left: asking.closure(
                    store, size, query.node, query.direction, left
                ),
            )
        now.names.check("node", query.node)
        nodes = [
            _node(one.gid, now.names) | {"distance": one.distance} for one in answer.result.nodes
        ]
        edges = _edges(answer.result.edges, now.names)
        return _answer(answer, {"nodes": nodes, "edges": edges})

    @router.get("/impact", operation_id="lineageImpact")
    def get_impact(request: Request, query: Annotated[ImpactQuery, Query()]) -> Response:
        """Find what a node affects, such as live deployments, and why."""
        terms = query.terms(query.kind)
        with routes.reading(request) as now:
            answer = now.ask(
                terms,
                lambda store, size, left: asking.impact(store, size, query.node, left, query.state),
            )
        now.names.check("node", query.node)
        affected = [_affected(one, now.names, why=query.why) for one in answer.result.affected]
        return _answer(answer, {"affected": affected})

    @router.get("/why", operation_id="lineageWhy")
    def get_why(request: Request, query: Annotated[WhyQuery, Query()]) -> Response:
        """Find the shortest way from one node to another; null if none leads there."""
        terms = query.terms()
        with routes.reading(request) as now:
            answer = now.ask(
                terms,
                lambda store, size, left: asking.why(store, size, query.from_, query.to, left),
            )
        now.names.check("from", query.from_)
        now.names.check("to", query.to)
        path = answer.result.path
        return _answer(answer, {"path": None if path is None else _edges(path, now.names)})

    return router


def _answer(answer: Answer[Closure] | Answer[Impact] | Answer[WhyPath], result: Body) -> Response:
    body = {
        "result": result,
        "graph_seq": answer.graph_seq,
        "log_size": answer.log_size,
        "status": answer.status,
        "source": answer.source,
    }
    return JSONResponse(body)


def _node(gid: str, names: Names) -> Body:
    subject = names.subject(gid)
    named = {} if subject is None else {"subject": subject}
    return {"gid": names.gid(gid), **named, "kind": kind_of(gid)}


def _affected(one: Related, names: Names, *, why: bool) -> Body:
    answer = _node(one.gid, names) | {"state": one.state, "distance": one.distance}
    return answer | {"why": _edges(one.why, names)} if why else answer


def _edges(edges: Sequence[Edge], names: Names) -> list[Body]:
    return [
        {
            "src": names.gid(edge.src),
            "dst": names.gid(edge.dst),
            "type": edge.type,
            "role": edge.role,
            "index": edge.seq_from,
        }
        for edge in edges
    ]
