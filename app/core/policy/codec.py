"""Between JSON and the frozen values of this room, by the values' own annotations.

Members are named like fields, less a trailing underscore (``from_`` is ``from``). A field
with a default may be absent. Numbers measured are decimal strings on the way out and may be
JSON numbers on the way in; times are RFC 3339 UTC; durations ISO 8601 without years and
months, whose length depends on when. A union is told apart by its ``Literal`` members.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Literal,
    NewType,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from app.core.errors import Fault, SchemaMismatch

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from app.core.jsonvalue import Json

T = TypeVar("T")
Read = Callable[["Json", str], object]

Digest = NewType("Digest", str)
"""``sha256:`` and 64 lower-case hex digits."""

PLACES = Decimal("1e-9")
LARGEST = Decimal("1e15")
"""Measured numbers lie within ±10^15, so that nine places always fit."""

LONGEST = timedelta(days=36_500)
"""Times lie in 1970 to 2199 and durations are at most a century, so that sums always fit."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,16}(?:\.[0-9]{1,40})?", re.ASCII)
_TIME = re.compile(
    r"(?:19[7-9]|20[0-9]|21[0-9])[0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z",
    re.ASCII,
)
_DURATION = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,4})W)?(?:(?P<days>[0-9]{1,5})D)?"
    r"(?:T(?:(?P<hours>[0-9]{1,5})H)?(?:(?P<minutes>[0-9]{1,5})M)?(?:(?P<seconds>[0-9]{1,6})S)?)?",
    re.ASCII,
)


def decode(kind: type[T], value: Json, pointer: str = "#") -> T:
    """Build a ``kind`` (a dataclass) from JSON; ``pointer``: where ``value`` stands.

    Raises SchemaMismatch: a member missing, unknown, of another type or out of range.
    """
    kind_of: object = kind
    return cast("T", _reader(kind_of)(value, pointer))


