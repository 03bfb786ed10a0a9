"""``event``: record any event, read an entry back, prove that it is in the log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import asking
from app.cli.calling import call_of
from app.cli.failing import refused
from app.cli.printing import facts, receipt, show_list

event = typer.Typer(help="Entries of the log.", no_args_is_help=True)

Index = Annotated[int, typer.Argument(min=0, help="Number of the entry, from 0.")]


@event.command("add")
def add(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="Such as run.started.")],
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The event's data as JSON.")],
    subject: Annotated[str, typer.Option(help="Such as run/2026-11-21-a.")],
    occurred_at: Annotated[str | None, typer.Option(help="RFC 3339; default: now.")] = None,
) -> None:
    """Record an event of any type that clients may record."""
    from app.core.ledger.canonical import parse_json

    raw = sys.stdin.buffer.read() if file == "-" else _read(file)
    body: dict[str, Any] = {"type": kind, "subject": subject, "data": parse_json(raw)}
    if occurred_at is not None:
        body["occurred_at"] = occurred_at
    call = call_of(context)
    with call.client() as client:
        receipt(call, client.post("/api/v1/events", body))


@event.command("list")
def list_events(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option("--type", help="Such as gate.decided.")] = None,
    subject: Annotated[str | None, typer.Option(help="Such as model/NAME/VERSION.")] = None,
    actor: Annotated[str | None, typer.Option(help="Id of who recorded them.")] = None,
    since: Annotated[str | None, typer.Option(help="RFC 3339, recorded from then on.")] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339, recorded before then.")] = None,
    after_index: Annotated[int | None, typer.Option(help="Entries after this one.")] = None,
) -> None:
    """List entries in the order of the log."""
    call = call_of(context)
    with call.client() as client:
        items = list(
            client.items(
                "/api/v1/events",
                type=kind,
                subject=subject,
                actor=actor,
                since=since,
                until=until,
                after_index=after_index,
            )
        )
    show_list(call, ("index", "type", "subject", "actor", "recorded_at"), items)


@event.command("show")
def show(context: typer.Context, index: Index) -> None:
    """Show an entry with its data."""
    import json

    call = call_of(context)
    with call.client() as client:
        document = client.get(f"/api/v1/events/{index}")
    names = ("type", "subject", "recorded_at", "occurred_at", "actor", "id")
    head = facts({"index": index, **document["entry"]}, ("index", *names))
    data = json.dumps(document["data"], indent=2, ensure_ascii=False)
    call.show(document, f"{head}\nleaf hash    {document['leaf_hash']}\n\n{data}")


@event.command("proof")
def proof(
    context: typer.Context,
    index: Index,
    size: Annotated[int | None, typer.Option(help="Of the log; default: the newest.")] = None,
    out: asking.Out = None,
) -> None:
    """Print the proof that an entry is in the log, as a .tlog-proof."""
    call = call_of(context)
    path = f"/api/v1/events/{index}/proof"
    with call.client() as client:
        if call.json:
            call.show(client.get(path, size=size), "")
            return
        raw = client.raw(path, "text/plain", size=size)
    if out is None:
        typer.echo(raw.decode(), nl=False)
    else:
        out.write_bytes(raw)
        call.note(f"written: {out}")


def _read(file: str) -> bytes:
    path = Path(file)
    if not path.is_file():
        raise refused(f"there is no file {file}", "name a file, or - for stdin")
    return path.read_bytes()
