"""A witness as a real HTTP server (C2SP tlog-witness), and ways in which it can misbehave.

``Double`` keeps to the protocol: it checks the log's signature, its own memory and the
consistency proof before it cosigns. ``instead`` puts another answer in the place of its own.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import BadSignature, Refusal
from app.core.ledger import consistency
from app.core.ledger.add_checkpoint import parse_request
from app.core.ledger.checkpoint import open_checkpoint, parse_checkpoint
from app.core.ledger.cosignature import Witness, cosign
from app.core.ledger.note import parse_note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.core.ledger.add_checkpoint import AddCheckpoint
    from app.core.ledger.checkpoint import Checkpoint
    from app.core.ledger.note import Verifier

SIZE = "text/x.tlog.size"
AT = 1_790_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    media: str = "text/plain"


@dataclass
class Double:
    """A witness that knows some logs. ``seen``: the last tree it cosigned, by origin."""

    name: str = "witness.example/w1"
    number: int = 40
    logs: list[Verifier] = field(default_factory=list)
    seen: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[AddCheckpoint] = field(default_factory=list)
    instead: Callable[[Reply], Reply | None] | None = None
    url: str = ""
    at: int = AT
    _alone: threading.Lock = field(default_factory=threading.Lock)
    _heard: threading.Condition = field(default_factory=threading.Condition)

    @property
    def key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes(range(self.number, self.number + 32)))

    @property
    def witness(self) -> Witness:
        return Witness(self.name, self.key.public_key().public_bytes_raw())

    def line(self, name: str = "W1") -> str:
        """The line of a policy that names this witness."""
        return f"witness {name} {self.witness.vkey()} {self.url}"

    def answer(self, raw: bytes) -> Reply | None:
        """Answer a request; None hangs up."""
        with self._alone:
            reply = self._answer(raw)
        with self._heard:
            self._heard.notify_all()
        return reply if self.instead is None else self.instead(reply)

    def wait(self, ready: Callable[[], bool]) -> bool:
        """Wait until something holds that requests bring about."""
        with self._heard:
            return self._heard.wait_for(ready, 20)

    def _answer(self, raw: bytes) -> Reply:
        try:
            request = parse_request(raw)
            origin = parse_checkpoint(parse_note(request.checkpoint)[0]).origin
        except Refusal as refusal:
            return Reply(400, refusal.detail.encode())
        self.asked.append(request)
        known = [log for log in self.logs if log.name == origin]
        if not known:
            return Reply(404)
        try:
            signed = open_checkpoint(request.checkpoint, known)
        except BadSignature:
            return Reply(403)
        return self._cosign(request, signed)

    def _cosign(self, request: AddCheckpoint, signed: Checkpoint) -> Reply:
        size, root = self.seen.get(signed.origin, (0, b""))
        if request.old > signed.size:
            return Reply(400)
        if request.old != size or (size == signed.size and size and root != signed.root):
            return Reply(409, f"{size}\n".encode(), SIZE)
        try:
            if size:
                consistency.check(size, root, signed.size, signed.root, request.proof)
            elif request.proof:
                return Reply(422)
        except Refusal:
            return Reply(422)
        self.seen[signed.origin] = (signed.size, signed.root)
        return Reply(200, cosign(signed.text(), self.at, self.witness, self.key.sign).encode())


@contextmanager
def running(double: Double) -> Iterator[Double]:
    """Run a witness on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            reply = double.answer(raw) if self.path == "/w/add-checkpoint" else Reply(404)
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.media)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        double.url = f"http://127.0.0.1:{server.server_port}/w"
        try:
            yield double
        finally:
            server.shutdown()
            thread.join()
