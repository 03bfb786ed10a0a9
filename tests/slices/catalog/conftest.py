"""A ledger in a temporary folder with the catalogue as its only projection."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from app.catalog.api import Catalog, catalog_routes
from app.catalog.documents import Uploads
from app.catalog.documents_api import document_routes
from app.catalog.projection import CatalogProjection
from app.ledger.append import Appender
from app.ledger.opening import load_position, open_sqlite
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.web.errors import answer_refusals
from app.web.listing import Cursors
from tests.slices.catalog.asking import Api
from tests.slices.catalog.callers import by_header
from tests.slices.catalog.story import Clock, Story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMAS = load_schemas()


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    clock, projections = Clock(), [CatalogProjection()]
    store = open_sqlite(tmp_path / "ledger.db", "catalog.test", os.urandom, projections)
    appender = Appender(store, load_position(store), projections, clock, os.urandom)
    sequencer = Sequencer(store, appender)
    sequencer.start(lambda _: None)
    yield Story(Ledger(store, sequencer, SCHEMAS, os.urandom), clock)
    sequencer.stop()
    store.close()


@pytest.fixture
def api(story: Story) -> Api:
    """The catalogue's routes in an app of their own; the caller is ``everybody``."""
    app = FastAPI()
    answer_refusals(app)
    app.include_router(catalog_routes(Catalog(story.ledger, by_header, Cursors(b"s" * 32))))
    uploads = Uploads(story.ledger, story.rules, b"k" * 32)
    app.include_router(document_routes(uploads, by_header))
    return Api(app)
