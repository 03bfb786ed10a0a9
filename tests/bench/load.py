"""A small load generator: keep-alive connections that post prepared bodies, one after another."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CREATED = b"HTTP/1.1 201"


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it. ``latencies``: seconds of each request, sorted."""

    seconds: float
    latencies: Sequence[float]

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Seconds that ``share`` of the requests took at most."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def post_all(port: int, path: str, token: str, bodies: Sequence[bytes], connections: int) -> Load:
    """Post every body once, spread over so many connections. Raises unless all answer 201."""
    return asyncio.run(_post_all(port, path, token, bodies, connections))


async def _post_all(
    port: int, path: str, token: str, bodies: Sequence[bytes], connections: int
) -> Load:
    waiting = iter(bodies)
    latencies: list[float] = []
    start = time.perf_counter()
    await asyncio.gather(
        *(_post(port, path, token, waiting, latencies) for _ in range(connections))
    )
    return Load(time.perf_counter() - start, sorted(latencies))


async def _post(
    port: int, path: str, token: str, waiting: Iterator[bytes], latencies: list[float]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    for body in waiting:
        began = time.perf_counter()
        writer.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(CREATED):
            raise AssertionError(answer + await reader.read(500))
        length = answer.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]
        await reader.readexactly(int(length))
        latencies.append(time.perf_counter() - began)
    writer.close()
