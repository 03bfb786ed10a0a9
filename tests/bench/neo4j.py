"""Neo4j: how fast it follows the log, how far behind it is, and what impact costs there."""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.lineage import closure as core
from app.core.lineage.closure import State
from app.core.lineage.nodes import NodeKind
from app.core.lineage.relations import FOREVER, OPEN, Edge, RelationType, View
from app.house import open_house
from app.lineage import asking
from app.lineage import neo4j_writing as writing
from app.lineage.neo4j_graph import connect, prepare
from app.lineage.neo4j_store import Neo4jLineageStore, warm
from app.lineage.projector import Projector
from app.settings import Settings
from tests.bench.rows import Row
from tests.living import CHEAP
from tests.servers.neo4j.neo4j import Server
from tests.slices.ledger.desk import ERIN, about

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.house import House
    from app.lineage.neo4j_graph import Neo4j

SEED = 11
NODES, EDGES = 50_000, 200_000
LIVE = 2000
LARGEST = 500
QUESTIONS = 200
TOLD = 10_000
RATE, SECONDS = 300, 10
WHEN = "2026-01-01T00:00:00.000000Z"


def measure(folder: Path) -> list[Row]:
    """Measure on one server of its own."""
    with Server.running() as server:
        graph = connect(server.uri, *server.auth, "neo4j")
        try:
            rows = [*_following(folder, server), *_impact(graph)]
        finally:
            graph.driver.close()
        return [*rows, _memory(server)]


def _following(folder: Path, server: Server) -> Iterator[Row]:
    graph = connect(server.uri, *server.auth, "neo4j")
    settings = Settings(data_dir=folder / "followed", signer_state=folder / "followed.json")
    house = open_house(settings, hasher=CHEAP)
    projector = Projector(house.ledger, graph)
    try:
        for start in range(0, TOLD, 500):
            saids = [about(f"d-{number}") for number in range(start, start + 500)]
            house.ledger.record_all(saids, ERIN)
        while projector.cycle():  # the first batches plan the statements
            if projector.progress.graph_seq >= TOLD // 5:
                break
        began, at = time.perf_counter(), projector.progress.graph_seq
        while projector.cycle():
            pass
        rate = (projector.progress.graph_seq - at) / (time.perf_counter() - began)
        yield Row("Neo4j projection, events/s", rate, "/s", "", None, f"{TOLD} events")
        yield from _lag(house, projector)
    finally:
        projector.stop()
        house.close()


def _lag(house: House, projector: Projector) -> Iterator[Row]:
    """Record at a steady pace, and note when the graph has taken each entry in."""
    projector.start()
    recorded: dict[int, float] = {}
    lags: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        seen = projector.progress.graph_seq
        while not ended.is_set() or seen < max(recorded, default=-1) + 1:
            now = projector.progress.graph_seq
            at = time.perf_counter()
            lags.extend(at - recorded[index] for index in range(seen, now) if index in recorded)
            seen = now
            time.sleep(0.005)

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.perf_counter()
    for number in range(RATE * SECONDS):
        time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        receipt = house.ledger.record(about(f"lag-{number}"), ERIN)
        recorded[receipt.index] = time.perf_counter()
    took = time.perf_counter() - began
    ended.set()
    watching.join()
    lags.sort()
    p50, p99 = lags[len(lags) // 2], lags[int(len(lags) * 0.99)]
    pace = RATE * SECONDS / took
    yield Row("Neo4j lag p99", p99, "s", "<= 1", p99 <= 1, f"p50 {p50:.3f} s, {pace:.0f} events/s")


def _impact(graph: Neo4j) -> Iterator[Row]:
    """Ask for the live deployments below a node, and why, as people do: cones up to 500."""
    rng = random.Random(SEED)
    edges = _edges(rng)
    names = {end: 0 for edge in edges for end in (edge.src, edge.dst)}
    with graph.session() as session:
        prepare(session, "bench")
        for start in range(0, len(names), 2000):
            part = dict(list(names.items())[start : start + 2000])
            session.execute_write(writing.add_nodes, 2, part)
        for start in range(0, len(edges), 2000):
            session.execute_write(writing.add_edges, 2, edges[start : start + 2000])
        warm(session)
        below = _below(edges)
        asked = [
            gid
            for gid in rng.sample(sorted(names), 6000)
            if 20 <= len(_search(below, gid)) <= LARGEST
        ]
        store = Neo4jLineageStore(session, 2, 1)
        terms = asking.Terms(kinds={NodeKind.DEPLOYMENT})
        for gid in asked[:20]:  # so that the server's own compiler has seen the plan
            asking.impact(store, 1, gid, terms, State.LIVE)
        ours, memory, sizes = [], [], []
        for gid in asked[:QUESTIONS]:
            began = time.perf_counter()
            answer = asking.impact(store, 1, gid, terms, State.LIVE)
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            around = _search(below, gid)
            expected = core.impact(
                around, gid, View(1), kinds={NodeKind.DEPLOYMENT}, state=State.LIVE
            )
            memory.append(time.perf_counter() - began)
            sizes.append(len(around))
            if answer.result != expected:
                raise AssertionError(gid)
    ours.sort()
    p50, p95 = ours[len(ours) // 2] * 1000, ours[int(len(ours) * 0.95)] * 1000
    detail = (
        f"p50 {p50:.1f} ms, {len(ours)} cones of {statistics.median(sizes):.0f} edges,"
        f" in memory {statistics.median(memory) * 1000:.2f} ms, seed {SEED}"
    )
    yield Row("impact with why on Neo4j, p95", p95, "ms", "<= 60", p95 <= 60, detail)


def _edges(rng: random.Random) -> list[Edge]:
    """Make versions out of versions not long before them, and deploy some."""
    versions = NODES - 2 * LIVE

    def edge(src: str, dst: str, type_: RelationType) -> Edge:
        return Edge(src, dst, type_, "", 0, OPEN, WHEN, FOREVER)

    found: list[Edge] = []
    each = (EDGES - 2 * LIVE) // versions
    for child in range(1, versions):
        parents = {max(0, child - 1 - int(rng.expovariate(1 / 6000))) for _ in range(each)}
        found += [
            edge(f"dataset_version:d/{parent}", f"dataset_version:d/{child}", RelationType.SOURCE)
            for parent in parents
        ]
    for number in range(LIVE):
        place = f"production/s{number}"
        revision = f"deployment_revision:{place}@{WHEN}"
        source = f"dataset_version:d/{rng.randrange(versions)}"
        found.append(edge(source, revision, RelationType.DEPLOYED))
        found.append(edge(revision, f"deployment:{place}", RelationType.LIVE))
    return found


def _below(edges: Sequence[Edge]) -> Mapping[str, list[Edge]]:
    below: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        below[edge.src].append(edge)
    return below


def _search(below: Mapping[str, list[Edge]], start: str) -> list[Edge]:
    """Collect every edge below ``start``, or a few more than people ask for."""
    seen, waiting = {start}, [start]
    found: list[Edge] = []
    while waiting and len(found) <= LARGEST:
        for edge in below.get(waiting.pop(), ()):
            found.append(edge)
            if edge.dst not in seen:
                seen.add(edge.dst)
                waiting.append(edge.dst)
    return found


def _memory(server: Server) -> Row:
    def resident(pid: int) -> int:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
        return int(status.split("VmRSS:")[1].split()[0]) // 1024

    assert server.process is not None
    ours = resident(os.getpid())
    return Row(
        "resident memory of Neo4j", resident(server.process.pid), "MiB", "", None,
        f"this process {ours} MiB",
    )  # fmt: skip
