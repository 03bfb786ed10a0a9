"""Changes to one person's account: close it, end its sessions, let them begin anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from app.core.access import Permission
from app.core.errors import Conflict, Missing, Rejected
from app.identity.agreement import Outcome, requests
from app.identity.directory import People
from app.identity.office import Change
from app.identity.resetting import waiting_reset

if TYPE_CHECKING:
    from app.identity.office import Office
    from app.identity.principal import Principal

Text = Annotated[str, Form(max_length=4000)]
Part = Annotated[str, Query(max_length=64)]


def person_pages(office: Office) -> APIRouter:
    """Build the pages; each asks why before it changes anything."""
    router = office.desk.router()
    for part in (_disable, _sessions, _reset):
        router.include_router(part(office))
    return router


def _disable(office: Office) -> APIRouter:
    router = office.desk.router()
    roles = office.identity.roles

    def change(user: str, principal: Principal) -> Change:
        name = _name(office, user)
        with office.identity.ledger.snapshot() as now:
            asked = requests(now.connection, office.identity.clock())
            first = next((one for one in asked if one.what == f"disable/{user}"), None)
            by = "" if first is None else office.names(now.connection, [first.by])[first.by]
            people = People(now.connection)
            administrators = people.administrators()
            owned = sum(one.owner == user and not one.revoked for one in people.tokens())
        said = [
            f"{name} can neither sign in nor sign from then on, and their sessions end.",
            f"Tokens that they own stop: {owned}.",
            "The account is never opened again, and its id is nobody else's.",
            "What they recorded and signed stays on record.",
        ]
        if user in administrators and len(administrators) == _TWO:
            said.append(
                "This is one of the last two administrators: the account is closed when both have"
                " asked for it."
            )
        if first is not None and first.by != principal.person:
            why = f", because: {first.reason}" if first.reason else ""
            said.append(f"{by} has asked for it{why}. What you send is the confirmation.")
        return Change(
            f"Close the account of {name}",
            said,
            f"/admin/people/{user}/disable",
            f"/admin/people/{user}",
            "Close the account",
        )

    @router.get("/admin/people/{user}/disable")
    def ask(request: Request, user: str) -> Response:
        """Say what closing an account does, and ask why."""
        principal = office.changer(request, Permission.MANAGE_PEOPLE)
        return office.ask(request, change(user, principal))

    @router.post("/admin/people/{user}/disable")
    def disable(request: Request, user: str, reason: Text, draft: Text = "") -> Response:
        """Close an account, or ask the other one of the last two to."""
        principal = office.changer(request, Permission.MANAGE_PEOPLE)
        try:
            outcome = roles.disable(principal, user, reason.strip())
        except (Rejected, Conflict) as refusal:
            return office.ask(request, change(user, principal), refusal, reason)
        office.desk.sent(request, draft)
        done = "disabled" if outcome is Outcome.DONE else "asked"
        return office.desk.to(request, f"/admin/people/{user}?done={done}")

    return router


def _sessions(office: Office) -> APIRouter:
    router = office.desk.router()

    def change(user: str, session: str) -> Change:
        name = _name(office, user)
        which = "The session" if session else "Every session"
        return Change(
            f"End {'a session' if session else 'all sessions'} of {name}",
            [
                f"{which} of {name} ends at once. They may sign in again.",
                "What they typed and did not send is kept for them for a day.",
            ],
            f"/admin/people/{user}/sessions" + (f"?session={session}" if session else ""),
            f"/admin/people/{user}",
            "End it" if session else "End them",
        )

    @router.get("/admin/people/{user}/sessions")
    def ask(request: Request, user: str, session: Part = "") -> Response:
        """Say what ending sessions does, and ask why."""
        office.changer(request, Permission.MANAGE_PEOPLE)
        return office.ask(request, change(user, session))

    @router.post("/admin/people/{user}/sessions")
    def end(
        request: Request, user: str, reason: Text, session: Part = "", draft: Text = ""
    ) -> Response:
        """End one session of a person, or all."""
        principal = office.changer(request, Permission.MANAGE_PEOPLE)
        try:
            office.identity.ending.end(principal, user, reason.strip(), session or None)
        except (Rejected, Missing) as refusal:
            return office.ask(request, change(user, session), refusal, reason)
        office.desk.sent(request, draft)
        return office.desk.to(request, f"/admin/people/{user}?done=ended")

    return router


def _reset(office: Office) -> APIRouter:
    router = office.desk.router()
    identity = office.identity

    def change(user: str, principal: Principal) -> Change:
        name = _name(office, user)
        with identity.ledger.snapshot() as now:
            begun = waiting_reset(now.connection, user, identity.clock())
            by = "" if begun is None else office.names(now.connection, [begun.by])[begun.by]
        said = [
            f"Password, authenticator and recovery codes of {name} open nothing any more.",
            "Their sessions end.",
            "A one-time link lets them set a password and enrol an authenticator, for a week.",
            "For 24 hours after the reset they sign nothing.",
        ]
        if begun is not None:
            said.insert(
                0, f"{by} has asked for it" + (f", because: {begun.reason}" if begun.reason else "")
            )
            if begun.by == principal.person:
                said[0] = "You have asked for it: another administrator confirms it, or it lapses."
                back = f"/admin/people/{user}"
                return Change(f"The reset of {name} waits", said, "", back, "", asks=False)
            said.append(
                "You are shown the link once. Give it to them in person or on a way that you know"
                " is theirs: whoever opens it has the account."
            )
            return Change(
                f"Confirm the reset of {name}",
                said,
                f"/admin/people/{user}/reset/confirm",
                f"/admin/people/{user}",
                "Reset, and show the link",
                asks=False,
            )
        said.append("It takes two administrators: nothing happens until another one confirms it.")
        return Change(
            f"Let {name} begin anew",
            said,
            f"/admin/people/{user}/reset",
            f"/admin/people/{user}",
            "Ask for the reset",
        )

    @router.get("/admin/people/{user}/reset")
    def show(request: Request, user: str) -> Response:
        """Say what a reset does; ask why, or for the confirmation of one that waits."""
        principal = office.changer(request, Permission.MANAGE_PEOPLE)
        return office.ask(request, change(user, principal))

    @router.post("/admin/people/{user}/reset")
    def ask(request: Request, user: str, reason: Text, draft: Text = "") -> Response:
        """Ask for a reset."""
        principal = office.changer(request, Permission.MANAGE_PEOPLE)
        try:
            identity.resetting.ask(principal, user, reason.strip())
        except (Rejected, Conflict) as refusal:
            return office.ask(request, change(user, principal), refusal, reason)
        office.desk.sent(request, draft)
        return office.desk.to(request, f"/admin/people/{user}?done=reset")

    @router.post("/admin/people/{user}/reset/confirm")
    def confirm(request: Request, user: str) -> Response:
        """Carry a reset out; show the link that opens the account again, once."""
        principal = office.changer(request, Permission.MANAGE_PEOPLE)
        name = _name(office, user)
        try:
            made = identity.resetting.confirm(principal, user)
        except (Missing, Conflict) as refusal:
            return office.ask(request, change(user, principal), refusal)
        return office.hand_out(request, f"{name} begins anew", made, again=True)

    return router


_TWO = 2


def _name(office: Office, user: str) -> str:
    """Tell whose account it is. Raises Missing unless it is an open one."""
    with office.identity.ledger.snapshot() as now:
        found = People(now.connection).user(user)
    if found is None or found.disabled:
        raise Missing(f"there is no open account {user[:80]!r}")
    return found.called
