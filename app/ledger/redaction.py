"""Erasing personal values, by two people: one asks, another one confirms.

Only members that their schema marks ``x-personal`` can be erased: nothing else depends on
them, so every decision, proof, bundle and report stands without them. The deletion is part
of the transaction that records it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from app.core.access import Permission
from app.core.errors import (
    Conflict,
    Fault,
    Forbidden,
    HeadMoved,
    Missing,
    Redacted,
    Rejected,
    SelfApproval,
    Unavailable,
)
from app.core.events import Said, say
from app.core.events.kinds.records import EntryRedacted, RedactionRequested
from app.ledger.erasing import erase, erase_file, file_named_by, is_named
from app.ledger.idempotency import find_use
from app.ledger.ids import RANDOM_BYTES, uuid7
from app.ledger.redactions import erasures_of, requests_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.ports import EraseCopies, Hides, MayErase, Recorded
    from app.ledger.receipt import Receipt
    from app.ledger.record import Ledger
    from app.ledger.redactions import Asked
    from app.ledger.snapshot import Snapshot
    from app.settings import Clock, Entropy
    from app.web.callers import Caller

T = TypeVar("T")
TRIES = 8
ASKED = f"type:{RedactionRequested.TYPE}"
DONE = f"type:{EntryRedacted.TYPE}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants erased, and on what ground."""

    members: tuple[str, ...]
    reason: str
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Redactions:
    """``rules``: what else must hold. ``copies``: who else keeps what is in an entry's data."""

    ledger: Ledger
    hides: Hides
    rules: Sequence[MayErase]
    copies: Sequence[EraseCopies]
    clock: Clock
    entropy: Entropy

    def of(self, caller: Caller, index: int) -> list[Asked]:
        """List what was asked to be erased of an entry. Raises RoleMissing, Missing."""
        caller.require(Permission.READ_LOG)
        with self.ledger.snapshot() as now:
            return requests_of(now, index)

    def erasable(self, now: Snapshot, caller: Caller, index: int) -> list[str]:
        """Name the members of an entry that may still be erased.

        Raises RoleMissing, Forbidden, Missing.
        """
        personal, kept = self._personal(now, caller, index)
        return sorted(name for name in personal & kept.keys() if kept[name] is not None)

    def request(
        self, caller: Caller, index: int, wish: Wish, key: IdempotencyKey | None
    ) -> tuple[Asked, bool]:
        """Record that members of entry ``index`` are to be erased; tell if ``key`` had done so.

        Raises RoleMissing, Forbidden, Missing, Rejected (not personal), Redacted (gone
        already), IdempotencyMismatch, and what the rules raise.
        """

        def attempt() -> tuple[Asked, bool]:
            with self.ledger.snapshot() as now:
                before = find_use(now.connection, key)
                if before is not None:
                    return _asked(now, index, before.resource), True
                expects = self._check(now, caller, index, wish.members)
                subject = now.entry(index).subject
            id_ = uuid7(self.clock(), self.entropy(RANDOM_BYTES))
            event = RedactionRequested(
                redaction=id_,
                index=index,
                members=tuple(sorted(set(wish.members))),
                legal_basis=wish.legal_basis,
                requested_by=caller.actor.id,
                reason=wish.reason,
            )
            appended = self.ledger.submit(
                [say(subject, event)],
                caller.actor,
                source="api",
                expects=expects,
                key=key,
                resource=id_,
            ).result()
            with self.ledger.snapshot() as now:
                return _asked(now, index, appended.resource), appended.replayed

        return _again(attempt)

    def confirm(
        self, caller: Caller, index: int, id_: str, key: IdempotencyKey | None
    ) -> tuple[Receipt, bool]:
        """Erase what somebody else asked to be; tell the receipt, and if ``key`` had done so.

        A crash before the commit erases nothing, after it everything is erased; only the
        write-ahead log may then still hold old pages, until it is next emptied.
        Raises as ``request`` does, and SelfApproval, Conflict (done already).
        """

        def attempt() -> tuple[Receipt, bool]:
            with self.ledger.snapshot() as now:
                before = find_use(now.connection, key)
                if before is not None:
                    return now.receipt(before.index), True
                caller.require(Permission.REDACT, subject=now.entry(index).subject)
                asked = _asked(now, index, id_)
                if asked.done is not None:
                    raise Conflict(
                        f"this was confirmed before: entry {asked.done} says so",
                        remedy=f"GET /api/v1/events/{index} shows what is left",
                    )
                if asked.request.requested_by in (caller.person, caller.actor.id):
                    raise SelfApproval(
                        "whoever asked for an erasure does not confirm it",
                        remedy="another compliance officer has to",
                    )
                expects = self._check(now, caller, index, asked.request.members)
                said = _done(now.entry(index).subject, asked.request, caller)
            appended = self.ledger.submit(
                [said],
                caller.actor,
                source="api",
                expects=expects,
                key=key,
                resource=id_,
                beside=erasing(self.ledger, self.copies),
            ).result()
            self.ledger.forget()
            return appended.receipts[0], appended.replayed

        return _again(attempt)

    def _check(
        self, now: Snapshot, caller: Caller, index: int, members: Sequence[str]
    ) -> Mapping[str, int | None]:
        """Check that these members may be erased; tell the heads that this depends on."""
        personal, kept = self._personal(now, caller, index)
        wrong = [name for name in members if name not in kept or name not in personal]
        if wrong:
            allowed = ", ".join(sorted(personal & kept.keys())) or "none"
            raise Rejected(
                f"entry {index} has no personal member {wrong[0][:80]!r}",
                remedy=f"members of it that can be erased: {allowed}",
                faults=[Fault("#/members", "not personal members of this entry")],
            )
        gone = [name for name in members if kept[name] is None]
        if gone:
            by = [one.index for one in erasures_of(now, index) if gone[0] in one.event.members]
            raise Redacted(f"member {gone[0]} is erased already, by entry {by[-1] if by else '?'}")
        expects = now.heads([ASKED, DONE])
        for rule in self.rules:
            expects |= rule(now, caller, now.entry(index), members)
        return expects

    def _personal(
        self, now: Snapshot, caller: Caller, index: int
    ) -> tuple[frozenset[str], Mapping[str, bytes | None]]:
        """Give the members that are personal in an entry of this type, and what is kept of all."""
        if not 0 <= index < now.size:
            raise Missing(f"the log has no entry {index}")
        entry, data = now.entry(index), now.data(index)
        caller.require(Permission.REDACT, subject=entry.subject)
        if self.hides(now.connection, caller, entry.subject, data):
            raise Forbidden("this belongs to a team whose member the caller is not")
        stored = now.store.members(now.connection, index, index + 1)[index]
        kept = {one.name: one.value for one in stored}
        return frozenset(self.ledger.schemas[entry.type].personal), kept


