"""Taking values out of the database, and out of what the database keeps of its past.

Value and salt go together, the commitment stays: every proof still checks. SQLite overwrites
what it deletes (``secure_delete``) and its write-ahead log is emptied afterwards. PostgreSQL
keeps dead rows until a vacuum and its own log for as long as it is told to: that is its
owner's to do, see docs/runbooks/erasure.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, text, update

from app.ledger import blobs
from app.ledger.sql_store import PAYLOADS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

ON_POSTGRESQL = text("SELECT muniment_redact(:index, :members)")
FILE_ON_POSTGRESQL = text("SELECT muniment_forget_file(:sha256)")
DIGEST_LENGTH = len('"sha256:"') + 64


def erase(connection: Connection, index: int, members: Sequence[str]) -> int:
    """Erase members of an entry's data, value and salt together; tell how many were there.

    The entry that says so belongs into the same transaction.
    """
    if connection.dialect.name == "postgresql":
        asked = {"index": index, "members": list(members)}
        return int(connection.execute(ON_POSTGRESQL, asked).scalar_one())
    which = (PAYLOADS.c.idx == index) & PAYLOADS.c.name.in_(members) & PAYLOADS.c.value.is_not(None)
    return connection.execute(update(PAYLOADS).where(which).values(salt=None, value=None)).rowcount


def erase_file(connection: Connection, digest: str) -> bool:
    """Erase a stored file by its ``sha256:<hex>``; tell whether it was there."""
    sha256 = digest.removeprefix("sha256:")
    if not blobs.exists(connection, digest):
        return False
    if connection.dialect.name == "postgresql":
        connection.execute(FILE_ON_POSTGRESQL, {"sha256": sha256})
    else:
        connection.execute(delete(blobs.ROWS).where(blobs.ROWS.c.sha256 == sha256))
    return True


def is_named(connection: Connection, value: bytes) -> bool:
    """Tell whether any entry's data still has a member of this value (canonical JSON)."""
    which = select(PAYLOADS.c.idx).where(PAYLOADS.c.value == value).limit(1)
    return connection.execute(which).first() is not None


def file_named_by(value: bytes) -> str | None:
    """Give the ``sha256:<hex>`` that a member's value is, if it is one."""
    if len(value) == DIGEST_LENGTH and value.startswith(b'"sha256:'):
        return value[1:-1].decode()
    return None
