"""Options that several commands share, and how secrets are read."""

from __future__ import annotations

import getpass
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.failing import refused

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin's first line.")
]
Totp = Annotated[str | None, typer.Option("--totp", metavar="CODE", help="Authenticator's code.")]
Environment = Annotated[str, typer.Option("--environment", "-e", help="Such as production.")]
ExistingFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Out = Annotated[Path | None, typer.Option("--out", help="Write the result to this file.")]
Label = Annotated[
    list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="May be repeated.")
]


def password(*, from_stdin: bool) -> str:
    """Read a password: a line of stdin, or typed unseen at a terminal."""
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise refused("stdin holds no password", "printf '%s' \"$PASSWORD\" | muniment ...")
        return line
    if not sys.stdin.isatty():
        raise refused("there is no terminal to ask for a password", "add --password-stdin")
    return getpass.getpass("Password: ")


def totp(code: str | None) -> str:
    """Take the code given, or ask for it at a terminal."""
    if code is not None:
        return code.replace(" ", "")
    if not sys.stdin.isatty():
        raise refused("there is no terminal to ask for a code", "add --totp CODE")
    return str(typer.prompt("Code", err=True)).replace(" ", "")


def pairs(written: list[str] | None, option: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` options."""
    found: dict[str, str] = {}
    for one in written or ():
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise refused(f"{option} {one!r} is no NAME=VALUE", f"{option} NAME=VALUE")
        found[name] = value
    return found


def seconds(written: str) -> float:
    """Read a length of time: ``90``, ``90s``, ``30m``, ``2h``."""
    matched = re.fullmatch(r"([0-9]{1,6})([smh]?)", written)
    if matched is None:
        raise refused(f"{written!r} is no length of time", "write 90s, 30m or 2h")
    return int(matched[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[matched[2]]


def subject_parts(subject: str, kind: str) -> tuple[str, str]:
    """Split ``<kind>/<name>/<version>``; the kind may be left out."""
    parts = subject.removeprefix(f"{kind}/").split("/")
    if len(parts) != 2 or not all(parts):  # noqa: PLR2004 - name and version
        raise refused(f"{subject!r} is no version of a {kind}", f"write {kind}/NAME/VERSION")
    return parts[0], parts[1]
