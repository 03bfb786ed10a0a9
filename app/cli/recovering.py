"""``ledger recover``: a person answers for going on where the log refuses to be written."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.calling import call_of
from app.cli.failing import refused


def recover(
    context: typer.Context,
    accept_clock: Annotated[
        bool, typer.Option("--accept-clock", help="The clock is right now; the server runs.")
    ] = False,
) -> None:
    """Answer for going on with a log that refuses to be written; it is recorded who did."""
    call = call_of(context)
    if not accept_clock:
        raise refused("say what you answer for", "--accept-clock")
    with call.administration() as client:
        receipt = client.post("/api/v1/log/recoveries", {"because": "accept-clock"})
    call.show(receipt, f"recorded: entry {receipt['index']} says who answers for the clock")
