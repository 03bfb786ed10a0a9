"""``user``, ``role`` and ``token``: who comes, what they may do, what acts for them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from app.cli import asking, credentials
from app.cli.asking import PasswordStdin
from app.cli.calling import call_of
from app.cli.printing import facts, show_list

user = typer.Typer(help="Accounts: invite, accept, confirm, disable, list.", no_args_is_help=True)
role = typer.Typer(help="What people may do: grant, confirm, revoke.", no_args_is_help=True)
token = typer.Typer(help="Service tokens: create, list, revoke.", no_args_is_help=True)

User = Annotated[str, typer.Argument(metavar="USER", help="Name or id of an account.")]
Reason = Annotated[str | None, typer.Option(help="Why; kept with the change.")]
Link = Annotated[str, typer.Argument(help="The link of the invitation.")]


@user.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="To sign in with.")],
    printed_name: Annotated[str, typer.Option(help="As reports shall print it.")],
    reason: Reason = None,
) -> None:
    """Invite a person; prints the link that opens the account, once."""
    call = call_of(context)
    with call.administration() as client:
        body = {"name": name, "printed_name": printed_name, "reason": reason}
        answer = client.post("/api/v1/invitations", _given(body))
    call.show(answer, answer["url"])
    call.note(f"give this link to {printed_name}; it holds until {answer['expires_at']}")


@user.command("accept")
def accept(context: typer.Context, link: Link, password_stdin: PasswordStdin = False) -> None:
    """Set the password of an invitation; prints the otpauth address for the authenticator."""
    call = call_of(context)
    server, secret = _link(link, call.server)
    body = {"password": asking.password(from_stdin=password_stdin)}
    with call.connect(server, None) as client:
        answer = client.post(f"/api/v1/invitations/{secret}/accept", body)
    call.show(answer, answer["totp_uri"])
    call.note(f"→ muniment user confirm {link} --totp CODE")


@user.command("confirm")
def confirm(context: typer.Context, link: Link, totp: asking.Totp = None) -> None:
    """Confirm the authenticator by its first code; prints the recovery codes, once."""
    call = call_of(context)
    server, secret = _link(link, call.server)
    with call.connect(server, None) as client:
        answer = client.post(f"/api/v1/invitations/{secret}/confirm", {"totp": asking.totp(totp)})
    call.show(answer, "\n".join(answer["recovery_codes"]))
    credentials.save(server, answer["session"])
    call.note("keep these recovery codes; each is good for one sign-in, never for signing")
    call.note(f"you are signed in to {server}")


@user.command("disable")
def disable(context: typer.Context, name: User, reason: Reason = None) -> None:
    """Close an account; its sessions and tokens end."""
    call = call_of(context)
    with call.administration() as client:
        answer = client.post(f"/api/v1/users/{name}/disable{_why(reason)}")
    waiting = "waits for the other administrator to ask for the same"
    call.show(answer, "disabled" if answer["state"] == "done" else waiting)


@user.command("reset")
def reset(
    context: typer.Context,
    name: User,
    reason: Annotated[str | None, typer.Option(help="Why; asks for the reset.")] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="As the second person.")] = False,
) -> None:
    """Let a person who lost password or authenticator begin anew: two administrators."""
    call = call_of(context)
    if confirm == (reason is not None):
        raise typer.BadParameter("give --reason to ask for a reset, or --confirm as the second")
    with call.administration() as client:
        if confirm:
            answer = client.post(f"/api/v1/users/{name}/factor-reset/confirm")
            call.show(answer, answer["url"])
            call.note(f"give this link to {name} alone; they sign nothing for 24 hours")
            return
        answer = client.post(f"/api/v1/users/{name}/factor-reset", {"reason": reason})
    call.show(answer, "waits for another administrator")
    call.note(f"→ muniment user reset {name} --confirm")


@user.command("list")
def list_users(context: typer.Context) -> None:
    """List accounts with the roles they hold."""
    call = call_of(context)
    with call.administration() as client:
        items = list(client.items("/api/v1/users"))
    if not call.json:
        for item in items:
            item["roles"] = [_role(one) for one in item["roles"]]
    show_list(call, ("id", "name", "printed_name", "roles", "disabled", "created_at"), items)


@role.command("grant")
def grant(
    context: typer.Context,
    name: User,
    granted: Annotated[str, typer.Argument(metavar="ROLE")],
    team: Annotated[str | None, typer.Option(help="Limit it to a team.")] = None,
    scope: Annotated[str | None, typer.Option(help="model/<glob>@<environment>.")] = None,
    reason: Reason = None,
) -> None:
    """Grant a role; an approval role may need a second administrator."""
    call = call_of(context)
    body = {"role": granted, "team": team, "scope": scope, "reason": reason}
    with call.administration() as client:
        answer = client.post(f"/api/v1/users/{name}/roles", _given(body))
    if "grant_id" in answer:
        call.show(answer, answer["grant_id"])
        call.note("a second administrator has to confirm it within a week:")
        call.note(f"→ muniment role confirm {answer['grant_id']}")
    else:
        call.show(answer, f"granted by entry {answer['grant']}")


@role.command("check")
def check(
    context: typer.Context,
    name: User,
    granted: Annotated[str, typer.Argument(metavar="ROLE")],
    team: Annotated[str | None, typer.Option()] = None,
    scope: Annotated[str | None, typer.Option(help="model/<glob>@<environment>.")] = None,
) -> None:
    """Say why granting a role would be a conflict of duties; nothing is granted."""
    call = call_of(context)
    with call.administration() as client:
        answer = client.get(
            f"/api/v1/users/{name}/roles/check", role=granted, team=team, scope=scope
        )
    told = [one["text"] for one in answer["conflicts"]]
    call.show(answer, "\n".join(told) or "no conflict of duties")


@role.command("waiting")
def waiting(context: typer.Context) -> None:
    """List the grants that wait for a second administrator's confirmation."""
    call = call_of(context)
    with call.administration() as client:
        items = list(client.get("/api/v1/role-grants")["items"])
    show_list(call, ("grant_id", "user", "role", "scope", "team", "asked_by", "reason"), items)