def erasing(
    ledger: Ledger, copies: Sequence[EraseCopies]
) -> Callable[[Connection, Sequence[Recorded]], None]:
    """Erase, beside the entries that say so, what they say: values, salts, files, copies."""

    def work(connection: Connection, recorded: Sequence[Recorded]) -> None:
        for one in recorded:
            if not isinstance(one.event, EntryRedacted):
                continue
            about = one.event.index
            members = ledger.store.members(connection, about, about + 1)[about]
            values = {
                member.name: member.value
                for member in members
                if member.name in one.event.members and member.value is not None
            }
            erase(connection, about, list(values))
            for value in values.values():
                file = file_named_by(value)
                if file is not None and not is_named(connection, value):
                    erase_file(connection, file)
            for copy in copies:
                copy(connection, values, one.index)

    return work


def _done(subject: str, request: RedactionRequested, caller: Caller) -> Said:
    event = EntryRedacted(
        redaction=request.redaction,
        index=request.index,
        members=request.members,
        legal_basis=request.legal_basis,
        requested_by=request.requested_by,
        confirmed_by=caller.actor.id,
        reason=request.reason,
    )
    return say(subject, event)


def _asked(now: Snapshot, index: int, id_: str) -> Asked:
    found = [one for one in requests_of(now, index) if one.request.redaction == id_]
    if not found:
        raise Missing(
            f"nobody asked for the redaction {id_[:80]!r} of entry {index}",
            remedy=f"GET /api/v1/events/{index}/redactions lists them",
        )
    return found[0]


def _again(attempt: Callable[[], T]) -> T:
    """Carry out an attempt again if heads moved under it. Raises Unavailable if they keep."""
    for _ in range(TRIES):
        try:
            return attempt()
        except HeadMoved:
            continue
    raise Unavailable("what this depends on keeps changing", retry_after=1)
