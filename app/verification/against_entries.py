"""What is kept beside the entries and follows from them: each compared with what they say.

Every function yields what differs, with the entry's index where one is concerned, and passes
over the entries once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core.errors import Refusal
from app.core.ledger.claim import contradiction, read_claim
from app.core.ledger.entry import genesis_prev, parse
from app.core.ledger.merkle import Frontier, leaf_hash
from app.core.ledger.tile import TILE_WIDTH
from app.core.ledger.times import format_time
from app.core.ledger.verdict import MAX_FINDINGS, Finding, Findings, Outcome
from app.ledger.idempotency import Use
from app.ledger.idempotency import row_digest as key_digest
from app.ledger.opening import BEGINNING
from app.ledger.tree import Tree
from app.verification.copies import altered, compare
from app.verification.walking import streamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from app.core.ledger.claim import Claim
    from app.core.ledger.trust import Key
    from app.verification.walking import Stored

COLUMNS = "body, leaf_hash, subject, type, actor, recorded_at"
ORPHANS = (
    "SELECT DISTINCT idx FROM payloads"
    " WHERE NOT EXISTS (SELECT 1 FROM entries WHERE entries.idx = payloads.idx) LIMIT 20"
)
TRUE_HEADS = (
    "SELECT subject AS key, max(idx) AS idx FROM entries GROUP BY subject"
    " UNION ALL SELECT 'type:' || type, max(idx) FROM entries GROUP BY type"
)
OTHERWISE = f"SELECT key, idx FROM ({TRUE_HEADS}) head EXCEPT SELECT key, idx FROM heads"  # noqa: S608
MADE_UP = f"SELECT key FROM heads EXCEPT SELECT key FROM ({TRUE_HEADS}) head"  # noqa: S608 - ours
BATCH = 256


def columns(log: Stored) -> Iterator[Finding]:
    """Compare the columns of ``entries`` that repeat what is in an entry's bytes."""
    for row in log.entries(COLUMNS):
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
        for finding in compare("column", "table entries", dict(row), true):
            yield Finding(Outcome.ALTERED, "column", finding.detail, entry.index)
    for index in log.connection.execute(text(ORPHANS)).scalars():
        detail = f"table payloads keeps members of entry {index}, which is not there"
        yield altered("members", detail)


def head(log: Stored) -> Iterator[Finding]:
    """Compare the one row of ``head``."""
    rows = log.connection.execute(text("SELECT * FROM head")).mappings().all()
    if len(rows) != 1:
        yield altered("head", f"table head has {len(rows)} rows, not one")
        return
    frontier, raw = Frontier(), None
    for leaves, last in _leaves(log):
        frontier, raw = frontier.extend(leaves), last
    entry = None if raw is None else parse(raw)
    origin = rows[0]["origin"] if entry is None else entry.log
    true = {
        "one": 1,
        "origin": origin,
        "size": frontier.size,
        "root": frontier.root(),
        "leaf_hash": genesis_prev(str(origin)) if raw is None else leaf_hash(raw),
        "recorded_at": format_time(BEGINNING if entry is None else entry.recorded_at),
        "epoch": _recoveries(log.connection),
    }
    yield from compare("head", "table head", dict(rows[0]), true)


def _leaves(log: Stored) -> Iterator[tuple[list[bytes], bytes]]:
    """Hash the entries' bytes, some at a time; with the bytes of the last of them."""
    leaves: list[bytes] = []
    raw = b""
    for row in log.entries():
        raw = row["body"]
        leaves.append(leaf_hash(raw))
        if len(leaves) == BATCH:
            yield leaves, raw
            leaves = []
    if leaves:
        yield leaves, raw


def _recoveries(connection: Connection) -> int:
    recovered = "SELECT count(*) FROM entries WHERE type = 'log.recovered.v1'"
    return int(connection.execute(text(recovered)).scalar_one())


def heads(log: Stored) -> Iterator[Finding]:
    """Compare ``heads``: the last entry of every subject and type.

    With the columns of ``entries``, which are held against its bytes by themselves.
    """
    stored = text("SELECT idx FROM heads WHERE key = :key")
    for row in streamed(log.connection, OTHERWISE):
        said = log.connection.execute(stored, {"key": row.key}).scalar()
        detail = f"table heads says {said} for {row.key!r}, the log {row.idx}"
        yield altered("head", detail, row.idx)
    for row in streamed(log.connection, MADE_UP):
        said = log.connection.execute(stored, {"key": row.key}).scalar()
        yield altered("head", f"table heads says {said} for {row.key!r}, the log None")


