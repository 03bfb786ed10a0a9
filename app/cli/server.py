"""``serve``, ``init``, ``doctor``, ``migrate``: a data folder and what runs on it."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import asking
from app.cli.calling import call_of
from app.cli.exits import REFUSED
from app.cli.printing import facts

if TYPE_CHECKING:
    from app.cli.calling import Call
    from app.core.jsonvalue import Json
    from app.settings import Settings

LITTLE_ROOM = 500 * 2**20


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="MUNIMENT_HOST, default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="MUNIMENT_PORT, default 8000.")] = None,
) -> None:
    """Serve the data folder until interrupted."""
    call = call_of(context)
    from app.serving import serve as serve_forever

    serve_forever(call.settings(MUNIMENT_HOST=host, MUNIMENT_PORT=port))


def init(
    context: typer.Context,
    admin: Annotated[str, typer.Option(help="Name of the first administrator.")],
    password_stdin: asking.PasswordStdin = False,
) -> None:
    """Make a log and its first administrator; prints the secrets once."""
    call = call_of(context)
    given = asking.password(from_stdin=password_stdin)
    from app.serving import init as begin

    made = begin(call.settings(), admin, given)
    codes = made["recovery_codes"]
    listed = [str(one) for one in codes] if isinstance(codes, list) else []
    text = facts({name: made[name] for name in ("admin", "otpauth", "vkey")})
    call.show(made, "\n".join([text, "recovery codes", *(f"  {one}" for one in listed)]))
    call.note("none of this is shown again. Keep the vkey where this machine cannot change it:")
    call.note("it is what `muniment verify --vkey` trusts.")
    call.note(f"→ muniment serve, then muniment login {admin} --password-stdin --totp CODE")


def doctor(context: typer.Context) -> None:
    """Print the settings in force, what the log is kept in, and what is wrong with them."""
    call = call_of(context)
    settings = call.settings()
    shown = {one.name: _shown(getattr(settings, one.name)) for one in fields(settings)}
    shown["database_url"] = _without_password(settings.database_url)
    shown["neo4j_password"] = "(set)" if settings.neo4j_password else _shown(None)
    engine, problems = _problems(call, settings)
    found: list[Json] = [{"problem": what, "remedy": remedy} for what, remedy in problems]
    document: dict[str, Json] = {"settings": {**shown}, "database": {**engine}, "problems": found}
    call.show(document, "\n".join(facts(one) for one in (shown, engine) if one))
    for what, remedy in problems:
        call.red(f"{what}\n  → {remedy}")
    if problems:
        raise typer.Exit(REFUSED)
    call.note("nothing is wrong")


def migrate(
    context: typer.Context,
    rebuild: Annotated[
        str | None, typer.Option(metavar="NAME", help="Projection to make again, or all.")
    ] = None,
) -> None:
    """Lead the database to this program's schema, or make what follows from the log again."""
    call = call_of(context)
    from app.house import migrate as lead
    from app.house import rebuild as replay

    if rebuild is None:
        steps = lead(call.settings())
        done: list[Json] = list(steps)
        call.show({"steps": done}, f"steps taken: {', '.join(steps) or 'none were due'}")
        return
    names = replay(call.settings(), rebuild)
    rebuilt: list[Json] = list(names)
    call.show({"rebuilt": rebuilt}, f"rebuilt: {', '.join(names)}")
    call.note("→ muniment ledger fsck compares it with the log")


def _shown(value: object) -> str:
    match value:
        case None:
            return "(not set)"
        case tuple():
            return " ".join(map(str, value)) or "(none)"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _without_password(url: str | None) -> str:
    if url is None:
        return "(not set)"
    from sqlalchemy import make_url

    address = make_url(url)
    return address.difference_update_query(["password"]).render_as_string(hide_password=True)


def _problems(call: Call, settings: Settings) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Look at everything; return what the database is like, and what is wrong."""
    found = []
    if settings.listens_beyond_loopback_unprotected():
        found.append(
            (
                f"{settings.host} is not loopback, and neither TLS nor a proxy protects it",
                "set MUNIMENT_TLS_CERT and MUNIMENT_TLS_KEY, or MUNIMENT_TRUSTED_PROXIES",
            )
        )
    named = (settings.tls_cert, settings.tls_key, settings.signing_key)
    found += [
        (f"{path} is not there", "correct the setting that names it")
        for path in named
        if path is not None and not path.exists()
    ]
    if settings.database_url is None and not (settings.data_dir / "ledger.db").exists():
        found.append(
            (
                f"{settings.data_dir} holds no log yet",
                "muniment init --admin NAME --password-stdin, or muniment serve",
            )
        )
        return {}, found
    found += [
        (f"{key} can be read by others", f"chmod 0600 {key}")
        for key in sorted((settings.data_dir / "keys").glob("*.key"))
        if key.stat().st_mode & 0o077
    ]
    folder = Path(settings.data_dir)
    free = shutil.disk_usage(folder).free if folder.exists() else LITTLE_ROOM
    if free < LITTLE_ROOM:
        found.append((f"only {free // 2**20} MiB are free", "make room on that disk"))
    engine, wrong = _database(settings)
    return engine, found + wrong + _server_problems(call)


def _database(settings: Settings) -> tuple[dict[str, str], list[tuple[str, str]]]:
    if settings.database_is_reached_unprotected():
        remedy = "add ?sslmode=verify-full&sslrootcert=FILE to MUNIMENT_DATABASE_URL"
        return {}, [("nothing proves that the database on the other machine answers", remedy)]
    if settings.graph_is_reached_unprotected():
        remedy = "begin MUNIMENT_NEO4J_URI with neo4j+s:// or bolt+s://"
        return {}, [("nothing proves that the graph server on the other machine answers", remedy)]
    from app.ledger.condition import condition_of
    from app.lineage.condition import condition_of as condition_of_graph
    from app.premises import database_of
    from app.settings import utc_now

    database = database_of(settings)
    try:
        found = condition_of(database, utc_now)
        graph = condition_of_graph(settings, database)
    finally:
        database.close()
    return found.facts | graph.facts, found.problems + graph.problems


def _server_problems(call: Call) -> list[tuple[str, str]]:
    from app.client import Refused, Unreachable

    try:
        with call.connect(call.server, None, seconds=5) as client:
            client.get("/readyz")
    except Refused as refusal:
        return [(f"{call.server} is not ready: {refusal.detail}", "look at what it wrote")]
    except Unreachable:
        return [(f"no server answers at {call.server}", "muniment serve")]
    return []
