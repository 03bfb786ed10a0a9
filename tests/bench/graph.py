"""Closure from SQL, against a search over the same edges in memory."""

from __future__ import annotations

import random
import statistics
import time
from collections import defaultdict

from sqlalchemy import Connection, create_engine, insert
from sqlalchemy.pool import StaticPool

from app.core.lineage.closure import Direction
from app.core.lineage.nodes import gid_of
from app.core.lineage.relations import FOREVER, OPEN, RelationType
from app.lineage import asking
from app.lineage.models import EDGES, NODES
from app.lineage.sql_store import SqlLineageStore
from tests.bench.rows import Row

VERSIONS = 20_000
PARENTS = 3
QUESTIONS = 60
SEED = 7
LARGEST = 500
"""Cones up to this many nodes are asked about, as people do."""


def measure() -> list[Row]:
    """Ask for what versions came from, in a random graph of 20,000 nodes and 60,000 edges."""
    rng = random.Random(SEED)
    parents = {child: _some(rng, child) for child in range(1, VERSIONS)}
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        _fill(connection, parents)
        store = SqlLineageStore(connection, VERSIONS)
        asked = [
            one for one in rng.sample(range(1, VERSIONS), 4000) if _search(parents, one) <= LARGEST
        ]
        sql, memory, nodes = [], [], []
        for child in asked[:QUESTIONS]:
            began = time.perf_counter()
            answer = asking.closure(
                store, VERSIONS, _name(child), Direction.UPSTREAM, asking.Terms()
            )
            sql.append(time.perf_counter() - began)
            began = time.perf_counter()
            found = _search(parents, child)
            memory.append(time.perf_counter() - began)
            if len(answer.result.nodes) != found:
                raise AssertionError(child)
            nodes.append(found)
    ratio = statistics.median(ours / bare for ours, bare in zip(sql, memory, strict=True))
    detail = (
        f"median {statistics.median(sql) * 1000:.2f} ms for {statistics.median(nodes):.0f} nodes,"
        f" seed {SEED}"
    )
    return [Row("lineage closure / search in memory", ratio, "", "", None, detail)]


def _some(rng: random.Random, child: int) -> list[int]:
    """Choose what a version was made from: mostly things made not long before it."""
    return sorted({max(0, child - 1 - int(rng.expovariate(1 / 2000))) for _ in range(PARENTS)})


def _name(number: int) -> str:
    return f"dataset/d/{number}"


def _fill(connection: Connection, parents: dict[int, list[int]]) -> None:
    for table in (NODES, EDGES):
        table.create(connection)
    names = [{"gid": gid_of(_name(number)), "seq_from": 0} for number in range(VERSIONS)]
    connection.execute(insert(NODES), names)
    edges = [
        {
            "src": gid_of(_name(parent)),
            "dst": gid_of(_name(child)),
            "type": RelationType.SOURCE.value,
            "role": "",
            "seq_from": 0,
            "seq_to": OPEN,
            "valid_from": "2026-01-01T00:00:00.000000Z",
            "valid_to": FOREVER,
        }
        for child, those in parents.items()
        for parent in those
    ]
    connection.execute(insert(EDGES), edges)


def _search(parents: dict[int, list[int]], start: int) -> int:
    """Count everything above ``start``, itself included, and the edges among it."""
    seen = {start}
    waiting = [start]
    edges: dict[int, list[int]] = defaultdict(list)
    while waiting:
        child = waiting.pop()
        for parent in parents.get(child, ()):
            edges[child].append(parent)
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return len(seen)
