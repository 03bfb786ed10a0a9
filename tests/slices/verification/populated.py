"""A log in which every table has rows: every kind of event, files, keys, operational state."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.core.events import KINDS, Said, parse_event, say
from app.core.events.kinds.datasets import DocumentRecorded
from app.core.events.kinds.records import EntryRedacted, LogStarted
from app.core.ledger.times import format_time
from app.house import projections
from app.ledger import blobs, operational
from app.ledger.idempotency import make_key
from app.ledger.redaction import erasing
from tests.slices.catalog.story import SCHEMAS as SCHEMA_FILES
from tests.slices.ledger.desk import ERIN, ORIGIN, Desk, Place, about
from tests.slices.reporting.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.core.events import Event
    from app.core.ledger.note import Verifier

SIZE = 300
SUBJECTS = {
    "dataset": "dataset/credit/1",
    "document": "model/risk/1",
    "model": "model/risk/1",
    "evaluation": "model/risk/1",
    "predictions": "model/risk/1",
    "run": "run/train-9",
    "deployment": "deployment/production/scoring",
    "policy": "policy/production-default/1.0.0",
    "environments": "environments",
    "gate": "promotion/p9",
    "promotion": "promotion/p9",
    "review": "promotion/p9",
    "redaction": "promotion/p9",
    "entry": "promotion/p9",
    "user": "user/alice",
    "role": "user/alice",
    "session": "user/alice",
    "second_factor": "user/alice",
    "access": "user/alice",
    "token": "token/t1",
    "report": "report/r1",
    "log": "log",
    "graph": "log",
    "finding": "finding/f1",
}
CARD = b"a card, in full\n"
STORED = {"blob": f"sha256:{hashlib.sha256(CARD).hexdigest()}", "size": len(CARD)}
WHOLE = {"dataset.registered.v1": "dataset/credit", "model.registered.v1": "model/risk"}


def everything_there_is(desk: Desk, clock: Any) -> None:  # noqa: ANN401 - the story's clock
    """Say everything that can be said, and fill the log up to ``SIZE`` entries."""
    vkey = desk.signer.verifier.vkey()
    desk.ledger.record(say("log", LogStarted(ORIGIN, vkey, vkey)), ERIN)
    desk.ledger.operate(lambda connection: blobs.put(connection, CARD))
    _Telling(desk.ledger, clock).whole()
    for wire in sorted(KINDS):
        if wire != LogStarted.TYPE:
            for said in _examples(wire):
                if wire == EntryRedacted.TYPE:
                    erase_what_is_said(desk, said)
                else:
                    desk.ledger.record(said, ERIN)
                clock.advance(seconds=1)
    for number in range(8):
        state = {"number": number, "at": format_time(clock.now)}
        desk.ledger.operate(
            lambda connection, n=number, kept=state: operational.put(  # type: ignore[misc]
                connection, "session", f"s{n}", kept
            )
        )
        key = make_key(bytes(32), "erin", "POST /x", f"key {number}", b"body")
        desk.ledger.record(about(f"keyed-{number}"), ERIN, key=key, resource=f"r{number}")
    with desk.ledger.snapshot() as now:
        missing = SIZE - now.size
    desk.record_many(missing, "filling-")
    desk.published(SIZE)


def erase_what_is_said(desk: Desk, said: Said) -> None:
    """Record an erasure of something that is there, and carry it out."""
    with desk.ledger.snapshot() as now:
        index, member = next(
            (index, name)
            for index in range(now.size)
            for name in sorted(desk.ledger.schemas[now.entry(index).type].personal)
            if name in now.data(index)
        )
    data = {**said.data, "index": index, "members": [member]}
    told = replace(said, data=data, event=parse_event(EntryRedacted.TYPE, data))
    desk.ledger.record(told, ERIN, beside=erasing(desk.ledger, ()))


class _Telling(Story):
    """Names a file that is there, wherever the examples name one."""

    def tell(self, subject: str, event: Event) -> int:
        if isinstance(event, DocumentRecorded):
            event = replace(event, blob=str(STORED["blob"]), size=len(CARD))
        return super().tell(subject, event)


def _examples(wire: str) -> Iterator[Said]:
    shown = json.loads((SCHEMA_FILES / f"{wire}.json").read_text())["examples"]
    subject = WHOLE.get(wire, SUBJECTS[wire.split(".", maxsplit=1)[0]])
    for place, data in enumerate(shown):
        told, about_it = data, subject
        if wire == "user.created.v1":  # nobody is made twice
            told, about_it = data | {"name": f"person-{place}"}, f"user/person-{place}"
        if wire == DocumentRecorded.TYPE:
            told = data | STORED
        yield Said(about_it, parse_event(wire, told), told)


@dataclass(frozen=True)
class Populated:
    """The database of a log that was closed in good order, and the key that signed it."""

    path: Path
    key: Verifier

    def copy(self, folder: Path, name: str = "copy.db") -> Path:
        """Copy the file."""
        folder.mkdir(exist_ok=True)
        target = folder / name
        for ending in ("", "-wal", "-shm"):
            (folder / f"{name}{ending}").unlink(missing_ok=True)
        target.write_bytes(self.path.read_bytes())
        return target


def populate(folder: Path) -> Populated:
    """Make the log, once."""
    place = Place(folder)
    clock = advancing(place)
    with place.open(projections()) as desk:
        everything_there_is(desk, clock)
        key = desk.signer.verifier
    connection = sqlite3.connect(place.database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return Populated(place.database, key)


def advancing(place: Place) -> _Advancing:
    """Let the place's clock go on by itself."""
    clock = _Advancing(place.clock)
    place.clock = clock  # type: ignore[assignment]
    return clock


class _Advancing:
    """A clock that goes on by itself, as the stories expect theirs."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 - any clock
        self.now = inner.now

    def __call__(self) -> Any:  # noqa: ANN401 - a time
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


def tables(path: Path) -> dict[str, list[str]]:
    """Give the columns of every table."""
    connection = sqlite3.connect(path)
    named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    found = {
        name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
        for (name,) in connection.execute(named)
    }
    connection.close()
    return found


def dump(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read every row of every table, with its types. Raises sqlite3.Error."""
    connection = sqlite3.connect(path)
    try:
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)  # noqa: S608
            for name in tables(path)
        }
    finally:
        connection.close()
