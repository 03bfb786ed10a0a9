"""``run -- CMD…``: record a run around a command."""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import asking
from app.cli.calling import call_of
from app.cli.failing import refused
from app.cli.recording import code_here, labels, post

if TYPE_CHECKING:
    from app.cli.calling import Call

NOT_FOUND = 127
BY_SIGNAL = 128


def run(
    context: typer.Context,
    command: Annotated[list[str], typer.Argument(metavar="-- CMD…", help="What to run.")],
    kind: Annotated[str, typer.Option(help="train, evaluate, transform, tune or score.")] = "train",
    run_id: Annotated[str | None, typer.Option("--id", help="Default: time and chance.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="ROLE=SUBJECT", help="What it reads; repeatable."),
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option("--output", metavar="ROLE=SUBJECT", help="What it makes; repeatable."),
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option()] = None,
    label: asking.Label = None,
) -> None:
    """Record a run around a command; ends with the command's own exit code.

    The command finds the run's subject in MUNIMENT_RUN.
    """
    call = call_of(context)
    subject = f"run/{run_id or _new_id()}"
    seeded = {} if seed is None else {"seed": seed}
    started = {
        "kind": kind,
        "inputs": _edges(inputs, "--input"),
        "code": code_here(),
        "environment": {"python": platform.python_version(), **seeded},
        "params": asking.pairs(param, "--param") or None,
        "labels": labels(label),
    }
    made = _edges(outputs, "--output")
    with call.client() as client:
        begun = post(client, "run.started", subject, started)
    call.note(f"{subject} started, entry {begun['index']}")
    code, cpu = _run(command, subject)
    finished = {
        "status": "succeeded" if code == 0 else "failed",
        "outputs": made if code == 0 else [],
        "cost": {"cpu_s": round(cpu, 3)},
    }
    with call.client() as client:
        ended = post(client, "run.finished", subject, finished)
    _tell(call, subject, code, ended)
    raise typer.Exit(code)


def _tell(call: Call, subject: str, code: int, ended: dict[str, Any]) -> None:
    """Say what was recorded on stderr: stdout is the command's own."""
    how = "succeeded" if code == 0 else f"failed with exit code {code}"
    call.note(f"{subject} {how}, entry {ended['index']}")


def _run(command: list[str], subject: str) -> tuple[int, float]:
    """Run it; returns its exit code and the seconds of processor time it took."""
    before = os.times()
    environ = os.environ | {"MUNIMENT_RUN": subject}
    try:
        done = subprocess.run(command, env=environ, check=False)  # noqa: S603 - the caller's own
        code = done.returncode if done.returncode >= 0 else BY_SIGNAL - done.returncode
    except OSError as failure:
        typer.echo(f"{command[0]}: {failure.strerror}", err=True)
        code = NOT_FOUND
    after = os.times()
    used = after.children_user + after.children_system
    return code, used - before.children_user - before.children_system


def _edges(written: list[str] | None, option: str) -> list[dict[str, str]]:
    edges = []
    for one in written or ():
        role, equals, subject = one.partition("=")
        if not equals or "/" not in subject:
            raise refused(f"{option} {one!r} is no ROLE=SUBJECT", f"{option} train_set=dataset/N/V")
        edges.append({"subject": subject, "role": role})
    return edges


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
