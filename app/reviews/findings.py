"""What was found wrong with a version or its model, and what was said of it since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.catalog import finding
from app.core.events.kinds.findings import FindingClosed, FindingRaised, FindingReplied
from app.core.ledger.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ledger.snapshot import Snapshot

SAID = {
    FindingRaised.TYPE: "raised it",
    FindingReplied.TYPE: "replied",
    FindingClosed.TYPE: "closed it",
}
SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said. ``text`` None: it was erased."""

    index: int
    at: str
    who: str
    what: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with all that was said of it, in order. ``overdue``: its day is past."""

    id: str
    about: str
    severity: str
    owner: str
    due: str | None
    open: bool
    overdue: bool
    said: tuple[Said, ...]


def findings_of(
    now: Snapshot, subjects: tuple[str, ...], today: str, named: Callable[[str], str]
) -> tuple[Found, ...]:
    """Show what was found about any of the subjects: open ones first, the worst on top."""
    found = [
        Found(
            one.id,
            one.about,
            one.severity,
            named(one.owner),
            one.due,
            one.closed_index is None,
            one.closed_index is None and one.due is not None and one.due < today,
            _said(now, one.id, named),
        )
        for one in finding.about(now.connection, *subjects)
    ]
    found.sort(key=lambda one: (not one.open, SEVERITIES.index(one.severity)))
    return tuple(found)


def _said(now: Snapshot, id_: str, named: Callable[[str], str]) -> tuple[Said, ...]:
    said = []
    for index in now.about(f"finding/{id_}"):
        entry, text = now.entry(index), now.data(index).get("text")
        if entry.type in SAID:
            said.append(
                Said(
                    index,
                    format_time(entry.recorded_at),
                    named(entry.actor.id),
                    SAID[entry.type],
                    None if text is None else str(text),
                )
            )
    return tuple(said)
