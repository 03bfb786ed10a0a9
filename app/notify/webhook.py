"""One webhook: Standard Webhooks 1.0, signed, posted to an address that was looked at.

The body is JSON of ids alone; whoever receives it asks with a credential of their own for
more. Source: Standard Webhooks specification (webhook-id, webhook-timestamp, webhook-signature).
"""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpcore
from standardwebhooks.webhooks import Webhook as Signature

from app.core.errors import Forbidden
from app.core.ledger.times import format_time
from app.notify.targets import Resolve, Target, addresses_of, resolve_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from app.notify.outbox import Notice

PATIENCE = 10.0
"""Seconds that connecting, and all of an answer's head, may take."""
GONE = 410


class NotDelivered(Exception):  # noqa: N818 - what happened
    """It did not arrive. ``for_good``: trying again is of no use."""

    def __init__(self, problem: str, *, for_good: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where notices are posted, and the secret they are signed with."""

    target: Target
    secret: str = field(repr=False)
    declared: Sequence[str] = ()
    resolve: Resolve = resolve_host
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    def send(self, notice: Notice, page: str, now: datetime) -> None:
        """Post a notice. ``page``: address of what it is about. Raises NotDelivered."""
        body = json.dumps(
            {
                "type": notice.about.value,
                "timestamp": format_time(notice.made_at),
                "data": {
                    "subject": notice.subject,
                    "index": notice.index if notice.index >= 0 else None,
                    "url": page,
                },
            }
        )
        id_ = f"msg_{notice.id}"
        headers = [
            (b"Host", _host(self.target).encode()),
            (b"Content-Type", b"application/json"),
            (b"User-Agent", b"muniment"),
            (b"webhook-id", id_.encode()),
            (b"webhook-timestamp", str(int(now.timestamp())).encode()),
            (b"webhook-signature", Signature(self.secret).sign(id_, now, body).encode()),
        ]
        status = self._post(headers, body.encode())
        if 200 <= status < 300:  # noqa: PLR2004 - the class of statuses that accept
            return
        told = "redirects, and none is followed" if 300 <= status < 400 else "answered"  # noqa: PLR2004
        raise NotDelivered(f"{self.target} {told} ({status})", for_good=status == GONE)

    def _post(self, headers: list[tuple[bytes, bytes]], body: bytes) -> int:
        backend = _Pinned(self.target, self.declared, self.resolve)
        url = httpcore.URL(
            scheme=self.target.scheme.encode(),
            host=self.target.host.encode(),
            port=self.target.port,
            target=self.target.path.encode(),
        )
        patience = dict.fromkeys(("connect", "read", "write", "pool"), PATIENCE)
        try:
            with (
                httpcore.ConnectionPool(self.context, network_backend=backend) as pool,
                pool.stream(
                    "POST", url, headers=headers, content=body, extensions={"timeout": patience}
                ) as answer,
            ):
                return answer.status  # nobody reads what else it says
        except Forbidden as refusal:
            raise NotDelivered(refusal.detail) from refusal
        except (OSError, httpcore.NetworkError, httpcore.TimeoutException) as error:
            said = str(error) or type(error).__name__
            raise NotDelivered(f"{self.target} does not answer: {said[:200]}") from error
        except httpcore.ProtocolError as error:
            raise NotDelivered(f"{self.target} does not speak HTTP") from error


def _host(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return (
        host
        if target.port == (443 if target.scheme == "https" else 80)
        else f"{host}:{target.port}"
    )


class _Pinned(httpcore.NetworkBackend):
    """Connects to the addresses that were looked at, and to nothing else."""

    def __init__(self, target: Target, declared: Sequence[str], resolve: Resolve) -> None:
        self._target = target
        self._declared = declared
        self._resolve = resolve
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the target's, which is looked at below
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers. Raises Forbidden, OSError."""
        failure: Exception = OSError("the host has no address")
        for address in addresses_of(self._target, self._declared, self._resolve):
            try:
                stream = self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return _Bounded(stream, time.monotonic() + 2 * PATIENCE)
        raise failure


class _Bounded(httpcore.NetworkStream):
    """A connection that ends at a moment, however slowly the other side drips."""

    def __init__(self, inner: httpcore.NetworkStream, ends_at: float) -> None:
        self._inner = inner
        self._ends_at = ends_at

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read, for as long as is left."""
        return self._inner.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, for as long as is left."""
        self._inner.write(buffer, self._left(timeout))

    def close(self) -> None:
        """Hang up."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Prove who answers: the host's name, not the address, is on the certificate."""
        inner = self._inner.start_tls(ssl_context, server_hostname, self._left(timeout))
        return _Bounded(inner, self._ends_at)

    def get_extra_info(self, info: str) -> object:
        """Tell what the connection knows."""
        return self._inner.get_extra_info(info)

    def _left(self, timeout: float | None) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("it takes too long")
        return left if timeout is None else min(left, timeout)
