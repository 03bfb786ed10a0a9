"""What has to hold before names are erased, who may still ask for it, and what drafts keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.core.access import Permission
from app.core.errors import Conflict
from app.core.events.kinds.people import UserCreated
from app.core.ledger.canonical import canonical
from app.identity.agreement import AGREEMENT
from app.identity.deciding import RIGHTS
from app.identity.directory import People
from app.identity.drafts import DRAFT
from app.identity.granting import PENDING
from app.identity.projection import PERSONAL
from app.identity.resetting import ASKED
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from app.core.ledger.entry import Entry
    from app.identity.principal import Principal
    from app.ledger.snapshot import Snapshot
    from app.web.callers import Caller


def may_erase(
    now: Snapshot, caller: Caller, entry: Entry, members: Sequence[str]
) -> Mapping[str, int | None]:
    """Check that the caller still may, and that no open account loses its names.

    Raises RoleMissing, Conflict.
    """
    people = People(now.connection)
    people.require_still(cast("Principal", caller), Permission.REDACT)
    if entry.type == UserCreated.TYPE and not PERSONAL.isdisjoint(members):
        user = people.user(entry.subject.removeprefix("user/"))
        if user is not None and not user.disabled:
            raise Conflict(
                "an open account signs in and signs by its names",
                remedy=f"close it first: muniment user disable {user.id}",
            )
    return now.heads([*RIGHTS, entry.subject])


def erase_drafts(connection: Connection, values: Mapping[str, bytes], _by: int) -> None:
    """Erase what was typed and not sent, where an erased value stands in it."""
    sought = [words for value in values.values() if (words := value.strip(b'"'))]
    for key, document in operational.each(connection, DRAFT):
        typed = canonical(document["fields"])
        if any(value in typed for value in sought):
            operational.delete(connection, DRAFT, key)


def erase_waiting(connection: Connection, values: Mapping[str, bytes], _by: int) -> None:
    """Erase why somebody asked for what waits for a second administrator, where it is erased."""
    for kind in (PENDING, AGREEMENT, ASKED):
        for key, document in operational.each(connection, kind):
            reason = document.get("reason")
            if reason is not None and canonical(reason) in values.values():
                operational.put(connection, kind, key, {**document, "reason": None})
