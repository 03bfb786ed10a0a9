"""A ``World`` that a browser can reach: the same application, on a port of loopback."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import uvicorn

from app.settings import Settings
from tests.living import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

PATIENCE = 30
EARLIER = timedelta(hours=1)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def listening(app: FastAPI, port: int) -> Iterator[None]:
    """Serve an application whose lifespan runs already."""
    config = uvicorn.Config(app, port=port, log_level="error", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="browsed")
    thread.start()
    until = time.monotonic() + PATIENCE
    try:
        while not server.started:
            assert time.monotonic() < until, "the server does not get ready"
            time.sleep(0.02)
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def browsed(folder: Path) -> Iterator[World]:
    """Open a world, with ada in it, that is also there for browsers, at its public address."""
    port = free_port()
    settings = Settings(public_url=f"http://localhost:{port}", port=port)
    beginning = datetime.now(UTC) - EARLIER  # each code that is typed takes half a minute
    with World.open(folder, settings, beginning) as world, listening(world.app, port):
        yield world
