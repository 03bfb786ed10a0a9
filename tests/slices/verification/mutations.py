"""Changes that a person or a bad disk makes: most of them leave bytes that still can be read.

Each takes a source of chance and good bytes, and gives other bytes; now and then the same.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from app.core.ledger.canonical import MAX_INT, canonical

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from app.core.jsonvalue import Json

    Change = Callable[[random.Random, bytes], bytes]

HEX = "0123456789abcdef"


def flipped(chance: random.Random, raw: bytes) -> bytes:
    """One bit is another."""
    if not raw:
        return b"\0"
    place = chance.randrange(len(raw))
    return raw[:place] + bytes([raw[place] ^ 1 << chance.randrange(8)]) + raw[place + 1 :]


def spliced(chance: random.Random, raw: bytes) -> bytes:
    """A few bytes are cut out, put in, or written twice."""
    first = chance.randrange(len(raw) + 1)
    end = min(len(raw), first + chance.randrange(5))
    new = chance.choice((b"", chance.randbytes(chance.randrange(1, 5)), 2 * raw[first:end]))
    return raw[:first] + new + raw[end:]


def cut(chance: random.Random, raw: bytes) -> bytes:
    """The rest is missing."""
    return raw[: chance.randrange(len(raw) + 1)]


def lines_moved(chance: random.Random, raw: bytes) -> bytes:
    """A line is gone, twice there, or in the place of another."""
    lines = raw.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(3):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one])
        case _:
            lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def base64_changed(chance: random.Random, raw: bytes) -> bytes:
    """A bit of something in base64 is another, and it is base64 again."""
    words = raw.split(b" ")
    parts = [(n, m) for n, word in enumerate(words) for m in range(len(word.split(b"\n")))]
    chance.shuffle(parts)
    for n, m in parts:
        lines = words[n].split(b"\n")
        try:
            inner = base64.b64decode(lines[m], validate=True)
        except ValueError:
            continue
        if len(inner) >= 4:
            lines[m] = base64.b64encode(flipped(chance, inner))
            words[n] = b"\n".join(lines)
            break
    return b" ".join(words)


def digit_changed(chance: random.Random, raw: bytes) -> bytes:
    """A decimal digit is another."""
    places = [place for place, byte in enumerate(raw) if chr(byte).isdigit()]
    if not places:
        return raw
    place = chance.choice(places)
    return raw[:place] + str(chance.randrange(10)).encode() + raw[place + 1 :]


def respelled(chance: random.Random, raw: bytes) -> bytes:
    """The same JSON is written in another way."""
    value = json.loads(raw)
    match chance.randrange(4):
        case 0:
            text = json.dumps(value, separators=(",", ":"))
        case 1:
            text = json.dumps(value, sort_keys=True)
        case 2:
            text = raw.decode().replace("a", "\\u0061", 1)
        case _:
            text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=True)
    return text.encode()


def json_changed(chance: random.Random, raw: bytes) -> bytes:
    """One value somewhere in canonical JSON is another of its kind, and it is canonical again."""
    return canonical(_changed(chance, json.loads(raw)))


def _changed(chance: random.Random, value: Json) -> Json:
    if isinstance(value, dict) and value and chance.random() < 0.95:
        name = chance.choice(sorted(value))
        if chance.random() < 0.05:
            return {other: value[other] for other in value if other != name}
        return {**value, name: _changed(chance, value[name])}
    if isinstance(value, list) and value:
        items = list(value)
        place = chance.randrange(len(items))
        match chance.randrange(4):
            case 0:
                del items[place]
            case 1:
                items.append(items[place])
            case _:
                items[place] = _changed(chance, items[place])
        return items
    return _other(chance, value)


def _other(chance: random.Random, value: Json) -> Json:
    match value:
        case bool() | None:
            return chance.choice((True, None, 0, "x"))
        case int():
            return chance.choice((value + 1, max(0, value - 1), 0, MAX_INT, True))
        case str() if len(value) >= 8 and set(value) <= set(HEX):
            place = chance.randrange(len(value))
            return value[:place] + chance.choice(HEX) + value[place + 1 :]
        case str() if value:
            place = chance.randrange(len(value))
            letter = chr(ord(value[place]) ^ 1) if value[place].isalnum() else "x"
            return value[:place] + letter + value[place + 1 :]
        case _:
            return chance.choice(("", 1, None, 1.5))


def der_changed(chance: random.Random, raw: bytes) -> bytes:
    """A bit of a value somewhere in DER is another; tags and lengths are as they were."""
    values = [span for span in _values(raw, 0, len(raw)) if span[0] < span[1]]
    if not values:
        return flipped(chance, raw)
    first, end = chance.choice(values)
    return raw[:first] + flipped(chance, raw[first:end]) + raw[end:]


def _values(raw: bytes, place: int, end: int) -> list[tuple[int, int]]:
    """The spans of all values that hold no others."""
    found: list[tuple[int, int]] = []
    while place + 2 <= end:
        tag, length, first = raw[place], raw[place + 1], place + 2
        if length >= 0x80:
            count = length & 0x7F
            length = int.from_bytes(raw[first : first + count], "big")
            first += count
        found += _values(raw, first, first + length) if tag & 0x20 else [(first, first + length)]
        place = first + length
    return found


ANY: tuple[Change, ...] = (flipped, spliced, cut)
TEXT: tuple[Change, ...] = (*ANY, lines_moved, *3 * (base64_changed,), digit_changed)
JSON: tuple[Change, ...] = (*ANY, respelled, *5 * (json_changed,))
DER: tuple[Change, ...] = (flipped, cut, *4 * (der_changed,))
BITS: tuple[Change, ...] = (*4 * (flipped,), spliced, cut)
