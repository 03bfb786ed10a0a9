"""Files that entries name by their SHA-256, kept beside the log in the same database."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

from sqlalchemy import insert, select

from app.core.errors import Missing, ProofMismatch
from app.ledger.models import BlobRow

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

ROWS = cast("Table", BlobRow.__table__)  # type: ignore[attr-defined]


def put(connection: Connection, content: bytes) -> str:
    """Store bytes once and return their ``sha256:<hex>``."""
    sha256 = hashlib.sha256(content).hexdigest()
    if not _exists(connection, sha256):
        row = {"sha256": sha256, "size": len(content), "content": content}
        connection.execute(insert(ROWS), row)
    return f"sha256:{sha256}"


def get(connection: Connection, digest: str) -> bytes:
    """Read the bytes of ``sha256:<hex>``.

    Raises Missing, or ProofMismatch if the stored bytes are not those any more.
    """
    sha256 = digest.removeprefix("sha256:")
    found = connection.execute(select(ROWS.c.content).where(ROWS.c.sha256 == sha256)).scalar()
    if found is None:
        raise Missing(f"no file with digest {digest[:80]} is stored")
    if hashlib.sha256(found).hexdigest() != sha256:
        raise ProofMismatch(f"the stored file {digest} does not match its digest")
    return cast("bytes", found)


def exists(connection: Connection, digest: str) -> bool:
    """Tell whether bytes of ``sha256:<hex>`` are stored."""
    return _exists(connection, digest.removeprefix("sha256:"))


def _exists(connection: Connection, sha256: str) -> bool:
    return (
        connection.execute(select(ROWS.c.size).where(ROWS.c.sha256 == sha256)).first() is not None
    )
