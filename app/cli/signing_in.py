"""``login``, ``logout``, ``whoami``: a person's session with a server."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli import asking, credentials
from app.cli.calling import SERVICE_TOKEN, call_of
from app.cli.exits import UNAUTHENTICATED
from app.cli.failing import refused
from app.cli.printing import facts


def login(
    context: typer.Context,
    name: str,
    password_stdin: asking.PasswordStdin = False,
    totp: asking.Totp = None,
    recovery_code: Annotated[str | None, typer.Option(help="In place of a code.")] = None,
) -> None:
    """Sign in; the session is kept for this server until `muniment logout`."""
    call = call_of(context)
    body = {"name": name, "password": asking.password(from_stdin=password_stdin)}
    if totp is not None:
        body["totp"] = totp.replace(" ", "")
    if recovery_code is not None:
        body["recovery_code"] = recovery_code
    with call.connect(call.server, None) as client:
        answer = client.post("/api/v1/sessions", body)
    if answer["session"] is None:
        call.show({"signed_in": False, "must_enrol": answer["must_enrol"]}, answer["must_enrol"])
        call.red(f"{name} has to enrol an authenticator first, with the address above")
        call.red(f"  → muniment login {name} --password-stdin --totp CODE")
        raise typer.Exit(UNAUTHENTICATED)
    where = credentials.save(call.server, answer["session"])
    call.note(f"signed in to {call.server} as {name}; the session is kept in {where}")
    if call.json:
        call.show({"signed_in": True, "name": name, "server": call.server}, "")


def logout(context: typer.Context) -> None:
    """End the session with this server."""
    from app.client import Refused

    call = call_of(context)
    session = credentials.load(call.server)
    if session is None:
        raise refused(f"there is no session with {call.server}", "muniment login NAME")
    try:
        with call.client(token=session) as client:
            client.delete("/api/v1/sessions/current")
    except Refused as refusal:
        call.note(f"the server had ended it already: {refusal.detail}")
    credentials.forget(call.server)
    call.note(f"signed out of {call.server}")


def whoami(context: typer.Context) -> None:
    """Tell who calls, with which roles and permissions."""
    call = call_of(context)
    with call.client() as client:
        answer = client.get("/api/v1/me")
    shown = dict(answer) | {
        "roles": [one["role"] for one in answer["roles"]],
        "server": call.server,
    }
    given = call.given or ""
    if given.startswith(SERVICE_TOKEN):
        shown["by"] = "service token"
    names = ("name", "printed_name", "id", "kind", "owner", "by", "roles", "permissions", "server")
    call.show(answer, facts(shown, names))
