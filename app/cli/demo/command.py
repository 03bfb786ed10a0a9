"""The command ``muniment demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Empty folder; default: a new one."),
    ] = None,
    owner_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Tell it on the empty database of MUNIMENT_DATABASE_URL; its owner's address.",
        ),
    ] = None,
) -> None:
    """Watch a real credit model refused, mended, signed for, deployed, traced and proven."""
    from app.cli.demo.story import NOT_SET_UP, missing, servers, tell

    lack = missing(on_servers=owner_url is not None)
    if lack is not None:
        sys.stderr.write(f"{lack}\n  → make demo{'' if owner_url is None else '-production'}\n")
        raise typer.Exit(NOT_SET_UP)
    raise typer.Exit(tell(folder, None if owner_url is None else servers(owner_url)))
