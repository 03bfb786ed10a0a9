"""``model``: register it, add versions, look at them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import asking
from app.cli.calling import call_of
from app.cli.printing import facts, show_list, table
from app.cli.recording import digest_of, labels, record

model = typer.Typer(help="Models and their versions.", no_args_is_help=True)
version = typer.Typer(help="Versions: exactly this artifact.", no_args_is_help=True)
model.add_typer(version, name="version")

COLUMNS = ("name", "owner", "risk_tier", "purpose", "recorded_at")
VERSION_COLUMNS = ("version", "framework", "trained_on", "digest", "recorded_at")
PARTS = {
    "evaluations": ("dataset_version", "metrics", "producer", "measured_at"),
    "predictions": ("dataset_version", "attributes", "rows", "measured_at"),
    "documents": ("subject", "kind", "title", "recorded_at"),
    "promotions": ("id", "environment", "state", "submitter", "recorded_at"),
    "deployments": ("environment", "name", "state", "gated", "since"),
}


@model.command("register")
def register(
    context: typer.Context,
    name: str,
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    purpose: Annotated[str, typer.Option(help="What it is for.")],
    risk_tier: Annotated[str, typer.Option(help="low, limited or high.")],
    team: Annotated[str | None, typer.Option(help="Only its members write.")] = None,
    team_only: Annotated[bool, typer.Option("--team-only", help="Only they read, too.")] = False,
    label: asking.Label = None,
) -> None:
    """Register a model."""
    data = {
        "owner": owner,
        "purpose": purpose,
        "risk_tier": risk_tier,
        "team": team,
        "team_only": team_only or None,
        "labels": labels(label),
    }
    record(call_of(context), "model.registered", f"model/{name}", data)


@version.command("add")
def add(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(exists=True, help="The artifact: a file or a folder.")],
    name: str,
    number: Annotated[str, typer.Argument(metavar="VERSION")],
    framework: Annotated[str, typer.Option(help="Such as scikit-learn.")],
    trained_on: Annotated[
        list[str] | None, typer.Option(metavar="SUBJECT", help="Dataset version; repeatable.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="run/<id> that made it.")] = None,
    base_model: Annotated[str | None, typer.Option(help="Version it was tuned from.")] = None,
    uri: Annotated[str | None, typer.Option(help="Where it lies; default: this path.")] = None,
    label: asking.Label = None,
) -> None:
    """Register a version: hash the artifact and say what it was trained on."""
    data = {
        "artifact": {"digest": digest_of(path), "uri": uri or path.resolve().as_uri()},
        "framework": framework,
        "trained_on": trained_on or [],
        "run": run,
        "base_model": base_model,
        "labels": labels(label),
    }
    record(call_of(context), "model.version_registered", f"model/{name}/{number}", data)


@model.command("list")
def list_models(context: typer.Context) -> None:
    """List models by name."""
    call = call_of(context)
    with call.client() as client:
        show_list(call, COLUMNS, list(client.items("/api/v1/models")))


@model.command("show")
def show(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="NAME[/VERSION]")],
) -> None:
    """Show a model with its versions, or one version with all that is known of it."""
    call = call_of(context)
    name, _, number = subject.removeprefix("model/").partition("/")
    with call.client() as client:
        if number:
            document = client.get(f"/api/v1/models/{name}/versions/{number}")
            call.show(document, version_text(document))
            return
        document = client.get(f"/api/v1/models/{name}")
        versions = list(client.items(f"/api/v1/models/{name}/versions"))
    text = facts(document, (*COLUMNS, "team"))
    if versions:
        text += "\n\n" + table(VERSION_COLUMNS, versions)
    call.show(document | {"versions": versions}, text)


def version_text(document: dict[str, Any]) -> str:
    """Write a model version for a person."""
    names = ("subject", "digest", "uri", "framework", "trained_on", "run", "base_model", "stages")
    parts = [facts(document, (*names, "recorded_at", "actor"))]
    decided = [
        {"environment": environment, **decision}
        for environment, decision in document["decisions"].items()
    ]
    if decided:
        columns = ("environment", "gate", "decision_id", "as_of", "expires_at", "reason")
        parts.append(f"last decisions\n{table(columns, decided)}")
    for title, shown in PARTS.items():
        rows = [_brief(row) for row in document[title]]
        if rows:
            parts.append(f"{title}\n{table(shown, rows)}")
    return "\n\n".join(parts)


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    if "metrics" not in row:
        return row
    return row | {"metrics": [f"{one['name']}={one['value']}" for one in row["metrics"]]}
