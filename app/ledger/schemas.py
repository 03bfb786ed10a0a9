"""The JSON Schemas of events, compiled once, and what they say about a document."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jsonschema_rs

from app.core.errors import Fault, SchemaMismatch
from app.core.events import KINDS
from app.resources import Resource, folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.jsonvalue import Json

MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class EventSchema:
    """One compiled schema. ``digest``: hex SHA-256 of the file's bytes, as entries name it.

    ``personal``: members that may be erased. ``service_only``: members no client may send.
    """

    raw: bytes
    digest: str
    validator: jsonschema_rs.Validator
    personal: frozenset[str]
    service_only: frozenset[str]

    def check(self, data: Json, *, from_client: bool) -> None:
        """Check an event's data. Raises SchemaMismatch, with pointers below ``#/data``."""
        faults = [] if self.validator.is_valid(data) else self._faults(data)
        if from_client and isinstance(data, dict):
            faults += [
                Fault(f"#/data/{name}", "is set by the service, not by the client")
                for name in sorted(self.service_only & data.keys())
            ]
        if faults:
            raise SchemaMismatch(
                f"the data does not follow its schema: {faults[0].pointer} {faults[0].message}",
                remedy="GET /api/v1/schemas/{type} shows the schema and examples",
                faults=faults,
            )

    def _faults(self, data: Json) -> list[Fault]:
        return [
            Fault(
                "".join(["#/data", *(f"/{escape(s)}" for s in error.instance_path)]), error.message
            )
            for _, error in zip(range(MOST_FAULTS), self.validator.iter_errors(data), strict=False)
        ]


def escape(step: str | int) -> str:
    """Write one step of a JSON Pointer. Source: RFC 6901, 3."""
    return str(step).replace("~", "~0").replace("/", "~1")


def load_schemas() -> Mapping[str, EventSchema]:
    """Compile the schema of every event type there is, by its wire name."""
    return {wire: _load(wire) for wire in KINDS}


def _load(wire: str) -> EventSchema:
    raw = (folder(Resource.SCHEMAS) / f"{wire}.json").read_bytes()
    schema = json.loads(raw)
    members = schema.get("properties", {})
    return EventSchema(
        raw=raw,
        digest=hashlib.sha256(raw).hexdigest(),
        # The mask keeps the caller's values, which may be anything, out of messages.
        validator=jsonschema_rs.Draft202012Validator(
            schema, validate_formats=True, mask="the value"
        ),
        personal=frozenset(name for name, rule in members.items() if rule.get("x-personal")),
        service_only=frozenset(name for name, rule in members.items() if rule.get("readOnly")),
    )
