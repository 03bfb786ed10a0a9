"""One entry of the log: what its leaf's bytes say, and the strict way back from them.

    {"actor":{"auth":…,"id":…,"kind":…},"data":{"bytes":…,"members":…,"root":…},"id":…,
     "idem":…,"index":…,"log":…,"occurred_at":…,"prev":…,"recorded_at":…,"schema":…,
     "source":…,"subject":…,"subject_prev":…,"type":…,"type_prev":…,"v":1}

Canonical JSON (RFC 8785) without floats, at most 65,535 bytes. The event's own data is not
in it: ``data.root`` commits to each of its members (see ``commitment``), so that one can be
erased while every proof still holds.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from json.encoder import encode_basestring as _quote

from app.core.errors import Malformed, Rejected, TooLarge
from app.core.ledger import entry_form as form
from app.core.ledger.canonical import MAX_INT
from app.core.ledger.origin import check_origin
from app.core.ledger.times import format_time

MAX_ENTRY_BYTES = 65_535
"""What the two length bytes of an entry bundle can say."""


@dataclass(frozen=True, slots=True)
class EntryActor:
    """Who said it. ``id`` is opaque; ``kind`` and ``auth`` are of the log's closed sets."""

    id: str
    kind: str
    auth: str


@dataclass(frozen=True, slots=True)
class DataCommitment:
    """What the entry holds of the event's data.

    ``root``: 32 bytes, see ``commitment.data_root``. ``members``: how many.
    ``size``: length of the data's canonical JSON in bytes (``bytes`` on the wire).
    """

    root: bytes
    members: int
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its place in the log.

    ``prev``: leaf hash of the entry before, or genesis_prev. ``subject_prev``, ``type_prev``:
    index of the entry before of the same subject, the same type; None for the first.
    ``recorded_at`` is later than every earlier entry's. ``schema``: SHA-256 of the JSON
    Schema file's bytes. ``idem``: MAC of the idempotency key. Hashes are 32 bytes.
    """

    log: str
    index: int
    prev: bytes
    subject_prev: int | None
    type_prev: int | None
    id: str
    type: str
    source: str
    subject: str
    occurred_at: datetime
    recorded_at: datetime
    actor: EntryActor
    schema: bytes
    data: DataCommitment
    idem: bytes | None


def genesis_prev(origin: str) -> bytes:
    """Answer what stands as ``prev`` in entry 0: SHA-256 of the origin, without a line end."""
    return hashlib.sha256(origin.encode()).digest()


def encode(entry: Entry) -> bytes:
    """Write the entry's canonical JSON: the bytes that are hashed, stored and served.

    Raises TooLarge above 65,535 bytes; Rejected for a lone surrogate. The caller made the
    other members itself, so their form is checked where bytes come in, by ``parse``.
    """
    subject_prev = "null" if entry.subject_prev is None else entry.subject_prev
    type_prev = "null" if entry.type_prev is None else entry.type_prev
    idem = "null" if entry.idem is None else f'"{entry.idem.hex()}"'
    # Names in canonical order; only the strings that a caller chose need quoting.
    text = (
        f'{{"actor":{{"auth":"{entry.actor.auth}","id":{_quote(entry.actor.id)},'
        f'"kind":"{entry.actor.kind}"}},"data":{{"bytes":{entry.data.size},'
        f'"members":{entry.data.members},"root":"{entry.data.root.hex()}"}},'
        f'"id":"{entry.id}","idem":{idem},"index":{entry.index},"log":{_quote(entry.log)},'
        f'"occurred_at":"{format_time(entry.occurred_at)}","prev":"{entry.prev.hex()}",'
        f'"recorded_at":"{format_time(entry.recorded_at)}","schema":"{entry.schema.hex()}",'
        f'"source":"{entry.source}","subject":{_quote(entry.subject)},'
        f'"subject_prev":{subject_prev},"type":"{entry.type}","type_prev":{type_prev},"v":1}}'
    )
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise Rejected("a string of the entry holds a lone surrogate") from None
    if len(raw) > MAX_ENTRY_BYTES:
        raise TooLarge(f"the entry has {len(raw)} bytes; the limit is {MAX_ENTRY_BYTES}")
    return raw


def parse(raw: bytes) -> Entry:
    """Read an entry's bytes.

    Raises Malformed naming the member that is missing, unknown or of the wrong form, and
    for bytes that are not the canonical encoding of what they say; TooLarge.
    """
    if len(raw) > MAX_ENTRY_BYTES:
        raise TooLarge(f"the entry has {len(raw)} bytes; the limit is {MAX_ENTRY_BYTES}")
    match = _CANONICAL(raw.decode("utf-8", "replace"))
    if match is None:
        raise form.misfit(raw)
    try:
        entry = _entry(match)
    except (Malformed, ValueError):
        raise form.misfit(raw) from None
    # Only escapes and letters beyond ASCII could be written in another way and still match.
    if (b"\\" in raw or not raw.isascii()) and encode(entry) != raw:
        raise form.misfit(raw)
    return entry


_TEXT = r'(?:[^"\\]++|\\.)++'
_COUNT = r"(?:0|[1-9][0-9]{0,15})"

# One pass instead of a JSON parser and a second encoding. What does not match is looked at
# again by ``entry_form``, which tells why.
_CANONICAL = re.compile(
    rf'\{{"actor":\{{"auth":"(?P<auth>{form.AUTH})","id":"(?P<actor>{_TEXT})",'
    rf'"kind":"(?P<kind>{form.KIND})"\}},"data":\{{"bytes":(?P<size>{_COUNT}),'
    rf'"members":(?P<members>{_COUNT}),"root":"(?P<root>{form.HASH})"\}},'
    rf'"id":"(?P<id>{form.UUID7})","idem":(?:null|"(?P<idem>{form.HASH})"),'
    rf'"index":(?P<index>{_COUNT}),"log":"(?P<log>{_TEXT})",'
    rf'"occurred_at":"(?P<occurred>{form.TIME})","prev":"(?P<prev>{form.HASH})",'
    rf'"recorded_at":"(?P<recorded>{form.TIME})","schema":"(?P<schema>{form.HASH})",'
    rf'"source":"(?P<source>{form.SOURCE})","subject":"(?P<subject>{_TEXT})",'
    rf'"subject_prev":(?:null|(?P<subject_prev>{_COUNT})),"type":"(?P<type>{form.TYPE})",'
    rf'"type_prev":(?:null|(?P<type_prev>{_COUNT})),"v":1\}}'
).fullmatch


def _entry(match: re.Match[str]) -> Entry:
    """Build the entry. Raises Malformed or ValueError where a pattern cannot tell."""
    index = _count(match["index"], MAX_INT)
    return Entry(
        log=check_origin(_text(match["log"])),
        index=index,
        prev=bytes.fromhex(match["prev"]),
        subject_prev=_optional(match["subject_prev"], index - 1),
        type_prev=_optional(match["type_prev"], index - 1),
        id=match["id"],
        type=match["type"],
        source=match["source"],
        subject=_text(match["subject"]),
        occurred_at=datetime.fromisoformat(match["occurred"]),
        recorded_at=datetime.fromisoformat(match["recorded"]),
        actor=EntryActor(_text(match["actor"]), match["kind"], match["auth"]),
        schema=bytes.fromhex(match["schema"]),
        data=DataCommitment(
            root=bytes.fromhex(match["root"]),
            members=_count(match["members"], MAX_INT),
            size=_count(match["size"], MAX_INT),
        ),
        idem=None if match["idem"] is None else bytes.fromhex(match["idem"]),
    )


def _text(quoted: str) -> str:
    text = json.loads(f'"{quoted}"') if "\\" in quoted else quoted
    if not text.isprintable():
        raise ValueError(text)
    return str(text)


def _count(digits: str, most: int) -> int:
    number = int(digits)
    if number > most:
        raise ValueError(digits)
    return number


def _optional(digits: str | None, most: int) -> int | None:
    return None if digits is None else _count(digits, most)
