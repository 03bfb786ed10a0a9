"""Canonical JSON: one value, one sequence of bytes (RFC 8785, JCS), and the strict way back.

What is hashed in this log is canonical JSON. No blanks; members in the order of their names'
UTF-16 code units; strings in UTF-8 with the shortest escapes; numbers as ECMAScript writes
them. Values are I-JSON (RFC 7493): no NaN or infinity, no integer beyond ±(2^53 - 1), no
lone surrogate, no member named twice.
"""

from __future__ import annotations

import json
import math
import re
from _json import make_encoder
from collections.abc import Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring as _quote
from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import quote

from app.core.errors import Fault, Malformed, Rejected, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.core.jsonvalue import Json

_Raw = TypeVar("_Raw")

MAX_INT = 2**53 - 1
MAX_DEPTH = 64

# ECMA-262 writes numbers with an exponent from 10^21 on and below 10^-6.
_LEAST_EXPONENT = 21
_MOST_NEGATIVE = -6


def canonical(value: Json) -> bytes:
    """Encode ``value`` as canonical JSON.

    Raises Rejected: a number that is not finite or is an integer beyond ±(2^53 - 1), a lone
    surrogate, a value that is not JSON. TooLarge: deeper than the interpreter's stack.
    Source: RFC 8785, 3.2.
    """
    try:
        quick = _quick(value)
        return _text(value).encode() if quick is None else quick
    except UnicodeEncodeError:
        raise Rejected("a string holds a surrogate without its other half") from None
    except RecursionError:
        raise TooLarge("the value is nested too deeply to be encoded") from None


def member_bytes(name: str, value_bytes: bytes) -> bytes:
    """Encode ``[name, value]`` as canonical JSON, from the value's canonical bytes."""
    return b"[%b,%b]" % (canonical(name), value_bytes)


def name_order(name: str) -> bytes:
    """Sort key of member names: UTF-16 code units. Source: RFC 8785, 3.2.3."""
    return name.encode("utf-16-be", "surrogatepass")


def in_order(names: Mapping[str, object]) -> list[str]:
    """Sort member names as canonical JSON has them; ASCII alone sorts so by itself."""
    return sorted(names) if "".join(names).isascii() else sorted(names, key=name_order)


def _refuse(value: object) -> NoReturn:
    raise TypeError(value)


# The standard library's encoder in C writes what RFC 8785 asks for, except numbers with a
# fraction or exponent, big integers, and names that hold a character from U+E000 on beside
# one beyond U+FFFF (it sorts by code point). It escapes every control character, so a NUL
# after each separator comes from nowhere else and marks where a value or name begins; the
# first of a list follows its bracket. A string that looks unsafe only costs time.
_encode = make_encoder(None, _refuse, _quote, None, ":\0", ",\0", True, False, False)  # noqa: FBT003
_unsafe_number = re.compile("\0-?[0-9]{1,15}+[.e0-9]").search
_unsafe_first = re.compile("\\[-?[0-9]{1,15}+[.e0-9]").search
_unsafe_order = re.compile("[\ud800-\U0010ffff]").search


def _quick(value: Json) -> bytes | None:
    """Encode what provably needs none of the care below; None for everything else."""
    if isinstance(value, str):
        return _quote(value).encode()
    if not isinstance(value, (dict, list)):
        return None
    try:
        text = "".join(_encode(value, 0))
    except (TypeError, ValueError):
        return None
    if _unsafe_number(text) or _unsafe_first(text):
        return None
    if not text.isascii() and _unsafe_order(text):
        return None
    return text.encode().translate(None, b"\0")


def _text(value: Json) -> str:
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        members = [f"{_quote(name)}:{_text(value[name])}" for name in in_order(value)]
        return f"{{{','.join(members)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join([_text(item) for item in value])}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(_safe_int(int(value)))
    if isinstance(value, Mapping):
        return _text(dict(value))
    raise Rejected(f"a {type(value).__name__} is not a JSON value")


def _safe_int(number: int) -> int:
    if not -MAX_INT <= number <= MAX_INT:
        raise _unsafe_int()
    return number


def _unsafe_int() -> Rejected:
    return Rejected(
        "an integer lies beyond ±(2^53 - 1), where readers disagree about its value",
        remedy="write it as a string",
    )


