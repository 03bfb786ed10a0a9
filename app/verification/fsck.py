"""Every stored byte of a log: is it what was signed, and does all else follow from it.

Entries, payloads and checkpoints go through the same verifier that strangers use
(``app.core.ledger.audit``). What remains are copies: columns that repeat an entry, heads,
tiles, keys, files, projections. Each is made again from the entries and compared.
Needs neither keys nor signer state; with a trusted key it also says who signed.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING

from sqlalchemy.exc import DatabaseError

from app.core.errors import Refusal, Unavailable
from app.core.ledger.audit import audit_log
from app.core.ledger.note import parse_vkey
from app.core.ledger.verdict import Finding, Findings, Outcome, checked, conclude
from app.ledger.keyring import key_history
from app.ledger.sql_store import SqlStore
from app.verification import against_entries, copies, replaying
from app.verification.walking import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from app.core.ledger.trust import Key
    from app.core.ledger.verdict import Check, Report
    from app.ledger.database import Database
    from app.ledger.ports import Projection

    Watch = Callable[[float, str], None]
    """Told how much of the work is done, 0 to 1, and what is being checked."""


@dataclass(frozen=True, slots=True)
class _Examination:
    """What is asked of a log. ``trusted``, ``since``: see ``fsck``."""

    projections: tuple[Projection, ...]
    trusted: tuple[Key, ...]
    since: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    """One question: its title, what it proves, and how its findings are found.

    ``weight``: about how long it takes, the others beside it.
    """

    title: str
    meaning: str
    weight: int
    ask: Callable[[Stored, _Examination], Iterator[Finding]]


QUESTIONS = (
    _Question("File", "the database is sound", 1, lambda log, _: copies.integrity(log.connection)),
    _Question(
        "Columns",
        "columns that repeat an entry say what it says",
        10,
        lambda log, _: against_entries.columns(log),
    ),
    _Question(
        "Head", "the log's head is its last entry", 2, lambda log, _: against_entries.head(log)
    ),
    _Question(
        "Heads",
        "each subject's and type's head is right",
        1,
        lambda log, _: against_entries.heads(log),
    ),
    _Question(
        "Tiles",
        "every full tile is made of its entries",
        3,
        lambda log, _: against_entries.tiles(log),
    ),
    _Question(
        "Checkpoints",
        "each is stored under the size it signs, its signature and its root hold",
        3,
        lambda log, asked: against_entries.checkpoints(log, _keys(log, asked)),
    ),
    _Question(
        "Keys",
        "idempotency keys stand for the entries that name them",
        9,
        lambda log, _: against_entries.idempotency(log),
    ),
    _Question(
        "Files", "stored files have their digests", 1, lambda log, _: copies.blobs(log.connection)
    ),
    _Question(
        "Operational state",
        "rows match their digests",
        1,
        lambda log, _: copies.operational(log.connection),
    ),
    _Question(
        "Projections",
        "replaying the log gives the same rows",
        100,
        lambda log, asked: replaying.compare(log, asked.projections),
    ),
    _Question(
        "Guards",
        "the triggers against accidents are there, the schema is this program's",
        1,
        lambda log, _: copies.guards(log.connection),
    ),
)
AUDIT, AUDITED, WEIGHT = -1, "Entries", 40
"""The verifier's own checks: their place among the questions, their title and weight."""


