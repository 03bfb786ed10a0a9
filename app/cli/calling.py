"""The flags that every command takes, and the connection they lead to.

``--server``, ``--token``, ``--data-dir``, ``--json``, ``--quiet`` and ``--no-color`` may stand
anywhere before a lone ``--``.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from app.cli import credentials
from app.cli.failing import refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import httpx

    from app.client import Client
    from app.core.jsonvalue import Json
    from app.settings import Settings

VALUES = {
    "--server": "MUNIMENT_URL",
    "--token": "MUNIMENT_TOKEN",
    "--data-dir": "MUNIMENT_DATA_DIR",
}
SWITCHES = ("--json", "--quiet", "--no-color")
COMMON = (
    "Every command takes: --server URL (MUNIMENT_URL, else MUNIMENT_PUBLIC_URL, else localhost at "
    "MUNIMENT_PORT), --token TOKEN (MUNIMENT_TOKEN, else the "
    "session of `muniment login`), --data-dir FOLDER (MUNIMENT_DATA_DIR), --json, --quiet, "
    "--no-color (NO_COLOR)."
)
SERVICE_TOKEN = "gvs_"  # noqa: S105 - what every service token begins with


@dataclass(frozen=True, slots=True)
class Call:
    """How this command was called. ``given``: a token by flag or environment, or None."""

    server: str
    given: str | None
    data_dir: Path
    json: bool = False
    quiet: bool = False
    color: bool = False
    trace: bool = False
    transport: httpx.BaseTransport | None = None

    @property
    def token(self) -> str | None:
        """The given token, else the session that ``login`` left for this server."""
        return self.given or credentials.load(self.server)

    @property
    def socket(self) -> Path:
        """Where a server on the data folder takes commands of this machine's operator."""
        return self.data_dir / "run" / "admin.sock"

    def client(self, token: str | None = None) -> Client:
        """Connect to the server, as whoever the token says."""
        return self.connect(self.server, token or self.token)

    def connect(self, server: str, token: str | None, *, seconds: float = 60.0) -> Client:
        """Connect to any server; that a request is repeated is not told."""
        import logging

        from app.client import Client

        logging.getLogger("stamina").setLevel(logging.CRITICAL)
        return Client(server, token, seconds=seconds, transport=self.transport)

    def signing(self) -> Client:
        """Connect as a person. Raises Unauthenticated without a session."""
        from app.core.errors import Unauthenticated

        token = self.token
        if token is None or token.startswith(SERVICE_TOKEN):
            raise Unauthenticated(
                "only a person who is signed in signs; a service token never does",
                remedy="muniment login NAME --password-stdin --totp CODE, without MUNIMENT_TOKEN",
            )
        return self.client(token=token)

    @contextmanager
    def administration(self) -> Iterator[Client]:
        """Connect as a person or token if there is one, else as this machine's operator.

        With no server on the data folder, one is run for this command alone. A log on a
        database server has no operator of this machine: there it takes a person or a token.
        """
        if self.transport is not None or self.token is not None:
            with self.client() as client:
                yield client
        elif _answers(self.socket):
            with self.connect(f"unix:{self.socket}", None) as client:
                yield client
        else:
            self._check_log()
            from app.serving import local_server

            with (
                local_server(self.settings()) as path,
                self.connect(f"unix:{path}", None) as client,
            ):
                yield client

    def _check_log(self) -> None:
        """Refuse to begin a log by accident. Raises Missing, Unauthenticated."""
        from app.core.errors import Missing, Unauthenticated

        if self.settings().database_url is not None:
            raise Unauthenticated(
                f"nobody is signed in to {self.server}, and the log is on a database server",
                remedy="muniment login NAME, or --token TOKEN",
            )
        if not (self.data_dir / "ledger.db").exists():
            raise Missing(
                f"{self.data_dir} holds no log, and nobody is signed in to {self.server}",
                remedy="muniment init, or --data-dir FOLDER, or muniment login NAME",
            )

    def settings(self, **given: str | int | None) -> Settings:
        """Read the settings in force; ``given``: what a flag says in a variable's place."""
        from app.settings import read_settings

        environ = dict(os.environ) | {"MUNIMENT_DATA_DIR": str(self.data_dir)}
        environ |= {name: str(value) for name, value in given.items() if value is not None}
        return read_settings(environ)

    def show(self, document: Json | Mapping[str, Json], text: str) -> None:
        """Write a result: the document with ``--json``, else the text."""
        written = json.dumps(document, indent=2, ensure_ascii=False) if self.json else text
        typer.echo(written)

    def note(self, text: str) -> None:
        """Say something that is no result."""
        if not self.quiet:
            typer.echo(text, err=True)

    def red(self, text: str) -> None:
        """Say what is wrong; ``--quiet`` does not silence it."""
        styled = self.color and sys.stderr.isatty()
        typer.echo(typer.style(text, fg="red") if styled else text, err=True)


def call_of(context: typer.Context) -> Call:
    """Give how the running command was called."""
    call = context.obj
    if not isinstance(call, Call):
        raise AssertionError(call)  # noqa: TRY004 - a broken invariant, not a wrong value
    return call


def read_call(
    arguments: Sequence[str], transport: httpx.BaseTransport | None = None
) -> tuple[Call, list[str]]:
    """Take the common flags out of a command line. Raises WrongUsage."""
    found, rest = _taken(arguments)
    for flag, variable in VALUES.items():
        if flag not in found and os.environ.get(variable):
            found[flag] = os.environ[variable]
    call = Call(
        server=found.get("--server", _own_server()).rstrip("/"),
        given=found.get("--token"),
        data_dir=Path(found.get("--data-dir", "muniment-data")),
        json="--json" in found,
        quiet="--quiet" in found,
        color="--no-color" not in found and not os.environ.get("NO_COLOR"),
        trace=bool(os.environ.get("MUNIMENT_TRACE")),
        transport=transport,
    )
    return call, rest


def _own_server() -> str:
    """Name the server that this environment's settings make."""
    port = os.environ.get("MUNIMENT_PORT") or "8000"
    return os.environ.get("MUNIMENT_PUBLIC_URL") or f"http://localhost:{port}"


def _taken(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    found: dict[str, str] = {}
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        flag, equals, value = word.partition("=")
        if word == "--":
            return found, [*rest, word, *waiting]
        if word in SWITCHES:
            found[word] = ""
        elif flag in VALUES and (equals or waiting):
            found[flag] = value if equals else waiting.pop(0)
        elif flag in VALUES:
            raise refused(f"{flag} needs a value", f"{flag} VALUE")
        else:
            rest.append(word)
    return found, rest


def _answers(path: Path) -> bool:
    """Tell whether a server listens on a socket, or a dead one left it."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
