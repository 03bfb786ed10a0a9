"""Running the application: on its address, and on the socket of this machine's operator."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import uvicorn

from app.core.errors import Rejected
from app.house import open_house
from app.identity.local import LocalOperator, OwnersProtocol, admin_socket
from app.main import app_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fastapi import FastAPI

    from app.core.jsonvalue import Json
    from app.settings import Settings

BACKLOG = 2048


class _Quiet(uvicorn.Server):
    """A server beside another one, which takes the signals for both."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


class _Public(uvicorn.Server):
    """The server on the public address; before it ends, the operator's socket does."""

    def __init__(self, config: uvicorn.Config, local: _Quiet) -> None:
        super().__init__(config)
        self._local = local
        self.local_ended = asyncio.Event()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in by the socket any more, then close everything."""
        self._local.should_exit = True
        await self.local_ended.wait()
        await super().shutdown(sockets)


def serve(settings: Settings) -> None:
    """Serve until a signal ends it. Raises Rejected rather than be read by the network."""
    if settings.listens_beyond_loopback_unprotected():
        raise Rejected(
            f"{settings.host} can be reached by others, and what they send could be read",
            remedy="set MUNIMENT_TLS_CERT and MUNIMENT_TLS_KEY, or MUNIMENT_TRUSTED_PROXIES, "
            "or say MUNIMENT_ALLOW_HTTP=true",
        )
    house = open_house(settings)
    app = app_of(house)
    house.layout.warm()
    address: str | None = app.state.setup_address
    if address is not None:
        sys.stderr.write(
            f"Nobody has an account here yet. Set up, within 30 minutes:\n  {address}\n"
        )
    sys.stderr.write(f"Muniment listens on {settings.host}:{settings.port}\n")
    sys.stderr.flush()
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(_serve(app, settings, house.folder.socket if house.lock else None))


def _loop() -> asyncio.AbstractEventLoop:
    """Make the event loop that also switches TCP_NODELAY on."""
    import uvloop

    return uvloop.new_event_loop()


async def _serve(app: FastAPI, settings: Settings, path: Path | None) -> None:
    """Serve; ``path``: of the operator's socket, None where others write to the log too."""
    local = _local_server(app, lifespan="off")
    public = _Public(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
        ),
        local,
    )

    async def operate() -> None:
        if path is not None:
            with admin_socket(path) as listener:
                await local.serve([listener])
            # Here, for at its end uvicorn raises the signal again.
            path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, when nobody waits any more
        public.local_ended.set()

    await asyncio.gather(public.serve(), operate())


@contextmanager
def local_server(settings: Settings) -> Iterator[Path]:
    """Open the data folder for one command, and serve its operator's socket meanwhile.

    Raises Unavailable naming the process that has the folder.
    """
    house = open_house(settings)
    path = house.folder.socket
    server = _local_server(app_of(house), lifespan="on")
    listener = admin_socket(path)
    thread = threading.Thread(target=server.run, args=([listener],), name="operator", daemon=True)
    thread.start()
    try:
        while thread.is_alive() and not server.started:
            time.sleep(0.01)
        yield path
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        path.unlink(missing_ok=True)


def init(settings: Settings, name: str, password: str) -> dict[str, Json]:
    """Make the log of a data folder and its first administrator.

    Returns {admin, otpauth, recovery_codes, vkey}, shown this once. Raises Conflict if
    there are people already.
    """
    house = open_house(settings)
    try:
        return house.init(name, password)
    finally:
        house.close()


def _local_server(app: FastAPI, **how: Any) -> _Quiet:  # noqa: ANN401 - uvicorn's own
    config = uvicorn.Config(
        LocalOperator(app, os.getuid()),
        http=OwnersProtocol,
        log_level="warning",
        access_log=False,
        **how,
    )
    return _Quiet(config)
