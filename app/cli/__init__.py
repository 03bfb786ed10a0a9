"""The command, ``muniment``: one file per group of commands, speaking HTTP through ``app.client``.

Read ``commands`` first (what there is), then ``calling`` (with which flags), ``exits`` (with
which code it ends) and any group. Whatever is slow to import is imported inside the function
that needs it, so that ``muniment --help`` answers at once.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx


def main() -> int:
    """Run the command line of this process; returns its exit code."""
    return run(sys.argv[1:])


def run(arguments: Sequence[str], transport: httpx.BaseTransport | None = None) -> int:
    """Run one command and return its exit code. ``transport``: a server of the test's own."""
    import typer

    from app.cli.calling import read_call
    from app.cli.commands import app
    from app.cli.exits import INTERRUPTED, USAGE
    from app.cli.failing import explain, explain_usage

    try:
        call, rest = read_call(arguments, transport)
    except typer.TyperException as failure:
        sys.stderr.write(f"{failure.message}\n")
        return USAGE
    try:
        code = app(rest, prog_name="muniment", obj=call, standalone_mode=False)
    except typer.TyperException as failure:
        return explain_usage(failure, call)
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return INTERRUPTED
    except Exception as failure:  # noqa: BLE001 - whatever it is, the exit code has to say so
        return explain(failure, call, rest)
    return code if isinstance(code, int) else 0
