"""What is to be done before a new Muniment decides anything: a list, with what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.core.access import PermissionRole
from app.identity.directory import People
from app.web.pieces import Task

if TYPE_CHECKING:
    from app.core.ledger.note import Verifier
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.web.desk import Desk


class Signer(Protocol):
    """Who signs the log; ``app.ledger.rotating``."""

    def newest(self) -> Verifier:
        """Tell the key that signs now."""


SOURCES = ("dataset.registered.v1", "model.registered.v1", "openlineage.received.v1")
DONE, MISSING = "done", "to do"


def start_pages(desk: Desk, ledger: Ledger, signer: Signer) -> APIRouter:
    """Build the page. ``signer``: tells the key that signs the log now."""
    router = desk.router()

    @router.get("/start")
    def start(request: Request) -> Response:
        """Say what is set up and what is missing."""
        visitor, vkey = desk.visitor(request), signer.newest().vkey()
        with ledger.snapshot() as now:
            tasks = _tasks(now, vkey)
        return desk.page(
            request,
            "identity/start",
            title=f"Welcome, {visitor.printed_name}",
            tasks=tasks,
            missing=sum(task.state == MISSING for task in tasks),
        )

    return router


def _tasks(now: Snapshot, vkey: str) -> list[Task]:
    people = People(now.connection)
    approvers = [one for one in people.holders() if any(r.revoked_at is None for r in one.roles)]
    administrators = list(people.administrators())
    published = now.head("type:policy.published.v1") is not None
    recorded = any(now.head(f"type:{kind}") is not None for kind in SOURCES)
    return [
        _task(
            "The log is signed",
            "Give auditors this key on a way of its own: printed, or by another channel. "
            "Whoever has it need not trust this server.",
            vkey,
            done=True,
        ),
        _task(
            "A second administrator",
            "Alone, you would grant approval roles by yourself, and reports say so.",
            "muniment user add NAME --printed-name 'FULL NAME'\n"
            f"muniment role grant NAME {PermissionRole.ADMINISTRATOR}",
            done=len(administrators) > 1,
        ),
        _task(
            "Somebody who may approve",
            "Who trained a model never approves it: it takes another person, with the role "
            "reviewer and the approval role that the policy names.",
            f"muniment role grant NAME {PermissionRole.REVIEWER}\n"
            "muniment role grant NAME model-validator",
            done=bool(approvers),
        ),
        _task(
            "A policy in force",
            "Without one nothing is allowed. One person drafts it, another one publishes it.",
            "muniment policy draft policies/production-default.yaml\n"
            "muniment policy publish NAME VERSION",
            done=published,
        ),
        _task(
            "A first source",
            "Pipelines record with a token; what they say becomes the record.",
            "muniment token create ci --scope event:append,gate:check --owner NAME\n"
            "muniment dataset register NAME --owner TEAM --licence LICENCE",
            done=recorded,
        ),
    ]


def _task(text: str, hint: str, command: str, *, done: bool) -> Task:
    if done and not text.startswith("The log"):
        return Task(text, DONE, hint=hint)
    return Task(text, DONE if done else MISSING, "good" if done else "wait", None, hint, command)
