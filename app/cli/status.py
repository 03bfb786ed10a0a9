"""``status``: is it up, how far is it, how does a version stand."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.asking import subject_parts
from app.cli.calling import call_of
from app.cli.models import version_text
from app.cli.printing import facts


def status(
    context: typer.Context,
    subject: Annotated[
        str | None, typer.Argument(metavar="[MODEL_VERSION]", help="model/NAME/VERSION.")
    ] = None,
) -> None:
    """Tell how the server is, or how a model version stands."""
    call = call_of(context)
    with call.client() as client:
        if subject is not None:
            name, number = subject_parts(subject, "model")
            document = client.get(f"/api/v1/models/{name}/versions/{number}")
            call.show(document, version_text(document))
            return
        ready = client.get("/readyz")
        lineage = client.get("/api/v1/graph/status")
        me = client.get("/api/v1/me")
    document = {
        "server": call.server,
        "status": ready["status"],
        "log_size": lineage["log_size"],
        "graph": lineage["store"],
        "graph_lag": lineage["lag"],
        "you": me["name"] or me["id"],
    }
    call.show(document, facts(document))
