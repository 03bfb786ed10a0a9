"""What an entry's members look like, and what is wrong with bytes that do not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.core.errors import Malformed, Refusal, Rejected
from app.core.ledger.canonical import MAX_INT, parse_json
from app.core.ledger.origin import check_origin
from app.core.ledger.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.jsonvalue import Json

HASH = r"[0-9a-f]{64}"
UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TYPE = r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+\.v[1-9][0-9]*"
SOURCE = r"(?:api|cli|service|intake/[a-z0-9][a-z0-9._-]{0,99})"
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
KIND = "(?:person|service|workload)"
AUTH = r"(?:password|password\+totp|passkey|token|session|local|none)"

VERSION = 1

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


def misfit(raw: bytes) -> Refusal:
    """Answer the refusal of bytes that are no entry: the first thing that is wrong."""
    try:
        _check(_object(parse_json(raw), "the entry", _MEMBERS))
    except Rejected as refusal:
        return Malformed(refusal.detail, faults=refusal.faults)
    except Refusal as refusal:
        return refusal
    return Malformed("the entry's bytes are not its canonical JSON")


def _check(members: Mapping[str, Json]) -> None:
    if members["v"] != VERSION:
        raise Malformed(f"entry version {members['v']!r} is not {VERSION}")
    actor = _object(members["actor"], "actor", _ACTOR_MEMBERS)
    data = _object(members["data"], "data", _DATA_MEMBERS)
    index = _count(members["index"], "index")
    check_origin(_string(members["log"], "log"))
    _matching(members["prev"], "prev", HASH)
    _earlier(members["subject_prev"], "subject_prev", index)
    _earlier(members["type_prev"], "type_prev", index)
    _matching(members["id"], "id", UUID7)
    _matching(members["type"], "type", TYPE)
    _matching(members["source"], "source", SOURCE)
    _name(members["subject"], "subject")
    _time(members["occurred_at"], "occurred_at")
    _time(members["recorded_at"], "recorded_at")
    _name(actor["id"], "actor.id")
    _matching(actor["kind"], "actor.kind", KIND)
    _matching(actor["auth"], "actor.auth", AUTH)
    _matching(members["schema"], "schema", HASH)
    _matching(data["root"], "data.root", HASH)
    _count(data["members"], "data.members")
    _count(data["bytes"], "data.bytes")
    if members["idem"] is not None:
        _matching(members["idem"], "idem", HASH)


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


def _name(value: Json, where: str) -> None:
    text = _string(value, where)
    if not text or not text.isprintable():
        raise Malformed(f"{where} is empty or holds a control character")


def _matching(value: Json, where: str, pattern: str) -> None:
    if not re.fullmatch(pattern, _string(value, where)):
        raise Malformed(f"{where} is not of the form {pattern}")


def _time(value: Json, where: str) -> None:
    text = _string(value, where)
    try:
        parse_time(text)
    except Malformed as refusal:
        raise Malformed(f"{where}: {refusal.detail}") from None


def _count(value: Json, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_INT:
        raise Malformed(f"{where} is not a whole number from 0 on")
    return value


def _earlier(value: Json, where: str, index: int) -> None:
    if value is not None and _count(value, where) >= index:
        raise Malformed(f"{where} is not an earlier index than {index}")
