"""``ledger``: check the data folder, read the newest checkpoint."""

from __future__ import annotations

import typer

from app.cli.calling import call_of
from app.cli.failing import refused
from app.cli.recovering import recover
from app.cli.redacting import redact
from app.cli.verify import Trust, Vkey, finish, trusted_keys

ledger = typer.Typer(help="The log of this data folder.", no_args_is_help=True)
ledger.command("recover")(recover)
ledger.command("redact")(redact)


@ledger.command("fsck")
def fsck(context: typer.Context, vkey: Vkey = None, trust: Trust = None) -> None:
    """Check everything that is stored, and replay what is made from the log."""
    call = call_of(context)
    settings = call.settings()
    if settings.database_url is None and not (call.data_dir / "ledger.db").exists():
        raise refused(f"{call.data_dir} holds no log", "name the folder: --data-dir FOLDER")
    keys = trusted_keys(vkey, trust)
    from app.house import database_of, projections
    from app.verification.fsck import fsck as check

    report = check(database_of(settings), projections(), keys)
    if not keys:
        call.note("no key was given: the log's own key shows slips, but no rewritten log")
        call.note("→ muniment ledger fsck --vkey KEY, with the key that `init` printed")
    finish(call, report)


@ledger.command("checkpoint")
def checkpoint(context: typer.Context) -> None:
    """Print the newest signed checkpoint; keep it for `verify --since`."""
    call = call_of(context)
    with call.administration() as client:
        note = client.raw("/log/checkpoint").decode()
    call.show({"checkpoint": note}, note.rstrip("\n"))
