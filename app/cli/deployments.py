"""``deployment``: say what happened to one, and list what is live."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli import asking
from app.cli.calling import call_of
from app.cli.failing import refused
from app.cli.printing import show_list
from app.cli.recording import labels, record

deployment = typer.Typer(help="What runs where.", no_args_is_help=True)

Place = Annotated[str, typer.Argument(metavar="ENVIRONMENT/NAME", help="Such as production/api.")]
ModelVersion = Annotated[str, typer.Argument(help="model/NAME/VERSION.")]
Decision = Annotated[str | None, typer.Option("--decision", help="Id of the ALLOW it uses.")]
Target = Annotated[str | None, typer.Option(help="Where, in your words.")]
Revision = Annotated[str | None, typer.Option(help="Your own number for it.")]


def _say(
    context: typer.Context,
    step: str,
    place: str,
    model_version: str,
    decision: str | None,
    target: str | None,
    revision: str | None,
    label: list[str] | None,
) -> None:
    environment, slash, name = place.removeprefix("deployment/").partition("/")
    if not slash or not name:
        raise refused(f"{place!r} is no ENVIRONMENT/NAME", "deployment start production/NAME ...")
    data = {
        "environment": environment,
        "name": name,
        "model_version": model_version,
        "decision_id": decision,
        "target": target,
        "revision": revision,
        "labels": labels(label),
    }
    record(call_of(context), f"deployment.{step}", f"deployment/{environment}/{name}", data)


@deployment.command("start")
def start(
    context: typer.Context,
    place: Place,
    model_version: ModelVersion,
    decision: Decision = None,
    target: Target = None,
    revision: Revision = None,
    label: asking.Label = None,
) -> None:
    """Say that a deployment begins; uses up the decision that allows it."""
    _say(context, "started", place, model_version, decision, target, revision, label)


@deployment.command("succeed")
def succeed(
    context: typer.Context,
    place: Place,
    model_version: ModelVersion,
    decision: Decision = None,
    target: Target = None,
    revision: Revision = None,
    label: asking.Label = None,
) -> None:
    """Say that a model version is live there now."""
    _say(context, "succeeded", place, model_version, decision, target, revision, label)


@deployment.command("fail")
def fail(
    context: typer.Context,
    place: Place,
    model_version: ModelVersion,
    decision: Decision = None,
    target: Target = None,
    revision: Revision = None,
    label: asking.Label = None,
) -> None:
    """Say that a deployment did not come about; what was live still is."""
    _say(context, "failed", place, model_version, decision, target, revision, label)


@deployment.command("rollback")
def rollback(
    context: typer.Context,
    place: Place,
    model_version: Annotated[str, typer.Argument(help="What runs now instead.")],
    decision: Decision = None,
    target: Target = None,
    revision: Revision = None,
    label: asking.Label = None,
) -> None:
    """Say that a deployment went back to an earlier model version."""
    _say(context, "rolled_back", place, model_version, decision, target, revision, label)


@deployment.command("retire")
def retire(
    context: typer.Context,
    place: Place,
    model_version: Annotated[str, typer.Argument(help="What ran last.")],
    decision: Decision = None,
    target: Target = None,
    revision: Revision = None,
    label: asking.Label = None,
) -> None:
    """Say that nothing runs there any more."""
    _say(context, "retired", place, model_version, decision, target, revision, label)


@deployment.command("list")
def list_deployments(
    context: typer.Context,
    environment: Annotated[str | None, typer.Option("--environment", "-e")] = None,
    at: Annotated[str | None, typer.Option(help="RFC 3339: what was live then.")] = None,
) -> None:
    """List what is live, or was at a time."""
    call = call_of(context)
    with call.client() as client:
        items = list(client.items("/api/v1/deployments", environment=environment, at=at))
    columns = ("environment", "name", "model_version", "gated", "decision_id", "since")
    show_list(call, columns, items)
