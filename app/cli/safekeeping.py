"""``backup`` and ``restore``: a log in a folder of its own, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.calling import call_of
from app.cli.failing import refused

Passphrase = Annotated[
    bool, typer.Option("--passphrase-stdin", help="Read the keys' passphrase from stdin.")
]


def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A new folder for the backup.")],
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Private keys too, sealed by a passphrase.")
    ] = False,
    passphrase_stdin: Passphrase = False,
) -> None:
    """Copy the log as it is now, files and all; a server may be writing to it."""
    call = call_of(context)
    if with_keys != passphrase_stdin:
        raise refused("keys are sealed by a passphrase", "--with-keys --passphrase-stdin")
    from app.safekeeping import backup as keep

    passphrase = _passphrase() if passphrase_stdin else None
    manifest = keep(call.settings(), folder, passphrase)
    head = manifest["head"]
    size = head["size"] if isinstance(head, dict) else None
    call.show(manifest, f"{folder} holds the log of {size} entries")
    call.note("keep it where this machine cannot change it, and try it: muniment restore")


def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(exists=True, help="A backup.")],
    redactions: Annotated[
        list[Path] | None,
        typer.Option(exists=True, help="A later bundle or backup: its erasures are repeated."),
    ] = None,
    passphrase_stdin: Passphrase = False,
) -> None:
    """Bring a backup back into an empty data folder, and check everything in it."""
    call = call_of(context)
    from app.safekeeping import restore as bring

    passphrase = _passphrase() if passphrase_stdin else None
    size = bring(call.settings(), folder, passphrase, redactions or ())
    call.show({"size": size}, f"restored and checked: a log of {size} entries")
    call.note("nothing is written to it until somebody answers for what may be lost:")
    call.note("→ compare with a saved checkpoint, then muniment ledger recover --adopt")


def _passphrase() -> str:
    given = sys.stdin.readline().rstrip("\n")
    if not given:
        raise refused("the passphrase is empty", "write it to stdin, one line")
    return given