def tiles(log: Stored) -> Iterator[Finding]:
    """Compare ``tiles`` with the hashes of the entries' bytes."""
    tree = Tree()
    stored = text("SELECT hashes FROM tiles WHERE level = :level AND number = :number")
    for leaves, _ in _leaves(log):
        for leaf in leaves:
            tree.append(leaf)
        for (level, number), true in tree.take_full().items():
            where = {"level": level, "number": number}
            if log.connection.execute(stored, where).scalars().all() != [true]:
                yield _wrong_tile(level, number)
    for row in streamed(log.connection, "SELECT level, number FROM tiles"):
        known = isinstance(row.level, int) and 0 <= row.level < len(tree.counts)
        if not known or not 0 <= row.number < tree.counts[row.level]:
            yield _wrong_tile(row.level, row.number)


def _wrong_tile(level: int, number: int) -> Finding:
    first = number * TILE_WIDTH if level == 0 else None
    return altered("tile", f"table tiles: tile {level}/{number} is not made of its entries", first)


def checkpoints(log: Stored, keys: Sequence[Key]) -> Iterator[Finding]:
    """Check that each note lies under the size that it signs, is signed, and is of this log.

    They are held against the tree of the entries, if that is the tree of the newest of them.
    """
    now: Claim | None = None
    leaves = (leaf for part, _ in _leaves(log) for leaf in part)
    frontier, others = Frontier(), list[tuple["Claim", bytes | None]]()
    for row in streamed(log.connection, "SELECT size, note FROM checkpoints ORDER BY size"):
        found = Findings()
        claim = read_claim(row.note, keys, found) if isinstance(row.note, bytes) else None
        if claim is None or (found and keys):
            yield from found.kept
            yield altered("checkpoint", f"table checkpoints: that of size {row.size} does not hold")
        if claim is None:
            continue
        now = claim
        if claim.checkpoint.size != row.size:
            detail = (
                f"table checkpoints: that of size {claim.checkpoint.size} lies under {row.size}"
            )
            yield altered("checkpoint", detail)
            continue
        frontier = _grown(frontier, leaves, row.size)
        between = frontier.root() if frontier.size == row.size else None
        if between != claim.checkpoint.root and len(others) < MAX_FINDINGS:
            others.append((claim, between))
    if now is None or frontier.root() != now.checkpoint.root:
        return
    for claim, between in others:
        finding = contradiction(claim, now, between)
        if finding is not None:
            yield finding


def _grown(frontier: Frontier, leaves: Iterator[bytes], size: int) -> Frontier:
    part: list[bytes] = []
    while frontier.size + len(part) < size and (leaf := next(leaves, None)) is not None:
        part.append(leaf)
        if len(part) == BATCH:
            frontier, part = frontier.extend(part), []
    return frontier.extend(part)


def idempotency(log: Stored) -> Iterator[Finding]:
    """Check each key's row, and that the entries it stands for name it."""
    wrong = Findings()
    uses = _sound(log.connection, wrong)
    key, use = next(uses, (b"", None))
    for row in log.entries():
        index = row["idx"]
        while use is not None and use.index + use.count <= index:
            key, use = next(uses, (b"", None))
        named = key if use is not None and use.index <= index else None
        if parse(row["body"]).idem != named:
            detail = "the entry and table idempotency do not name the same key"
            yield altered("idempotency", detail, index)
    for _ in uses:
        pass
    yield from wrong.kept


def _sound(connection: Connection, wrong: Findings) -> Iterator[tuple[bytes, Use]]:
    """Read the rows that match their digests, by the entries they stand for."""
    asked = "SELECT key_mac, body_mac, idx, made, resource, digest FROM idempotency ORDER BY idx"
    for row in streamed(connection, asked):
        use = Use(row.body_mac, row.idx, row.made, row.resource)
        try:
            sound = key_digest(row.key_mac, use) == row.digest
        except (AttributeError, TypeError, Refusal):
            sound = False
        if sound:
            yield row.key_mac, use
        else:
            index = row.idx if isinstance(row.idx, int) else None
            detail = "table idempotency: the row does not match its digest"
            wrong.add(altered("idempotency", detail, index))