def encode(value: object) -> Json:
    """Turn a frozen value into JSON. Decoding the result gives an equal value."""
    if isinstance(value, Decimal):
        return measured(value)
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Mapping):
        return {str(name): encode(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {_name(field.name): encode(getattr(value, field.name)) for field in fields(value)}
    return cast("Json", str(value) if isinstance(value, StrEnum) else value)


def measured(number: Decimal) -> str:
    """Write a number as every decision does: nine places, half-even."""
    return f"{number.quantize(PLACES, ROUND_HALF_EVEN):f}"


def instant(at: datetime) -> str:
    """Write an aware time as RFC 3339 UTC with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _name(field_name: str) -> str:
    return field_name.removesuffix("_")


def _mismatch(pointer: str, message: str) -> SchemaMismatch:
    return SchemaMismatch(f"{pointer}: {message}", faults=[Fault(pointer, message)])


def _is_record(kind: object) -> bool:
    return is_dataclass(kind)


@cache
def _reader(kind: object) -> Read:
    """Plan once how to read an annotation; the plan is what runs for each document."""
    leaf = _LEAVES.get(kind)
    if leaf is not None:
        return leaf
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _choice(arguments)
    if origin in (Union, UnionType):
        return _union(arguments)
    if origin is tuple:
        return _array(_reader(arguments[0]))
    if origin is Mapping:
        return _mapping(_reader(arguments[1]))
    if _is_record(kind):
        return _members(kind).read
    return _scalar(cast("type", kind))


def _scalar(kind: type) -> Read:
    if issubclass(kind, StrEnum):
        by_text = {str(member): member for member in kind}

        def choose(value: Json, pointer: str) -> object:
            if not isinstance(value, str) or value not in by_text:
                raise _mismatch(pointer, f"must be one of: {', '.join(by_text)}")
            return by_text[value]

        return choose

    def read(value: Json, pointer: str) -> object:
        if type(value) is not kind:  # exact: True is no integer
            raise _mismatch(pointer, f"must be of type {kind.__name__}")
        return value

    return read


def _text(pattern: re.Pattern[str], build: Callable[[str], object], message: str) -> Read:
    def read(value: Json, pointer: str) -> object:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise _mismatch(pointer, message)
        try:
            return build(value)
        except ValueError:
            raise _mismatch(pointer, message) from None

    return read


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    parts = {} if found is None else {k: int(v) for k, v in found.groupdict().items() if v}
    length = timedelta(**parts)
    if not timedelta(0) < length <= LONGEST:
        raise ValueError(text)
    return length


def _decimal(value: Json, pointer: str) -> object:
    if isinstance(value, float | int) and not isinstance(value, bool):
        number = Decimal(repr(value))
        if number.is_finite() and abs(number) <= LARGEST:
            return number
    elif isinstance(value, str) and _NUMBER.fullmatch(value) and abs(Decimal(value)) <= LARGEST:
        return Decimal(value)
    raise _mismatch(pointer, "must be a number within ±10^15, given as such or as a decimal string")


def _choice(values: tuple[object, ...]) -> Read:
    def read(value: Json, pointer: str) -> object:
        if not any(type(value) is type(one) and value == one for one in values):
            raise _mismatch(pointer, f"must be {' or '.join(repr(one) for one in values)}")
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
        return {name: item(one, f"{pointer}/{name}") for name, one in value.items()}

    return read


def _union(kinds: tuple[object, ...]) -> Read:
    given = tuple(one for one in kinds if one is not NoneType)
    if given != kinds:
        inner = _union(given)
        return lambda value, pointer: None if value is None else inner(value, pointer)
    objects = [_members(one) for one in kinds if _is_record(one)]
    others = [_reader(one) for one in kinds if not _is_record(one)]
    if not objects:
        return others[0]

    def read(value: Json, pointer: str) -> object:
        if not isinstance(value, Mapping):
            if others:
                return others[0](value, pointer)
            raise _mismatch(pointer, "must be an object")
        meant = [one for one in objects if one.is_meant(value)]
        if not meant:
            known = "; ".join(one.described for one in objects)
            raise _mismatch(pointer, f"is of no known kind; known: {known}")
        return meant[0].read(value, pointer)

    return read


@dataclass(frozen=True, slots=True)
class _Members:
    """How the members of one dataclass are read; ``literals`` tell it from its neighbours."""

    kind: type[DataclassInstance]
    fields: Mapping[str, tuple[str, Read]]
    required: tuple[str, ...]
    literals: Mapping[str, tuple[object, ...]]

    @property
    def described(self) -> str:
        return ", ".join(f"{name}: {values[0]}" for name, values in self.literals.items())

    def is_meant(self, value: Mapping[str, Json]) -> bool:
        return all(value.get(name) in values for name, values in self.literals.items())

    def read(self, value: Json, pointer: str) -> object:
        if not isinstance(value, Mapping):
            raise _mismatch(pointer, "must be an object")
        for name in value:
            if name not in self.fields:
                raise _mismatch(f"{pointer}/{name}", "is not a known member")
        for name in self.required:
            if name not in value:
                raise _mismatch(f"{pointer}/{name}", "is missing")
        found = {}
        for name, one in value.items():
            field_name, read = self.fields[name]
            found[field_name] = read(one, f"{pointer}/{name}")
        return self.kind(**found)


@cache
def _members(kind: object) -> _Members:
    hints = get_type_hints(kind, localns={"Json": object})
    kind = cast("type[DataclassInstance]", kind)
    own = fields(kind)
    return _Members(
        kind=kind,
        fields={_name(field.name): (field.name, _reader(hints[field.name])) for field in own},
        required=tuple(
            _name(field.name)
            for field in own
            if field.default is MISSING and field.default_factory is MISSING
        ),
        literals={
            _name(field.name): get_args(hints[field.name])
            for field in own
            if get_origin(hints[field.name]) is Literal and field.default is MISSING
        },
    )


_LEAVES: Mapping[object, Read] = {
    object: lambda value, _: value,  # Json, kept as it is
    Decimal: _decimal,
    Digest: _text(_DIGEST, str, "must be sha256: and 64 lower-case hex digits"),
    datetime: _text(_TIME, datetime.fromisoformat, "must be a time like 2026-05-01T12:00:00Z"),
    timedelta: _text(_DURATION, _duration, "must be a duration like P30D or PT12H"),
}
