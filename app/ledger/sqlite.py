"""The embedded database: one SQLite file, one writer connection, any number of readers.

SQLite 3.7.0 to 3.51.2 can corrupt a WAL when one connection checkpoints it while another
commits. So all writes, checkpoints of the WAL included, go through the one writer
connection (which the sequencer's thread alone uses), and readers never checkpoint.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import QueuePool, StaticPool

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

READERS = 16

TRIGGERS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
    for table in ("entries", "tiles", "checkpoints")
    for verb in ("UPDATE", "DELETE")
)
"""Stop accidents. Whoever drops them is detected by the proofs, not stopped here."""


def writer_engine(path: Path) -> Engine:
    """Open the one connection that writes. Every commit is synced to disk (FULL)."""
    engine = create_engine(
        f"sqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )

    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.close()

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", _begin_immediate)
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
        driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        driver.execute("BEGIN")
        try:
            yield connection
        finally:
            driver.execute("ROLLBACK")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
