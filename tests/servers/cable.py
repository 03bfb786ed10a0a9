"""A cable between a client and a PostgreSQL, that can be cut without either end noticing.

    with Cable.laid(cluster) as cable:
        url = cable.url(database)
        cable.cut_after(b"COMMIT")      # what holds it still arrives, its answer does not

What is sent into a cut cable is swallowed, as by a network that drops packets: connections stay
open, new ones are taken, and nothing is ever answered. ``mend`` lets new connections through.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.postgresql import PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.postgresql import Cluster

SIZE = 65536


@dataclass
class Cable:
    """``folder``: where clients find the socket. ``was_cut`` is set when it happens."""

    cluster: Cluster
    folder: Path
    listener: socket.socket
    was_cut: threading.Event = field(default_factory=threading.Event)
    _cutting: bytes | None = None
    _ends: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @classmethod
    @contextmanager
    def laid(cls, cluster: Cluster) -> Iterator[Cable]:
        """Lay one, and let connections through it until the end of the block."""
        folder = Path(tempfile.mkdtemp(prefix="muniment-cable-"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / f".s.PGSQL.{PORT}"))
            listener.listen(64)
            cable = cls(cluster, folder, listener)
            cable._begin(cable._accept)
            try:
                yield cable
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                cable._threads[0].join()
                for end in cable._ends:
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                for thread in cable._threads:
                    thread.join()
                for end in cable._ends:
                    end.close()
                shutil.rmtree(folder)

    def url(self, database: str, user: str) -> str:
        """Give a database's address, through the cable."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}&port={PORT}"

    def cut_after(self, words: bytes) -> None:
        """Cut it when a client has sent these words."""
        self._cutting = words

    def mend(self) -> None:
        """Let what connects from now on through."""
        self._cutting = None
        self.was_cut.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.cluster.folder / f".s.PGSQL.{PORT}"))
                self._ends += [client, server]
                self._begin(self._carry, client, server, b"asks")
                self._begin(self._carry, server, client, b"")

    def _begin(self, work: Callable[..., None], *parts: object) -> None:
        thread = threading.Thread(target=work, args=parts, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _carry(self, one: socket.socket, other: socket.socket, asks: bytes) -> None:
        with suppress(OSError):
            while said := one.recv(SIZE):
                if self.was_cut.is_set():
                    continue
                if asks and self._cutting is not None and self._cutting in said:
                    self.was_cut.set()
                other.sendall(said)
        if not self.was_cut.is_set():
            for end in (one, other):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
