"""``gate check`` and ``promote``: what a pipeline asks before it deploys.

Exit codes: 0 ALLOW, 1 DENY, 2 usage, 3 waiting for people, 4 credentials, 5 no clear answer.
"""

from __future__ import annotations

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import asking
from app.cli.calling import call_of
from app.cli.deciding import OPEN, code_for, decision_text
from app.cli.exits import REFUSED, WAITING
from app.cli.failing import refused

if TYPE_CHECKING:
    from app.cli.calling import Call
    from app.client import Client

gate = typer.Typer(help="Ask whether a model version may go there.", no_args_is_help=True)

LONGEST_POLL = 25


class Format(StrEnum):
    """How a decision is written."""

    TEXT = "text"
    JSON = "json"


class FailOn(StrEnum):
    """What besides a DENY fails the check."""

    WARN = "warn"


Wait = Annotated[str | None, typer.Option(help="Wait so long for people, such as 30m.")]
FailOnOption = Annotated[
    FailOn | None, typer.Option("--fail-on", help="warn: an ALLOW with warnings fails, too.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How the decision is written.")]


@gate.command("check")
def check(
    context: typer.Context,
    subject: Annotated[str | None, typer.Argument(help="model/NAME/VERSION.")] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", help="Such as production.")
    ] = None,
    digest: Annotated[
        str | None, typer.Option(help="What the artifact is; another one is refused.")
    ] = None,
    wait: Wait = None,
    fail_on: FailOnOption = None,
    dry_run: Annotated[
        Path | None,
        typer.Option(exists=True, metavar="FACTS", help="Decide on these facts; asks no server."),
    ] = None,
    policy: Annotated[
        list[Path] | None, typer.Option(exists=True, help="Policy file of a dry run.")
    ] = None,
    form: FormatOption = Format.TEXT,
    out: asking.Out = None,
) -> None:
    """Ask the gate. Exit 0: allowed. 1: denied. 3: waits for people."""
    call = call_of(context)
    if dry_run is not None:
        _dry_run(call, dry_run, policy or [], subject, form, out)
    if policy:
        raise refused("which policies count is not the caller's choice", "add --dry-run FACTS")
    if subject is None or environment is None:
        raise refused("which version, and where to?", "gate check SUBJECT --environment NAME")
    seconds = None if wait is None else asking.seconds(wait)
    body = {"subject": subject} if digest is None else {"subject": subject, "digest": digest}
    with call.client() as client:
        path = f"/api/v1/gates/{environment}/evaluations"
        decision = client.post(path, body)
        if decision["gate"] == "PENDING" and seconds is not None:
            decided = _wait_for_people(call, client, decision, subject, environment, seconds)
            decision = decided or client.post(path, body)
    _end(call, decision, fail_on, form, out)


def promote(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="model/NAME/VERSION.")],
    environment: asking.Environment,
    reason: Annotated[str | None, typer.Option(help="Why; reviewers read it.")] = None,
    wait: Wait = None,
    fail_on: FailOnOption = None,
    form: FormatOption = Format.TEXT,
    out: asking.Out = None,
) -> None:
    """Ask for a promotion. Exit 0: allowed. 1: denied. 3: waits for people."""
    call = call_of(context)
    seconds = None if wait is None else asking.seconds(wait)
    body = {"subject": subject, "environment": environment}
    if reason is not None:
        body["reason"] = reason
    with call.client() as client:
        promotion = client.post("/api/v1/promotions", body)
        call.note(f"promotion {promotion['id']} is {promotion['state']}")
        if promotion["state"] in OPEN and seconds is not None:
            promotion = _wait_on(call, client, promotion["id"], seconds)
    decision = promotion["decision"]
    if decision is None:
        raise refused("no decision came with the promotion", f"gate check {subject}")
    if not call.json:
        call.note(_next(promotion))
    _end(call, {**decision, "promotion": promotion["id"]}, fail_on, form, out)


def _wait_for_people(
    call: Call,
    client: Client,
    decision: dict[str, Any],
    subject: str,
    environment: str,
    seconds: float,
) -> dict[str, Any] | None:
    """Wait on the open promotion of the pair; None where one has to ask the gate again."""
    found = client.items("/api/v1/promotions", subject=subject, environment=environment)
    waiting = [one["id"] for one in found if one["state"] in OPEN]
    if not waiting:
        call.red("nobody was asked to review it, so there is nothing to wait for")
        call.red(f"  → muniment promote {subject} --environment {environment}")
        return decision
    promotion = _wait_on(call, client, waiting[0], seconds)
    decided: dict[str, Any] | None = promotion["decision"]
    return decided if promotion["state"] in ("allowed", "denied") else None


def _wait_on(call: Call, client: Client, promotion_id: str, seconds: float) -> dict[str, Any]:
    """Poll a promotion until it waits for nobody any more, or the time is over."""
    until = time.monotonic() + seconds
    call.note(f"waiting for promotion {promotion_id}; review: muniment review show {promotion_id}")
    while True:
        left = until - time.monotonic()
        poll = max(0, min(LONGEST_POLL, int(left)))
        promotion = client.get(f"/api/v1/promotions/{promotion_id}", wait=poll)
        if promotion["state"] not in OPEN or left <= LONGEST_POLL:
            return promotion


def _next(promotion: dict[str, Any]) -> str:
    if promotion["state"] in OPEN:
        return f"→ muniment review show {promotion['id']}"
    if promotion["state"] == "allowed":
        return f"→ muniment deployment start ... --decision {promotion['decision']['decision_id']}"
    return f"promotion {promotion['id']} is {promotion['state']}"


def _end(
    call: Call, decision: dict[str, Any], fail_on: FailOn | None, form: Format, out: Path | None
) -> None:
    as_json = call.json or form is Format.JSON
    written = json.dumps(decision, indent=2) if as_json else decision_text(decision)
    if out is None:
        typer.echo(written)
    else:
        out.write_text(f"{written}\n", encoding="utf-8")
        call.note(f"{decision.get('would_be', decision['gate'])}; written to {out}")
    code = code_for(decision)
    if code == 0 and fail_on is FailOn.WARN and decision["warnings"]:
        call.red(f"allowed, with warnings: {', '.join(decision['warnings'])}")
        call.red("  → mend them, or leave out --fail-on warn")
        code = REFUSED
    if code == WAITING:
        call.note("it waits for people")
    raise typer.Exit(code)


def _dry_run(
    call: Call,
    facts: Path,
    policies: list[Path],
    subject: str | None,
    form: Format,
    out: Path | None,
) -> None:
    """Decide here, on made-up facts: no server, nothing recorded, never a verdict."""
    from app.cli.deciding import decide_here

    if not policies:
        raise refused("a dry run needs a policy", "add --policy FILE")
    decision = decide_here(facts, policies)
    named = f"model/{decision['subject']['name']}/{decision['subject']['version']}"
    if subject is not None and subject != named:
        raise refused(f"the facts are about {named}, not {subject}", f"gate check {named}")
    _end(call, decision, None, form, out)
