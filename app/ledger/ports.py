"""What the write path gives to others and asks of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Table

    from app.core.events import Actor, Event, Said
    from app.core.jsonvalue import Json
    from app.core.ledger.entry import Entry
    from app.ledger.snapshot import Snapshot
    from app.web.callers import Caller


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry of the log, with the event it records read back as a value."""

    index: int
    entry: Entry
    event: Event


class Projection(Protocol):
    """State made from the log alone: it can be dropped and replayed.

    ``version``: raised when ``apply`` would make other rows of the same entries.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def tables(self) -> tuple[Table, ...]: ...

    def apply(self, connection: Connection, recorded: Sequence[Recorded]) -> None:
        """Take in new entries, in order, inside the append transaction. Never refuses."""


Beside = "Callable[[Connection, Sequence[Recorded]], None]"
"""Operational state written in the same transaction as the entries it belongs to."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What the rules about a client's event say.

    ``recorded_at_index``: it is on record already, at that entry, word for word.
    ``expects``: heads that must still stand when it is appended. ``service_members``:
    members that the service adds to the event's data.
    """

    expects: Mapping[str, int | None] = field(default_factory=dict)
    recorded_at_index: int | None = None
    service_members: Mapping[str, Json] = field(default_factory=dict)


class Hides(Protocol):
    """What a reader of the log may not read of an event, though the entry is there for all."""

    def __call__(self, connection: Connection, caller: Caller, subject: str, data: Json) -> bool:
        """Tell whether the event's data is for others alone."""


class NamesOf(Protocol):
    """What people are called, by their ids; whoever is no person is not among them."""

    def __call__(self, connection: Connection, ids: Iterable[str], /) -> Mapping[str, str]: ...


class Admit(Protocol):
    """The rules for events that clients post: parents, duplicates, legal steps."""

    def __call__(
        self, connection: Connection, said: Said, earlier: Sequence[Said], actor: Actor
    ) -> Admission:
        """Look at one event. ``earlier``: what stands before it in the same batch.

        ``connection``: a snapshot of the state. Raises Refusal where it may not be said.
        """


class MayErase(Protocol):
    """A room's own rule about erasing personal members of an entry."""

    def __call__(
        self, now: Snapshot, caller: Caller, entry: Entry, members: Sequence[str], /
    ) -> Mapping[str, int | None]:
        """Raise Refusal where they may not be erased; tell the heads that this depends on."""


class EraseCopies(Protocol):
    """A room's way to erase what it keeps of a member's value beside the log."""

    def __call__(self, connection: Connection, values: Mapping[str, bytes], by: int, /) -> None:
        """Erase copies, in the transaction of entry ``by``. ``values``: canonical JSON by name."""
