"""PostgreSQL: any number of processes write to one log, one transaction at a time.

A writer locks the head's row first, so what it reads after that is what it continues. A
connection that is lost, or that says nothing for too long, ends nothing: whoever asked is told
503, the next one gets a new connection, and whether the lost commit took place is read from the
database.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import psycopg
from psycopg.errors import LockNotAvailable
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.errors import ChainBroken, StorageFull, Unavailable
from app.ledger.connecting import PATIENCE, STANDS_STILL, reader_engine, writer_engine
from app.ledger.database import Failure
from app.ledger.silence import Listening, Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, CursorResult

    from app.ledger.database import Database, EntryColumns, PayloadColumns

log = logging.getLogger(__name__)
AGAIN_AFTER = 2
"""Seconds after which whoever was refused may ask again."""

LOCK_HEAD = "SELECT epoch FROM head FOR UPDATE"
PUT_OUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE relation = 'head'::regclass AND datname = current_database()"
    " AND usename = current_user"
    " AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - %s * interval '1 s'"
)
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
PATIENT = (
    "SELECT set_config('lock_timeout', '0', true),"
    " set_config('idle_in_transaction_session_timeout', '0', true)"
)
SCHEMA_LOCK = 0x6D756E696D656E74
"""Held by whoever changes the schema: ``muniment`` in ASCII."""

COPY_ENTRIES = (
    "COPY entries (idx, body, leaf_hash, subject, type, actor, recorded_at)"
    " FROM STDIN (FORMAT BINARY)"
)
ENTRY_TYPES = ("int8", "bytea", "bytea", "text", "text", "text", "text")
COPY_PAYLOADS = "COPY payloads (idx, name, commitment, salt, value) FROM STDIN (FORMAT BINARY)"
PAYLOAD_TYPES = ("int8", "text", "bytea", "bytea", "bytea")
FIND_HEADS = "SELECT key, idx FROM heads WHERE key = ANY(%s)"
MOVE_HEADS = (
    "INSERT INTO heads (key, idx) SELECT * FROM unnest(%s::text[], %s::bigint[])"
    " ON CONFLICT (key) DO UPDATE SET idx = excluded.idx"
)
FULL = "53100"
CORRUPT = ("XX001", "XX002")
PASSING = ("08", "40", "53", "57", "58", "25006", "25P03", "55P03")
"""Classes of SQLSTATE, and codes, that tell of the server's state and not of a statement:
connection, rollback for another's sake, resources, intervention, system; then a server that
only reads, a writer put out, a lock not had in time."""

AWAY = ("08", "57", "55P03")
"""Those of them after which the next one would wait in vain, too."""


class PostgresqlDatabase:
    """A log in a PostgreSQL database; see ``app.ledger.database.Database``."""

    shared = True

    def __init__(self, url: str, patience: float | None = PATIENCE) -> None:
        """``patience``: seconds, see ``app.ledger.silence``; None for a person who waits."""
        address = make_url(url)
        self._url, self._patience = url, patience
        self.name = f"{address.host or 'the local socket'}/{address.database}"
        self.epoch: int | None = None
        self._stands_still = STANDS_STILL * (PATIENCE if patience is None else patience)
        self._writer = writer_engine(address, patience)
        self._reader = reader_engine(address, patience)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a write transaction that holds the head's row; see ``Database``.

        Raises ChainBroken: the log was recovered by somebody since it was opened here.
        """
        with self._writer.begin() as connection:
            epoch = self._lock_head(connection)
            if self.epoch is not None and epoch != self.epoch:
                raise ChainBroken(
                    "the log was recovered since this server was started: it writes no more",
                    remedy="restart the server",
                )
            yield connection

    def _lock_head(self, connection: Connection) -> int | None:
        """Lock the head's row; where that takes too long, put out who stands still with it.

        The server does that by itself (``STANDS_STILL``), but not with a writer that stopped in
        the middle of a COPY: for the server that one is at work.
        """
        try:
            return connection.exec_driver_sql(LOCK_HEAD).scalar()
        except OperationalError as error:
            if isinstance(error.orig, LockNotAvailable):
                with self._reader.connect() as other:
                    other.exec_driver_sql(PUT_OUT, (self._stands_still,))
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a read transaction: one consistent state of everything. Raises Unavailable."""
        with self._refusing():
            connection, _ = self._first(BEGIN)
            try:
                yield connection
            finally:
                _end(connection)

    def newest_heads(self, keys: Sequence[str]) -> dict[str, int]:
        """Find heads as they are now, in one round trip. Raises Unavailable."""
        with self._refusing():
            connection, found = self._first(FIND_HEADS, list(keys))
            with connection:
                return {row.key: row.idx for row in found}

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn a failing server into a refusal."""
        try:
            yield
        except (DBAPIError, PoolTimeout, psycopg.Error) as error:
            failure = self.failure_of(error)
            if failure is None:
                raise
            raise failure.refusal from error

    def _first(self, statement: str, *values: object) -> tuple[Connection, CursorResult[Any]]:
        """Run it on a connection that lives: a server that was restarted has left dead ones."""
        for last in (False, True):
            connection = self._reader.connect()
            try:
                return connection, connection.exec_driver_sql(statement, values)
            except DBAPIError as error:
                connection.close()
                silent = isinstance(error.orig, Silent)
                if last or silent or not error.connection_invalidated:
                    raise
        raise AssertionError(last)

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """Open a transaction that changes the schema, while nobody else does or writes."""
        with self._writer.begin() as connection, _without_bound(connection):
            connection.exec_driver_sql(PATIENT)
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
            if connection.exec_driver_sql("SELECT to_regclass('head')").scalar() is not None:
                connection.exec_driver_sql("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")
            yield connection

    @contextmanager
    def alone(self, name: int) -> Iterator[bool]:
        """Keep a name from all other processes; it goes with the connection."""
        try:
            connection, _ = self._first(BEGIN)
            held = connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (name,)).scalar()
            _driver(connection).execute("ROLLBACK")  # the session keeps the lock
        except (DBAPIError, PoolTimeout, psycopg.Error) as error:
            failure = self.failure_of(error)
            if failure is None:
                raise
            raise failure.refusal from error
        try:
            yield bool(held)
        finally:
            connection.invalidate()
            connection.close()

    def insert_entries(self, connection: Connection, rows: Sequence[EntryColumns]) -> None:
        """Write entries in bulk."""
        _copy(connection, COPY_ENTRIES, ENTRY_TYPES, rows)

    def insert_payloads(self, connection: Connection, rows: Sequence[PayloadColumns]) -> None:
        """Write members of entries in bulk."""
        _copy(connection, COPY_PAYLOADS, PAYLOAD_TYPES, rows)

    def heads(self, connection: Connection, keys: Sequence[str]) -> dict[str, int]:
        """Find the last entry of each key that has one."""
        return dict(connection.exec_driver_sql(FIND_HEADS, (list(keys),)).all())

    def move_heads(self, connection: Connection, heads: Mapping[str, int]) -> None:
        """Set the last entry of each key, in one statement."""
        connection.exec_driver_sql(MOVE_HEADS, (list(heads.keys()), list(heads.values())))

    def run(self, connection: Connection, statement: str, values: Sequence[object]) -> int:
        """Run one statement."""
        return _driver(connection).execute(statement.replace("?", "%s").encode(), values).rowcount

    def failure_of(self, failure: Exception) -> Failure | None:
        """Tell a failing server from a mistake in a statement (None)."""
        if isinstance(failure, PoolTimeout):
            busy = "every connection to the database is in use"
            return Failure(Unavailable(busy, retry_after=AGAIN_AFTER))
        error = failure.orig if isinstance(failure, DBAPIError) else failure
        if not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate
        if state is None and not isinstance(
            error, psycopg.OperationalError | psycopg.InterfaceError
        ):
            return None
        if state is not None and not state.startswith((*PASSING, *CORRUPT)):
            return None
        log.warning("PostgreSQL: %s %s", state or "no connection", error)
        if state == FULL:
            return Failure(
                StorageFull("the database's disk is full; nothing was written", remedy="make room")
            )
        if state in CORRUPT:
            detail = "the database found its own files damaged; nothing was acknowledged"
            return Failure(Unavailable(detail, retry_after=30), halts=True)
        return Failure(
            Unavailable(
                "the database does not answer; nothing was acknowledged",
                remedy="send the request again, with its Idempotency-Key",
                retry_after=AGAIN_AFTER,
            ),
            away=state is None or state.startswith(AWAY),
        )

    def forget(self) -> bool:
        """Leave it to the owner, who alone may vacuum: always False."""
        return False

    def again(self) -> Callable[[], Database]:
        """Tell another process how to open the same database."""
        return partial(PostgresqlDatabase, self._url, self._patience)

    def close(self) -> None:
        """Let go of every connection."""
        self._reader.dispose()
        self._writer.dispose()


@contextmanager
def _without_bound(connection: Connection) -> Iterator[None]:
    """Wait for as long as it takes: a change of the schema, with a person in front of it."""
    listening = cast("Listening", _driver(connection))
    patience, listening.patience = listening.patience, None
    try:
        yield
    finally:
        listening.patience = patience


def _end(connection: Connection) -> None:
    """End a read transaction, and the connection if that cannot be done on it any more."""
    try:
        if not connection.invalidated:
            _driver(connection).execute("ROLLBACK")
    except psycopg.OperationalError:
        connection.invalidate()
    finally:
        connection.close()


def _copy(
    connection: Connection, statement: str, types: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> None:
    with _driver(connection).cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _driver(connection: Connection) -> psycopg.Connection:
    return cast("psycopg.Connection", connection.connection.dbapi_connection)
