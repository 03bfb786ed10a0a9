"""What speaks against a clean bill: found here, told on page 1 before anything good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from app.core.report.document import Cell, Column, Form, Paragraph, Table, Tone
from app.core.report.facts import DeploymentKind
from app.core.report.numbers import moment
from app.core.report.tables import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.core.report.document import Block
    from app.core.report.facts import DeploymentFacts, ReportFacts
    from app.core.report.register import Register

REPORTED_LATE = timedelta(days=1)
"""An event recorded more than this after it is said to have happened was reported late."""

SHOWN_ON_PAGE_ONE = 3


class Kind(StrEnum):
    """The kinds of exception, gravest first; the value is what the reader sees."""

    UNGATED = "Deployed without a usable decision"
    EXPIRED = "Evidence overdue or expired"
    SINGLE_ADMINISTRATOR = "Role granted by a single administrator"
    LATE = "Reported late"
    LINEAGE = "Lineage not complete"


@dataclass(frozen=True, slots=True)
class Exceptional:
    """``index``: entry that shows it, None where the absence of one does."""

    kind: Kind
    subject: str
    text: str
    index: int | None


def find_exceptions(facts: ReportFacts) -> tuple[Exceptional, ...]:
    """Return every exception, by kind in the order of ``Kind``, then in log order."""
    return (
        *_ungated(facts),
        *_expired(facts),
        *_single_administrator(facts),
        *_late(facts),
        *_lineage(facts),
    )


def live(facts: ReportFacts) -> tuple[DeploymentFacts, ...]:
    """Return what runs now: per deployment the last event that says what is live there."""
    last: dict[str, DeploymentFacts] = {}
    for event in facts.deployments:
        match event.kind:
            case DeploymentKind.SUCCEEDED | DeploymentKind.ROLLED_BACK:
                last[event.subject] = event
            case DeploymentKind.RETIRED:
                last.pop(event.subject, None)
            case DeploymentKind.STARTED | DeploymentKind.FAILED:
                continue
            case _:
                assert_never(event.kind)
    return tuple(last.values())


def ungated(event: DeploymentFacts) -> bool:
    return event.kind is DeploymentKind.SUCCEEDED and not event.gated


def _ungated(facts: ReportFacts) -> Iterator[Exceptional]:
    for event in facts.deployments:
        if ungated(event):
            because = event.ungated_because or "no reason recorded"
            text = f"{event.model_version} went live in {event.environment}: {because}"
            yield Exceptional(Kind.UNGATED, event.subject, text, event.index)


def _expired(facts: ReportFacts) -> Iterator[Exceptional]:
    decisions = {made.decision.id: made for made in facts.decisions}
    for event in live(facts):
        made = decisions.get(event.decision_id or "")
        if made and made.decision.expires_at <= facts.as_of:
            text = (
                f"the decision that {event.model_version} is live under in {event.environment} "
                f"expired at {moment(made.decision.expires_at)}"
            )
            yield Exceptional(Kind.EXPIRED, event.subject, text, made.index)
    for dataset in facts.datasets:
        for approval in dataset.approvals:
            if approval.revoked is None and approval.until and approval.until <= facts.as_of:
                text = f"approval by {approval.approver} ended at {moment(approval.until)}"
                yield Exceptional(Kind.EXPIRED, dataset.subject, text, approval.index)


def _single_administrator(facts: ReportFacts) -> Iterator[Exceptional]:
    for review in facts.reviews:
        if review.single_administrator:
            text = (
                f"{review.printed_name} signed in a role that one administrator alone had granted"
            )
            yield Exceptional(Kind.SINGLE_ADMINISTRATOR, review.promotion, text, review.index)


def _late(facts: ReportFacts) -> Iterator[Exceptional]:
    for entry in facts.entries:
        if entry.recorded_at - entry.occurred_at > REPORTED_LATE:
            text = (
                f"{entry.type} is said to have happened at {moment(entry.occurred_at)} "
                f"and was recorded at {moment(entry.recorded_at)}"
            )
            yield Exceptional(Kind.LATE, entry.subject, text, entry.index)


def _lineage(facts: ReportFacts) -> Iterator[Exceptional]:
    if facts.lineage.status != "complete":
        text = f"the lineage answer was {facts.lineage.status}; sources may be missing"
        yield Exceptional(Kind.LINEAGE, facts.scope, text, None)


def summary(found: Sequence[Exceptional], register: Register) -> Table:
    """Return one row per kind, with how many and the first few; none is said as "none"."""
    rows = []
    for kind in Kind:
        here = [item for item in found if item.kind is kind]
        first = [item.text for item in here[:SHOWN_ON_PAGE_ONE]]
        if len(here) > SHOWN_ON_PAGE_ONE:
            first.append(f"{len(here) - SHOWN_ON_PAGE_ONE:,} more under Exceptions in full")
        evidence = register.cite(*(item.index for item in here[:SHOWN_ON_PAGE_ONE]))
        rows.append(
            (
                Cell(kind.value),
                Cell(f"{len(here):,}", Form.STATUS, Tone.BAD if here else Tone.GOOD),
                Cell("; ".join(first) or "none", evidence=evidence),
            )
        )
    columns = (Column("Exception"), Column("Count", Form.STATUS), Column("Which"))
    return Table("Exceptions", columns, tuple(rows), len(rows), "")


def section(found: Sequence[Exceptional], register: Register) -> tuple[Block, ...]:
    """Return every exception in full."""
    if not found:
        return (Paragraph("None was found.", tone=Tone.GOOD),)
    rows = [
        (
            Cell(item.kind.value),
            Cell(item.subject, Form.CODE),
            Cell(item.text, evidence=register.cite(item.index)),
        )
        for item in found
    ]
    columns = (Column("Exception"), Column("Subject"), Column("What"))
    return (listed("Exceptions to the rules of this log", columns, rows),)
