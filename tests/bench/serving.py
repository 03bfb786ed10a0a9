"""Posting over HTTP, against a route that does nothing and one that commits a row.

Trying routes is a large part of what a request costs in the framework, so both yardsticks stand
where ours stands: first. A route that does nothing at the table's end, where they stood before,
takes several times as long, and a ratio against it would say little about the append.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING

import uvicorn
from fastapi import Request  # noqa: TC002 - the framework reads it when it runs
from starlette.responses import JSONResponse, Response

from app.core.access import Scope
from app.house import House, open_house
from app.identity.issuing import Wanted
from app.identity.local import local_principal
from app.main import app_of
from app.settings import Settings
from tests.bench.load import Load, post_all
from tests.bench.rows import Row
from tests.servers.postgresql import APP, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fastapi import FastAPI

REQUESTS = 1500
BATCH = 100
ROUNDS = 3
RECEIPT = {
    "index": 1,
    "id": "01a1fe05-1c40-7e41-be52-6c5ee51a6d7e",
    "leaf_hash": "0" * 64,
    "subject": "dataset/x",
    "subject_prev": None,
    "recorded_at": "2026-01-01T00:00:00.000000Z",
    "log_size": 2,
}


def measure(folder: Path) -> list[Row]:
    """Serve on loopback and post at 1 and 32 connections, yardstick and route in turn."""
    place = folder / "serving"
    house = open_house(Settings(data_dir=place, signer_state=place / "state.json"))
    token = _token(house)
    app = app_of(house)
    _yardsticks(app, place / "bare.db")
    with _running(app) as port:
        _post(port, "/bench/nothing", token, 1, 99)
        _post(port, "/api/v1/events", token, 1, 98)
        many = [_pair(port, token, "/bench/nothing", 32, turn) for turn in range(ROUNDS)]
        single = [_pair(port, token, "/bench/commit", 1, 10 + turn) for turn in range(ROUNDS)]
        in_batches = [_batches(port, token, 20 + turn) for turn in range(ROUNDS)]
    ratio, ours, yard = sorted(many, key=lambda one: one[0])[ROUNDS // 2]
    one_ratio, one, one_yard = sorted(single, key=lambda each: each[0])[ROUNDS // 2]
    tail = ours.quantile(0.99) / ours.quantile(0.5)
    batched = sorted(load.per_second for load in in_batches)[ROUNDS // 2] * BATCH
    times = batched / ours.per_second
    return [
        Row(
            "HTTP append, 32 connections / route that does nothing",
            ratio, "", ">= .50", ratio >= 0.5,
            f"{ours.per_second:,.0f} against {yard.per_second:,.0f} requests/s",
        ),
        Row("HTTP append, 32 connections, p99 / p50", tail, "", "<= 4", tail <= 4, ""),
        Row(
            "HTTP append, batches of 100 / single posts, events/s",
            times, "", ">= 6", times >= 6,
            f"{batched:,.0f} against {ours.per_second:,.0f} events/s",
        ),
        Row(
            "HTTP append, 1 connection / one bare FULL commit",
            one_ratio, "", ">= .60", one_ratio >= 0.6,
            f"{one.per_second:,.0f} against {one_yard.per_second:,.0f} requests/s",
        ),
        _beside(folder, ours),
    ]  # fmt: skip


def _beside(folder: Path, in_file: Load) -> Row:
    """Post at 32 connections to a log on PostgreSQL, beside that in a file."""
    place = folder / "serving-postgresql"
    with Cluster.running() as cluster:
        url = cluster.url(cluster.prepared(), APP)
        settings = Settings(data_dir=place, signer_state=place / "state.json", database_url=url)
        house = open_house(settings)
        token = _token(house)
        with _running(app_of(house)) as port:
            _post(port, "/api/v1/events", token, 1, 98)
            loads = [_post(port, "/api/v1/events", token, 32, turn) for turn in range(ROUNDS)]
    load = sorted(loads, key=lambda one: one.per_second)[ROUNDS // 2]
    ratio = load.per_second / in_file.per_second
    detail = f"{load.per_second:,.0f} beside {in_file.per_second:,.0f} requests/s"
    return Row("HTTP append, 32 connections, PostgreSQL / SQLite", ratio, "", "", None, detail)


def _pair(
    port: int, token: str, yardstick: str, connections: int, turn: int
) -> tuple[float, Load, Load]:
    yard = _post(port, yardstick, token, connections, 2 * turn)
    ours = _post(port, "/api/v1/events", token, connections, 2 * turn + 1)
    return ours.per_second / yard.per_second, ours, yard


def _event(turn: int, number: int) -> dict[str, object]:
    return {
        "type": "dataset.registered",
        "subject": f"dataset/d{turn}-{number}",
        "data": {"owner": "owner", "licence": "CC-BY-4.0", "description": "A data set"},
    }


def _post(port: int, path: str, token: str, connections: int, turn: int) -> Load:
    bodies = [json.dumps(_event(turn, number)).encode() for number in range(REQUESTS)]
    return _sent(port, path, token, bodies, connections)


def _batches(port: int, token: str, turn: int) -> Load:
    """Post as many events a hundred a request."""
    bodies = [
        json.dumps([_event(turn, number) for number in range(start, start + BATCH)]).encode()
        for start in range(0, REQUESTS * 4, BATCH)
    ]
    return _sent(port, "/api/v1/events/batch", token, bodies, 4)


def _sent(port: int, path: str, token: str, bodies: Sequence[bytes], connections: int) -> Load:
    # From a process of its own: a client in this one would share its interpreter.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as clients:
        return clients.submit(post_all, port, path, token, bodies, connections).result()


def _yardsticks(app: FastAPI, path: Path) -> None:
    """Add routes of the same kind and place that do nothing, and one commit, with the same body."""
    bare = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("CREATE TABLE bare (body BLOB)")

    @app.post("/bench/nothing", status_code=201)
    async def nothing(request: Request) -> Response:
        await request.body()
        return JSONResponse(RECEIPT, 201)

    @app.post("/bench/commit", status_code=201)
    async def commit(request: Request) -> Response:
        bare.execute("INSERT INTO bare VALUES (?)", (await request.body(),))
        return JSONResponse(RECEIPT, 201)

    # Routes are tried in order, which costs: these stand beside the one they are held against.
    routes = app.router.routes
    routes[:0] = [routes.pop(), routes.pop()]


def _token(house: House) -> str:
    founded = house.init("bench", "a password nobody needs")
    wanted = Wanted("bench", (Scope.EVENT_APPEND,), owner=str(founded["admin"]))
    return house.identity.tokens.create(local_principal(os.getuid()), wanted).secret


@contextmanager
def _running(app: FastAPI) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, loop="uvloop")
    )
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
