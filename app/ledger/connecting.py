"""Connections to PostgreSQL: the one that writes, those that read, and how long each waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from app.ledger.silence import Listening

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.engine import URL
    from sqlalchemy.pool import ConnectionPoolEntry

READERS = 16
SECONDS_FOR_A_READER = 10
SECONDS_TO_CONNECT = 5
LEAST_TO_CONNECT = 2
PATIENCE: float = 15
"""Seconds after which a server that says nothing is given up, where nobody says otherwise."""

DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')"
)
# A writer that stands still with the head locked is put out, so that others go on; who waits
# for the head outlasts that, and is told so by the server before it is given up.
STANDS_STILL, WAITS = 0.6, 0.8
"""Of the patience with a server."""


def _address(url: URL, patience: float | None) -> URL:
    """Fill in what the address leaves open."""
    connecting = SECONDS_TO_CONNECT if patience is None else min(SECONDS_TO_CONNECT, patience)
    left_open = {
        "connect_timeout": str(max(LEAST_TO_CONNECT, round(connecting))),
        "application_name": "muniment",
        "client_encoding": "utf8",
        # A network that was cut is noticed on connections, too, that nobody uses.
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
    }
    return url.set(drivername="postgresql+psycopg").update_query_dict(left_open | dict(url.query))


def writer_engine(url: URL, patience: float | None) -> Engine:
    """Open the one connection of this process that writes. A commit is on the disk (``on``)."""
    engine = create_engine(
        _address(url, patience),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
    )

    # Many rows in one statement: sent one by one they would cost more than all else.
    engine.dialect.use_insertmanyvalues_wo_returning = True
    at_most = PATIENCE if patience is None else patience

    def configure(connection: psycopg.Connection, _: ConnectionPoolEntry) -> None:
        connection.execute(DURABLE)
        connection.execute(
            f"SET idle_in_transaction_session_timeout = {round(at_most * STANDS_STILL * 1000)}"
        )
        connection.execute(f"SET lock_timeout = {round(at_most * WAITS * 1000)}")
        connection.commit()

    event.listen(engine, "connect", configure)
    _listen(engine, patience)
    return engine


def reader_engine(url: URL, patience: float | None) -> Engine:
    """Open connections that only read; each transaction begins its own state."""
    engine = create_engine(
        _address(url, patience),
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=SECONDS_FOR_A_READER,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
    )
    _listen(engine, patience)
    return engine


def _listen(engine: Engine, patience: float | None) -> None:
    """Let the engine's connections end themselves when nothing is heard for so long."""

    def connect(
        _dialect: object, _record: object, positional: tuple[str, ...], named: dict[str, Any]
    ) -> psycopg.Connection:
        connection = Listening.connect(*positional, **named)
        connection.patience = patience
        return connection

    event.listen(engine, "do_connect", connect)
