"""Between JSON and frozen values: what is refused, where, and what survives."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - read by the decoder
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from app.core.errors import SchemaMismatch
from app.core.events.decode import below, decode, encode
from app.core.jsonvalue import Json  # noqa: TC001 - read by the decoder

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Leaf:
    name: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Tree:
    height: int
    alive: bool
    leaves: tuple[Leaf, ...]
    counts: Mapping[str, int]
    note: str | None = None
    anything: Json = None


WHOLE: dict[str, Json] = {"height": 3, "alive": True, "leaves": [{"name": "a"}], "counts": {"x": 1}}


def test_a_value_is_built_from_its_object() -> None:
    assert decode(Tree, WHOLE) == Tree(3, True, (Leaf("a"),), {"x": 1})  # noqa: FBT003


def test_members_at_their_default_are_left_out() -> None:
    assert encode(Tree(3, True, (Leaf("a", 1.0), Leaf("b", 2.0)), {})) == {  # noqa: FBT003
        "height": 3,
        "alive": True,
        "leaves": [{"name": "a"}, {"name": "b", "weight": 2.0}],
        "counts": {},
    }


def test_a_free_member_is_kept_as_it_is() -> None:
    given: dict[str, Json] = {**WHOLE, "anything": {"deep": [None, {"er": 0.5}]}}
    assert encode(decode(Tree, given)) == given


def test_a_whole_number_is_a_number_and_null_is_an_absent_member() -> None:
    assert decode(Leaf, {"name": "a", "weight": 2}).weight == 2
    assert decode(Tree, {**WHOLE, "note": None}) == decode(Tree, WHOLE)


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        (lambda _: [], "#/data", "must be an object"),
        (lambda one: one | {"height": "3"}, "#/data/height", "must be an integer"),
        (lambda one: one | {"alive": 1}, "#/data/alive", "must be true or false"),
        (lambda one: one | {"note": 1}, "#/data/note", "must be a string"),
        (lambda one: one | {"leaves": {}}, "#/data/leaves", "must be an array"),
        (lambda one: one | {"leaves": [{"name": "a"}, 1]}, "#/data/leaves/1", "must be an object"),
        (lambda one: one | {"leaves": [{}]}, "#/data/leaves/0/name", "is missing"),
        (
            lambda one: one | {"leaves": [{"name": "a", "weight": "1"}]},
            "#/data/leaves/0/weight",
            "must be a number",
        ),
        (lambda one: one | {"counts": []}, "#/data/counts", "must be an object"),
        (
            lambda one: one | {"counts": {"a/b~c": 0.5}},
            "#/data/counts/a~1b~0c",
            "must be an integer",
        ),
        (lambda one: one | {"no such": 1}, "#/data/no%20such", "is not a known member"),
    ],
)
def test_a_wrong_member_is_refused_at_its_place(
    change: Callable[[dict[str, Json]], Json], pointer: str, message: str
) -> None:
    with pytest.raises(SchemaMismatch) as refused:
        decode(Tree, change(WHOLE), "#/data")
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.message) == (pointer, message)


@pytest.mark.parametrize(
    ("member", "wrong"),
    [("height", True), ("height", 3.0), ("height", None), ("leaves", "ab"), ("alive", "true")],
)
def test_what_only_looks_like_the_type_is_refused(member: str, wrong: Json) -> None:
    with pytest.raises(SchemaMismatch):
        decode(Tree, {**WHOLE, member: wrong})


@pytest.mark.parametrize(
    ("member", "fragment"),
    # RFC 6901, section 6, without the empty pointer; and a lone surrogate, which must not escape.
    [
        ("foo", "#/foo"),
        ("", "#/"),
        ("a/b", "#/a~1b"),
        ("c%d", "#/c%25d"),
        ("e^f", "#/e%5Ef"),
        ("g|h", "#/g%7Ch"),
        ("i\\j", "#/i%5Cj"),
        ('k"l', "#/k%22l"),
        (" ", "#/%20"),
        ("m~n", "#/m~0n"),
        (0, "#/0"),
        ("\ud800", "#/%ED%A0%80"),
    ],
)
def test_a_pointer_is_written_as_a_uri_fragment(member: str | int, fragment: str) -> None:
    assert below("#", member) == fragment
