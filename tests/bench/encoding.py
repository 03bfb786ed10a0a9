"""Canonical JSON against ``rfc8785``, on every event that a client may post; bytes identical."""

from __future__ import annotations

import json
import timeit

import rfc8785

from app.core.events import CLIENT_TYPES
from app.core.ledger.canonical import canonical
from app.resources import Resource, folder
from tests.bench.rows import Row

ROUNDS = 7
REPEATS = 20


def measure() -> list[Row]:
    """Encode the first example of each schema, in turn with the yardstick, and take the best."""
    schemas = folder(Resource.SCHEMAS)
    documents = [
        json.loads((schemas / f"{wire}.json").read_bytes())["examples"][0]
        for wire in sorted(CLIENT_TYPES)
    ]
    for one in documents:
        if canonical(one) != rfc8785.dumps(one):
            raise AssertionError(one)

    def ours() -> None:
        for one in documents:
            canonical(one)

    def theirs() -> None:
        for one in documents:
            rfc8785.dumps(one)

    pairs = [
        (timeit.timeit(ours, number=REPEATS), timeit.timeit(theirs, number=REPEATS))
        for _ in range(ROUNDS)
    ]
    mine, yard = min(one for one, _ in pairs), min(other for _, other in pairs)
    ratio = yard / mine
    each = mine / REPEATS / len(documents) * 1e6
    return [
        Row(
            "canonical JSON, rfc8785 / ours", ratio, "", ">= 5", ratio >= 5,
            f"{each:.1f} µs a document, {len(documents)} documents, bytes identical",
        )
    ]  # fmt: skip
