"""``ledger recover``: a person answers for going on where the log refuses to be written."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.calling import call_of


def recover(
    context: typer.Context,
    accept_clock: Annotated[
        bool, typer.Option("--accept-clock", help="The clock is right now; the server runs.")
    ] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="What was signed is not known; take on what is stored.")
    ] = False,
) -> None:
    """Answer for going on with a log that refuses to be written; it is recorded who did."""
    call = call_of(context)
    if accept_clock and not adopt:
        with call.administration() as client:
            receipt = client.post("/api/v1/log/recoveries", {"because": "accept-clock"})
        call.show(receipt, f"recorded: entry {receipt['index']} says who answers for the clock")
        return
    from app.recovering import recover as go_on

    made = go_on(call.settings(), adopt=adopt, accept_clock=accept_clock).to_json()
    call.show(made, f"recorded: entry {made['index']} says who answers for the log")
    call.note("whoever saved a checkpoint of entries that are lost will see them missing:")
    call.note("tell them, and publish why")
