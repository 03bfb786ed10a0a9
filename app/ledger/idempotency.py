"""Keys under which a request may be sent again without being recorded again.

The table holds MACs under a secret of this log, never plain hashes: whoever reads the
log or the table cannot guess keys or bodies. Rows are kept for ever.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sqlalchemy import bindparam, insert, select

from app.core.errors import Fault, IdempotencyMismatch, Malformed
from app.core.ledger.canonical import canonical
from app.ledger.models import IdempotencyRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

    from app.core.jsonvalue import Json

ROWS = cast("Table", IdempotencyRow.__table__)  # type: ignore[attr-defined]
LONGEST = 255
USED = select(ROWS).where(ROWS.c.key_mac.in_(bindparam("key_macs", expanding=True)))


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key for one request, as MACs of 32 bytes each."""

    key_mac: bytes
    body_mac: bytes


@dataclass(frozen=True, slots=True)
class Use:
    """What a key was used for: ``count`` entries from ``index`` on, and a resource's id."""

    body_mac: bytes
    index: int
    count: int
    resource: str

    def check_same_body(self, key: IdempotencyKey) -> None:
        """Raise IdempotencyMismatch unless the body is the one of the first use."""
        if not hmac.compare_digest(self.body_mac, key.body_mac):
            raise IdempotencyMismatch(
                "this Idempotency-Key was used before, for another body",
                remedy="send a new key with a new request",
            )


def make_key(secret: bytes, actor: str, route: str, written: str, body: bytes) -> IdempotencyKey:
    """Turn the header's value and the body's canonical bytes into MACs.

    Raises Malformed: ``written`` is not 1 to 255 printable ASCII characters.
    """
    if not (0 < len(written) <= LONGEST and written.isascii() and written.isprintable()):
        raise Malformed(
            "Idempotency-Key is not 1 to 255 printable ASCII characters",
            faults=[Fault("#/headers/Idempotency-Key", "1 to 255 printable ASCII characters")],
        )
    scope = canonical([actor, route, written])
    return IdempotencyKey(
        hmac.digest(secret, b"key\0" + scope, "sha256"),
        hmac.digest(secret, b"body\0" + scope + b"\0" + body, "sha256"),
    )


def row_digest(key_mac: bytes, use: Use) -> bytes:
    """Digest a row. SHA-256 over the canonical JSON of its columns, MACs in hex."""
    columns: list[Json] = [key_mac.hex(), use.body_mac.hex(), use.index, use.count, use.resource]
    return hashlib.sha256(canonical(columns)).digest()


def uses(connection: Connection, key_macs: Sequence[bytes]) -> dict[bytes, Use]:
    """Find what each of the keys was used for; unused ones are absent."""
    if not key_macs:
        return {}
    found = connection.execute(USED, {"key_macs": list(key_macs)})
    return {row.key_mac: Use(row.body_mac, row.idx, row.made, row.resource) for row in found}


def find_use(connection: Connection, key: IdempotencyKey | None) -> Use | None:
    """Find what a key was used for; None without a key or before its first use.

    Raises IdempotencyMismatch if that was another body.
    """
    use = None if key is None else uses(connection, [key.key_mac]).get(key.key_mac)
    if key is not None and use is not None:
        use.check_same_body(key)
    return use


def record_uses(connection: Connection, made: dict[bytes, Use]) -> None:
    """Store what the keys of a batch stand for from now on."""
    if made:
        rows = [
            {
                "key_mac": key_mac,
                "body_mac": use.body_mac,
                "idx": use.index,
                "made": use.count,
                "resource": use.resource,
                "digest": row_digest(key_mac, use),
            }
            for key_mac, use in made.items()
        ]
        connection.execute(insert(ROWS), rows)
