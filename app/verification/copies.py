"""Copies beside the entries, each compared with what the entries say.

Every function yields what differs, with the entry's index where one is concerned.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core.errors import Refusal
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.entry import genesis_prev, parse
from app.core.ledger.merkle import Frontier, leaf_hash
from app.core.ledger.note import open_note, parse_note
from app.core.ledger.tile import TILE_WIDTH
from app.core.ledger.times import format_time
from app.core.ledger.trust import bounded
from app.core.ledger.verdict import Finding, Outcome
from app.ledger.idempotency import Use
from app.ledger.idempotency import row_digest as key_digest
from app.ledger.opening import BEGINNING
from app.ledger.operational import row_digest
from app.ledger.tree import Tree
from app.migrations import schema
from app.migrations.guards import POSTGRESQL_TRIGGERS, SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from app.core.ledger.entry import Entry
    from app.core.ledger.trust import Key
    from app.ledger.sql_store import SqlStore

ENTRIES = "SELECT idx, body, leaf_hash, subject, type, actor, recorded_at FROM entries ORDER BY idx"


def _altered(kind: str, detail: str, index: int | None = None) -> Finding:
    return Finding(Outcome.ALTERED, kind, detail, index)


def _compare(
    kind: str, where: str, stored: Mapping[str, object], true: Mapping[str, object]
) -> Iterator[Finding]:
    for column, value in true.items():
        if stored[column] != value or type(stored[column]) is not type(value):
            yield _altered(kind, f"{where}: column {column} is not what the log says")


def columns(_store: SqlStore, connection: Connection) -> Iterator[Finding]:
    """Compare the columns of ``entries`` that repeat what is in an entry's bytes."""
    for row in connection.execute(text(ENTRIES)).mappings():
        try:
            entry = parse(bytes(row["body"]))
        except (Refusal, TypeError):
            continue  # the check of the entries names it
        true = {
            "idx": entry.index,
            "leaf_hash": leaf_hash(row["body"]),
            "subject": entry.subject,
            "type": entry.type,
            "actor": entry.actor.id,
            "recorded_at": format_time(entry.recorded_at),
        }
        for finding in _compare("column", "table entries", dict(row), true):
            yield Finding(Outcome.ALTERED, "column", finding.detail, entry.index)
    gone = text(
        "SELECT DISTINCT idx FROM payloads WHERE idx NOT IN (SELECT idx FROM entries) LIMIT 20"
    )
    for index in connection.execute(gone).scalars():
        detail = f"table payloads keeps members of entry {index}, which is not there"
        yield _altered("members", detail)


def head(_store: SqlStore, connection: Connection) -> Iterator[Finding]:
    """Compare the one row of ``head``."""
    rows = connection.execute(text("SELECT * FROM head")).mappings().all()
    if len(rows) != 1:
        yield _altered("head", f"table head has {len(rows)} rows, not one")
        return
    frontier, last = _walk(connection)
    origin = rows[0]["origin"] if last is None else last.log
    true = {
        "one": 1,
        "origin": origin,
        "size": frontier.size,
        "root": frontier.root(),
        "leaf_hash": genesis_prev(str(origin)),
        "recorded_at": format_time(BEGINNING),
        "epoch": _recoveries(connection),
    }
    if last is not None:
        body = text("SELECT body FROM entries ORDER BY idx DESC LIMIT 1")
        true["leaf_hash"] = leaf_hash(connection.execute(body).scalar_one())
        true["recorded_at"] = format_time(last.recorded_at)
    yield from _compare("head", "table head", dict(rows[0]), true)


def _recoveries(connection: Connection) -> int:
    recovered = text("SELECT body FROM entries WHERE type = 'log.recovered.v1'")
    return len(connection.execute(recovered).all())


def _walk(connection: Connection) -> tuple[Frontier, Entry | None]:
    frontier, raw = Frontier(), None
    for row in connection.execute(text("SELECT body FROM entries ORDER BY idx")):
        raw = row.body
        frontier = frontier.append(leaf_hash(raw))
    return frontier, None if raw is None else parse(raw)


def heads(connection: Connection) -> Iterator[Finding]:
    """Compare ``heads``: the last entry of every subject and type."""
    true: dict[str, int] = {}
    for row in connection.execute(text("SELECT body FROM entries ORDER BY idx")):
        entry = parse(row.body)
        true[entry.subject] = true[f"type:{entry.type}"] = entry.index
    stored = {row.key: row.idx for row in connection.execute(text("SELECT key, idx FROM heads"))}
    for key in sorted(true.keys() | stored.keys(), key=str):
        if stored.get(key) != true.get(key):
            detail = f"table heads says {stored.get(key)} for {key!r}, the log {true.get(key)}"
            yield _altered("head", detail, true.get(key))


