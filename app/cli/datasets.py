"""``dataset``: register it, add versions, approve them, look at them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import asking
from app.cli.asking import subject_parts
from app.cli.calling import call_of
from app.cli.failing import refused
from app.cli.printing import facts, receipt, show_list, table
from app.cli.recording import code_here, digest_of, labels, record, size_of

dataset = typer.Typer(help="Datasets and their versions.", no_args_is_help=True)
version = typer.Typer(help="Versions: exactly these bytes.", no_args_is_help=True)
dataset.add_typer(version, name="version")

COLUMNS = ("name", "owner", "licence", "description", "recorded_at")
VERSION_COLUMNS = ("version", "rows", "size", "digest", "derived_from", "recorded_at")


@dataset.command("register")
def register(
    context: typer.Context,
    name: str,
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    licence: Annotated[str, typer.Option(help="SPDX expression or name.")],
    description: Annotated[str, typer.Option()],
    team: Annotated[str | None, typer.Option(help="Only its members write.")] = None,
    team_only: Annotated[bool, typer.Option("--team-only", help="Only they read, too.")] = False,
    label: asking.Label = None,
) -> None:
    """Register a dataset."""
    data = {
        "owner": owner,
        "licence": licence,
        "description": description,
        "team": team,
        "team_only": team_only or None,
        "labels": labels(label),
    }
    record(call_of(context), "dataset.registered", f"dataset/{name}", data)


@version.command("add")
def add(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or Parquet.")],
    name: str,
    number: Annotated[str, typer.Argument(metavar="VERSION")],
    derived_from: Annotated[
        list[str] | None, typer.Option(metavar="SUBJECT", help="What it was made from.")
    ] = None,
    pii: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="A column of personal data.")
    ] = None,
    fingerprints: Annotated[
        bool, typer.Option("--fingerprints", help="One per row, so that overlap can be counted.")
    ] = False,
    uri: Annotated[str | None, typer.Option(help="Where it lies; default: this file.")] = None,
    label: asking.Label = None,
) -> None:
    """Register a version: hash the file, read its columns, count its rows."""
    from app.cli.tabular import look_at

    call = call_of(context)
    seen = look_at(path, fingerprints=fingerprints)
    unknown = sorted(set(pii or ()) - {column for column, _ in seen.columns})
    if unknown:
        raise refused(f"the file has no column {', '.join(unknown)}", "--pii COLUMN of the file")
    columns: list[dict[str, Any]] = [
        {"name": column, "type": kind, "tags": ["pii"] if column in (pii or ()) else []}
        for column, kind in seen.columns
    ]
    data = {
        "digest": digest_of(path),
        "uri": uri or path.resolve().as_uri(),
        "size": size_of(path),
        "rows": seen.rows,
        "schema": {"columns": columns},
        "derived_from": derived_from or [],
        "row_fingerprints": seen.fingerprints,
        "code": code_here(),
        "labels": labels(label),
    }
    record(call, "dataset.version_registered", f"dataset/{name}/{number}", data)


@dataset.command("approve")
def approve(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="DATASET_VERSION", help="dataset/NAME/V.")],
    role: Annotated[str, typer.Option(help="Approval role that you sign in.")],
    conditions: Annotated[str | None, typer.Option()] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339; default: no end.")] = None,
    password_stdin: asking.PasswordStdin = False,
    totp: asking.Totp = None,
) -> None:
    """Approve a dataset version for use; signed by you."""
    call = call_of(context)
    name, number = subject_parts(subject, "dataset")
    with call.signing() as client:
        body = {
            "role": role,
            "conditions": conditions,
            "until": until,
            "password": asking.password(from_stdin=password_stdin),
            "totp": asking.totp(totp),
        }
        receipt(call, client.post(f"/api/v1/datasets/{name}/versions/{number}/approvals", body))


@dataset.command("list")
def list_datasets(context: typer.Context) -> None:
    """List datasets by name."""
    call = call_of(context)
    with call.client() as client:
        show_list(call, COLUMNS, list(client.items("/api/v1/datasets")))


@dataset.command("show")
def show(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="NAME[/VERSION]")],
) -> None:
    """Show a dataset with its versions, or one version."""
    call = call_of(context)
    name, _, number = subject.removeprefix("dataset/").partition("/")
    with call.client() as client:
        if number:
            _show_version(context, client.get(f"/api/v1/datasets/{name}/versions/{number}"))
            return
        document = client.get(f"/api/v1/datasets/{name}")
        versions = list(client.items(f"/api/v1/datasets/{name}/versions"))
    text = facts(document, (*COLUMNS, "team"))
    if versions:
        text += "\n\n" + table(VERSION_COLUMNS, versions)
    call.show(document | {"versions": versions}, text)


def _show_version(context: typer.Context, document: dict[str, Any]) -> None:
    names = ("subject", "digest", "uri", "size", "rows", "derived_from", "recorded_at", "actor")
    parts = [
        facts(document, names),
        table(("name", "type", "tags"), document["columns"]),
    ]
    for title in ("approvals", "documents"):
        if document[title]:
            columns = {
                "approvals": ("role", "approver", "until", "recorded_at"),
                "documents": ("kind", "title", "blob", "recorded_at"),
            }[title]
            parts.append(f"{title}\n{table(columns, document[title])}")
    call_of(context).show(document, "\n\n".join(parts))
