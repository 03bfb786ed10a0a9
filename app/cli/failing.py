"""Saying why a command failed: what is wrong, where, and what to type."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import typer

from app.cli.exits import UNAUTHENTICATED, USAGE, code_of, family_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cli.calling import Call


def explain(failure: Exception, call: Call, words: Sequence[str]) -> int:
    """Write the failure for a person, to stderr; returns the exit code."""
    code = code_of(failure, family_of(words))
    for line in _sentences(failure, call, code):
        call.red(line)
    return code


def explain_usage(failure: typer.TyperException, call: Call) -> int:
    """Say what is wrong with a command line, and where its help is; returns the exit code."""
    call.red(failure.format_message())
    context = getattr(failure, "ctx", None)
    if context is not None and "→" not in failure.message and "Usage:" not in failure.message:
        call.red(f"  → {context.command_path} --help")
    return int(failure.exit_code)


UNAUTHORISED = 401


class WrongUsage(typer.TyperException):
    """A command line that cannot be meant."""

    exit_code = USAGE


def refused(detail: str, remedy: str) -> WrongUsage:
    """Make the failure of a command line, with what to type instead."""
    return WrongUsage(f"{detail}\n  → {remedy}")


def _sentences(failure: Exception, call: Call, code: int) -> list[str]:
    from app.client import Refused, Unreachable
    from app.core.errors import Refusal

    match failure:
        case Refused():
            lines = str(failure).splitlines()
            if code == UNAUTHENTICATED and failure.status == UNAUTHORISED:
                lines = [line for line in lines if not line.startswith("  →")]
                lines.append("  → muniment login NAME, or set MUNIMENT_TOKEN to a service token")
            return lines
        case Unreachable():
            return [
                f"Unreachable: {failure}",
                f"  → muniment serve, or name another server than {call.server}: --server URL",
            ]
        case Refusal():
            lines = [f"{_title(failure)}: {failure.detail}"]
            lines += [f"  {one.pointer}: {one.message}" for one in failure.faults]
            return lines + ([] if failure.remedy is None else [f"  → {failure.remedy}"])
        case OSError():
            named = "" if failure.filename is None else f"{failure.filename}: "
            return [f"{named}{failure.strerror or failure}", "  → check the path and its rights"]
        case _:
            return [
                *traceback.format_exception(failure)[-1].splitlines(),
                (
                    "  → this is a fault of Muniment itself; report it with the trace: "
                    "MUNIMENT_TRACE=1"
                ),
                *(_trace(failure) if call.trace else []),
            ]


def _title(failure: Exception) -> str:
    words = "".join(f" {one.lower()}" if one.isupper() else one for one in type(failure).__name__)
    return words.strip().capitalize()


def _trace(failure: Exception) -> list[str]:
    return "".join(traceback.format_exception(failure)).splitlines()