def _number(value: float) -> str:
    """Write a double as ECMAScript does. Source: ECMA-262, Number::toString; RFC 8785, 3.2.2.3.

    Python's repr gives the same shortest digits; only their layout differs.
    """
    if not math.isfinite(value):
        raise Rejected(f"{value} is not a JSON number")
    shortest = repr(value)
    if "e" not in shortest:
        return shortest.removesuffix(".0") if value else "0"
    # One digit stands before the point; repr takes to exponents below 10^-4 and from 10^16.
    mantissa, _, exponent = shortest.partition("e")
    power = int(exponent)
    sign = "-" if value < 0 else ""
    digits = mantissa.removeprefix("-").replace(".", "")
    if 0 < power < _LEAST_EXPONENT:
        return f"{sign}{digits:0<{power + 1}}"
    if _MOST_NEGATIVE <= power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    return f"{mantissa}e{power:+d}"


def parse_json(raw: bytes) -> Json:
    """Parse one JSON text in UTF-8, strictly; arrays come as list, objects as dict.

    Raises Malformed: not UTF-8, not JSON (NaN and Infinity are not). Rejected, with a pointer
    to each place: a member named twice, an integer beyond ±(2^53 - 1) however it is written
    (from 10^21 on it is a double), a number too large for a double, a lone surrogate.
    TooLarge: nested deeper than 64.
    Source: RFC 8259; RFC 7493, 2.
    """
    try:
        text = raw.decode()
        value, marked = _decode(text)
    except UnicodeDecodeError as error:
        raise Malformed(f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"not JSON at {place}: {error.msg}") from None
    except RecursionError:
        raise TooLarge(_TOO_DEEP) from None
    # One bracket opens one level at most.
    if text.count("[") + text.count("{") > MAX_DEPTH and _deeper(value, MAX_DEPTH):
        raise TooLarge(_TOO_DEEP)
    # Surrogates can only be written as escapes: UTF-8 has none.
    faults = tuple(_faults(value, "#")) if marked or "\\u" in text else ()
    if faults:
        raise Rejected(f"{faults[0].message}, at {faults[0].pointer}", faults=faults)
    return value


_TOO_DEEP = f"the document is nested deeper than {MAX_DEPTH} levels"


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Stands in a parsed value where a hook refused, so that the place can be told."""

    message: str


def _decode(text: str) -> tuple[Json, bool]:
    """Parse; where a hook refuses, again with the places marked by _Wrong, and True."""
    try:
        return _STRICT.decode(text), False
    except Rejected:
        return _MARKING.decode(text), True


def _parsed_int(text: str) -> int:
    # Python refuses to read more than 4,300 digits, with an error of its own.
    return _safe_int(int(text) if len(text) <= 17 else MAX_INT + 1)  # noqa: PLR2004


def _parsed_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Rejected("a number is too large for a double")
    # Canonical JSON writes it without point or exponent; what is read is readable again.
    if MAX_INT < abs(number) < 10.0**_LEAST_EXPONENT:
        raise _unsafe_int()
    return number


def _parsed_object(members: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(members)
    if len(value) != len(members):
        raise Rejected("a member is named twice")
    return value


def _parsed_constant(name: str) -> Json:
    raise Malformed(f"not JSON: {name} is not a JSON number")


def _or_wrong(hook: Callable[[_Raw], Json]) -> Callable[[_Raw], Json | _Wrong]:
    def marking(raw: _Raw) -> Json | _Wrong:
        try:
            return hook(raw)
        except Rejected as refusal:
            return _Wrong(refusal.detail)

    return marking


_STRICT = json.JSONDecoder(
    object_pairs_hook=_parsed_object,
    parse_int=_parsed_int,
    parse_float=_parsed_float,
    parse_constant=_parsed_constant,
)
_MARKING = json.JSONDecoder(
    object_pairs_hook=_or_wrong(_parsed_object),
    parse_int=_or_wrong(_parsed_int),
    parse_float=_or_wrong(_parsed_float),
    parse_constant=_parsed_constant,
)


def _deeper(value: Json, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    children = value.values() if isinstance(value, dict) else value
    return not levels or any(_deeper(child, levels - 1) for child in children)


def _faults(value: object, pointer: str) -> Iterator[Fault]:
    """Tell what is wrong in a parsed value; pointers are URI fragments (RFC 6901, 6)."""
    if isinstance(value, _Wrong):
        yield Fault(pointer, value.message)
    elif isinstance(value, str):
        if _lone_surrogate(value):
            yield Fault(pointer, "a string holds a surrogate without its other half")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _faults(item, f"{pointer}/{place}")
    elif isinstance(value, dict):
        for name, item in value.items():
            if _lone_surrogate(name):
                yield Fault(pointer, "a name holds a surrogate without its other half")
            else:
                token = quote(name.replace("~", "~0").replace("/", "~1"), safe="~")
                yield from _faults(item, f"{pointer}/{token}")


_lone_surrogate = re.compile("[\ud800-\udfff]").search
