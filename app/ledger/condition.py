"""What a log's database is like, and what is wrong with that: for ``muniment doctor``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core.errors import Unavailable
from app.core.ledger.times import format_time
from app.ledger.preparing import check_texts
from app.migrations import schema

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy import Connection

    from app.ledger.database import Database
    from app.settings import Clock

APART = 5.0
"""Seconds that the database's clock and this machine's may differ."""

SERVER = """
SELECT current_setting('server_version') AS version,
       current_setting('server_encoding') AS encoding,
       current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS full_page_writes,
       current_setting('synchronous_commit') AS synchronous_commit,
       pg_is_in_recovery() AS standby,
       clock_timestamp() AS now,
       (SELECT bool_or(pg_has_role(current_user, relowner, 'USAGE')) FROM pg_class
           WHERE oid = to_regclass('entries')) AS owner
"""


@dataclass(slots=True)
class Condition:
    """``facts``: what is shown, in order. ``problems``: what is wrong, and what to do."""

    facts: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def check(self, *, sound: bool, problem: str, remedy: str) -> None:
        """Note a problem unless it is sound."""
        if not sound:
            self.problems.append((problem, remedy))


def condition_of(database: Database, clock: Clock) -> Condition:
    """Look at a database. One that does not answer is a problem, too."""
    found = Condition()
    try:
        if database.shared:
            with database.reading() as connection:
                _look_at_server(found, connection, clock)
        else:
            with database.writing() as connection:
                _look_at_file(found, connection)
            with database.reading() as connection:
                _look_at_schema(found, connection)
    except Unavailable as refusal:
        remedy = "start its server, or correct MUNIMENT_DATABASE_URL"
        found.problems.append((f"{database.name}: {refusal.detail}", remedy))
    return found


def _look_at_file(found: Condition, connection: Connection) -> None:
    """Look at SQLite as the writer is connected to it."""

    def asked(what: str) -> str:
        return str(connection.execute(text(what)).scalar())

    journal, synchronous = asked("PRAGMA journal_mode"), asked("PRAGMA synchronous")
    found.facts |= {
        "engine": f"SQLite {asked('SELECT sqlite_version()')}",
        "encoding": asked("PRAGMA encoding"),
        "journal_mode": journal,
        "synchronous": {"2": "full", "3": "extra"}.get(synchronous, synchronous),
    }
    durable = journal == "wal" and synchronous in ("2", "3")
    found.check(
        sound=durable,
        problem=f"a commit may be lost: journal_mode {journal}, synchronous {synchronous}",
        remedy="put the data folder on a disk where SQLite can use WAL",
    )


def _look_at_server(found: Condition, connection: Connection, clock: Clock) -> None:
    row = connection.execute(text(SERVER)).one()
    apart: timedelta = row.now - clock()
    seconds = apart.total_seconds()
    found.facts |= {
        "engine": f"PostgreSQL {row.version}",
        "encoding": row.encoding,
        "fsync": row.fsync,
        "full_page_writes": row.full_page_writes,
        "synchronous_commit": f"{row.synchronous_commit} (a writer has at least: on)",
        "clock": f"{seconds:+.1f} s, at {format_time(row.now)}",
    }
    for name in ("fsync", "full_page_writes"):
        found.check(
            sound=getattr(row, name) == "on",
            problem=f"a commit may be lost, or the database: {name} is off",
            remedy=f"set {name} = on in postgresql.conf and reload",
        )
    found.check(
        sound=abs(seconds) <= APART,
        problem=f"the database's clock is {seconds:+.1f} s from this machine's",
        remedy="let both follow the same time server",
    )
    found.check(
        sound=not row.standby,
        problem="this PostgreSQL is a standby: it takes no writes",
        remedy="name the primary in MUNIMENT_DATABASE_URL",
    )
    found.check(
        sound=not row.owner,
        problem="the server connects as the owner of its tables, so no guard holds it back",
        remedy="connect as muniment_app; see docs/operations.md",
    )
    try:
        check_texts(connection)
    except Unavailable as refusal:
        found.problems.append((refusal.detail, str(refusal.remedy)))
    _look_at_schema(found, connection)


def _look_at_schema(found: Condition, connection: Connection) -> None:
    found.facts["schema"] = schema.version(connection) or "(none)"
    try:
        schema.check(connection)
    except Unavailable as refusal:
        found.problems.append((refusal.detail, str(refusal.remedy)))
