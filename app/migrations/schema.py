"""Which schema a database has, and the way from there to this program's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

from app.core.errors import Unavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection

FIRST: Final = "0001"
NEWEST: Final = "0004"
KNOWN: Final = (FIRST, "0002", "0003", NEWEST)
VERSION_TABLE: Final = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
"""As Alembic makes it."""


def version(connection: Connection) -> str | None:
    """Tell a database's schema; None: it holds no log yet.

    Logs of the first schema were made before there was a table to say so.
    """
    present = inspect(connection)
    if present.has_table("alembic_version"):
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
        return ", ".join(sorted(map(str, found))) or None
    return FIRST if present.has_table("entries") else None


def stamp(connection: Connection) -> None:
    """Say that a database has this program's schema: it was made from the models."""
    connection.execute(text(VERSION_TABLE))
    connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": NEWEST})


def check(connection: Connection) -> None:
    """Raise Unavailable, naming both, if the schema is not that of this program."""
    found = version(connection)
    if found is None:
        raise Unavailable(
            "the database holds no log yet", remedy="run `muniment migrate` as its owner"
        )
    _check_known(found)
    if found != NEWEST:
        raise Unavailable(
            f"the database has schema {found}, this program schema {NEWEST}",
            remedy="run `muniment migrate` as the database's owner",
        )


def upgrade(connection: Connection, to: str = NEWEST) -> tuple[str, ...]:
    """Lead a database to this program's schema (or one before it); name the steps taken.

    All within the caller's transaction. Raises Unavailable for a schema not known here.
    """
    found = version(connection)
    if found == to:
        return ()
    if found is not None:
        _check_known(found)
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(Path(__file__).parent))
    context = MigrationContext.configure(connection)
    if found == FIRST:
        context.stamp(script, FIRST)
    steps = list(script.iterate_revisions(to, found or "base"))[::-1]
    with Operations.context(context):
        for step in steps:
            step.module.upgrade()
            context.stamp(script, step.revision)
    return tuple(step.revision for step in steps)


def _check_known(found: str) -> None:
    if found not in KNOWN:
        raise Unavailable(
            f"the database has schema {found}, which this program does not know; "
            f"its newest is {NEWEST}",
            remedy="run the release that made it, or a newer one",
        )
