from __future__ import annotations

import json
import math
import random
import re
import struct
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import Fault, Malformed, Refusal, Rejected, TooLarge
from app.core.ledger.canonical import MAX_INT, canonical, member_bytes, name_order, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.core.jsonvalue import Json
    from tests.core.ledger.conftest import Counts

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
integers = st.integers(-MAX_INT, MAX_INT)
floats = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda children: st.lists(children, max_size=5) | st.dictionaries(texts, children, max_size=5),
    max_leaves=10,
)


def test_bytes_are_those_of_the_reference_implementation(counts: Counts) -> None:
    @settings(max_examples=counts.values, derandomize=True)
    @given(values)
    def check(value: Json) -> None:
        raw = canonical(value)
        assert raw == rfc8785.dumps(value)
        # A double of 16 digits or more may be written like an integer that is refused.
        if not re.search(rb"[0-9]{16}", raw):
            assert canonical(parse_json(raw)) == raw

    check()


def test_numbers_are_those_of_the_reference_implementation(counts: Counts) -> None:
    @settings(max_examples=counts.values, derandomize=True)
    @given(st.integers(0, 2**64 - 1))
    def check(bits: int) -> None:
        (number,) = struct.unpack(">d", bits.to_bytes(8, "big"))
        if math.isfinite(number):
            assert canonical([number]) == rfc8785.dumps([number])

    check()


def text_of(chance: random.Random) -> str:
    return "".join(chance.choices(AWKWARD, k=chance.randrange(6)))


def scalar(chance: random.Random) -> Json:
    match chance.randrange(3):
        case 0:
            return chance.choice([None, True, False])
        case 1:
            return chance.randint(-MAX_INT, MAX_INT) >> chance.randrange(54)
        case _:
            return text_of(chance)


def double(chance: random.Random) -> Json:
    (number,) = struct.unpack(">d", chance.randbytes(8))
    near = chance.randrange(-(10**6), 10**6) * 10.0 ** chance.randrange(-12, 20)
    return number if chance.random() < 0.5 and math.isfinite(number) else near


def seeded(
    chance: random.Random, leaves: Sequence[Callable[[random.Random], Json]], depth: int
) -> Json:
    """A list or object of up to five values, some of them lists and objects."""
    children = [
        seeded(chance, leaves, depth - 1)
        if depth and chance.random() < 0.2
        else chance.choice(leaves)(chance)
        for _ in range(chance.randrange(6))
    ]
    if chance.random() < 0.5:
        return children
    return {text_of(chance): child for child in children}


AWKWARD = [*'abc"\\/:,[]{}0123456789.e-', *"\0\x1f\x7f\x80é\ud7ff\ue000\ufb33\uffff😀\U0010ffff"]


def test_bytes_of_100_000_seeded_values_are_those_of_the_reference_implementation() -> None:
    chance = random.Random(8785)
    for number in range(100_000):
        value = seeded(chance, [scalar, double] if number % 2 else [scalar], 3)
        assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, b"null"),
        (True, b"true"),
        (False, b"false"),
        ("", b'""'),
        ([], b"[]"),
        ({}, b"{}"),
        (0, b"0"),
        (-0.0, b"0"),
        (1.0, b"1"),
        (-1.5, b"-1.5"),
        (1e15, b"1000000000000000"),
        (1e20, b"100000000000000000000"),
        (1.5e20, b"150000000000000000000"),
        (1e21, b"1e+21"),
        (-1.5e21, b"-1.5e+21"),
        (123456789012345680000.0, b"123456789012345680000"),
        (1e-6, b"0.000001"),
        (1.5e-6, b"0.0000015"),
        (1e-7, b"1e-7"),
        (-1.5e-7, b"-1.5e-7"),
        (12345e-9, b"0.000012345"),
        (4.5e15, b"4500000000000000"),
        (MAX_INT, b"9007199254740991"),
        (-MAX_INT, b"-9007199254740991"),
        ([1, MAX_INT], b"[1,9007199254740991]"),
        ([-MAX_INT, 1], b"[-9007199254740991,1]"),
        ({"a": MAX_INT}, b'{"a":9007199254740991}'),
        ([1.0, 1], b"[1,1]"),
        ([1, 2.0], b"[1,2]"),
        ([[1e-7], -1.0], b"[[1e-7],-1]"),
        ({"a": 1e3, "b": -2.0}, b'{"a":1000,"b":-2}'),
        ((1, "a"), b'[1,"a"]'),
        ([(1, "a"), ()], b'[[1,"a"],[]]'),
        (MappingProxyType({"b": 1, "a": [None]}), b'{"a":[null],"b":1}'),
        ({"b": 1, "a": True, "B": False}, b'{"B":false,"a":true,"b":1}'),
        ({"a": {"c": [], "b": {}}}, b'{"a":{"b":{},"c":[]}}'),
        ("[1.5", b'"[1.5"'),
        (["[1.5", "[-1e"], b'["[1.5","[-1e"]'),
        (["a,b:c", "x: 1.5"], b'["a,b:c","x: 1.5"]'),
        (["\0", "a\0b"], rb'["\u0000","a\u0000b"]'),
        ('"\\/\b\f\n\r\t\x1f\x7f', b'"\\"\\\\/\\b\\f\\n\\r\\t\\u001f\x7f"'),
        (["é€😀"], '["é€😀"]'.encode()),
        ({"\ufb33": 1, "😀": 2}, '{"😀":2,"\ufb33":1}'.encode()),
        ({"é": 1, "a": 2}, '{"a":2,"é":1}'.encode()),
        ({"\ud7ff": 1, "\ue000": 2}, '{"\ud7ff":1,"\ue000":2}'.encode()),
    ],
)
def test_each_kind_of_value_has_one_encoding(value: Json, expected: bytes) -> None:
    assert canonical(value) == expected


