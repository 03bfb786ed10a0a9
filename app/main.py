"""The composition root: the only file that sees every room.

``build_app`` puts routes around an open ``House`` and hands each room what it needs of the
others. Clock and entropy come in here and nowhere else: that is how tests hold the time.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from app.back import add_back
from app.books import add_books
from app.catalog.admission import Rules as Admission
from app.catalog.api import Catalog, catalog_routes
from app.catalog.dataset_pages import dataset_pages
from app.catalog.documents import Uploads
from app.catalog.documents_api import document_routes
from app.catalog.model_pages import model_pages
from app.catalog.pages import Shelf, catalog_pages
from app.catalog.search_pages import search_pages
from app.catalog.version_pages import version_pages
from app.front import add_front, desk_of
from app.gates.api import GateRoutes, gate_routes
from app.gates.approvals import Approvals
from app.gates.environments import Stages
from app.gates.evaluate import Evaluate
from app.gates.gather import Gather
from app.gates.pages import policy_pages
from app.gates.predictions import TakePredictions
from app.gates.predictions_api import PredictionRoutes, prediction_routes
from app.gates.promotions import Promotions
from app.gates.readiness import ready_for, request_promotion
from app.gates.rules import Rules
from app.gates.rules_api import RuleRoutes, environment_routes, rule_routes
from app.house import House, open_house
from app.identity.directory import Directory, printed_names
from app.identity.passwords import STRONG
from app.identity.teams import teams_of
from app.ledger.api import Recording, recording_routes
from app.lineage.api import LineageRoutes, lineage_routes
from app.lineage.asking import ancestors
from app.lineage.assembly import assemble as assemble_graph
from app.lineage.drawing_api import drawing_routes
from app.lineage.keeping_api import KeepingRoutes, keeping_routes
from app.lineage.pages import lineage_pages
from app.reporting.api import report_routes
from app.reporting.gather import Gather as GatherReport
from app.reporting.making import Making
from app.reporting.ordering import Reports
from app.reporting.pages import report_pages
from app.reporting.runner import Runner
from app.reviews.api import ReviewRoutes, review_routes
from app.reviews.looking import Looking
from app.reviews.mounting import deciding_pages
from app.reviews.notes import Notes
from app.reviews.reading import reviews_of
from app.reviews.submit import Reviews
from app.reviews.weighing import Weighing
from app.settings import boot_time, utc_now
from app.verification.bundles import Bundles
from app.web.compression import Compression
from app.web.listing import Cursors
from app.web.shell import Shell
from app.web.status_api import status_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from argon2 import PasswordHasher

    from app.lineage.assembly import Graph
    from app.settings import Clock, Entropy, Monotonic, Settings
    from app.web.desk import Desk


def build_app(
    settings: Settings,
    clock: Clock = utc_now,
    entropy: Entropy = os.urandom,
    hasher: PasswordHasher = STRONG,
    monotonic: Monotonic = boot_time,
) -> FastAPI:
    """Open the data folder and build the application on it; closed at its shutdown."""
    return app_of(open_house(settings, clock, entropy, hasher, monotonic))


def app_of(house: House) -> FastAPI:
    """Put every route around an open house; the house is closed at the app's shutdown."""
    runner, reports = _reporting(house)
    graph = assemble_graph(house.ledger, house.settings, house.entropy)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        runner.start()
        graph.start()
        courier.start()
        try:
            yield
        finally:
            courier.stop()
            graph.stop()
            runner.stop()
            house.close()

    app = FastAPI(
        title="Muniment",
        version=version("muniment"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.house = house
    authenticate = house.identity.authentication
    ledger = house.ledger
    admission = Admission(house.clock, teams_of)
    recording = Recording(ledger, admission, house.secret, house.clock)
    # Routes are tried in this order, and to be tried costs: the busiest come first.
    app.include_router(recording_routes(recording, authenticate))
    desk = desk_of(house)
    add_front(app, house, desk)
    cursors = Cursors(house.secret)
    add_books(app, house, desk, recording, cursors)
    app.include_router(status_routes(house.unready))
    app.include_router(search_pages(desk, ledger))
    evaluate, promotions = _add_decisions(app, house, recording, desk)
    courier = add_back(app, house, desk, recording, evaluate)
    _add_catalog(app, house, desk, admission, (evaluate, promotions))
    _add_lineage(app, house, desk, graph)
    for routes in (
        report_routes(reports, authenticate, cursors),
        report_pages(desk, ledger, reports, cursors, printed_names),
    ):
        app.include_router(routes)
    app.add_middleware(Compression)
    app.add_middleware(
        Shell,
        max_body=house.settings.max_body,
        public_url=house.settings.public_url,
        host=house.settings.host,
    )
    return app


def _add_lineage(app: FastAPI, house: House, desk: Desk, graph: Graph) -> None:
    """Add the questions to the graph, its pictures, and its keeping."""
    ledger, authenticate = house.ledger, house.identity.authentication
    routes = LineageRoutes(ledger, authenticate, graph.sources)
    app.include_router(lineage_routes(routes))
    app.include_router(
        keeping_routes(KeepingRoutes(ledger, authenticate, graph.projector, graph.jobs))
    )
    app.include_router(drawing_routes(routes, house.layout, house.settings.public_url))
    app.include_router(lineage_pages(desk, ledger, graph.sources, house.layout))


def _add_decisions(
    app: FastAPI, house: House, recording: Recording, desk: Desk
) -> tuple[Evaluate, Promotions]:
    """Add gates, rules and reviews, each handed what it needs of the others."""
    ledger, authenticate = house.ledger, house.identity.authentication
    signing = house.identity.signing
    gather = Gather(Directory(), reviews_of, ancestors)
    evaluate = Evaluate(ledger, gather, house.clock, house.entropy)
    promotions = Promotions(ledger, evaluate, house.entropy)
    app.include_router(
        gate_routes(
            GateRoutes(ledger, evaluate, promotions, authenticate, recording.key, house.clock)
        )
    )
    take = TakePredictions(ledger)
    predictions = PredictionRoutes(take, authenticate, recording.key, house.clock)
    app.include_router(prediction_routes(predictions))
    rules = RuleRoutes(
        ledger,
        Rules(ledger, signing),
        Stages(ledger, signing),
        Approvals(ledger, signing, house.clock),
        authenticate,
    )
    app.include_router(rule_routes(rules))
    app.include_router(environment_routes(rules))
    reviews = Reviews(ledger, evaluate.consider, evaluate, signing, house.entropy)
    weighing = Weighing(reviews)
    app.include_router(
        review_routes(
            ReviewRoutes(
                ledger, reviews, authenticate, weighing, house.clock, Cursors(house.secret)
            )
        )
    )
    notes = Notes(ledger, house.clock)
    looking = Looking(desk, ledger, reviews, promotions, notes, house.clock, weighing)
    app.include_router(
        deciding_pages(looking, house.publisher, recording, _bundles(house), house.rotating.newest)
    )
    return evaluate, promotions


def _add_catalog(
    app: FastAPI,
    house: House,
    desk: Desk,
    admission: Admission,
    gates: tuple[Evaluate, Promotions],
) -> None:
    """Add what exists, as routes and as pages; what a version still needs, gates tell."""
    evaluate, promotions = gates
    authenticate, cursors = house.identity.authentication, Cursors(house.secret)
    uploads = Uploads(house.ledger, admission, house.secret)
    app.include_router(catalog_routes(Catalog(house.ledger, authenticate, cursors)))
    app.include_router(document_routes(uploads, authenticate))
    shelf = Shelf(
        desk,
        house.ledger,
        cursors,
        printed_names,
        partial(ready_for, evaluate),
        partial(request_promotion, promotions),
    )
    app.include_router(catalog_pages(shelf))
    app.include_router(model_pages(shelf))
    app.include_router(version_pages(shelf, uploads))
    app.include_router(dataset_pages(shelf, uploads))
    app.include_router(policy_pages(desk, house.ledger, cursors, printed_names))


def _bundles(house: House) -> Bundles:
    """Tell how evidence bundles are written."""
    return Bundles(
        lambda now: [key.verifier for key in reversed(house.rotating.history(now))],
        {wire: schema.raw for wire, schema in house.ledger.schemas.items()},
    )


def _reporting(house: House) -> tuple[Runner, Reports]:
    """Put reporting together; its bundles are written by verification."""
    vkey = house.rotating.newest()
    gather = GatherReport(ancestors, vkey.vkey(), f"muniment {version('muniment')}")
    making = Making(house.ledger, gather, house.clock)
    runner = Runner(house.ledger, making.run, house.clock)
    bundle = partial(_bundles(house), kind="report")
    reports = Reports(house.ledger, runner, bundle, house.clock, house.entropy, house.secret)
    return runner, reports
