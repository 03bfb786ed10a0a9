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
import re
from dataclasses import dataclass
from json.encoder import encode_basestring as _quote
from typing import TYPE_CHECKING

from app.core.errors import Malformed, Rejected, TooLarge
from app.core.ledger.canonical import MAX_INT, parse_json
from app.core.ledger.origin import check_origin
from app.core.ledger.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.core.jsonvalue import Json

MAX_ENTRY_BYTES = 65_535
"""What the two length bytes of an entry bundle can say."""

VERSION = 1

_HASH = re.compile(r"[0-9a-f]{64}")
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+\.v[1-9][0-9]*")
_SOURCE = re.compile(r"api|cli|service|intake/[a-z0-9][a-z0-9._-]{0,99}")
_ACTOR_KINDS = frozenset({"person", "service", "workload"})
_AUTH_METHODS = frozenset(
    {"password", "password+totp", "passkey", "token", "session", "local", "none"}
)


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
    try:
        members = _object(parse_json(raw), "the entry", _MEMBERS)
    except Rejected as refusal:
        raise Malformed(refusal.detail, faults=refusal.faults) from None
    entry = _entry(members)
    if encode(entry) != raw:
        raise Malformed("the entry's bytes are not its canonical JSON")
    return entry


_MEMBERS = frozenset(
    {
        "actor",
        "data",
        "id",
        "idem",
        "index",
        "log",
        "occurred_at",
        "prev",
        "recorded_at",
        "schema",
        "source",
        "subject",
        "subject_prev",
        "type",
        "type_prev",
        "v",
    }
)
_ACTOR_MEMBERS = frozenset({"auth", "id", "kind"})
_DATA_MEMBERS = frozenset({"bytes", "members", "root"})


def _entry(members: Mapping[str, Json]) -> Entry:
    if members["v"] != VERSION:
        raise Malformed(f"entry version {members['v']!r} is not {VERSION}")
    actor = _object(members["actor"], "actor", _ACTOR_MEMBERS)
    data = _object(members["data"], "data", _DATA_MEMBERS)
    index = _count(members["index"], "index")
    return Entry(
        log=check_origin(_string(members["log"], "log")),
        index=index,
        prev=_digest(members["prev"], "prev"),
        subject_prev=_earlier(members["subject_prev"], "subject_prev", index),
        type_prev=_earlier(members["type_prev"], "type_prev", index),
        id=_matching(members["id"], "id", _UUID7),
        type=_matching(members["type"], "type", _TYPE),
        source=_matching(members["source"], "source", _SOURCE),
        subject=_name(members["subject"], "subject"),
        occurred_at=_time(members["occurred_at"], "occurred_at"),
        recorded_at=_time(members["recorded_at"], "recorded_at"),
        actor=EntryActor(
            id=_name(actor["id"], "actor.id"),
            kind=_one_of(actor["kind"], "actor.kind", _ACTOR_KINDS),
            auth=_one_of(actor["auth"], "actor.auth", _AUTH_METHODS),
        ),
        schema=_digest(members["schema"], "schema"),
        data=DataCommitment(
            root=_digest(data["root"], "data.root"),
            members=_count(data["members"], "data.members"),
            size=_count(data["bytes"], "data.bytes"),
        ),
        idem=None if members["idem"] is None else _digest(members["idem"], "idem"),
    )


def _object(value: Json, where: str, names: frozenset[str]) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise Malformed(f"{where} is not an object")
    if value.keys() != names:
        wrong = ", ".join(sorted(value.keys() ^ names))[:200]
        raise Malformed(f"{where} has other members than an entry's: {wrong}")
    return value


def _string(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{where} is not a string")
    return value


def _name(value: Json, where: str) -> str:
    text = _string(value, where)
    if not text or not text.isprintable():
        raise Malformed(f"{where} is empty or holds a control character")
    return text


def _matching(value: Json, where: str, form: re.Pattern[str]) -> str:
    text = _string(value, where)
    if not form.fullmatch(text):
        raise Malformed(f"{where} is not of the form {form.pattern}")
    return text


def _one_of(value: Json, where: str, allowed: frozenset[str]) -> str:
    text = _string(value, where)
    if text not in allowed:
        raise Malformed(f"{where} is none of {', '.join(sorted(allowed))}")
    return text


def _digest(value: Json, where: str) -> bytes:
    return bytes.fromhex(_matching(value, where, _HASH))


def _time(value: Json, where: str) -> datetime:
    text = _string(value, where)
    try:
        return parse_time(text)
    except Malformed as refusal:
        raise Malformed(f"{where}: {refusal.detail}") from None


def _count(value: Json, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_INT:
        raise Malformed(f"{where} is not a whole number from 0 on")
    return value


def _earlier(value: Json, where: str, index: int) -> int | None:
    if value is None:
        return None
    earlier = _count(value, where)
    if earlier >= index:
        raise Malformed(f"{where} is not an earlier index than {index}")
    return earlier
