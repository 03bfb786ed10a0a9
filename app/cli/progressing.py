"""A bar that tells how far something is, on a terminal alone."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.cli.calling import Call


@contextmanager
def progress(call: Call, what: str) -> Iterator[Callable[[float, str], None]]:
    """Show a bar on standard error, gone at the end; told percent and what is being done."""
    if call.quiet or not sys.stderr.isatty():
        yield lambda _percent, _doing: None
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, no_color=not call.color)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=100)
        yield lambda percent, doing: bar.update(task, completed=percent, description=doing)