def test_an_enumeration_of_strings_is_written_as_its_string() -> None:
    class Colour(StrEnum):
        RED = "red"

    assert canonical(Colour.RED) == b'"red"'
    assert canonical({Colour.RED: [Colour.RED, 1.0]}) == b'{"red":["red",1]}'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    for value in (number, [number], {"a": number}):
        with pytest.raises(Rejected, match=r"^-?(nan|inf) is not a JSON number$"):
            canonical(value)


@pytest.mark.parametrize("number", [MAX_INT + 1, -MAX_INT - 1, 10**400])
def test_integers_that_readers_would_round_are_refused(number: int) -> None:
    for value in (number, [number], [0, number], {"a": number}):
        with pytest.raises(
            Rejected, match=r"^an integer lies beyond ±\(2\^53 - 1\), where readers disagree"
        ) as refused:
            canonical(value)
        assert refused.value.remedy == "write it as a string"


@pytest.mark.parametrize("text", ["\ud800", "x\udc00", "a\udfffb", "\ude00\ud83d"])
def test_lone_surrogates_are_refused(text: str) -> None:
    for value in (text, [text], {"a": text}, {text: 1}):
        with pytest.raises(Rejected, match=r"^a string holds a surrogate without its other half$"):
            canonical(value)


@pytest.mark.parametrize("value", [b"bytes", {1}, object(), 1j])
def test_what_is_not_json_is_refused(value: Json) -> None:
    for nested in (value, [value], {"a": value}):
        with pytest.raises(Rejected, match=rf"^a {type(value).__name__} is not a JSON value$"):
            canonical(nested)


def test_a_value_nested_beyond_the_stack_is_refused() -> None:
    deep: Json = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TooLarge, match=r"^the value is nested too deeply to be encoded$"):
        canonical(deep)


def test_a_member_is_its_name_and_value_as_a_list() -> None:
    for name, value in (("a", 1), ("é\n", {"b": [1.5, None], "a": "x"}), ("", [])):
        assert member_bytes(name, canonical(value)) == canonical([name, value])


