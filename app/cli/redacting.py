"""``ledger redact``: erase personal members of an entry, by two people."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.calling import call_of
from app.cli.failing import refused
from app.cli.printing import facts


def redact(
    context: typer.Context,
    index: Annotated[int, typer.Argument(min=0, help="The entry, as `event show` numbers it.")],
    member: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A personal member; repeatable.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, in your words.")] = None,
    legal_basis: Annotated[
        str | None, typer.Option(help="What obliges to it; stays for ever, so name nobody.")
    ] = None,
    confirm: Annotated[
        str | None, typer.Option(metavar="ID", help="Erase what somebody else asked for.")
    ] = None,
) -> None:
    """Ask for personal members of an entry to be erased, or confirm what another one asked."""
    call = call_of(context)
    path = f"/api/v1/events/{index}/redactions"
    if confirm is not None:
        if member or reason or legal_basis:
            raise refused("--confirm takes nothing else", "what is confirmed is what was asked")
        with call.signing() as client:
            receipt = client.post(f"{path}/{confirm}/confirm")
        call.show(receipt, f"erased, for good: entry {receipt['index']} says so")
        return
    if not (member and reason and legal_basis):
        raise refused(
            "say which members, why, and what obliges to it",
            "--member NAME --reason WHY --legal-basis LAW, or --confirm ID",
        )
    body = {"members": member, "reason": reason, "legal_basis": legal_basis}
    with call.signing() as client:
        asked = client.post(path, body)
    shown = ("id", "index", "members", "legal_basis")
    call.show(asked, facts({name: str(asked[name]) for name in shown}))
    call.note("nothing is erased yet; another compliance officer has to confirm it:")
    call.note(f"→ muniment ledger redact {index} --confirm {asked['id']}")
