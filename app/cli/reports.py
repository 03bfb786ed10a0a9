"""``report``: order one, watch it being made, take it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.calling import call_of
from app.cli.exits import REFUSED
from app.cli.printing import facts, show_list
from app.cli.progressing import progress

if TYPE_CHECKING:
    from app.cli.calling import Call
    from app.client import Client

report = typer.Typer(help="Reports for auditors.", no_args_is_help=True)

OVER = frozenset({"done", "failed", "cancelled"})
PAUSE = 0.3
MEMBERS = (
    "id", "type", "scope", "as_of_seq", "state", "progress", "page_count", "digests",
    "requested_at",
)  # fmt: skip
Bundle = Annotated[
    Path | None, typer.Option(help="Write the evidence bundle to this file; `verify` reads it.")
]
Data = Annotated[Path | None, typer.Option("--data", help="Write report.json to this file.")]
Pdf = Annotated[Path | None, typer.Option("--out", help="Write the PDF to this file.")]


@report.command("create")
def create(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="model-audit.")],
    scope: Annotated[str, typer.Option(help="model/NAME or model/NAME/VERSION.")],
    as_of: Annotated[int | None, typer.Option("--as-of", help="Size of the log.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is made.")] = False,
    out: Pdf = None,
    bundle: Bundle = None,
    data: Data = None,
) -> None:
    """Order a report; --out, --bundle and --data wait for it and take it."""
    call = call_of(context)
    body: dict[str, str | int] = {"type": kind, "scope": scope}
    if as_of is not None:
        body["as_of_seq"] = as_of
    with call.client() as client:
        job = client.post("/api/v1/reports", body)
        if wait or out or bundle or data:
            job = _watch(call, client, job)
            _take(call, client, job, out, bundle, data)
    _end(call, job)


@report.command("list")
def list_reports(context: typer.Context) -> None:
    """List reports, oldest first."""
    call = call_of(context)
    with call.client() as client:
        items = list(client.items("/api/v1/reports"))
    show_list(call, ("id", "type", "scope", "as_of_seq", "state", "requested_at"), items)


@report.command("get")
def get(
    context: typer.Context,
    report_id: Annotated[str, typer.Argument(metavar="ID")],
    out: Pdf = None,
    bundle: Bundle = None,
    data: Data = None,
) -> None:
    """Show how far a report is; take its PDF, bundle or data."""
    call = call_of(context)
    with call.client() as client:
        job = client.get(f"/api/v1/reports/{report_id}")
        _take(call, client, job, out, bundle, data)
    _end(call, job)


def _end(call: Call, job: dict[str, Any]) -> None:
    call.show(job, facts(job, MEMBERS))
    if job["state"] in ("failed", "cancelled"):
        problem = job["problem"] or {"detail": "nobody said why", "remedy": None}
        call.red(f"the report is {job['state']}: {problem['detail']}")
        call.red(f"  → {problem.get('remedy') or 'order it again: muniment report create'}")
        raise typer.Exit(REFUSED)
    if job["state"] != "done":
        call.note(f"→ muniment report get {job['id']} --out report.pdf")


def _take(
    call: Call,
    client: Client,
    job: dict[str, Any],
    out: Path | None,
    bundle: Path | None,
    data: Path | None,
) -> None:
    if job["state"] in ("failed", "cancelled"):
        return
    wanted = ((out, "pdf"), (data, "json"), (bundle, "bundle.zip"))
    for path, ending in wanted:
        if path is not None:
            path.write_bytes(client.raw(f"/api/v1/reports/{job['id']}.{ending}"))
            call.note(f"written: {path}")


def _watch(call: Call, client: Client, job: dict[str, Any]) -> dict[str, Any]:
    """Poll until the job is over; on a terminal, show how far it is."""
    with progress(call, "report") as tell:
        while job["state"] not in OVER:
            tell(int(job["progress"]), str(job["state"]))
            time.sleep(PAUSE)
            job = client.get(f"/api/v1/reports/{job['id']}")
        tell(int(job["progress"]), str(job["state"]))
    return job
