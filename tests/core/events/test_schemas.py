"""The wire contract in schemas/ and the frozen values of app/core/events say the same."""

from __future__ import annotations

import copy
import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from app.core.events import CLIENT_TYPES, KINDS, parse_event
from app.core.events.decode import encode

FOLDER = Path(__file__).parents[3] / "schemas"
SCHEMAS: dict[str, dict[str, Any]] = {
    kind: json.loads((FOLDER / f"{kind}.json").read_text("utf-8")) for kind in KINDS
}
DOCUMENTS = {"environments.v1", "policy.v1", "policy-cases.v1"}
every_type = pytest.mark.parametrize("kind", sorted(KINDS))


def resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    named = schema.get("$ref")
    return root["$defs"][named.removeprefix("#/$defs/")] | schema if named else schema


def the_value(annotation: object) -> tuple[object, bool]:
    """Give the dataclass an annotation leads to, if any, and whether through an array."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(one for one in get_args(annotation) if one is not type(None))
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0], True
    return annotation, False


def compare(kind: type, schema: dict[str, Any], root: dict[str, Any]) -> None:
    own = fields(kind)
    assert set(schema["properties"]) == {field.name for field in own}
    assert set(schema["required"]) == {field.name for field in own if field.default is MISSING}
    assert schema["additionalProperties"] is False
    hints = get_type_hints(kind, localns={"Json": object})
    for field in own:
        value, repeated = the_value(hints[field.name])
        if isinstance(value, type) and is_dataclass(value):
            inner = resolved(schema["properties"][field.name], root)
            compare(value, resolved(inner["items"], root) if repeated else inner, root)


def test_each_type_has_a_schema_and_no_schema_is_left_over() -> None:
    found = {path.name.removesuffix(".json") for path in FOLDER.glob("*.json")}
    assert found == set(KINDS) | DOCUMENTS


@every_type
def test_a_schema_is_valid_and_names_its_type(kind: str) -> None:
    schema = SCHEMAS[kind]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:muniment:schema:{kind}"
    assert schema["title"]
    assert schema["description"].startswith("Subject: ")


@every_type
def test_a_schema_has_exactly_the_members_of_the_value(kind: str) -> None:
    compare(KINDS[kind], SCHEMAS[kind], SCHEMAS[kind])


@every_type
def test_every_string_array_and_number_has_a_limit(kind: str) -> None:
    for schema in nodes(SCHEMAS[kind]):
        match schema.get("type"):
            case "string":
                assert "maxLength" in schema or schema["pattern"].endswith("$"), schema
            case "array" if "items" in schema:
                assert "maxItems" in schema, schema
            case "integer":
                assert schema["maximum"] <= 2**53 - 1, schema
            case "object" if "properties" not in schema and "description" not in schema:
                assert "maxProperties" in schema, schema


def nodes(schema: object) -> Iterator[dict[str, Any]]:
    """Walk every subschema; examples are data, not schemas."""
    if isinstance(schema, dict):
        yield schema
        for name, inner in schema.items():
            if name != "examples":
                yield from nodes(inner)


@every_type
def test_personal_members_are_optional_so_that_they_can_be_erased(kind: str) -> None:
    schema = SCHEMAS[kind]
    personal = {name for name, one in schema["properties"].items() if one.get("x-personal")}
    assert not personal & set(schema["required"])
    free_text = {"reason", "reason_salt", "printed_name", "conditions"} & set(schema["properties"])
    assert free_text <= personal


@every_type
def test_what_only_the_service_records_is_marked_read_only(kind: str) -> None:
    schema = SCHEMAS[kind]
    assert schema.get("readOnly", False) is (kind not in CLIENT_TYPES)
    marked = {name for name, one in schema["properties"].items() if one.get("readOnly")}
    expected = {"gated", "ungated_because"} if kind == "deployment.succeeded.v1" else set()
    assert marked == expected


@every_type
def test_the_examples_validate_and_come_back_from_the_value(kind: str) -> None:
    schema = SCHEMAS[kind]
    assert schema["examples"]
    shown = set().union(*schema["examples"])
    assert shown == set(schema["properties"]), "each member is shown once"
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)
        event = parse_event(kind, example)
        assert type(event) is KINDS[kind]
        assert json.loads(json.dumps(encode(event))) == example


WRONG: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    0.5,
    2**53,
    "",
    "x",
    "y" * 1_000_001,
    [],
    [0],
    {},
    {"x": 1},
)


def mutants(value: object) -> Iterator[object]:
    """Every copy with one place replaced, dropped or added to."""
    if isinstance(value, Mapping):
        yield {**value, "no/such~member": 1}
        for name, inner in value.items():
            yield {other: one for other, one in value.items() if other != name}
            for changed in [*WRONG, *mutants(inner)]:
                yield {**value, name: changed}
    elif isinstance(value, list):
        yield [*value, *value]
        for place, inner in enumerate(value):
            for changed in [*WRONG, *mutants(inner)]:
                yield [*value[:place], changed, *value[place + 1 :]]


@every_type
def test_both_validators_agree_on_every_mutant_of_the_examples(kind: str) -> None:
    schema = SCHEMAS[kind]
    slow, quick = Draft202012Validator(schema), jsonschema_rs.Draft202012Validator(schema)
    verdicts = set()
    for example in schema["examples"]:
        for mutant in mutants(copy.deepcopy(example)):
            verdict = slow.is_valid(mutant)
            assert quick.is_valid(mutant) is verdict, mutant
            verdicts.add(verdict)
    assert False in verdicts


@every_type
def test_what_a_schema_accepts_becomes_a_value_that_says_the_same(kind: str) -> None:
    validator = jsonschema_rs.Draft202012Validator(SCHEMAS[kind])
    for example in SCHEMAS[kind]["examples"]:
        for mutant in mutants(example):
            if validator.is_valid(mutant) and isinstance(mutant, dict):
                event = parse_event(kind, mutant)
                assert parse_event(kind, encode(event)) == event
