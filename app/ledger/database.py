"""What differs between the engines that keep a log: see ``sqlite`` and ``postgresql``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from app.core.errors import Refusal

EntryColumns: TypeAlias = tuple[int, bytes, bytes, str, str, str, str]
"""idx, body, leaf_hash, subject, type, actor, recorded_at."""

PayloadColumns: TypeAlias = tuple[int, str, bytes, bytes | None, bytes | None]
"""idx, name, commitment, salt, value."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failing database means.

    ``halts``: nothing may be written until a restart. ``away``: it does not answer, and whoever
    waits for it need not wait for another try.
    """

    refusal: Refusal
    halts: bool = False
    away: bool = False


class Database(Protocol):
    """One database with one log in it.

    ``epoch``: how often the log had been recovered when it was opened; None until it is. On a
    shared database a writer of an older epoch is refused.
    """

    epoch: int | None

    @property
    def name(self) -> str:
        """What a person calls it: a file's name, or a server's and a database's."""

    @property
    def shared(self) -> bool:
        """Tell whether other processes may write to the log too."""

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a write transaction, one at a time in all processes together.

        Committed at the end, rolled back by an exception.
        """

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a read transaction: one consistent state of everything.

        Raises Unavailable where a server that should answer does not.
        """

    def changing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that changes the schema, while nobody else does or writes."""

    def alone(self, name: int) -> AbstractContextManager[bool]:
        """Keep a name from all other processes meanwhile; False: one of them has it.

        Whoever ends without a word, or loses its connection, has it no more.
        """

    def insert_entries(self, connection: Connection, rows: Sequence[EntryColumns]) -> None:
        """Write entries in bulk."""

    def insert_payloads(self, connection: Connection, rows: Sequence[PayloadColumns]) -> None:
        """Write members of entries in bulk."""

    def heads(self, connection: Connection, keys: Sequence[str]) -> dict[str, int]:
        """Find the last entry of each key that has one."""

    def newest_heads(self, keys: Sequence[str]) -> dict[str, int]:
        """Find heads as they are now, at the least cost there is. Raises as ``reading``."""

    def move_heads(self, connection: Connection, heads: Mapping[str, int]) -> None:
        """Set the last entry of each key."""

    def run(self, connection: Connection, statement: str, values: Sequence[object]) -> int:
        """Run one statement, a ``?`` for each plain value; tell how many rows it changed."""

    def failure_of(self, failure: Exception) -> Failure | None:
        """Tell a failing disk, file or server from a mistake in a statement (None)."""

    def forget(self) -> bool:
        """Empty what is kept of past states; tell whether that could be done here and now.

        To be called by the writer's thread, outside every transaction.
        """

    def again(self) -> Callable[[], Database]:
        """Tell another process how to open the same database; what is given can be pickled."""

    def close(self) -> None:
        """Let go of every connection."""
