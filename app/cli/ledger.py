"""``ledger``: check the data folder, read the newest checkpoint, change the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.calling import call_of
from app.cli.failing import refused
from app.cli.printing import facts
from app.cli.progressing import progress
from app.cli.recovering import recover
from app.cli.redacting import redact
from app.cli.verify import Trust, Vkey, finish, trusted_keys

if TYPE_CHECKING:
    from app.ledger.database import Database

ledger = typer.Typer(help="The log of this data folder.", no_args_is_help=True)
ledger.command("recover")(recover)
ledger.command("redact")(redact)


@ledger.command("fsck")
def fsck(
    context: typer.Context,
    vkey: Vkey = None,
    trust: Trust = None,
    since: Annotated[
        list[Path] | None,
        typer.Option(exists=True, metavar="CHECKPOINT", help="One saved elsewhere; repeatable."),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=16, help="Divide the work among so many.")
    ] = 1,
) -> None:
    """Check everything that is stored, and replay what is made from the log."""
    call = call_of(context)
    settings = call.settings()
    if settings.database_url is None and not (call.data_dir / "ledger.db").exists():
        raise refused(f"{call.data_dir} holds no log", "name the folder: --data-dir FOLDER")
    keys = trusted_keys(vkey, trust)
    from app.premises import database_of, projections
    from app.verification.fsck import fsck as check
    from app.verification.meanings import MEANINGS

    saved = [path.read_bytes() for path in since or ()]
    database = database_of(settings)
    _check_begun(database)
    with progress(call, "fsck") as tell:
        report = check(
            database,
            projections(),
            keys,
            saved,
            processes=processes,
            watch=lambda done, what: tell(100 * done, what),
        )
    if not keys:
        call.note("no key was given: the log's own key shows slips, but no rewritten log")
        call.note("→ muniment ledger fsck --vkey KEY, with the key that `init` printed")
    finish(call, report, MEANINGS)


def _check_begun(database: Database) -> None:
    """Raise Missing where nobody has made the tables yet: that is no log that was altered."""
    if not database.shared:
        return  # a file that cannot be read is for fsck to tell about
    from app.core.errors import Missing
    from app.migrations import schema

    with database.reading() as connection:
        found = schema.version(connection)
    if found is None:
        database.close()
        raise Missing(f"{database.name} holds no log", remedy="run `muniment migrate` as its owner")


@ledger.command("checkpoint")
def checkpoint(context: typer.Context) -> None:
    """Print the newest signed checkpoint; keep it for `verify --since`."""
    call = call_of(context)
    with call.administration() as client:
        note = client.raw("/log/checkpoint").decode()
    call.show({"checkpoint": note}, note.rstrip("\n"))


@ledger.command("rotate-key")
def rotate_key(
    context: typer.Context,
    finish_it: Annotated[
        bool, typer.Option("--finish", help="The old key signs no more; the new one alone does.")
    ] = False,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="The old key is in wrong hands: it counts no more.")
    ] = False,
) -> None:
    """Bring a new signing key to the log; both sign until `--finish`."""
    call = call_of(context)
    if finish_it and revoke:
        raise refused("a key is finished or revoked, not both", "leave one of them out")
    step = "finish" if finish_it else "revoke" if revoke else "begin"
    with call.administration() as client:
        made = client.post("/api/v1/log/rotations", {"step": step})
    call.show(made, facts({name: made[name] for name in ("step", "old_vkey", "new_vkey")}))
    call.note("tell everybody who verifies: muniment ledger trust-page")
    if step == "begin":
        call.note("→ once they have the new key, muniment ledger rotate-key --finish")


@ledger.command("trust-page")
def trust_page(context: typer.Context) -> None:
    """Print the log's keys and their fingerprints, to be handed out on another way."""
    call = call_of(context)
    from app.verification.trust_page import trust_page as page

    with call.administration() as client:
        raw = client.raw("/log/trust.json")
    call.show(json.loads(raw), page(raw).rstrip("\n"))
