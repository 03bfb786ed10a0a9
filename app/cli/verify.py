"""``verify``: check evidence without trusting whoever hands it over.

Numbered checks and one bottom line. Exit codes are the verdict's: 0 valid, 10 altered,
11 truncated or rolled back, 12 forked, 13 signature or key, 14 not proven.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from app.cli.calling import call_of
from app.cli.failing import UNAUTHORISED, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.cli.calling import Call
    from app.core.jsonvalue import Json
    from app.core.ledger.bundle_outside import Outsiders
    from app.core.ledger.trust import Key
    from app.core.ledger.verdict import Report

Vkey = Annotated[
    list[str] | None, typer.Option(metavar="KEY", help="A verifier key you trust; repeatable.")
]
Trust = Annotated[
    Path | None, typer.Option(exists=True, help="File of trusted keys: lines, or a trust.json.")
]
MARKS = {"passed": "ok", "failed": "FAILED", "not checked": "not checked"}


def verify(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(metavar="[URL|FOLDER|BUNDLE]", help="Default: the server's own log."),
    ] = None,
    vkey: Vkey = None,
    trust: Trust = None,
    since: Annotated[
        list[Path] | None,
        typer.Option(exists=True, metavar="CHECKPOINT", help="A checkpoint saved earlier."),
    ] = None,
    witnesses: Annotated[
        Path | None,
        typer.Option(exists=True, help="Witness policy whose quorum a bundle must meet."),
    ] = None,
    tsa: Annotated[
        Path | None,
        typer.Option(exists=True, help="Root certificate (PEM) of a timestamp authority."),
    ] = None,
) -> None:
    """Verify a log or an evidence bundle with keys that you trust."""
    call = call_of(context)
    keys = trusted_keys(vkey, trust)
    outsiders = believed(witnesses, tsa)
    saved = [path.read_bytes() for path in since or ()]
    named = target or call.server
    if urlsplit(named).scheme in ("http", "https"):
        if outsiders is not None:
            raise refused("--witnesses and --tsa are about evidence bundles", "name a bundle")
        finish(call, _served(call, named, keys, saved))
    path = Path(named)
    if not path.exists():
        raise refused(f"there is no {named}", "name a URL, a folder or a bundle")
    finish(call, _kept(path, keys, saved, outsiders))


def believed(witnesses: Path | None, tsa: Path | None) -> Outsiders | None:
    """Read whom a person believes beside the log's keys; None for nobody. Raises WrongUsage."""
    if witnesses is None and tsa is None:
        return None
    from app.core.errors import Refusal
    from app.core.ledger.bundle_outside import Outsiders
    from app.core.ledger.quorum import parse_policy
    from app.ledger.stamping import check, read_roots

    try:
        policy = None if witnesses is None else parse_policy(witnesses.read_bytes())
    except Refusal as failure:
        raise refused(f"{witnesses}: {failure.detail}", "a policy as C2SP tlog-policy") from None
    if tsa is None:
        return Outsiders(policy)
    try:
        roots = read_roots(tsa.read_bytes())
    except Refusal as failure:
        raise refused(f"{tsa}: {failure.detail}", "the authority's root, in PEM") from None
    return Outsiders(policy, lambda raw, text: check(raw, text, roots).at)


def trusted_keys(written: list[str] | None, file: Path | None) -> list[Key]:
    """Read the keys a person trusts. Raises WrongUsage."""
    from app.core.errors import Refusal
    from app.verification.offline import read_keys, read_trust

    try:
        given: list[Key] = [*read_keys(written or ())]
    except Refusal as failure:
        raise refused(failure.detail, "--vkey KEY, as `muniment init` printed it") from None
    if file is None:
        return given
    try:
        return given + read_trust(file.read_bytes())
    except Refusal as failure:
        raise refused(
            f"{file} holds no trusted keys: {failure.detail}",
            "verifier keys, one a line, or the /log/trust.json of a log",
        ) from None


def finish(call: Call, report: Report, meanings: Mapping[str, str] | None = None) -> None:
    """Print a verifier's report and end with its code.

    ``meanings``: what a finding of each class means, told with it.
    """
    from app.core.ledger.verdict import State

    known = meanings or {}
    if call.json:
        call.show(_told(report.document(), known), "")
        raise typer.Exit(int(report.outcome))
    for check in report.checks:
        typer.echo(f"{check.number:>3}. {check.title}: {MARKS[str(check.state)]} - {check.meaning}")
        for note in check.notes:
            typer.echo(f"     {note}")
        if check.state is State.FAILED:
            for finding in check.findings:
                typer.echo(f"     {finding.sentence()}")
            if check.more:
                typer.echo(f"     and {check.more} more")
            for kind in sorted({finding.kind for finding in check.findings} & known.keys()):
                typer.echo(f"     {kind}: {known[kind]}")
    typer.echo(report.bottom_line)
    raise typer.Exit(int(report.outcome))


def _told(document: Json, meanings: Mapping[str, str]) -> Json:
    """Add to each finding what it means, where that is known."""
    match document:
        case dict():
            told = {name: _told(value, meanings) for name, value in document.items()}
            meaning = meanings.get(str(document.get("class")))
            return told if meaning is None else {**told, "means": meaning}
        case list():
            return [_told(one, meanings) for one in document]
        case _:
            return document


def _served(call: Call, url: str, keys: list[Key], saved: list[bytes]) -> Report:
    """Verify a served log. The token goes to the server that it is for, and to no other."""
    from app.client import Refused
    from app.verification.offline import unusable, verify_log

    server = url.rstrip("/").removesuffix("/log")
    token = call.token if server == call.server else None
    with call.connect(server, token) as client:
        try:
            return verify_log(_reader(client.raw), keys, saved)
        except Refused as refusal:
            hint = "; add --token TOKEN" if refusal.status == UNAUTHORISED else ""
            return unusable(server, f"{refusal.detail}{hint}")


def _reader(raw: Callable[..., bytes]) -> Callable[[str], bytes]:
    return lambda path: raw(f"/log/{path}")


def _kept(path: Path, keys: list[Key], saved: list[bytes], outsiders: Outsiders | None) -> Report:
    """Verify a bundle, or a log as files in a folder."""
    from app.verification.offline import is_bundle, unusable, verify_bundle, verify_log

    if is_bundle(path):
        if saved:
            raise refused("a bundle has one checkpoint and no history", "leave out --since")
        return verify_bundle(path, keys, outsiders) if outsiders else verify_bundle(path, keys)
    if outsiders is not None:
        raise refused("--witnesses and --tsa are about evidence bundles", "name a bundle")
    if path.suffix.lower() == ".pdf":
        detail = "pages alone prove nothing; verify the bundle that was made with them"
        return unusable(path.name, detail)
    if not path.is_dir():
        return unusable(path.name, "this is neither a bundle nor a folder with a log")
    folder = path if (path / "checkpoint").exists() else path / "log"
    try:
        return verify_log(lambda name: (folder / name).read_bytes(), keys, saved)
    except FileNotFoundError as failure:
        return unusable(path.name, f"{failure.filename} is missing")