def test_names_are_ordered_by_utf16_code_units() -> None:
    assert sorted(["\ufb33", "😀", "é", "b", "a", ""], key=name_order) == [
        "", "a", "b", "é", "😀", "\ufb33",
    ]  # fmt: skip
    assert name_order("\ud800") == b"\xd8\x00"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b" [ 1 , -0, 1.0e2 ,null,true,false ]\r\n\t", [1, 0, 100.0, None, True, False]),
        (b'{"a":{"b":"\\u00e9\\ud83d\\ude00"}}', {"a": {"b": "é😀"}}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\\\ud800"', "\\ud800"),
        (b"9007199254740991", MAX_INT),
        (b"-9007199254740991", -MAX_INT),
        (b"9007199254740991.0", 9007199254740991.0),
        (b"[1e21,-1e308]", [1e21, -1e308]),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
        (b"[[]," + b"[" * 63 + b"]" * 64, [[], json.loads("[" * 63 + "]" * 63)]),
        (b'"' + b"[" * 99 + b'"', "[" * 99),
        (b"[" + b'{"a":[1]},' * 80 + b"1]", [{"a": [1]}] * 80 + [1]),
    ],
)
def test_json_is_read(raw: bytes, expected: Json) -> None:
    assert parse_json(raw) == expected


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not JSON at line 1, column 1: Expecting value"),
        (b'{"a":1,}', "not JSON at line 1, column 8: "),
        (b"[1\n,2] 3", "not JSON at line 2, column 5: Extra data"),
        (b"[01]", "not JSON at line 1, column 3: "),
        (b"'a'", "not JSON at line 1, column 1: "),
        (b'"\x01"', "not JSON at line 1, column 2: Invalid control character at"),
        (b"\xef\xbb\xbf{}", "not JSON at line 1, column 1: "),
        (b"NaN", "not JSON: NaN is not a JSON number"),
        (b"[Infinity]", "not JSON: Infinity is not a JSON number"),
        (b'{"a":-Infinity}', "not JSON: -Infinity is not a JSON number"),
        (b'"\xff"', "byte 1 is not UTF-8"),
        (b'"\xed\xa0\x80"', "byte 1 is not UTF-8"),
        (b"1" * 20 + b",", "not JSON at line 1, column 21: Extra data"),
    ],
)
def test_what_is_not_json_is_malformed(raw: bytes, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_json(raw)
    assert refused.value.detail.startswith(message)


TWICE = "a member is named twice"
BIG_INT = "an integer lies beyond ±(2^53 - 1), where readers disagree about its value"
BIG_FLOAT = "a number is too large for a double"
IN_STRING = "a string holds a surrogate without its other half"
IN_NAME = "a name holds a surrogate without its other half"


@pytest.mark.parametrize(
    ("raw", "faults"),
    [
        (b'{"a":1,"a":1}', [Fault("#", TWICE)]),
        (b'[0,{"a":{"b":1,"c":2,"b":3}}]', [Fault("#/1/a", TWICE)]),
        (b"9007199254740992", [Fault("#", BIG_INT)]),
        (b'{"x/y~z \xc3\xa9":[-9007199254740992]}', [Fault("#/x~1y~0z%20%C3%A9/0", BIG_INT)]),
        (b"[1,123456789012345678]", [Fault("#/1", BIG_INT)]),
        (b"1" + b"0" * 5000, [Fault("#", BIG_INT)]),
        (b"9007199254740992.0", [Fault("#", BIG_INT)]),
        (b"[-1e20]", [Fault("#/0", BIG_INT)]),
        (b"999999999999999900000.0", [Fault("#", BIG_INT)]),
        (b"1e309", [Fault("#", BIG_FLOAT)]),
        (b"[-1e400]", [Fault("#/0", BIG_FLOAT)]),
        (b'"\\ud800"', [Fault("#", IN_STRING)]),
        (b'["a","\\udfff x"]', [Fault("#/1", IN_STRING)]),
        (b'{"a":{"\\ud83d":1}}', [Fault("#/a", IN_NAME)]),
        (
            b'{"a":1e999,"b":{"c":1,"c":1},"d":["\\udc00",99999999999999999999]}',
            [
                Fault("#/a", BIG_FLOAT),
                Fault("#/b", TWICE),
                Fault("#/d/0", IN_STRING),
                Fault("#/d/1", BIG_INT),
            ],
        ),
    ],
)
def test_json_that_readers_disagree_about_is_refused_by_place(
    raw: bytes, faults: list[Fault]
) -> None:
    with pytest.raises(Rejected) as refused:
        parse_json(raw)
    assert list(refused.value.faults) == faults
    assert refused.value.detail == f"{faults[0].message}, at {faults[0].pointer}"


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[" * 64 + b"[1]" + b"]" * 64,
        b"[" * 65 + b"1e999" + b"]" * 65,
        b"[" * 900 + b'"\\ud800"' + b"]" * 900,
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 100_000,
    ],
)
def test_json_nested_deeper_than_64_levels_is_too_large(raw: bytes) -> None:
    with pytest.raises(TooLarge, match=r"^the document is nested deeper than 64 levels$"):
        parse_json(raw)


def test_nothing_but_a_refusal_comes_out_of_hostile_bytes(counts: Counts) -> None:
    alphabet = st.sampled_from([b"[", b"]", b"{", b"}", b":", b",", b'"', b"\\u", b"d800", b"1e9",
                                b"9" * 17, b"-", b"NaN", b"\xff", b"a", b" "])  # fmt: skip

    @settings(max_examples=counts.values, derandomize=True)
    @given(st.binary(max_size=40) | st.lists(alphabet, max_size=20).map(b"".join))
    def check(raw: bytes) -> None:
        try:
            value = parse_json(raw)
        except Refusal:
            return
        assert canonical(value) == rfc8785.dumps(json.loads(raw))

    check()
