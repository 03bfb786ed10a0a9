"""What witnesses said, kept beside the checkpoints it is about: operational state.

A cosignature proves itself to whoever knows the witness's key, so it needs no entry; one
entry for each would make a log that grows by being watched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.events.decode import decode, encode
from app.core.ledger.cosignature import cosignatures
from app.ledger import operational

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.ledger.quorum import WitnessPolicy
    from app.ledger.sql_store import SqlStore

COSIGNATURES = "cosignatures"
WITNESS = "witness"
WITNESSED = "witnessed"
NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with one witness.

    ``size``: of the last checkpoint that it is known to have cosigned, 0 for none.
    ``failing``: why it does not cosign now, None while it does. ``told``: what the last
    entry about it said, ``told_at``: when, as the log writes times; both empty for never.
    """

    size: int = 0
    failing: str | None = None
    told: str = ""
    told_at: str = ""


def standing(connection: Connection, vkey: str) -> Standing:
    """Read how it stands with a witness. Raises ChainBroken if the row is damaged."""
    document = operational.get(connection, WITNESS, vkey)
    return Standing() if document is None else decode(Standing, document)


def note_standing(connection: Connection, vkey: str, now: Standing) -> None:
    """Store how it stands with a witness."""
    operational.put(connection, WITNESS, vkey, encode(now))


def put_line(connection: Connection, size: int, vkey: str, line: str) -> None:
    """Store the cosignature of a witness on the checkpoint of ``size``."""
    lines = operational.get(connection, COSIGNATURES, _key(size)) or {}
    operational.put(connection, COSIGNATURES, _key(size), {**lines, vkey: line})


def lines(connection: Connection, size: int) -> bytes:
    """Give the cosignatures of a checkpoint, as they are appended to its note."""
    stored = operational.get(connection, COSIGNATURES, _key(size)) or {}
    return "".join(str(line) for _, line in sorted(stored.items())).encode()


def cosigners(store: SqlStore, connection: Connection) -> int:
    """Count who has cosigned the newest checkpoint so far."""
    size = store.published_size(connection)
    return 0 if size is None else lines(connection, size).count(b"\n")


def note_witnessed(connection: Connection, size: int) -> None:
    """Note that the quorum has cosigned the checkpoint of ``size``, if that is the newest."""
    if size > (witnessed_size(connection) or -1):
        operational.put(connection, WITNESSED, NEWEST, {"size": size})


def witnessed_size(connection: Connection) -> int | None:
    """Tell the size of the newest checkpoint that the quorum has cosigned."""
    match operational.get(connection, WITNESSED, NEWEST):
        case {"size": int(size)}:
            return size
        case _:
            return None


def newest(store: SqlStore, connection: Connection) -> bytes | None:
    """Give the newest checkpoint with the cosignatures it has so far."""
    size, note = store.published_size(connection), store.checkpoint(connection)
    if size is None or note is None:
        return None
    return note + lines(connection, size)


def witnessed(store: SqlStore, connection: Connection) -> bytes | None:
    """Give the newest checkpoint that the quorum has cosigned; None if there is none."""
    size = witnessed_size(connection)
    if size is None:
        return None
    note = store.checkpoint_from(connection, size)
    return None if note is None else note + lines(connection, size)


def met(policy: WitnessPolicy, note: bytes) -> bool:
    """Tell whether a checkpoint's cosignatures meet the quorum. Raises BadSignature."""
    return policy.met({one.witness for one in cosignatures(note, policy.witness_keys())})


def _key(size: int) -> str:
    return f"{size:016d}"
