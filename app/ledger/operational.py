"""Small documents that are state but no evidence: sessions, credentials, drafts, jobs.

One table of canonical JSON by (kind, key). Each row carries the SHA-256 of its other
columns, so that ``fsck`` names a row that a slip of the disk has changed; whoever can
write the file can also write the digest, and no more than that is claimed.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, cast

from sqlalchemy import delete as sql_delete
from sqlalchemy import insert, select

from app.core.errors import ChainBroken
from app.core.ledger.canonical import canonical
from app.ledger.models import OperationalRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Table

    from app.core.jsonvalue import Json

ROWS = cast("Table", OperationalRow.__table__)  # type: ignore[attr-defined]


def row_digest(kind: str, key: str, value: str) -> bytes:
    """Digest a row. SHA-256 over the canonical JSON of its three columns."""
    return hashlib.sha256(canonical([kind, key, value])).digest()


def put(connection: Connection, kind: str, key: str, document: Mapping[str, Json]) -> None:
    """Store a document, in the place of one of the same kind and key."""
    delete(connection, kind, key)
    value = canonical(document).decode()
    row = {"kind": kind, "key": key, "value": value, "digest": row_digest(kind, key, value)}
    connection.execute(insert(ROWS), row)


def get(connection: Connection, kind: str, key: str) -> dict[str, Json] | None:
    """Read a document; None if there is none. Raises ChainBroken if the row is damaged."""
    found = connection.execute(
        select(ROWS.c.value, ROWS.c.digest).where(ROWS.c.kind == kind, ROWS.c.key == key)
    ).first()
    return None if found is None else _checked(kind, key, found.value, found.digest)


def each(connection: Connection, kind: str) -> Iterator[tuple[str, dict[str, Json]]]:
    """Read every document of a kind, by key. Raises ChainBroken at a damaged row."""
    found = connection.execute(select(ROWS).where(ROWS.c.kind == kind).order_by(ROWS.c.key))
    for row in found.all():
        yield row.key, _checked(kind, row.key, row.value, row.digest)


def below(
    connection: Connection, kind: str, beginning: str
) -> Iterator[tuple[str, dict[str, Json]]]:
    """Read the documents of a kind whose keys begin so. Raises as ``each``."""
    keys = ROWS.c.key.startswith(beginning, autoescape=True)
    found = connection.execute(select(ROWS).where(ROWS.c.kind == kind, keys).order_by(ROWS.c.key))
    for row in found.all():
        yield row.key, _checked(kind, row.key, row.value, row.digest)


def delete(connection: Connection, kind: str, key: str) -> bool:
    """Remove a document; tell whether there was one."""
    done = connection.execute(sql_delete(ROWS).where(ROWS.c.kind == kind, ROWS.c.key == key))
    return done.rowcount > 0


def _checked(kind: str, key: str, value: str, digest: bytes) -> dict[str, Json]:
    if row_digest(kind, key, value) != digest:
        raise ChainBroken(
            f"the operational row ({kind}, {key}) does not match its digest",
            remedy="run `muniment ledger fsck` and restore the row from a backup",
        )
    return cast("dict[str, Json]", json.loads(value))
