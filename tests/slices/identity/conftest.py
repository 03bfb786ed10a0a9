"""A log on a temporary SQLite file, and the room of people on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.identity.assembly import Identity, Keys, assemble
from app.identity.drafts import Drafts
from app.identity.projection import IdentityProjection
from app.identity.visiting import Visiting
from app.ledger.append import Appender
from app.ledger.opening import load_position, open_sqlite
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.web.desk import Desk
from app.web.visitors import Frame, Standing
from tests.slices.identity.town import APPROVALS, WEAK, Clock, Entropy, Town

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from app.ledger.schemas import EventSchema


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


@pytest.fixture
def identity(ledger: Ledger, clock: Clock, entropy: Entropy) -> Identity:
    keys = Keys(bytes(32), APPROVALS.sign, "approvals+00000000+key")
    return assemble(ledger, clock, entropy, keys, "http://localhost:8000", WEAK)


@pytest.fixture
def town(identity: Identity, clock: Clock) -> Town:
    return Town(identity, clock)


@pytest.fixture
def desk(identity: Identity, clock: Clock, entropy: Entropy) -> Desk:
    standing = Standing(1, 1, clock.now)
    frame = Frame("This machine", "log.test", "http://localhost:8000", lambda: standing, clock)
    drafts = Drafts(identity.ledger, identity.authentication, clock, entropy)
    return Desk(frame, Visiting(identity, bytes(32)), drafts)
