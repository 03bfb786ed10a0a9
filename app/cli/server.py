"""``serve``, ``init``, ``migrate``: a log and what runs on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import asking
from app.cli.calling import call_of
from app.cli.printing import facts

if TYPE_CHECKING:
    from app.core.jsonvalue import Json


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
