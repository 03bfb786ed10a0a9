"""Load on servers: many post to each, keep every receipt, and send again what was not answered."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.acceptance.routes import API, EVENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.acceptance.running import Server

AT_ONCE = 8
PAUSE = 0.1
TIMEOUT = 30


@dataclass
class Load:
    """``receipts``: by key. ``refused``: every answer that was none, as (status, headers).

    ``unanswered``: what was sent and has no receipt; ``slowest``: seconds until any answer.
    """

    servers: Sequence[Server]
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    unanswered: dict[str, None] = field(default_factory=dict)
    slowest: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, name: str, at_once: int = AT_ONCE) -> None:
        """Let so many post to each server, until ``end``."""
        for place, server in enumerate(self.servers):
            for number in range(at_once):
                named = f"{name}-{place}-{number}"
                thread = threading.Thread(target=self._post_many, args=(server, named))
                thread.start()
                self._threads.append(thread)

    def end(self) -> None:
        """Begin no other request; wait for the answers."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._ended.clear()

    def count(self) -> int:
        """Tell how much was acknowledged so far."""
        return len(self.receipts)

    def send_again(self, server: Server) -> None:
        """Send what was not answered again, under its key, until there is a receipt."""
        asking = _Asking(server)
        for key in list(self.unanswered):
            until = time.monotonic() + 2 * TIMEOUT
            while not self._post(asking, key):
                assert time.monotonic() < until, f"{key} is never answered"
                time.sleep(PAUSE)
        asking.close()

    def _post_many(self, server: Server, name: str) -> None:
        asking, number = _Asking(server), 0
        while not self._ended.is_set():
            if not self._post(asking, f"{name}-{number}"):
                self._ended.wait(PAUSE)
            number += 1
        asking.close()

    def _post(self, asking: _Asking, key: str) -> bool:
        self.unanswered[key] = None
        began = time.monotonic()
        status, headers, body = asking.post(key)
        with self._lock:
            self.slowest = max(self.slowest, time.monotonic() - began)
            if status == http.HTTPStatus.CREATED:
                known = self.receipts.setdefault(key, body)
                assert known == body, "another receipt than before"
                del self.unanswered[key]
                return True
            self.refused.append((status, headers))
            return False


class _Asking:
    """One connection that is kept, and made anew when it is lost."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)

    def post(self, key: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Post an event under a key; status 0 where nobody answered."""
        body = json.dumps({**EVENT, "subject": f"dataset/{key}"})
        headers = {
            "Authorization": f"Bearer {self._server.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        try:
            self._connection.request("POST", f"{API}/events", body, headers)
            answer = self._connection.getresponse()
            said = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, {}, {}
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, said

    def close(self) -> None:
        self._connection.close()