def fsck(
    database: Database,
    projections: Sequence[Projection],
    trusted: Sequence[Key],
    since: Sequence[bytes] = (),
    *,
    processes: int = 1,
    watch: Watch = lambda _done, _what: None,
) -> Report:
    """Check everything in a log, and let go of its database. A server may be running on it.

    ``trusted``: the log's verifier keys, had from elsewhere; without any, the key that the
    first entry names is used, which shows slips of the disk but no rewritten log.
    ``since``: checkpoints saved elsewhere, which show a log that went back or was rewritten
    together with everything that is kept here. ``processes``: among so many the questions are
    divided; each then reads the log as it is when it begins.
    Raises Unavailable if a database server does not answer.
    """
    asked = _Examination(tuple(projections), tuple(trusted), tuple(since))
    try:
        with database.reading() as connection:
            head = SqlStore(database, "").head(connection)
            if processes == 1:
                answers = _answered(database, connection, asked, watch, head.size)
            else:
                answers = _divided(database, asked, processes, watch)
    except Unavailable:
        raise
    except Exception as failure:  # noqa: BLE001 - a damaged file may make anything raise
        return conclude([_unreadable(database.name, failure)], "")
    finally:
        database.close()
    checks = [
        replace(check, number=number)
        for number, check in enumerate(
            (one for place in range(AUDIT, len(QUESTIONS)) for one in answers[place]), 1
        )
    ]
    return conclude(checks, f"{head.origin} has {head.size} entries, and all that is kept fits")


def _answered(
    database: Database, connection: Connection, asked: _Examination, watch: Watch, size: int
) -> dict[int, list[Check]]:
    """Answer all questions, one after the other, in one state of the log."""
    answers: dict[int, list[Check]] = {}
    done = 0.0
    for place in range(AUDIT, len(QUESTIONS)):
        title, share = _title(place), _share(place)

        def seen(index: int, done: float = done, title: str = title, share: float = share) -> None:
            watch(done + share * min(1.0, (index + 1) / max(1, size)), title)

        watch(done, title)
        answers[place] = _answer(place, Stored(SqlStore(database, ""), connection, seen), asked)
        done += share
    watch(1.0, "done")
    return answers


def _divided(
    database: Database, asked: _Examination, processes: int, watch: Watch
) -> dict[int, list[Check]]:
    """Let processes of their own answer, whoever is free the next and longest question."""
    places = sorted(range(AUDIT, len(QUESTIONS)), key=_share, reverse=True)
    answers: dict[int, list[Check]] = {}
    done = 0.0
    again = database.again()
    watch(done, _title(places[0]))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        asking = {pool.submit(_apart, again, place, asked): place for place in places}
        for one in as_completed(asking):
            place = asking[one]
            answers[place] = one.result()
            done += _share(place)
            watch(done, _title(place))
    return answers


def _apart(again: Callable[[], Database], place: int, asked: _Examination) -> list[Check]:
    """Answer one question in a process of its own."""
    database = again()
    try:
        with database.reading() as connection:
            log = Stored(SqlStore(database, ""), connection, lambda _: None)
            return _answer(place, log, asked)
    finally:
        database.close()


def _title(place: int) -> str:
    return AUDITED if place == AUDIT else QUESTIONS[place].title


def _share(place: int) -> float:
    """Tell which part of all the work it is, about."""
    weight = WEIGHT if place == AUDIT else QUESTIONS[place].weight
    return weight / (WEIGHT + sum(one.weight for one in QUESTIONS))


def _answer(place: int, log: Stored, asked: _Examination) -> list[Check]:
    if place == AUDIT:
        return _audited(log, asked)
    question, found = QUESTIONS[place], Findings()
    try:
        found.extend(question.ask(log, asked))
    except Refusal as refusal:
        found.add(Finding(Outcome.ALTERED, question.title.lower(), refusal.detail))
    except Exception as failure:  # noqa: BLE001 - a damaged row may make anything raise
        found.add(_cannot_read(question.title, failure))
    return [checked(0, question.title, question.meaning, found)]


def _audited(log: Stored, asked: _Examination) -> list[Check]:
    newest = log.store.checkpoint(log.connection) or b""
    return list(audit_log(log.logged(), newest, _keys(log, asked), saved=asked.since).checks)


def _keys(log: Stored, asked: _Examination) -> Sequence[Key]:
    """Give the trusted keys, else those the log names; they vouch for nothing by themselves."""
    if asked.trusted:
        return asked.trusted
    try:
        first = parse_vkey(str(log.store.data(log.connection, 0)["log_vkey"]))
    except (Refusal, KeyError, ValueError):
        return []
    try:
        return key_history(log.store, log.connection, first)
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
