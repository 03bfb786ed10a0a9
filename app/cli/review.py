"""``review``: what waits for people, and their signatures."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import asking
from app.cli.calling import call_of
from app.cli.deciding import OPEN, decision_text, needed
from app.cli.printing import facts, show_list, table

if TYPE_CHECKING:
    from app.client import Client

review = typer.Typer(help="Look at promotions, and sign.", no_args_is_help=True)

Promotion = Annotated[str, typer.Argument(metavar="PROMOTION")]
Meaning = Annotated[str, typer.Option(help="What your signature means, as the policy names it.")]
Reason = Annotated[str, typer.Option(help="Why.")]
Accept = Annotated[
    list[str] | None,
    typer.Option(metavar="RULE", help="A rule left to reviewers that you take on; repeatable."),
]
View = Annotated[
    str | None, typer.Option(help="Digest that `review show` gave: sign that and nothing newer.")
]


@review.command("list")
def list_reviews(context: typer.Context) -> None:
    """List open promotions, those that wait for you first."""
    call = call_of(context)
    with call.client() as client:
        items = list(client.items("/api/v1/reviews/inbox"))
    show_list(call, ("id", "subject", "environment", "state", "yours", "submitter"), items)


@review.command("show")
def show(context: typer.Context, promotion: Promotion) -> None:
    """Show a promotion: what was decided, what is needed, who signed."""
    call = call_of(context)
    with call.client() as client:
        document = client.get(f"/api/v1/promotions/{promotion}")
    call.show(document, _text(document))


@review.command("approve")
def approve(
    context: typer.Context,
    promotion: Promotion,
    meaning: Meaning,
    reason: Reason,
    accept: Accept = None,
    view: View = None,
    password_stdin: asking.PasswordStdin = False,
    totp: asking.Totp = None,
) -> None:
    """Sign that the promotion may go on."""
    _sign(context, promotion, "approve", meaning, reason, accept, view, password_stdin, totp)


@review.command("reject")
def reject(
    context: typer.Context,
    promotion: Promotion,
    meaning: Meaning,
    reason: Reason,
    view: View = None,
    password_stdin: asking.PasswordStdin = False,
    totp: asking.Totp = None,
) -> None:
    """Sign that it may not."""
    _sign(context, promotion, "reject", meaning, reason, None, view, password_stdin, totp)


@review.command("request-changes")
def request_changes(
    context: typer.Context,
    promotion: Promotion,
    meaning: Meaning,
    reason: Reason,
    view: View = None,
    password_stdin: asking.PasswordStdin = False,
    totp: asking.Totp = None,
) -> None:
    """Sign that something has to change first."""
    _sign(context, promotion, "request_changes", meaning, reason, None, view, password_stdin, totp)


def _sign(
    context: typer.Context,
    promotion: str,
    decision: str,
    meaning: str,
    reason: str,
    accept: list[str] | None,
    view: str | None,
    password_stdin: bool,
    totp: str | None,
) -> None:
    """Sign for the four digests of what is shown now, or of ``view``."""
    call = call_of(context)
    with call.signing() as client:
        shown = client.get(f"/api/v1/promotions/{promotion}")
        bind = dict(shown["bind"])
        _check_view(client, promotion, bind["rendered_view_digest"])
        if view is not None:
            bind["rendered_view_digest"] = view
        call.note(_text(shown))
        body: dict[str, Any] = {
            "decision": decision,
            "meaning": meaning,
            "reason": reason,
            "accepts": accept or [],
            "bind": bind,
            "password": asking.password(from_stdin=password_stdin),
            "totp": asking.totp(totp),
        }
        answer = client.post(f"/api/v1/promotions/{promotion}/reviews", body)
    entry, state = answer["receipt"]["index"], answer["promotion"]["state"]
    call.show(answer, f"signed, entry {entry}; promotion {promotion} is {state}")


def _check_view(client: Client, promotion: str, named: str) -> None:
    """Check that the bytes to be signed are those the server names. Raises StaleReview."""
    from app.core.errors import StaleReview

    raw = client.raw(f"/api/v1/promotions/{promotion}/view")
    if f"sha256:{hashlib.sha256(raw).hexdigest()}" != named:
        raise StaleReview(
            f"what promotion {promotion} shows changed just now",
            remedy=f"muniment review show {promotion}",
        )


def _text(document: dict[str, Any]) -> str:
    names = ("id", "subject", "environment", "state", "submitter", "expires_at", "deployment")
    parts = [facts(document, names)]
    if document["decision"] is not None:
        parts.append(decision_text(document["decision"]))
    if document["reviews"]:
        shown = [one for one in document["reviews"] if isinstance(one, dict)]
        columns = ("reviewer", "decision", "meaning", "accepts", "index", "signed_at")
        parts.append(f"reviews\n{table(columns, shown)}")
    if document["state"] in OPEN:
        parts += [needed(one, document["id"]) for one in document["needs"]]
    parts.append(f"view {document['bind']['rendered_view_digest']}")
    return "\n\n".join(parts)
