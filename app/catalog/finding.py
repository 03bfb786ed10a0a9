"""Findings: who may say what of which, and what the catalogue keeps of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from app.catalog.reading import all_of, one_of
from app.catalog.tables import FINDINGS
from app.catalog.values import Finding
from app.catalog.writing import origin
from app.core.errors import Conflict, Fault, ParentMissing, SchemaMismatch
from app.core.events.kinds.findings import FindingClosed, FindingRaised

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.catalog.known import Known
    from app.catalog.writing import Writing
    from app.core.events import Said
    from app.core.events.kinds.findings import FindingReplied
    from app.ledger.ports import Recorded
    from app.ledger.snapshot import Snapshot


def id_of(said: Said) -> str:
    """Give the id of the finding that an event stands under."""
    return said.subject.removeprefix("finding/")


def find(connection: Connection, id_: str) -> Finding | None:
    return one_of(connection, Finding, FINDINGS, FINDINGS.c.id == id_)


def about(connection: Connection, *subjects: str) -> tuple[Finding, ...]:
    """Find what was found about any of the subjects, closed ones too, in the log's order."""
    return all_of(connection, Finding, FINDINGS, FINDINGS.c.about.in_(subjects))


def shown(now: Snapshot, *subjects: str) -> list[tuple[Finding, str | None]]:
    """Give what was found, open ones first, with its words; None where they were erased."""
    found = sorted(about(now.connection, *subjects), key=lambda one: one.closed_index is not None)
    return [(one, _words(now, one)) for one in found]


def _words(now: Snapshot, one: Finding) -> str | None:
    text = now.data(one.created_index).get("text")
    return text if isinstance(text, str) else None


def check_said(event: FindingRaised | FindingReplied | FindingClosed) -> None:
    """Refuse an empty one; the text may be erased later, and cannot be missing from the first."""
    if event.text is None or not event.text.strip():
        raise SchemaMismatch(
            "a finding is put in words", faults=[Fault("#/data/text", "is missing")]
        )


def raised(known: Known, said: Said) -> Finding:
    """Give the finding that is answered or closed. Raises ParentMissing."""
    found = find(known.connection, id_of(said))
    if found is None:
        raise not_raised(said)
    return found


def head_of_open(found: Finding) -> int:
    """Tell the last entry about an open finding. Raises Conflict: it is closed."""
    if found.closed_index is not None:
        raise Conflict(
            f"finding/{found.id} was closed at entry {found.closed_index}",
            remedy="raise a new finding",
        )
    return found.changed_index


def not_raised(said: Said) -> ParentMissing:
    """Say that there is no such finding, or none for this actor to know of."""
    return ParentMissing(
        f"{said.subject} was not raised",
        remedy="raise it first, with finding.raised",
        faults=[Fault("#/subject", "there is no such finding")],
    )


def take(
    writing: Writing, one: Recorded, event: FindingRaised | FindingReplied | FindingClosed
) -> None:
    """Keep a new finding, or that one was answered or closed."""
    id_ = one.entry.subject.removeprefix("finding/")
    if isinstance(event, FindingRaised):
        row = {
            "id": id_,
            "about": event.about,
            "severity": event.severity,
            "owner": event.owner,
            "due": event.due,
            "closed_index": None,
            "changed_index": one.index,
        }
        writing.add(FINDINGS, row | origin(one))
        return
    change: dict[str, int] = {"changed_index": one.index}
    if isinstance(event, FindingClosed):
        change["closed_index"] = one.index
    named = FINDINGS.c.id == id_
    writing.flushed().execute(update(FINDINGS).where(named).values(change))
