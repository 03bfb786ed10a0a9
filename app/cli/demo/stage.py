"""A server in a new folder on a free port, the command, and people with authenticators."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sysconfig
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from app.cli.demo.transcript import Surprise
from app.client import Client

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from app.cli.demo.transcript import Transcript

COMMAND = Path(sysconfig.get_path("scripts")) / "muniment"
PATIENCE = 60.0
"""Seconds that any one thing may take."""

CODE_LIFE = 30
OPERATOR = "operator"
OWNER = "owner"
PIPELINE = "pipeline"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Hidden:
    """A word of a command that is not for others' eyes. ``shown``: what stands in its place."""

    value: str
    shown: str


Word = str | Hidden


@dataclass(slots=True)
class Person:
    """Somebody with a password and an authenticator. ``last``: time step of the last code."""

    name: str
    printed_name: str
    job: str
    roles: tuple[str, ...] = ()
    otpauth: str = ""
    last: int = 0

    @property
    def password(self) -> str:
        return f"the password of {self.name} in the demo"

    def code(self) -> Hidden:
        """Give a code that was not used yet; waits where there is none for the moment."""
        import pyotp

        secret = pyotp.parse_uri(self.otpauth)
        if not isinstance(secret, pyotp.TOTP):
            raise Surprise(f"{self.name} got no address for an authenticator")
        step = self.last
        while step <= self.last:
            now, gone = divmod(int(time.time()), CODE_LIFE)
            # The code before counts as long as this one is not over; it has to get there, too.
            oldest = now - 1 if gone < CODE_LIFE / 2 else now
            step = max(oldest, self.last + 1)
            if step > now + 1:
                step = self.last
                time.sleep(0.5)
        self.last = step
        return Hidden(secret.at(step * CODE_LIFE), "CODE")


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What it printed with ``--json``."""
        try:
            found = json.loads(self.out)
        except ValueError:
            raise Surprise(f"no JSON was printed: {self.out[:200]!r} {self.err[:500]!r}") from None
        return dict(found)


@dataclass(frozen=True, slots=True)
class Servers:
    """Database servers that keep the log and the graph, in a file's place.

    ``variables``: the settings that name them. ``owner``: the database's address for its owner,
    who makes the tables.
    """

    variables: Mapping[str, str]
    owner: str


@dataclass(slots=True)
class Stage:
    """Where it all happens. ``token``: the pipeline's."""

    folder: Path
    transcript: Transcript
    servers: Servers | None = None
    port: int = field(default_factory=_free_port)
    token: str | None = None
    _server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        with (self.folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(  # noqa: S603 - our own command
                [COMMAND, "serve"], env=self._environment(OPERATOR), stderr=log, stdout=log
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._server.poll() is None:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz").is_success:
                    return
            time.sleep(0.1)
        raise Surprise(f"the server did not come up; see {self.folder / 'server.log'}")

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self._server is None:
            return
        self._server.terminate()
        self._server.wait(PATIENCE)
        self._server = None

    def client(self) -> Client:
        """Connect over HTTP, as the pipeline."""
        return Client(self.url, self.token)

    def begin(self, *words: Word) -> subprocess.Popen[str]:
        """Start a command of the pipeline's that will take a while."""
        self._show(PIPELINE, words)
        return subprocess.Popen(  # noqa: S603 - our own command
            [COMMAND, *map(_value, words)],
            env=self._environment(PIPELINE),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        *words: Word,
        who: Person | None = None,
        by: str = PIPELINE,
        given: str | None = None,
        codes: Collection[int] = (0,),
        shown: str | None = None,
    ) -> Ran:
        """Run a command as the person ``who``, or as the pipeline; ``by``: as nobody known.

        ``given``: its standard input. ``codes``: the exit codes that are honest here.
        ``shown``: what the transcript shows of its output; None: the result, else the rest.
        """
        by = by if who is None else who.name
        self._show(by, words)
        done = subprocess.run(  # noqa: S603 - our own command
            [COMMAND, *map(_value, words)],
            env=self._environment(by),
            cwd=self.folder,
            input=given or "",
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
        surprising = done.returncode not in codes
        everything = f"{done.stdout}\n{done.stderr}"
        if surprising:
            self.transcript.output(everything, done.returncode, most=1000)
            expected = " or ".join(map(str, codes))
            raise Surprise(f"exit code {done.returncode}, and it had to be {expected}")
        told = done.stdout if done.stdout.strip() else done.stderr
        self.transcript.output(told if shown is None else shown, done.returncode)
        return ran

    def _show(self, by: str, words: tuple[Word, ...]) -> None:
        shown = (word.shown if isinstance(word, Hidden) else word for word in words)
        self.transcript.command(by, ["muniment", *shown])

    def _environment(self, by: str) -> dict[str, str]:
        """Give everybody a place of their own to be signed in."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("MUNIMENT_")}
        chosen = {
            "MUNIMENT_URL": self.url,
            "MUNIMENT_PORT": str(self.port),
            "MUNIMENT_DATA_DIR": str(self.folder / "log"),
            "MUNIMENT_SIGNER_STATE": str(self.folder / "signer-state.json"),
            "MUNIMENT_CONFIG_DIR": str(self.folder / "signed-in" / by),
        }
        if by == PIPELINE and self.token is not None:
            chosen["MUNIMENT_TOKEN"] = self.token
        if self.servers is not None and by in (OPERATOR, OWNER):
            chosen |= self.servers.variables
        if self.servers is not None and by == OWNER:
            chosen["MUNIMENT_DATABASE_URL"] = self.servers.owner
        return inherited | chosen


def _value(word: Word) -> str:
    return word.value if isinstance(word, Hidden) else word