@role.command("confirm")
def confirm_grant(
    context: typer.Context, grant_id: Annotated[str, typer.Argument(metavar="GRANT")]
) -> None:
    """Confirm, as a second administrator, a role that another one granted."""
    call = call_of(context)
    with call.administration() as client:
        answer = client.post(f"/api/v1/role-grants/{grant_id}/confirm")
    call.show(answer, f"granted by entry {answer['grant']}")


@role.command("revoke")
def revoke(
    context: typer.Context,
    name: User,
    revoked: Annotated[str, typer.Argument(metavar="ROLE", help="Role, or number of the grant.")],
    reason: Reason = None,
) -> None:
    """Revoke a role that somebody holds."""
    call = call_of(context)
    with call.administration() as client:
        grants = _grants(list(client.items("/api/v1/users")), name, revoked)
        if not grants:
            from app.core.errors import Missing

            raise Missing(f"{name} holds no role {revoked}", remedy="muniment user list")
        why = _why(reason)
        answers = [client.delete(f"/api/v1/users/{who}/roles/{one}{why}") for who, one in grants]
    waiting = any(answer["state"] == "pending" for answer in answers)
    text = "waits for the other administrator to ask for the same" if waiting else "revoked"
    call.show({"state": "pending" if waiting else "done"}, text)


@token.command("create")
def create(
    context: typer.Context,
    name: str,
    scope: Annotated[str, typer.Option(help="Scopes, separated by commas.")],
    owner: Annotated[str | None, typer.Option(help="Person who answers for it.")] = None,
    subject_prefix: Annotated[str | None, typer.Option(help="Such as model/credit.")] = None,
    environment: Annotated[str | None, typer.Option()] = None,
    team: Annotated[str | None, typer.Option()] = None,
    expires_at: Annotated[str | None, typer.Option(help="RFC 3339; default in 90 days.")] = None,
    reason: Reason = None,
) -> None:
    """Make a service token; prints the token alone, once."""
    call = call_of(context)
    body = {
        "name": name,
        "scopes": [one.strip() for one in scope.split(",") if one.strip()],
        "owner": owner,
        "subject_prefix": subject_prefix,
        "environment": environment,
        "team": team,
        "expires_at": expires_at,
        "reason": reason,
    }
    with call.administration() as client:
        answer = client.post("/api/v1/tokens", _given(body))
    call.show(answer, answer["token"])
    call.note(f"token {answer['id']} holds until {answer['expires_at']}; it is not shown again")


@token.command("list")
def list_tokens(context: typer.Context) -> None:
    """List tokens, without their secrets."""
    call = call_of(context)
    with call.administration() as client:
        items = list(client.items("/api/v1/tokens"))
    columns = ("id", "name", "owner", "scopes", "last4", "expires_at", "revoked")
    show_list(call, columns, items)


@token.command("revoke")
def revoke_token(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID")],
    reason: Reason = None,
) -> None:
    """Revoke a token at once."""
    call = call_of(context)
    with call.administration() as client:
        client.delete(f"/api/v1/tokens/{token_id}{_why(reason)}")
    call.show({"id": token_id, "revoked": True}, facts({"revoked": token_id}))


def _link(link: str, server: str) -> tuple[str, str]:
    """Split an invitation's link into the server and its secret; a bare secret will do."""
    before, _, secret = link.rstrip("/").rpartition("/invitations/")
    return before or server, secret


def _given(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out what was not said."""
    return {name: value for name, value in body.items() if value is not None}


def _why(reason: str | None) -> str:
    """Write a reason as a query."""
    return "" if reason is None else f"?{urlencode({'reason': reason})}"


def _role(held: dict[str, Any]) -> str:
    scope = "" if held["scope"] is None else f"({held['scope']})"
    team = "" if held["team"] is None else f"[{held['team']}]"
    return f"{held['role']}{scope}{team}"


def _grants(users: list[dict[str, Any]], name: str, role_name: str) -> list[tuple[str, str]]:
    """Find who it is and the grants that are meant."""
    return [
        (str(one["id"]), str(held["grant"]))
        for one in users
        if name in (one["id"], one["name"])
        for held in one["roles"]
        if role_name in (held["role"], str(held["grant"]))
    ]
