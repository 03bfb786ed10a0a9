"""A log in a temporary folder, signed as it grows, with everything reports read from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from app.catalog.projection import CatalogProjection
from app.core.access import Permission
from app.identity.projection import IdentityProjection
from app.ledger.append import Appender
from app.ledger.opening import load_position, open_sqlite
from app.ledger.publisher import Publisher
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.ledger.signing import SignerState, load_or_make_signer
from app.lineage.asking import ancestors
from app.lineage.projection import LineageProjection
from app.reporting.api import report_routes
from app.reporting.gather import Gather
from app.reporting.making import Making
from app.reporting.ordering import Reports
from app.reporting.runner import Runner
from app.verification.bundles import bundle_of, zip_of
from app.web.errors import answer_refusals
from app.web.listing import Cursors
from tests.slices.catalog.asking import Api
from tests.slices.catalog.callers import CALLERS, KnownCaller, by_header
from tests.slices.catalog.story import Clock
from tests.slices.reporting.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from app.core.ledger.note import Verifier
    from app.ledger.ports import Projection
    from app.ledger.snapshot import Snapshot

SCHEMAS = load_schemas()
REPORTER = frozenset({Permission.CREATE_REPORT, Permission.READ_REPORTS, Permission.READ})


@dataclass(frozen=True)
class Office:
    """Where reports are made. The runner is started by the tests that want it."""

    story: Story
    gather: Gather
    making: Making
    reports: Reports
    runner: Runner
    key: Verifier


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = Clock()
    projections: list[Projection] = [IdentityProjection(), CatalogProjection(), LineageProjection()]
    store = open_sqlite(tmp_path / "ledger.db", "reports.test", os.urandom, projections)
    sequencer = Sequencer(
        store, Appender(store, load_position(store), projections, clock, os.urandom)
    )
    signer = load_or_make_signer(tmp_path / "log.key", "reports.test", os.urandom)
    publisher = Publisher(store, sequencer, signer, SignerState(tmp_path / "state.json"))
    sequencer.start(publisher.grown)
    publisher.start()
    ledger = Ledger(store, sequencer, SCHEMAS, os.urandom)
    gather = Gather(ancestors, signer.verifier.vkey(), "muniment test")
    making = Making(ledger, gather)
    runner = Runner(ledger, making.run)
    bundle = partial(_bundle, signer.verifier)
    reports = Reports(ledger, runner, bundle, clock, os.urandom, b"r" * 32)
    yield Office(Story(ledger, clock), gather, making, reports, runner, signer.verifier)
    runner.stop()
    publisher.stop()
    sequencer.stop()
    store.close()


def _bundle(
    key: Verifier,
    now: Snapshot,
    indexes: Iterable[int],
    *,
    purpose: str,
    files: Mapping[str, bytes],
) -> bytes:
    return zip_of(
        bundle_of(
            now,
            indexes,
            [key],
            kind="report",
            purpose=purpose,
            files=files,
            schemas={},
            unproven={},
        )
    )


@pytest.fixture
def api(office: Office, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The routes in an app of their own; callers are named in their header."""
    monkeypatch.setitem(CALLERS, "everybody", KnownCaller(REPORTER))
    monkeypatch.setitem(CALLERS, "outsider", KnownCaller(REPORTER, frozenset()))
    app = FastAPI()
    answer_refusals(app)
    app.include_router(report_routes(office.reports, by_header, Cursors(b"c" * 32)))
    return Api(app)
