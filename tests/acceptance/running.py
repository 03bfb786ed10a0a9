"""A real server in a process of its own, on loopback, that can be killed at any moment."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.living import World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.ledger.note import Verifier

PATIENCE = 60
MUNIMENT = Path(sys.executable).parent / "muniment"


@dataclass
class Server:
    """``muniment serve`` on a folder. ``token``: may record and read everything.

    ``settings``: environment variables beside those that name the folder. Several may run on
    one folder where a database holds the log.
    """

    folder: Path
    token: str
    key: Verifier
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def founded(cls, folder: Path, database_url: str | None = None) -> Server:
        """Make a log with people and a token in a new folder; nothing runs yet."""
        # A little earlier, for each code that is typed takes half a minute.
        beginning = datetime.now(UTC) - timedelta(minutes=15)
        with World.open(folder, beginning=beginning, database_url=database_url) as world:
            erin = world.person("erin", "engineer")
            token = world.token("event:append", "read", "log:read", owner=erin)
            key = world.house.log_signer.verifier
        kept = {} if database_url is None else {"MUNIMENT_DATABASE_URL": database_url}
        return cls(folder, token.secret, key, kept)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / "data" / "ledger.db"

    def client(self) -> httpx.Client:
        """Ask with the token, over connections of its own."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)

    def start(self) -> None:
        """Start it, and wait until it takes events."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = {
            "MUNIMENT_DATA_DIR": str(self.folder / "data"),
            "MUNIMENT_SIGNER_STATE": str(self.folder / "signer-state.json"),
            "MUNIMENT_PORT": str(self.port),
            "MUNIMENT_LOG_PUBLIC": "true",
            **self.settings,
        }
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [MUNIMENT, "serve"], env=os.environ | settings, stdout=log, stderr=log
            )
        until = time.monotonic() + PATIENCE
        while not self._ready():
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < until, "the server does not get ready"
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until it is gone."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None
