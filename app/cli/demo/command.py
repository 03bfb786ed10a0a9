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
) -> None:
    """Watch a real credit model refused, mended, signed for, deployed, traced and proven."""
    from app.cli.demo.story import NOT_SET_UP, missing, tell

    lack = missing()
    if lack is not None:
        sys.stderr.write(f"{lack}\n  → make demo\n")
        raise typer.Exit(NOT_SET_UP)
    raise typer.Exit(tell(folder))
