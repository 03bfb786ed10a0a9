"""What the rest of the house asks of the ledger: record this, write that, show me now."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from app.core.errors import Rejected, TooLarge
from app.core.ledger import entry_form
from app.core.ledger.commitment import SALT_BYTES
from app.core.ledger.payload import commit_data
from app.ledger.append import Appended, Event, Request
from app.ledger.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from sqlalchemy import Connection

    from app.core.events import Actor, Said
    from app.core.jsonvalue import Json
    from app.ledger.append import Beside
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.receipt import Receipt
    from app.ledger.schemas import EventSchema
    from app.ledger.sequencer import Sequencer
    from app.ledger.sql_store import SqlStore
    from app.settings import Entropy

T = TypeVar("T")
LARGEST_DATA = 2**20
ESCAPED_NUL = b"\\u0000"
SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The log of this organisation: one instance, built in ``app.main``."""

    store: SqlStore
    sequencer: Sequencer
    schemas: Mapping[str, EventSchema]
    entropy: Entropy

    def submit(
        self,
        saids: Sequence[Said],
        actor: Actor,
        *,
        source: str = SERVICE,
        expects: Mapping[str, int | None] | None = None,
        key: IdempotencyKey | None = None,
        resource: str = "",
        beside: Beside | None = None,
    ) -> Future[Appended]:
        """Ask for events to be recorded, all or none, and answer after the commit.

        ``expects``: heads (by subject, or ``type:<event type>``) that must be at that entry
        when the events are appended, None for no entry yet. ``beside``: operational state
        written in the same transaction. ``resource``: id that a replay of ``key`` finds.
        The future raises HeadMoved, IdempotencyMismatch, Unavailable, StorageFull.
        Raises SchemaMismatch, Rejected (U+0000 in a text, an unknown source), TooLarge,
        Unavailable at once.
        """
        if re.fullmatch(entry_form.SOURCE, source) is None:
            raise Rejected(
                f"{source[:80]!r} names no source of an entry",
                remedy="api, cli, service or intake/<kind>",
            )
        events = self.prepare(saids)
        request = Request(events, actor, source, expects or {}, key, resource, beside)
        return self.sequencer.append(request)

    def record(
        self,
        said: Said,
        actor: Actor,
        *,
        source: str = SERVICE,
        expects: Mapping[str, int | None] | None = None,
        key: IdempotencyKey | None = None,
        resource: str = "",
        beside: Beside | None = None,
    ) -> Receipt:
        """Record one event and return its receipt; see ``submit``."""
        return self.record_all(
            [said],
            actor,
            source=source,
            expects=expects,
            key=key,
            resource=resource,
            beside=beside,
        )[0]

    def record_all(
        self,
        saids: Sequence[Said],
        actor: Actor,
        *,
        source: str = SERVICE,
        expects: Mapping[str, int | None] | None = None,
        key: IdempotencyKey | None = None,
        resource: str = "",
        beside: Beside | None = None,
    ) -> tuple[Receipt, ...]:
        """Record events, all or none, and return their receipts in order; see ``submit``."""
        future = self.submit(
            saids,
            actor,
            source=source,
            expects=expects,
            key=key,
            resource=resource,
            beside=beside,
        )
        return future.result().receipts

    def operate(self, work: Callable[[Connection], T]) -> T:
        """Write operational state in a transaction of its own, on the writer's thread."""
        return self.sequencer.operate(work).result()

    def forget(self) -> bool:
        """Empty what the database keeps of its past; tell whether nothing is left of it there.

        A reader that holds on to an older state prevents it: the next emptying does it.
        """
        return self.sequencer.between(self.store.database.forget).result()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Read the state at one size of the log."""
        with self.store.reading() as connection:
            yield Snapshot(self.store, connection, self.store.head(connection).size)

    def prepare(self, saids: Sequence[Said]) -> tuple[Event, ...]:
        """Check data and commit to its members: the work that needs no lock; see ``submit``."""
        return tuple(map(self._prepare, saids))

    def _prepare(self, said: Said) -> Event:
        schema = self.schemas[said.event.TYPE]
        schema.check(said.data, from_client=False)
        members, data = commit_data(said.data, self.entropy(SALT_BYTES * len(said.data)))
        # The schema has no such name; an escaped backslash may stand before "u0000", too.
        if any(ESCAPED_NUL in (one.value or b"") for one in members) and _holds_nul(said.data):
            raise Rejected(
                "a text in the event's data holds U+0000, which not every database can keep",
                remedy="leave the character out",
            )
        if data.size > LARGEST_DATA:
            raise TooLarge(
                f"the event's data has {data.size} bytes of canonical JSON;"
                f" the limit is {LARGEST_DATA}",
                remedy="upload large documents as files and name their digest",
            )
        return Event(said, bytes.fromhex(schema.digest), members, data)


def _holds_nul(value: Json) -> bool:
    match value:
        case str():
            return "\0" in value
        case list():
            return any(map(_holds_nul, value))
        case dict():
            return any("\0" in name or _holds_nul(one) for name, one in value.items())
        case _:
            return False
