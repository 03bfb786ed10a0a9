"""A note in the log's database that refuses every write until `muniment ledger recover`.

It is put there before a recovery changes anything, and by a restore; the entry that says who
answers for it removes it in its own transaction. So a crash in between refuses, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.errors import Unavailable
from app.core.events.decode import decode, encode
from app.core.events.kinds.records import EntryRedacted  # noqa: TC001 - read by the decoder
from app.ledger import operational

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.ledger.sql_store import SqlStore

LOG, GUARD = "log", "guard"
RESTORED, ROLLED_BACK, ADOPT = "restored", "rolled-back", "adopt"


@dataclass(frozen=True, slots=True)
class Guard:
    """Why somebody has to answer for the log first.

    ``because``: of which recovery. ``signed_size``, ``signed_root`` (base64): what the signer's
    state said. ``redactions``: erasures on record elsewhere, to be carried out here.
    """

    because: str
    signed_size: int | None = None
    signed_root: str | None = None
    redactions: tuple[EntryRedacted, ...] = field(default=())


def guard_of(connection: Connection) -> Guard | None:
    """Read the note; None if there is none."""
    found = operational.get(connection, LOG, GUARD)
    return None if found is None else decode(Guard, found)


def put_guard(connection: Connection, guard: Guard) -> None:
    """Refuse every write from now on."""
    operational.put(connection, LOG, GUARD, encode(guard))


def drop_guard(connection: Connection) -> None:
    """Allow writes again."""
    operational.delete(connection, LOG, GUARD)


def check_unguarded(store: SqlStore) -> None:
    """Raise Unavailable while somebody has to answer for the log first."""
    with store.reading() as connection:
        guard = guard_of(connection)
    if guard is not None:
        what = {RESTORED: "restored from a backup"}.get(guard.because, "being recovered")
        raise Unavailable(
            f"the log was {what}, and nobody has answered for it yet",
            remedy="compare with a saved checkpoint, then run `muniment ledger recover`",
        )
