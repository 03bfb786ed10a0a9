"""The embedded database: one SQLite file, one writer connection, any number of readers.

SQLite 3.7.0 to 3.51.2 can corrupt a WAL when one connection checkpoints it while another
commits. So all writes, checkpoints of the WAL included, go through the one writer
connection (which the sequencer's thread alone uses), and readers never checkpoint.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import QueuePool, StaticPool

from app.core.errors import StorageFull, Unavailable
from app.ledger.database import Failure

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from app.ledger.database import Database, EntryColumns, PayloadColumns

READERS = 16

INSERT_ENTRY = (
    "INSERT INTO entries (idx, body, leaf_hash, subject, type, actor, recorded_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
INSERT_PAYLOAD = "INSERT INTO payloads (idx, name, commitment, salt, value) VALUES (?, ?, ?, ?, ?)"
MOST_PARAMETERS = 900
"""SQLite takes 999 parameters in old builds."""

MOVE_HEAD = (
    "INSERT INTO heads (key, idx) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET idx = excluded.idx"
)
BROKEN = ("SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_NOTADB")


class SqliteDatabase:
    """A log in a file; see ``app.ledger.database.Database``."""

    shared = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.epoch: int | None = None
        self._writer = writer_engine(path)
        self._reader = reader_engine(path)

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a write transaction."""
        return _transaction(self._writer)

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a read transaction: one consistent state of everything."""
        return snapshot(self._reader)

    def changing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that changes the schema."""
        return _transaction(self._writer)

    @contextmanager
    def alone(self, name: int) -> Iterator[bool]:  # noqa: ARG002 - the folder has one process
        """Keep a name from other processes: there is none."""
        yield True

    # Straight to the driver, with plain tuples: SQLAlchemy's way to a statement costs more than
    # most of these statements do.

    def insert_entries(self, connection: Connection, rows: Sequence[EntryColumns]) -> None:
        """Write entries in bulk."""
        _driver(connection).executemany(INSERT_ENTRY, rows)

    def insert_payloads(self, connection: Connection, rows: Sequence[PayloadColumns]) -> None:
        """Write members of entries in bulk."""
        _driver(connection).executemany(INSERT_PAYLOAD, rows)

    def heads(self, connection: Connection, keys: Sequence[str]) -> dict[str, int]:
        """Find the last entry of each key that has one."""
        found: dict[str, int] = {}
        for start in range(0, len(keys), MOST_PARAMETERS):
            part = keys[start : start + MOST_PARAMETERS]
            asked = f"SELECT key, idx FROM heads WHERE key IN ({','.join('?' * len(part))})"  # noqa: S608 - marks
            found.update(_driver(connection).execute(asked, part).fetchall())
        return found

    def newest_heads(self, keys: Sequence[str]) -> dict[str, int]:
        """Find heads as they are now."""
        with self.reading() as connection:
            return self.heads(connection, keys)

    def move_heads(self, connection: Connection, heads: Mapping[str, int]) -> None:
        """Set the last entry of each key."""
        _driver(connection).executemany(MOVE_HEAD, heads.items())

    def run(self, connection: Connection, statement: str, values: Sequence[object]) -> int:
        """Run one statement."""
        return _driver(connection).execute(statement, values).rowcount

    def failure_of(self, failure: Exception) -> Failure | None:
        """Tell a failing disk or file from a mistake in a statement (None)."""
        error = getattr(failure, "orig", failure)
        name = str(getattr(error, "sqlite_errorname", ""))
        if name == "SQLITE_FULL":
            return Failure(StorageFull("the disk is full; nothing was written", remedy="make room"))
        if name.startswith(BROKEN):
            detail = "the database failed; nothing was acknowledged"
            return Failure(Unavailable(detail, retry_after=30), halts=True)
        return None

    def forget(self) -> bool:
        """Empty the write-ahead log; False: a reader still holds on to an older state."""
        connection = self._writer.raw_connection()
        try:
            driver = cast("sqlite3.Connection", connection.driver_connection)
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.close()
        return not busy

    def again(self) -> Callable[[], Database]:
        """Tell another process how to open the same database."""
        return partial(SqliteDatabase, self.path)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.dispose()
        self._writer.dispose()


def writer_engine(path: Path) -> Engine:
    """Open the one connection that writes. Every commit is synced to disk (FULL)."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=StaticPool,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
        connect_args={"check_same_thread": False},
    )

    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.close()

    event.listen(engine, "connect", configure)
    return engine


def reader_engine(path: Path) -> Engine:
    """Open connections that only read; ``snapshot`` gives them one consistent state."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
        connect_args={"check_same_thread": False},
    )

    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only=ON")
        cursor.execute("PRAGMA wal_autocheckpoint=0")
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.close()

    event.listen(engine, "connect", configure)
    return engine


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Open a read transaction, by hand: it costs a third of SQLAlchemy's own."""
    with engine.connect() as connection:
        driver = _driver(connection)
        driver.execute("BEGIN")
        try:
            yield connection
        finally:
            driver.execute("ROLLBACK")


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    """Open a write transaction, by hand as well."""
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.exec_driver_sql("COMMIT")
        finally:
            if _driver(connection).in_transaction:
                connection.exec_driver_sql("ROLLBACK")


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)
