"""Each event type has its wire contract, and each wire contract an event type."""

from __future__ import annotations

import json

import jsonschema
import pytest

from app.core.events import KINDS
from app.resources import Resource, folder

SCHEMAS = {path.name: path for path in folder(Resource.SCHEMAS).glob("*.json")}
# Documents that are no events: they are drafted and published inside one.
DOCUMENTS = {"policy.v1.json", "policy-cases.v1.json", "environments.v1.json"}


def test_every_event_type_has_a_schema_and_every_schema_an_event_type() -> None:
    assert {f"{kind}.json" for kind in KINDS} == SCHEMAS.keys() - DOCUMENTS


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_json_schema_2020_12(name: str) -> None:
    schema = json.loads(SCHEMAS[name].read_text("utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_has_no_members_but_those_of_its_schema(kind: str) -> None:
    schema = json.loads(SCHEMAS[f"{kind}.json"].read_text("utf-8"))
    assert schema["additionalProperties"] is False