def tiles(connection: Connection) -> Iterator[Finding]:
    """Compare ``tiles`` with the hashes of the entries' bytes."""
    tree = Tree()
    for row in connection.execute(text("SELECT body FROM entries ORDER BY idx")):
        tree.append(leaf_hash(row.body))
    true = tree.take_full()
    rows = connection.execute(text("SELECT level, number, hashes FROM tiles"))
    stored = {(row.level, row.number): row.hashes for row in rows}
    for place in sorted(true.keys() | stored.keys(), key=str):
        if stored.get(place) != true.get(place):
            level, number = place
            first = number * TILE_WIDTH if level == 0 else None
            yield _altered(
                "tile", f"table tiles: tile {level}/{number} is not made of its entries", first
            )


def checkpoints(connection: Connection, keys: Sequence[Key]) -> Iterator[Finding]:
    """Check that each note lies under the size that it signs, and that its signature holds."""
    verifiers = [key.verifier for key in bounded(keys)]
    for row in connection.execute(text("SELECT size, note FROM checkpoints ORDER BY size")):
        try:
            if verifiers:
                open_note(row.note, verifiers)
            signed = parse_checkpoint(parse_note(row.note)[0]).size
        except (Refusal, TypeError):
            yield _altered(
                "checkpoint", f"table checkpoints: that of size {row.size} does not hold"
            )
            continue
        if signed != row.size:
            detail = f"table checkpoints: that of size {signed} lies under {row.size}"
            yield _altered("checkpoint", detail)


def idempotency(connection: Connection) -> Iterator[Finding]:
    """Check each key's row, and that the entries it stands for name it."""
    known: dict[int, bytes] = {}
    rows = connection.execute(text("SELECT * FROM idempotency ORDER BY idx")).mappings()
    for row in rows:
        use = Use(row["body_mac"], row["idx"], row["made"], row["resource"])
        try:
            sound = key_digest(row["key_mac"], use) == row["digest"]
        except (AttributeError, TypeError, Refusal):
            sound = False
        if not sound:
            index = row["idx"] if isinstance(row["idx"], int) else None
            yield _altered(
                "idempotency", "table idempotency: the row does not match its digest", index
            )
            continue
        for index in range(use.index, use.index + use.count):
            known[index] = row["key_mac"]
    for raw in connection.execute(text("SELECT body FROM entries ORDER BY idx")).scalars():
        entry = parse(raw)
        if entry.idem != known.get(entry.index):
            detail = "the entry and table idempotency do not name the same key"
            yield _altered("idempotency", detail, entry.index)


def blobs(connection: Connection) -> Iterator[Finding]:
    """Check each stored file against its digest."""
    for row in connection.execute(text("SELECT sha256, size, content FROM blobs")):
        content = row.content if isinstance(row.content, bytes) else b""
        if hashlib.sha256(content).hexdigest() != row.sha256:
            yield _altered("file", f"table blobs: the file {str(row.sha256)[:80]} has other bytes")
        elif row.size != len(content):
            yield _altered(
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
        yield _altered("file", f"the file {bytes(row.value)[1:-1].decode()} is gone", row.idx)


def operational(connection: Connection) -> Iterator[Finding]:
    """Check each row of operational state against its digest."""
    for row in connection.execute(text("SELECT kind, key, value, digest FROM operational")):
        try:
            sound = row_digest(row.kind, row.key, row.value) == row.digest
        except Refusal:
            sound = False
        if not sound:
            yield _altered(
                "operational", f"table operational: {row.kind} {row.key} does not match its digest"
            )


def integrity(connection: Connection) -> Iterator[Finding]:
    """Ask SQLite about its file; PostgreSQL looks after its own and refuses to read damage."""
    if connection.dialect.name == "sqlite":
        for row in connection.execute(text("PRAGMA integrity_check(20)")):
            if row[0] != "ok":
                yield _altered("file", str(row[0]))


def guards(connection: Connection) -> Iterator[Finding]:
    """Check that the triggers against accidents stand as they were made, and the schema."""
    found = schema.version(connection)
    if found != schema.NEWEST:
        yield _altered("schema", f"table alembic_version says {found}, not {schema.NEWEST}")
    if connection.dialect.name == "postgresql":
        yield from _postgresql_triggers(connection)
        return
    made = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    stored = {row.name: row.sql for row in connection.execute(text(made))}
    for trigger in SQLITE:
        sql = trigger.replace("IF NOT EXISTS ", "")
        name = sql.split()[2]
        if stored.get(name) != sql:
            yield _altered("guard", f"the trigger {name} is gone or changed")


def _postgresql_triggers(connection: Connection) -> Iterator[Finding]:
    made = (
        "SELECT tgname, proname, tgenabled FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
        " WHERE NOT tgisinternal"
    )
    stored = {row.tgname: row for row in connection.execute(text(made))}
    for name, what in POSTGRESQL_TRIGGERS.items():
        row = stored.get(name)
        if row is None or not what.endswith(f"{row.proname}()") or row.tgenabled not in ("A", b"A"):
            yield _altered("guard", f"the trigger {name} is gone, changed or not always on")
