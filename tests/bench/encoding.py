"""Canonical JSON against ``rfc8785``, on every event that a client may post; bytes identical."""

from __future__ import annotations

import json
import time
import timeit
from typing import TYPE_CHECKING

import rfc8785

from app.core.events import CLIENT_TYPES
from app.core.ledger.canonical import canonical
from app.resources import Resource, folder
from tests.bench.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable

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

    pairs = [(_spent(ours), _spent(theirs)) for _ in range(ROUNDS)]
    mine, yard = min(one for one, _ in pairs), min(other for _, other in pairs)
    ratio = yard / mine
    each = mine / REPEATS / len(documents) * 1e6
    return [
        Row(
            "canonical JSON, rfc8785 / ours", ratio, "", ">= 5", ratio >= 5,
            f"{each:.1f} µs a document, {len(documents)} documents, bytes identical",
        )
    ]  # fmt: skip


def _spent(work: Callable[[], None]) -> float:
    """Take seconds of processor time: others' work beside it counts for less."""
    return timeit.timeit(work, timer=time.thread_time, number=REPEATS)
