"""From the bytes that a client posts to events that may be recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.core.access import Permission
from app.core.errors import (
    Fault,
    FutureTime,
    Refusal,
    Rejected,
    ReservedType,
    SchemaMismatch,
    TooLarge,
)
from app.core.events import CLIENT_TYPES, Said, full_type, parse_event
from app.core.events.envelope import check_subject
from app.core.ledger.canonical import canonical
from app.ledger.idempotency import find_use
from app.ledger.receipt import receipt_of
from app.ledger.schemas import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.core.events import Actor
    from app.core.jsonvalue import Json
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.ports import Admit
    from app.ledger.receipt import Receipt
    from app.ledger.record import Ledger
    from app.ledger.schemas import EventSchema
    from app.settings import Clock
    from app.web.callers import Caller

MOST_EVENTS = 1000
AHEAD = timedelta(seconds=30)
_MEMBERS = frozenset({"type", "subject", "occurred_at", "data"})


@dataclass(frozen=True, slots=True)
class Posting:
    """What becomes of one posted request, once its events are read and admitted.

    ``known``: receipts of events that are on record already, by place in the request.
    ``fresh``: the others, in order. ``expects``: heads they depend on.
    """

    known: Mapping[int, Receipt]
    fresh: tuple[Said, ...]
    expects: Mapping[str, int | None]

    @property
    def resource(self) -> str:
        """What a key keeps besides its entries: places and entries of what was known before."""
        if not self.known:
            return ""
        known: dict[str, Json] = {str(at): one.index for at, one in self.known.items()}
        return canonical(known).decode()

    def merge(self, recorded: Sequence[Receipt]) -> tuple[Receipt, ...]:
        """Put receipts of what was recorded now between those known before."""
        rest = iter(recorded)
        count = len(self.known) + len(recorded)
        return tuple(self.known[at] if at in self.known else next(rest) for at in range(count))


def permission_for(wire: str) -> Permission:
    """Tell which permission it takes to record events of a type."""
    if wire.startswith("deployment."):
        return Permission.RECORD_DEPLOYMENT
    if wire.startswith("finding."):
        return Permission.RAISE_FINDING
    if wire.startswith("evaluation."):
        return Permission.RECORD_EVIDENCE
    return Permission.RECORD


def read_said(
    document: Json, schemas: Mapping[str, EventSchema], caller: Caller, clock: Clock
) -> Said:
    """Read one posted event and check that this caller may record such a thing at all.

    Raises UnknownKind, ReservedType, RoleMissing, SchemaMismatch, FutureTime; the data is
    looked at last.
    """
    members = _members(document)
    wire = full_type(_text(members, "type"))
    if wire not in CLIENT_TYPES:
        raise ReservedType(
            f"events of type {wire} are recorded by the service alone",
            remedy="use the route or command whose effect it records",
        )
    subject = _text(members, "subject")
    check_subject(subject)
    environment = None
    if wire.startswith("deployment.") and subject.startswith("deployment/"):
        environment = subject.split("/")[1]
    caller.require(permission_for(wire), subject=subject, environment=environment)
    data = members.get("data")
    schemas[wire].check(data, from_client=True)
    if not isinstance(data, dict):
        raise SchemaMismatch("data is no object", faults=[Fault("#/data", "an object")])
    occurred_at = _time(members.get("occurred_at"), clock())
    return Said(subject, parse_event(wire, data), data, occurred_at)


def read_batch(
    document: Json, schemas: Mapping[str, EventSchema], caller: Caller, clock: Clock
) -> tuple[Said, ...]:
    """Read a posted array of events; see ``read_said``. Raises TooLarge above 1,000."""
    if not isinstance(document, list) or not document:
        raise SchemaMismatch(
            "a batch is a JSON array of at least one event",
            faults=[Fault("#", "a JSON array of at least one event")],
        )
    if len(document) > MOST_EVENTS:
        raise TooLarge(f"a batch has at most {MOST_EVENTS} events, this one {len(document)}")
    return tuple(
        _read_item(place, one, schemas, caller, clock) for place, one in enumerate(document)
    )


def _read_item(
    place: int, document: Json, schemas: Mapping[str, EventSchema], caller: Caller, clock: Clock
) -> Said:
    """Read one event of a batch; what is wrong with it is placed in the whole body."""
    try:
        return read_said(document, schemas, caller, clock)
    except Refusal as refusal:
        refusal.detail = f"event {place}: {refusal.detail}"
        refusal.faults = tuple(
            Fault(f"#/{place}{one.pointer.removeprefix('#')}", one.message)
            for one in refusal.faults
        )
        raise


def admit(ledger: Ledger, rules: Admit, saids: Sequence[Said], actor: Actor) -> Posting:
    """Put the events before the rules, at one state of the log. Raises what the rules do."""
    known: dict[int, Receipt] = {}
    fresh: list[Said] = []
    expects: dict[str, int | None] = {}
    store = ledger.store
    with store.reading() as connection:
        for place, said in enumerate(saids):
            admission = rules(connection, said, saids[:place], actor)
            if admission.recorded_at_index is not None:
                known[place] = receipt_of(*store.entry(connection, admission.recorded_at_index))
                continue
            for key, index in admission.expects.items():
                expects.setdefault(key, index)
            fresh.append(_with_service_members(said, admission.service_members))
    return Posting(known, tuple(fresh), expects)


def replayed(ledger: Ledger, key: IdempotencyKey) -> tuple[Receipt, ...] | None:
    """Find what a key's request was answered; None if it was never used.

    Raises IdempotencyMismatch if it was used for another body.
    """
    with ledger.snapshot() as now:
        use = find_use(now.connection, key)
        if use is None:
            return None
        found = json.loads(use.resource or "{}")
        known = {int(place): now.receipt(index) for place, index in found.items()}
        made = [now.receipt(use.index + step) for step in range(use.count)]
    return Posting(known, (), {}).merge(made)


def _with_service_members(said: Said, members: Mapping[str, Json]) -> Said:
    if not members:
        return said
    data = {**said.data, **members}
    return replace(said, data=data, event=parse_event(said.event.TYPE, data))


def _members(document: Json) -> Mapping[str, Json]:
    if not isinstance(document, dict):
        raise SchemaMismatch("an event is a JSON object", faults=[Fault("#", "an object")])
    unknown = sorted(document.keys() - _MEMBERS)
    if unknown:
        faults = [Fault(f"#/{escape(name[:100])}", "is not a known member") for name in unknown]
        raise SchemaMismatch("an event has members type, subject, occurred_at, data", faults=faults)
    return document


def _text(members: Mapping[str, Json], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        fault = Fault(f"#/{name}", "must be a string")
        raise SchemaMismatch(f"{name} must be a string", faults=[fault])
    return value


def _time(written: Json, now: datetime) -> datetime | None:
    """Read a client's time. The past is not limited; ahead of our clock is refused."""
    if written is None:
        return None
    fault = Fault("#/occurred_at", "must be RFC 3339 with a zone, and not ahead of now")
    try:
        moment = datetime.fromisoformat(written if isinstance(written, str) else "")
    except ValueError:
        raise Rejected("occurred_at is not an RFC 3339 time", faults=[fault]) from None
    if moment.tzinfo is None:
        raise Rejected("occurred_at has no zone", remedy="end it with Z", faults=[fault])
    if moment > now + AHEAD:
        raise FutureTime("occurred_at lies ahead of this service's clock", faults=[fault])
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Rejected("occurred_at is no time in UTC", faults=[fault]) from None
