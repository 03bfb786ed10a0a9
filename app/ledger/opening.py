"""Opening a log: its tables, its head, where it ends."""

from __future__ import annotations

import functools
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel

from app.core.errors import ChainBroken, Rejected, Unavailable
from app.core.ledger.entry import genesis_prev
from app.core.ledger.merkle import EMPTY_ROOT, Frontier
from app.core.ledger.origin import check_origin
from app.core.ledger.times import format_time, parse_time
from app.ledger import blobs, idempotency, operational
from app.ledger.connecting import PATIENCE
from app.ledger.position import Position
from app.ledger.postgresql import PostgresqlDatabase
from app.ledger.sql_store import (
    CHECKPOINTS,
    ENTRIES,
    HEAD,
    HEADS,
    PAYLOADS,
    PROJECTIONS,
    TILES,
    SqlStore,
)
from app.ledger.sqlite import SqliteDatabase
from app.ledger.tiles import tile_root
from app.ledger.tree import load_tree
from app.migrations import schema
from app.migrations.guards import SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from app.ledger.database import Database
    from app.ledger.ports import Projection
    from app.ledger.tree import Tree
    from app.settings import Entropy

LEDGER_TABLES = (
    ENTRIES,
    PAYLOADS,
    HEAD,
    HEADS,
    TILES,
    CHECKPOINTS,
    PROJECTIONS,
    idempotency.ROWS,
    blobs.ROWS,
    operational.ROWS,
)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def open_sqlite(
    path: Path, origin: str | None, entropy: Entropy, projections: Sequence[Projection]
) -> SqlStore:
    """Open the log in a SQLite file, make it if it is not there, lead it to today's schema.

    ``origin``: names a new log (default ``muniment.local/<16 random hex>``).
    Raises Rejected if an existing log has another name, ChainBroken if the file is damaged or
    entries have no head, Unavailable if the schema is of a newer program or a projection's
    tables are of another version than this program's.
    """
    database = SqliteDatabase(path)
    with _naming(database), database.writing() as connection:
        if schema.version(connection) is None:
            _create(connection, projections)
        else:
            schema.upgrade(connection)
        named = _begin(connection, origin, entropy, projections)
    return SqlStore(database, named)


def open_postgresql(
    url: str,
    origin: str | None,
    entropy: Entropy,
    projections: Sequence[Projection],
    patience: float = PATIENCE,
) -> SqlStore:
    """Open the log in a PostgreSQL database that its owner has prepared (``prepare``).

    ``patience``: seconds after which a server that says nothing is given up.
    Raises what ``open_sqlite`` raises, and Unavailable if the server does not answer or the
    schema is not that of this program.
    """
    with ExitStack() as closing:
        database = PostgresqlDatabase(url, patience)
        closing.callback(database.close)
        with _naming(database), database.reading() as connection:
            schema.check(connection)
        with _naming(database), database.writing() as connection:
            named = _begin(connection, origin, entropy, projections)
        closing.pop_all()
    return SqlStore(database, named)


def _create(connection: Connection, projections: Sequence[Projection]) -> None:
    tables = [*LEDGER_TABLES, *(table for one in projections for table in one.tables)]
    SQLModel.metadata.create_all(connection, tables=tables)
    for trigger in SQLITE:
        connection.exec_driver_sql(trigger)
    schema.stamp(connection)


def _begin(
    connection: Connection,
    origin: str | None,
    entropy: Entropy,
    projections: Sequence[Projection],
) -> str:
    """Give a new log its head, check that of another one; tell the log's name."""
    named = connection.execute(select(HEAD.c.origin)).scalar()
    if named is None:
        _check_new(connection)
        named = check_origin(origin or f"muniment.local/{entropy(8).hex()}")
        _insert_empty_head(connection, named)
    elif origin is not None and origin != named:
        raise Rejected(
            f"this log is called {named}, MUNIMENT_LOG_ORIGIN says {origin}",
            remedy="unset MUNIMENT_LOG_ORIGIN: a log's name is fixed at its first start",
        )
    _check_projections(connection, projections)
    return named


@contextmanager
def _naming(database: Database) -> Iterator[None]:
    """Turn what an engine says about a damaged database into ChainBroken."""
    try:
        yield
    except DatabaseError as error:
        failure = database.failure_of(error)
        if database.shared and failure is not None:
            raise failure.refusal from error
        raise ChainBroken(
            f"{database.name} cannot be read: {error.orig}",
            remedy="run `muniment ledger fsck`, and restore a backup",
        ) from error


def _check_new(connection: Connection) -> None:
    """Raise ChainBroken if a log without a head has entries."""
    if connection.execute(select(ENTRIES.c.idx).limit(1)).first() is not None:
        raise ChainBroken(
            "the log's head is gone, its entries are not",
            remedy="run `muniment ledger fsck`, and restore a backup",
        )


def _insert_empty_head(connection: Connection, origin: str) -> None:
    row = {
        "one": 1,
        "origin": origin,
        "size": 0,
        "root": EMPTY_ROOT,
        "leaf_hash": genesis_prev(origin),
        "recorded_at": format_time(BEGINNING),
        "epoch": 0,
    }
    connection.execute(insert(HEAD), row)


def _check_projections(connection: Connection, projections: Sequence[Projection]) -> None:
    known = {row.name: row for row in connection.execute(select(PROJECTIONS))}
    size = connection.execute(select(HEAD.c.size)).scalar_one()
    for one in projections:
        row = known.get(one.name)
        if row is None and size == 0:
            new = {"name": one.name, "version": one.version, "size": 0}
            connection.execute(insert(PROJECTIONS), new)
        elif row is None or row.version != one.version or row.size != size:
            raise Unavailable(
                f"the projection {one.name!r} is not that of this program at size {size}",
                remedy=f"run `muniment migrate --rebuild {one.name}`",
            )


def load_position(store: SqlStore) -> Position:
    """Find where the log ends, from its stored bytes.

    Raises ChainBroken if the stored tiles and entries do not lead to the head's root.
    """
    with _naming(store.database), store.reading() as connection:
        head = store.head(connection)
        tree = read_tree(store, connection, head.size)
        store.database.epoch = head.epoch
        frontier = Frontier(head.size, tree.peaks())
        if frontier.root() != head.root:
            raise ChainBroken(
                f"the entries do not lead to the root that the head names at size {head.size}",
                remedy="run `muniment ledger fsck` to see what was altered",
            )
        return Position(
            head.size, head.leaf_hash, parse_time(head.recorded_at), frontier, tree, head.epoch
        )


def read_tree(store: SqlStore, connection: Connection, size: int) -> Tree:
    """Build the tree at ``size`` from stored tiles and the bytes of the newest entries."""
    return load_tree(
        size,
        functools.partial(store.leaf_hashes, connection),
        functools.partial(tile_root, store, connection),
    )
