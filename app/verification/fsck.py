"""Every stored byte of a log: is it what was signed, and does all else follow from it.

Entries, payloads and checkpoints go through the same verifier that strangers use
(``app.core.ledger.audit``). What remains are copies: columns that repeat an entry, heads,
tiles, keys, files, projections. Each is made again from the entries and compared.
Needs neither keys nor signer state; with a trusted key it also says who signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from app.core.errors import Refusal, Unavailable
from app.core.ledger.audit import LoggedEntry, audit_log
from app.core.ledger.note import parse_vkey
from app.core.ledger.verdict import Finding, Findings, Outcome, checked, conclude
from app.ledger.keyring import key_history
from app.ledger.sql_store import CHECKPOINTS, SqlStore
from app.verification import copies, replaying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from app.core.ledger.trust import Key
    from app.core.ledger.verdict import Check, Report
    from app.ledger.database import Database
    from app.ledger.ports import Projection

STEP = 1000


@dataclass(frozen=True, slots=True)
class _Question:
    """One further check: its title, what it proves, and how its findings are found."""

    title: str
    meaning: str
    ask: Callable[[], Iterator[Finding]]


def fsck(
    database: Database,
    projections: Sequence[Projection],
    trusted: Sequence[Key],
    since: Sequence[bytes] = (),
) -> Report:
    """Check everything in a log, and let go of its database. A server may be running on it.

    ``trusted``: the log's verifier keys, had from elsewhere; without any, the key that the
    first entry names is used, which shows slips of the disk but no rewritten log.
    ``since``: checkpoints saved elsewhere, which show a log that went back or was rewritten
    together with everything that is kept here.
    Raises Unavailable if a database server does not answer.
    """
    try:
        with database.reading() as connection:
            return _fsck(database, connection, projections, trusted, since)
    except Unavailable:
        raise
    except Exception as failure:  # noqa: BLE001 - a damaged file may make anything raise
        return conclude([_unreadable(database.name, failure)], "")
    finally:
        database.close()


def _fsck(
    database: Database,
    connection: Connection,
    projections: Sequence[Projection],
    trusted: Sequence[Key],
    since: Sequence[bytes],
) -> Report:
    store = SqlStore(database, "")
    head = store.head(connection)
    notes = list(connection.execute(CHECKPOINTS.select().order_by(CHECKPOINTS.c.size)))
    keys: Sequence[Key] = list(trusted) or _named_keys(store, connection)
    log = audit_log(
        _entries(store, connection, head.size),
        notes[-1].note if notes else b"",
        keys,
        saved=[*since, *(row.note for row in notes[:-1])],
    )
    questions = [
        _Question("File", "the database is sound", lambda: copies.integrity(connection)),
        _Question(
            "Columns",
            "columns that repeat an entry say what it says",
            lambda: copies.columns(store, connection),
        ),
        _Question(
            "Head", "the log's head is its last entry", lambda: copies.head(store, connection)
        ),
        _Question(
            "Heads", "each subject's and type's head is right", lambda: copies.heads(connection)
        ),
        _Question(
            "Tiles", "every full tile is made of its entries", lambda: copies.tiles(connection)
        ),
        _Question(
            "Checkpoints",
            "each is stored under the size it signs, and its signature holds",
            lambda: copies.checkpoints(connection, keys),
        ),
        _Question(
            "Keys",
            "idempotency keys stand for the entries that name them",
            lambda: copies.idempotency(connection),
        ),
        _Question("Files", "stored files have their digests", lambda: copies.blobs(connection)),
        _Question(
            "Operational state", "rows match their digests", lambda: copies.operational(connection)
        ),
        _Question(
            "Projections",
            "replaying the log gives the same rows",
            lambda: replaying.compare(store, connection, projections, head.size),
        ),
        _Question(
            "Guards",
            "the triggers against accidents are there, the schema is this program's",
            lambda: copies.guards(connection),
        ),
    ]
    checks = list(log.checks)
    for number, question in enumerate(questions, len(checks) + 1):
        checks.append(_answer(number, question))
    return conclude(checks, f"{head.origin} has {head.size} entries, and all that is kept fits")


def _answer(number: int, question: _Question) -> Check:
    found = Findings()
    try:
        found.extend(question.ask())
    except Refusal as refusal:
        found.add(Finding(Outcome.ALTERED, question.title.lower(), refusal.detail))
    except Exception as failure:  # noqa: BLE001 - a damaged row may make anything raise
        found.add(_cannot_read(question.title, failure))
    return checked(number, question.title, question.meaning, found)


def _entries(store: SqlStore, connection: Connection, size: int) -> Iterator[LoggedEntry]:
    """Read every entry with its members, also such as lie beyond the head."""
    last = connection.execute(text("SELECT max(idx) FROM entries")).scalar()
    stop = max(size, 0 if last is None else last + 1)
    for start in range(0, stop, STEP):
        members = store.members(connection, start, start + STEP)
        for index, raw in store.indexed_bodies(connection, start, start + STEP):
            yield LoggedEntry(index, raw, members[index])


def _named_keys(store: SqlStore, connection: Connection) -> Sequence[Key]:
    """Find the keys that the log's entries name; they vouch for nothing by themselves."""
    try:
        first = parse_vkey(str(store.data(connection, 0)["log_vkey"]))
    except (Refusal, KeyError, ValueError):
        return []
    try:
        return key_history(store, connection, first)
    except (Refusal, KeyError, ValueError):
        return [first]


def _unreadable(name: str, failure: Exception) -> Check:
    found = Findings()
    found.add(_cannot_read(name, failure))
    return checked(1, "File", "the database file can be read", found)


def _cannot_read(what: str, failure: Exception) -> Finding:
    """Tell what the database refuses as altered; any other surprise proves nothing (14)."""
    if isinstance(failure, DatabaseError):
        return Finding(Outcome.ALTERED, "unreadable", f"{what} cannot be read: {failure.orig}")
    return Finding(Outcome.MISSING, "unreadable", f"{what} cannot be checked: {failure!r}")
