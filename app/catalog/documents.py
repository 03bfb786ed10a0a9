"""Files that belong to a version: recorded and stored in one transaction, read back by digest."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.catalog.reading import all_of
from app.catalog.tables import DOCUMENTS
from app.catalog.values import Document
from app.catalog.visible import seen_subject
from app.core.errors import Missing, Refusal
from app.core.events import say
from app.core.events.kinds.datasets import DocumentRecorded
from app.core.ledger.canonical import canonical, parse_json
from app.ledger import blobs
from app.ledger.idempotency import make_key
from app.ledger.posting import replayed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.catalog.admission import Rules
    from app.core.access import Sight
    from app.core.events import Actor
    from app.core.jsonvalue import Json
    from app.ledger.ports import Recorded
    from app.ledger.receipt import Receipt
    from app.ledger.record import Ledger

LARGEST_FILE = 50 * 2**20
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
UNKNOWN_MEDIA = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class File:
    """A file as uploaded. ``kind`` and ``title``: what its sender says it is."""

    content: bytes
    media_type: str
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Uploads:
    """Records files. ``secret``: for idempotency keys, 32 bytes."""

    ledger: Ledger
    rules: Rules
    secret: bytes

    def record(
        self, subject: str, file: File, actor: Actor, route: str, key: str | None
    ) -> tuple[Receipt, bool]:
        """Record a file of ``subject``; tell its receipt, and whether it was there before.

        ``route``, ``key``: of the request, for replays. A crash before the commit leaves
        neither event nor bytes. Raises RoleMissing, ParentMissing, SchemaMismatch,
        IdempotencyMismatch, Malformed.
        """
        event = _event(file)
        said = say(subject, event)
        named = canonical({"blob": event.blob, "kind": event.kind, "title": event.title})
        mac = None if key is None else make_key(self.secret, actor.id, route, key, named)
        answered = None if mac is None else replayed(self.ledger, mac)
        if answered is not None:
            return answered[0], True
        with self.ledger.snapshot() as now:
            admission = self.rules.document(
                self.rules.known(now.connection, (), actor), said, event, actor
            )
            if admission.recorded_at_index is not None:
                return now.receipt(admission.recorded_at_index), True

        def store(connection: Connection, _: Sequence[Recorded]) -> None:
            blobs.put(connection, file.content)

        appended = self.ledger.submit([said], actor, source="api", key=mac, beside=store).result()
        return appended.receipts[0], appended.replayed


def _event(file: File) -> DocumentRecorded:
    media_type = file.media_type.partition(";")[0].strip().lower()
    known = MEDIA_TYPE.fullmatch(media_type) is not None
    return DocumentRecorded(
        kind=file.kind,
        title=file.title,
        blob=f"sha256:{hashlib.sha256(file.content).hexdigest()}",
        media_type=media_type if known else UNKNOWN_MEDIA,
        size=len(file.content),
        fields=filled_members(file.content) if media_type.endswith("json") else None,
    )


def filled_members(content: bytes) -> tuple[str, ...] | None:
    """Name the top-level members of a JSON object that hold something, sorted.

    None if the bytes are no JSON object; then nothing can be asked of its members.
    """
    try:
        value = parse_json(content)
    except Refusal:
        return None
    if not isinstance(value, dict):
        return None
    return tuple(sorted(name for name, one in value.items() if not _is_empty(one)))


def _is_empty(value: Json) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def stored_file(connection: Connection, sight: Sight, sha256: str) -> tuple[Document, bytes]:
    """Find a file by its digest, with the first document that the caller may see of it.

    Raises Missing, also for files that belong to no document.
    """
    digest = f"sha256:{sha256}"
    same = (DOCUMENTS.c.blob == digest, seen_subject(sight, DOCUMENTS.c.subject))
    found = all_of(connection, Document, DOCUMENTS, *same)
    if not found:
        raise Missing(f"no document with digest {digest[:80]} is recorded")
    return found[0], blobs.get(connection, digest)
