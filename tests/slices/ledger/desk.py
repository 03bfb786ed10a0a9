"""A log in a folder that can be closed, opened again, and broken on purpose."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg

from app.core.events import Actor, ActorKind, AuthMethod, say
from app.ledger.append import Appender
from app.ledger.connecting import PATIENCE
from app.ledger.opening import load_position, open_postgresql, open_sqlite
from app.ledger.postgresql import PostgresqlDatabase
from app.ledger.publisher import Publisher
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.ledger.signing import SignerState, load_or_make_signer
from app.ledger.sqlite import SqliteDatabase
from tests.living import Entropy
from tests.servers.postgresql import APP, OWNER
from tests.slices.catalog.story import example

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from app.core.events import Said
    from app.ledger.database import Database
    from app.ledger.ports import Projection
    from app.ledger.signing import Signer
    from app.ledger.sql_store import SqlStore
    from app.settings import Monotonic

SCHEMAS = load_schemas()
ORIGIN = "ledger.test/log"
ERIN = Actor("u-erin", ActorKind.PERSON, AuthMethod.SESSION)
DATASET = "type:dataset.registered.v1"


def about(name: str) -> Said:
    """Say that a dataset of that name exists."""
    return say(f"dataset/{name}", example("dataset.registered", 1))


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Desk:
    """One running log."""

    ledger: Ledger
    sequencer: Sequencer
    publisher: Publisher
    signer: Signer

    @property
    def store(self) -> SqlStore:
        return self.ledger.store

    def record(self, name: str) -> int:
        """Record a dataset of that name; tell its entry."""
        return self.ledger.record(about(name), ERIN).index

    def record_many(self, count: int, prefix: str = "d") -> None:
        """Record so many datasets, in requests of a hundred."""
        names = [f"{prefix}{number}" for number in range(count)]
        for start in range(0, count, 100):
            self.ledger.record_all([about(name) for name in names[start : start + 100]], ERIN)

    def published(self, size: int) -> bytes:
        """Wait for the checkpoint that covers ``size`` entries; give its note."""
        assert self.publisher.wait_for(size, 10)
        with self.store.reading() as connection:
            note = self.store.checkpoint(connection)
        assert note is not None
        return note


@dataclass
class Place:
    """A folder with a log in it. ``url``: of a prepared database that holds the log instead."""

    folder: Path
    url: str | None = None
    clock: Clock = field(default_factory=Clock)
    entropy: Entropy = field(default_factory=lambda: Entropy(7))
    monotonic: Monotonic | None = None
    patience: float = PATIENCE

    @property
    def database(self) -> Path:
        return self.folder / "ledger.db"

    @property
    def state(self) -> SignerState:
        return SignerState(self.folder / "apart" / "state.json")

    def store(self, projections: Sequence[Projection] = ()) -> SqlStore:
        """Open the log's store alone; the caller closes it."""
        if self.url is None:
            return open_sqlite(self.database, ORIGIN, self.entropy, projections)
        return open_postgresql(self.url, ORIGIN, self.entropy, projections, self.patience)

    @contextmanager
    def open(
        self, projections: Sequence[Projection] = (), *, publish: bool = True
    ) -> Iterator[Desk]:
        """Run the log. ``publish``: sign checkpoints as it grows."""
        store = self.store(projections)
        sequencer = Sequencer(
            store,
            Appender(
                store,
                load_position(store),
                projections,
                self.clock,
                self.entropy,
                self.monotonic,
            ),
        )
        signer = load_or_make_signer(self.folder / "log.key", ORIGIN, self.entropy)
        publisher = Publisher(store, sequencer, signer, self.state)
        with ExitStack() as ending:
            ending.callback(store.close)
            sequencer.start(publisher.grown)
            ending.callback(sequencer.stop)
            if publish:
                publisher.start()
                ending.callback(publisher.stop)
            ledger = Ledger(store, sequencer, SCHEMAS, self.entropy)
            yield Desk(ledger, sequencer, publisher, signer)

    def alter(self, statement: str) -> None:
        """Change what is stored behind the log's back, guards left as they are."""
        if self.url is None:
            with closing(sqlite3.connect(self.database)) as file, file:
                file.execute(statement)
            return
        owner = self.url.replace("+psycopg", "").replace(f"//{APP}@", f"//{OWNER}@")
        with psycopg.connect(owner) as connection:
            connection.execute(statement.encode())

    def opened(self, *, owner: bool = False) -> Database:
        """Name the database, as ``fsck`` takes it; as its ``owner``, who changes tables."""
        if self.url is None:
            return SqliteDatabase(self.database)
        return PostgresqlDatabase(self.url.replace(APP, OWNER) if owner else self.url)

    @contextmanager
    def altering(self) -> Iterator[sqlite3.Connection]:
        """Write to the file as somebody who owns it may, the triggers gone."""
        assert self.url is None
        connection = sqlite3.connect(self.database)
        named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in named.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        with connection:
            yield connection
        connection.close()


def count(connection: Connection, table: str) -> int:
    """Count the rows of a table."""
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608
