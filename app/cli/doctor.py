"""``doctor``: the settings in force, the engines behind them, and what is wrong with either."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from app.cli.calling import call_of
from app.cli.exits import REFUSED
from app.cli.printing import facts

if TYPE_CHECKING:
    from app.cli.calling import Call
    from app.core.jsonvalue import Json
    from app.ledger.condition import Condition
    from app.ledger.sql_store import Head
    from app.settings import Settings

LITTLE_ROOM = 500 * 2**20

Problems = list[tuple[str, str]]
"""What is wrong, and what to do about it."""


def doctor(context: typer.Context) -> None:
    """Print the settings in force, what log and graph are kept in, and what is wrong with them."""
    from app.ledger.condition import Condition

    call = call_of(context)
    settings = call.settings()
    shown = {one.name: _shown(getattr(settings, one.name)) for one in fields(settings)}
    shown["database_url"] = _without_password(settings.database_url)
    shown["webhook_url"] = "(set)" if settings.webhook_url else _shown(None)
    shown["webhook_secret"] = "(set)" if settings.webhook_secret else _shown(None)
    shown["smtp_url"] = "(set)" if settings.smtp_url else _shown(None)
    shown["neo4j_password"] = "(set)" if settings.neo4j_password else _shown(None)
    database, graph, notices = Condition(), Condition(), Condition()
    signer, problems = _signer(settings)
    problems += _of_settings(settings)
    if settings.database_url is None and not (settings.data_dir / "ledger.db").exists():
        begin = "muniment init --admin NAME --password-stdin, or muniment serve"
        problems.append((f"{settings.data_dir} holds no log yet", begin))
    else:
        database, head = _database(settings)
        graph = _graph(settings, head)
        notices = _notices(settings, head)
        problems += [*_of_folder(settings), *database.problems, *graph.problems, *notices.problems]
        problems += _of_server(call)
    found: list[Json] = [{"problem": what, "remedy": remedy} for what, remedy in problems]
    document: dict[str, Json] = {
        "settings": {**shown},
        "signer": {**signer},
        "database": {**database.facts},
        "graph": {**graph.facts},
        "notices": {**notices.facts},
        "problems": found,
    }
    told = {**shown, **signer, **database.facts, **graph.facts, **notices.facts}
    call.show(document, facts(told))
    for what, remedy in problems:
        call.red(f"{what}\n  → {remedy}")
    if problems:
        raise typer.Exit(REFUSED)
    call.note("nothing is wrong")


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


def _of_settings(settings: Settings) -> Problems:
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
        if isinstance(path, Path) and not path.exists()
    ]
    return found


def _signer(settings: Settings) -> tuple[dict[str, str], Problems]:
    """Look at the token that holds the log's key, if one does."""
    from app.core.errors import SignerAway
    from app.ledger.token_signing import Token
    from app.settings import TokenKey

    key = settings.signing_key
    if not isinstance(key, TokenKey):
        return {"log_key": "in a file"}, []
    try:
        Token(key).signer("doctor")
    except SignerAway as refusal:
        return {"log_key": f"in the token {key.token}"}, [(refusal.detail, refusal.remedy or "")]
    told = f"in the token {key.token}: it answers; Ed25519, sensitive, not extractable"
    return {"log_key": told}, []


def _of_folder(settings: Settings) -> Problems:
    found = [
        (f"{key} can be read by others", f"chmod 0600 {key}")
        for key in sorted((settings.data_dir / "keys").glob("*.key"))
        if key.stat().st_mode & 0o077
    ]
    folder = settings.data_dir
    free = shutil.disk_usage(folder).free if folder.exists() else LITTLE_ROOM
    if free < LITTLE_ROOM:
        found.append((f"only {free // 2**20} MiB are free", "make room on that disk"))
    return found


def _database(settings: Settings) -> tuple[Condition, Head | None]:
    """Look at the database; tell also how far its log is, if that can be read."""
    from sqlalchemy.exc import NoResultFound

    from app.ledger.condition import Condition, condition_of
    from app.ledger.sql_store import SqlStore
    from app.premises import database_of
    from app.settings import utc_now

    if settings.database_is_reached_unprotected():
        remedy = "add ?sslmode=verify-full&sslrootcert=FILE to MUNIMENT_DATABASE_URL"
        unproven = ("nothing proves that the database on the other machine answers", remedy)
        return Condition(problems=[unproven]), None
    database = database_of(settings, settings.database_timeout)
    try:
        found = condition_of(database, utc_now)
        if found.problems:
            return found, None
        store = SqlStore(database, "")
        with suppress(NoResultFound), store.reading() as connection:
            return found, store.head(connection)
        return found, None  # the tables are there, a log is not begun
    finally:
        database.close()


def _notices(settings: Settings, head: Head | None) -> Condition:
    """Look at where notices go, and at what did not arrive."""
    from app.ledger.sql_store import SqlStore
    from app.notify.condition import condition_of
    from app.premises import database_of

    if head is None:
        return condition_of(settings, None)
    database = database_of(settings, settings.database_timeout)
    try:
        with SqlStore(database, "").reading() as connection:
            return condition_of(settings, connection)
    finally:
        database.close()


def _graph(settings: Settings, head: Head | None) -> Condition:
    """Look at the graph's server, if one is named."""
    from app.ledger.condition import Condition
    from app.settings import utc_now

    if settings.neo4j_uri is None or settings.neo4j_password is None:
        return Condition(facts={"graph_engine": "none: SQL answers about lineage"})
    if settings.graph_is_reached_unprotected():
        unproven = "nothing proves that the graph on the other machine answers"
        remedy = "begin MUNIMENT_NEO4J_URI with neo4j+s:// or bolt+s://"
        return Condition(problems=[(unproven, remedy)])
    from app.lineage.condition import condition_of
    from app.lineage.neo4j_graph import connect

    graph = connect(
        settings.neo4j_uri, settings.neo4j_user, settings.neo4j_password, settings.neo4j_database
    )
    try:
        return condition_of(graph, head, utc_now)
    finally:
        graph.driver.close()


def _of_server(call: Call) -> Problems:
    from app.client import Refused, Unreachable

    try:
        with call.connect(call.server, None, seconds=5) as client:
            client.get("/readyz")
    except Refused as refusal:
        return [(f"{call.server} is not ready: {refusal.detail}", "look at what it wrote")]
    except Unreachable:
        return [(f"no server answers at {call.server}", "muniment serve")]
    return []
