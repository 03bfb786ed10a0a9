"""Making a projection again from the log alone, in one transaction: all of it or nothing."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select
from sqlmodel import SQLModel

from app.core.errors import Missing
from app.ledger.preparing import settle
from app.ledger.sql_store import HEAD, PROJECTIONS, SqlStore
from app.migrations import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.ledger.database import Database
    from app.ledger.ports import Projection

ALL = "all"
STEP = 500


def rebuild(database: Database, projections: Sequence[Projection], name: str) -> tuple[str, ...]:
    """Drop a projection's tables and replay the log into new ones.

    Nobody else may write to a file meanwhile; on a server others wait. ``name``: of one
    projection, or ``all``. Returns the names of those made again. Raises Missing (no such
    projection), Unavailable (the schema is another's), Unverifiable (the log does not read back).
    """
    chosen = [one for one in projections if name in (one.name, ALL)]
    if not chosen:
        raise Missing(
            f"there is no projection {name[:80]!r}",
            remedy="one of: " + ", ".join([*(one.name for one in projections), ALL]),
        )
    with database.changing() as connection:
        schema.check(connection)
        head = connection.execute(select(HEAD.c.origin, HEAD.c.size)).one()
        store = SqlStore(database, head.origin)
        for one in chosen:
            _again(store, connection, one, head.size)
        settle(connection)
    return tuple(one.name for one in chosen)


def _again(store: SqlStore, connection: Connection, projection: Projection, size: int) -> None:
    tables = list(projection.tables)
    SQLModel.metadata.drop_all(connection, tables=tables)
    SQLModel.metadata.create_all(connection, tables=tables)
    recorded = store.recorded(connection, 0, size)
    while batch := list(islice(recorded, STEP)):
        projection.apply(connection, batch)
    connection.execute(delete(PROJECTIONS).where(PROJECTIONS.c.name == projection.name))
    row = {"name": projection.name, "version": projection.version, "size": size}
    connection.execute(insert(PROJECTIONS), row)
