"""A real Neo4j in a temporary folder, for tests: started, hurt, restarted, gone at the end.

    with Server.running() as server:
        with GraphDatabase.driver(server.uri, auth=server.auth) as driver: ...
        server.kill()                       # SIGKILL
        server.start()

Neo4j publishes its engine as jars without a command; ``Launcher.java`` is that command. The
jars are fetched once into the user's cache, by Maven, outside the checkout. The server reads
its standard input and ends with it: should this process die without a word, kill -9 included,
so does the server.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

from neo4j import GraphDatabase
from neo4j.exceptions import DriverError, Neo4jError

from tests.servers.jars import jars

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "5.26.30"
FOLDER = f"neo4j-{VERSION}"
HERE = Path(__file__).parent
PASSWORD = "for the tests alone"
SECONDS_TO_START = 120
OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
JAVA = (
    "java",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED),
    "-Xms256m",
    "-Xmx768m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
)
CONF = """\
server.bolt.enabled=true
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
dbms.security.auth_enabled=true
server.memory.pagecache.size=128m
db.tx_log.rotation.retention_policy=keep_none
db.tx_log.preallocate=false
dbms.usage_report.enabled=false
db.transaction.timeout=30s
"""


@dataclass
class Server:
    """One server with one database. ``folder``: everything of it, its log too."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Server]:
        """Make a server and start it."""
        with tempfile.TemporaryDirectory(prefix="muniment-neo4j-") as folder:
            server = cls(Path(folder), _free_port())
            (server.folder / "neo4j.conf").write_text(CONF.format(port=server.port))
            server.start()
            try:
                yield server
            finally:
                server.kill()

    @property
    def uri(self) -> str:
        """Give the address as ``MUNIMENT_NEO4J_URI`` takes it."""
        return f"bolt://127.0.0.1:{self.port}"

    @property
    def auth(self) -> tuple[str, str]:
        """Give the name and password of its one user."""
        return "neo4j", PASSWORD

    def start(self) -> None:
        """Start the server, wait until it lets people in, and set the password once."""
        command = [*JAVA, "-cp", f"{jars(FOLDER, HERE / 'pom.xml')}/*", str(HERE / "Launcher.java")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, str(self.folder / "home"), str(self.folder / "neo4j.conf")],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.folder / "log").read_text()[-4000:])
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it as its operator would."""
        if self.process is not None:
            self.process.communicate()
            self.process = None

    def kill(self) -> None:
        """Kill it at once, as a power cut would."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.communicate()
            self.process = None

    def signal(self, what: signal.Signals) -> None:
        """Send it a signal, such as SIGSTOP and SIGCONT."""
        if self.process is not None:
            self.process.send_signal(what)

    def _answers(self) -> bool:
        """Tell whether it lets people in; the first one in sets the password."""
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)):
                return False
        change = "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $password"
        return self._runs(self.auth, "RETURN 1", "neo4j") or (
            self._runs(("neo4j", "neo4j"), change, "system")
            and self._runs(self.auth, "RETURN 1", "neo4j")
        )

    def _runs(self, auth: tuple[str, str], query: LiteralString, database: str) -> bool:
        try:
            with (
                GraphDatabase.driver(self.uri, auth=auth) as driver,
                driver.session(database=database) as session,
            ):
                session.run(query, password=PASSWORD).consume()
        except (DriverError, Neo4jError):
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
