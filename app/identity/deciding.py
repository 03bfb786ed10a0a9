"""Read, decide, record: what changes while one decides is read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from app.core.errors import Conflict, HeadMoved, Unavailable
from app.core.events.kinds.people import RoleGranted, RoleRevoked, UserCreated, UserDisabled
from app.ledger.idempotency import find_use

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.snapshot import Snapshot

T = TypeVar("T")
TRIES = 8
ACCOUNTS = f"type:{UserCreated.TYPE}"
RIGHTS = tuple(f"type:{kind.TYPE}" for kind in (RoleGranted, RoleRevoked, UserDisabled))
"""Heads that must stand still while something is decided that depends on who may what."""


def deciding(attempt: Callable[[], T]) -> T:
    """Carry out ``attempt``, which reads, checks and records; again if heads moved under it.

    Raises what the attempt refuses with; Unavailable when heads keep moving.
    """
    for _ in range(TRIES):
        try:
            return attempt()
        except HeadMoved:
            continue
    raise Unavailable("what this depends on keeps changing", retry_after=1)


def check_unused(now: Snapshot, key: IdempotencyKey | None, what: str) -> None:
    """Raise Conflict if the key has made such a thing before: its secret is shown once."""
    use = find_use(now.connection, key)
    if use is not None:
        raise shown_before(what, use.resource)


def shown_before(what: str, resource: str) -> Conflict:
    """Refuse to make a thing with a secret again under the same key."""
    return Conflict(
        f"this request made the {what} {resource} before, and its secret is shown once",
        remedy="send a new Idempotency-Key to make another one",
    )
