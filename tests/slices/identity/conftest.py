"""A log on a temporary SQLite file, with a clock and entropy that tests hold."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.identity.projection import IdentityProjection
from app.ledger.append import Appender
from app.ledger.opening import load_position, open_sqlite
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from app.ledger.schemas import EventSchema


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Entropy:
    """Seeded bytes."""

    source: random.Random = field(default_factory=lambda: random.Random(1))

    def __call__(self, count: int) -> bytes:
        return self.source.randbytes(count)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def entropy() -> Entropy:
    return Entropy()


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, EventSchema]:
    return load_schemas()


@pytest.fixture
def ledger(
    tmp_path: Path, clock: Clock, entropy: Entropy, schemas: Mapping[str, EventSchema]
) -> Iterator[Ledger]:
    projections = [IdentityProjection()]
    store = open_sqlite(tmp_path / "ledger.db", None, entropy, projections)
    appender = Appender(store, load_position(store), projections, clock, entropy)
    sequencer = Sequencer(store, appender)
    sequencer.start(lambda size: None)
    yield Ledger(store, sequencer, schemas, entropy)
    sequencer.stop()
    store.close()
