"""What is kept beside the entries and speaks for itself: files, rows with a digest, guards.

Every function yields what differs, with the entry's index where one is concerned.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core.errors import Refusal
from app.core.ledger.verdict import Finding, Outcome
from app.ledger.operational import row_digest
from app.migrations import schema
from app.migrations.guards import POSTGRESQL_TRIGGERS, SQLITE
from app.verification.walking import streamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection


def altered(kind: str, detail: str, index: int | None = None) -> Finding:
    """Say that something stored is not what it was."""
    return Finding(Outcome.ALTERED, kind, detail, index)


def compare(
    kind: str, where: str, stored: Mapping[str, object], true: Mapping[str, object]
) -> Iterator[Finding]:
    """Compare columns of a row, their types included."""
    for column, value in true.items():
        if stored[column] != value or type(stored[column]) is not type(value):
            yield altered(kind, f"{where}: column {column} is not what the log says")


def blobs(connection: Connection) -> Iterator[Finding]:
    """Check each stored file against its digest."""
    stored = text("SELECT content FROM blobs WHERE sha256 = :sha256")
    for row in streamed(connection, "SELECT sha256, size FROM blobs"):
        found = connection.execute(stored, {"sha256": row.sha256}).scalar()
        content = found if isinstance(found, bytes) else b""
        if hashlib.sha256(content).hexdigest() != row.sha256:
            yield altered("file", f"table blobs: the file {str(row.sha256)[:80]} has other bytes")
        elif row.size != len(content):
            yield altered(
                "file", f"table blobs: the file {row.sha256} has another size than it says"
            )
    digest = "CAST(substr(value, 9, 64) AS TEXT)"
    if connection.dialect.name == "postgresql":
        digest = "convert_from(substr(value, 9, 64), 'UTF8')"
    named = (
        "SELECT idx, value FROM payloads WHERE name = 'blob' AND value IS NOT NULL AND "  # noqa: S608 - ours
        f"{digest} NOT IN (SELECT sha256 FROM blobs)"
    )
    for row in connection.execute(text(named)):
        yield altered("file", f"the file {bytes(row.value)[1:-1].decode()} is gone", row.idx)


def operational(connection: Connection) -> Iterator[Finding]:
    """Check each row of operational state against its digest."""
    for row in streamed(connection, "SELECT kind, key, value, digest FROM operational"):
        try:
            sound = row_digest(row.kind, row.key, row.value) == row.digest
        except Refusal:
            sound = False
        if not sound:
            yield altered(
                "operational", f"table operational: {row.kind} {row.key} does not match its digest"
            )


def integrity(connection: Connection) -> Iterator[Finding]:
    """Ask SQLite about its file; PostgreSQL looks after its own and refuses to read damage."""
    if connection.dialect.name == "sqlite":
        for row in connection.execute(text("PRAGMA integrity_check(20)")):
            if row[0] != "ok":
                yield altered("file", str(row[0]))


def guards(connection: Connection) -> Iterator[Finding]:
    """Check that the triggers against accidents stand as they were made, and the schema."""
    found = schema.version(connection)
    if found != schema.NEWEST:
        yield altered("schema", f"table alembic_version says {found}, not {schema.NEWEST}")
    if connection.dialect.name == "postgresql":
        yield from _postgresql_triggers(connection)
        return
    made = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    stored = {row.name: row.sql for row in connection.execute(text(made))}
    for trigger in SQLITE:
        sql = trigger.replace("IF NOT EXISTS ", "")
        name = sql.split()[2]
        if stored.get(name) != sql:
            yield altered("guard", f"the trigger {name} is gone or changed")


def _postgresql_triggers(connection: Connection) -> Iterator[Finding]:
    made = (
        "SELECT tgname, proname, tgenabled FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
        " WHERE NOT tgisinternal"
    )
    stored = {row.tgname: row for row in connection.execute(text(made))}
    for name, what in POSTGRESQL_TRIGGERS.items():
        row = stored.get(name)
        if row is None or not what.endswith(f"{row.proname}()") or row.tgenabled not in ("A", b"A"):
            yield altered("guard", f"the trigger {name} is gone, changed or not always on")
