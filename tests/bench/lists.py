"""List pages and CSV of a log of 100,000 events about 1,000 models.

Pages are asked for inside the process, without a socket: what is measured is the server's work.
The CSV of every event is read as it streams; how much the process grows meanwhile is told.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.events import Said, parse_event
from tests.bench.rows import Row
from tests.living import World
from tests.slices.ledger.desk import ERIN

if TYPE_CHECKING:
    from collections.abc import Sequence

EVENTS = 100_000
MODELS = 1000
TURNS = 30
BATCH = 1000
PAGES = ("/models", "/datasets", "/deployments", "/ledger", "/promotions", "/inbox", "/search?q=m1")
CSV = "/api/v1/events"
SLOW = 300
DIGEST = "sha256:" + "ab" * 32


def measure(place: Path) -> list[Row]:
    """Fill a log, then ask for each page again and again."""
    (place / "lists").mkdir()
    with World.open(place / "lists") as world:
        _fill(world)
        rows = [_page(world, path) for path in PAGES]
        return [*rows, _csv(world)]


def _fill(world: World) -> None:
    saids = [_model(number) for number in range(MODELS)]
    saids += [_version(number) for number in range(MODELS)]
    world.house.ledger.record_all(saids[:MODELS], ERIN)
    world.house.ledger.record_all(saids[MODELS:], ERIN)
    measured = [_evaluation(number) for number in range(BATCH)]
    for _ in range(2 * MODELS, EVENTS, BATCH):
        world.house.ledger.record_all(measured, ERIN)


def _page(world: World, path: str) -> Row:
    client, spent = world.client(world.ada), []
    for _ in range(TURNS):
        began = time.perf_counter()
        answer = client.get(path, headers={"Accept": "text/html"})
        spent.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200 or "html" not in answer.headers["content-type"]:
            raise AssertionError(answer.text)
    p95 = statistics.quantiles(spent, n=20, method="inclusive")[-1]
    return Row(
        f"page {path} of {EVENTS:,} events, p95", p95, "ms", f"<= {SLOW}", p95 <= SLOW,
        f"median {statistics.median(spent):.0f} ms",
    )  # fmt: skip


def _csv(world: World) -> Row:
    """Read the whole list as it comes, and tell by how much the process grew."""
    session = world.session(world.ada)
    before = _resident()
    began = time.perf_counter()
    length, lines, most = asyncio.run(_streamed(world, session))
    seconds = time.perf_counter() - began
    grown = most - before
    if lines < EVENTS:
        raise AssertionError(lines)
    return Row(
        f"CSV of {lines:,} events: growth of the process", grown, "MiB", "<= 50", grown <= 50,
        f"{length / 2**20:.0f} MiB in {seconds:.0f} s",
    )  # fmt: skip


async def _streamed(world: World, session: str) -> tuple[int, int, float]:
    length, lines, most = 0, 0, 0.0
    path, _, query = CSV.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "root_path": "", "client": ("127.0.0.1", 1), "server": ("localhost", 8000), "state": {},
        "headers": [
            (b"host", b"localhost:8000"), (b"accept", b"text/csv"),
            (b"authorization", f"Bearer {session}".encode()),
        ],
    }  # fmt: skip

    gone = asyncio.Event()  # nobody hangs up

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # noqa: ANN401 - the framework's
        nonlocal length, lines, most
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise AssertionError(message)
        body = message.get("body", b"")
        length += len(body)
        lines += body.count(b"\r\n")
        most = max(most, _resident())

    await world.app(scope, receive, send)
    return length, lines - 1, most


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096 / 2**20


def _said(wire: str, subject: str, data: dict[str, Any]) -> Said:
    return Said(subject, parse_event(wire, data), data)


def _model(number: int) -> Said:
    data = {"owner": "bank", "purpose": "Decide about credit", "risk_tier": "high"}
    return _said("model.registered.v1", f"model/m{number}", data)


def _version(number: int) -> Said:
    trained: Sequence[str] = []
    data = {
        "artifact": {"digest": DIGEST, "uri": "file:model"},
        "framework": "scikit-learn",
        "trained_on": trained,
    }
    return _said("model.version_registered.v1", f"model/m{number}/1", data)


def _evaluation(number: int) -> Said:
    subject = f"model/m{number % MODELS}/1"
    data = {
        "model_version": subject,
        "dataset_version": "dataset/applicants/1",
        "model_digest": DIGEST,
        "dataset_digest": DIGEST,
        "producer": "bench",
        "metrics": [{"name": "roc_auc", "value": 0.75, "n": 1000}],
    }
    return _said("evaluation.recorded.v1", subject, data)
