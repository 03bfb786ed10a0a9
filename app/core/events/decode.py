"""Between JSON objects and frozen values, by the values' own annotations.

A value's fields are the members of its object, by the same names. A field with a default
may be absent; encoding leaves a field out where it equals its default, so that decoding
what was encoded gives the same value.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from urllib.parse import quote

from app.core.errors import Fault, SchemaMismatch

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from app.core.jsonvalue import Json

T = TypeVar("T")
Read = Callable[["Json", str], object]

# JSON's words for what a scalar may be.
_WORDS: Mapping[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
}

# What RFC 3986 lets stand in a fragment besides letters, digits and "-._~".
_FRAGMENT = "!$&'()*+,;=:@/?"


def decode(kind: type[T], value: Json, pointer: str = "#") -> T:
    """Build a ``kind`` (a dataclass) from a JSON object.

    ``pointer``: where ``value`` stands in the whole document, for the error.
    Raises SchemaMismatch: a member missing, unknown, or of another type.
    """
    return cast("T", _reader(cast("Hashable", kind))(value, pointer))


def encode(value: DataclassInstance) -> dict[str, Json]:
    """Turn a frozen value into its JSON object; fields at their default are left out."""
    given = ((field, getattr(value, field.name)) for field in fields(value))
    return {field.name: _plain(item) for field, item in given if item != field.default}


def _plain(value: object) -> Json:
    if is_dataclass(value) and not isinstance(value, type):
        return encode(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return cast("Json", value)


def below(pointer: str, member: str | int) -> str:
    """Extend a JSON Pointer by a member's name or an item's place.

    Source: RFC 6901, section 3 (``~`` and ``/`` escaped), section 6 (as a URI fragment).
    """
    escaped = str(member).replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{quote(escaped, safe=_FRAGMENT, errors='surrogatepass')}"


def _mismatch(pointer: str, message: str) -> SchemaMismatch:
    return SchemaMismatch(f"{pointer}: {message}", faults=[Fault(pointer, message)])


@cache
def _reader(kind: object) -> Read:
    """Plan once how to read an annotation; the plan is what runs for each event."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is object:  # a Json member, kept as it is
        return lambda value, _: value
    if origin in (Union, types.UnionType):
        inner = _reader(next(one for one in arguments if one is not type(None)))
        return lambda value, pointer: None if value is None else inner(value, pointer)
    if origin is tuple:
        return _array(_reader(arguments[0]))
    if origin is Mapping:
        return _mapping(_reader(arguments[1]))
    if is_dataclass(kind):
        return _object(cast("type[DataclassInstance]", kind))
    return _scalar(cast("type", kind))


def _scalar(kind: type) -> Read:
    accepted = (int, float) if kind is float else (kind,)

    def read(value: Json, pointer: str) -> object:
        if type(value) not in accepted:  # exact: True is no integer
            raise _mismatch(pointer, f"must be {_WORDS[kind]}")
        return value

    return read


def _array(item: Read) -> Read:
    def read(value: Json, pointer: str) -> object:
        if not isinstance(value, (list, tuple)):
            raise _mismatch(pointer, "must be an array")
        return tuple(item(one, f"{pointer}/{place}") for place, one in enumerate(value))

    return read


def _mapping(item: Read) -> Read:
    def read(value: Json, pointer: str) -> object:
        if not isinstance(value, Mapping):
            raise _mismatch(pointer, "must be an object")
        return {name: item(one, below(pointer, name)) for name, one in value.items()}

    return read


def _object(kind: type[DataclassInstance]) -> Read:
    hints = get_type_hints(kind, localns={"Json": object})
    members = {field.name: _reader(hints[field.name]) for field in fields(kind)}
    required = [field.name for field in fields(kind) if field.default is MISSING]

    def read(value: Json, pointer: str) -> object:
        if not isinstance(value, Mapping):
            raise _mismatch(pointer, "must be an object")
        for name in value:
            if name not in members:
                raise _mismatch(below(pointer, name), "is not a known member")
        for name in required:
            if name not in value:
                raise _mismatch(f"{pointer}/{name}", "is missing")
        return kind(
            **{name: members[name](one, f"{pointer}/{name}") for name, one in value.items()}
        )

    return read
