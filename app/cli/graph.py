"""``graph``: where the lineage graph stands, and the long work on it."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from app.cli.calling import call_of
from app.cli.exits import INDETERMINATE, REFUSED
from app.cli.printing import facts
from app.core.jsonvalue import Json

graph = typer.Typer(help="The lineage graph.", no_args_is_help=True)

PAUSE = 0.2
COUNTS = ("missing", "extra", "altered")
SHOWN = ("store", "size", "nodes", "edges", *COUNTS, "index", "digest")

Wait = Annotated[bool, typer.Option(help="Wait until it is done.")]


@graph.command("status")
def graph_status(context: typer.Context) -> None:
    """Tell which store answers about lineage, and how far behind the log it is."""
    call = call_of(context)
    with call.client() as client:
        document = client.get("/api/v1/graph/status")
    call.show(document, facts(document))


@graph.command("rebuild")
def rebuild(context: typer.Context, wait: Wait = True) -> None:
    """Make the graph in Neo4j anew from the log, beside the one in force, and change over."""
    job = _job(context, "rebuild", wait=wait)
    call = call_of(context)
    call.show(job, facts({"job": job["id"], "state": job["state"], **_of(job, "neo4j")}))


@graph.command("reconcile")
def reconcile(context: typer.Context, wait: Wait = True) -> None:
    """Hold every store of the graph against the log, set right what differs, and record it."""
    job = _job(context, "reconcile", wait=wait)
    call = call_of(context)
    stores = [name for name in ("sql", "neo4j") if _of(job, name)]
    call.show(job, "\n".join(facts(_of(job, name), SHOWN) for name in stores) or facts(job))
    differing = {name: sum(int(str(_of(job, name)[one])) for one in COUNTS) for name in stores}
    for name, count in differing.items():
        if count:
            call.red(f"{name}: {count} differed from the log and were set right")
    if any(differing.values()):
        raise typer.Exit(REFUSED)


def _job(context: typer.Context, kind: str, *, wait: bool) -> dict[str, Json]:
    """Start a job; with ``wait``, follow it to its end and stop here if it failed."""
    call = call_of(context)
    with call.client() as client:
        job = client.post(f"/api/v1/graph/{kind}")
        while wait and job["state"] == "running":
            time.sleep(PAUSE)
            job = client.get(f"/api/v1/graph/jobs/{job['id']}")
    if job["state"] == "failed":
        call.show(job, facts({"job": job["id"], "state": "failed"}))
        call.red(str(job["problem"]))
        raise typer.Exit(INDETERMINATE)
    return job


def _of(job: dict[str, Json], store: str) -> dict[str, Json]:
    result = job["result"]
    found = result.get(store) if isinstance(result, dict) else None
    return found if isinstance(found, dict) else {}
