"""A ledger in a temporary folder with the catalogue as its only projection."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from app.catalog.projection import CatalogProjection
from app.ledger.append import Appender
from app.ledger.opening import load_position, open_sqlite
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
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
