"""What happened to a promotion, entry by entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.catalog import queries
from app.core.events import parse_event
from app.core.events.kinds import decisions as dc
from app.core.ledger.times import format_time
from app.core.policy.decision import Gate
from app.reviews.reading import shown as reviews_shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.catalog.values import Promotion
    from app.core.events import Event
    from app.ledger.snapshot import Snapshot

VERDICTS = {
    "approve": "approved",
    "request_changes": "asked for changes",
    "reject": "rejected",
}
GATES = {Gate.ALLOW: "good", Gate.PENDING: "wait", Gate.DENY: "bad"}
TONES = {"approve": "good", "request_changes": "wait", "reject": "bad"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry. ``who``: a name, None where the service itself acted. ``tone``: of the page.

    ``text``: a person's own words, or why; None where there are none or they were erased.
    """

    index: int
    at: str
    who: str | None
    title: str
    text: str | None
    tone: str


def history_of(
    now: Snapshot, promotion: Promotion, named: Callable[[str], str]
) -> tuple[Happening, ...]:
    """List what happened, in the order of the log; deployments under its decision too."""
    return tuple(sorted(_happenings(now, promotion, named), key=lambda one: one.index))


def _happenings(
    now: Snapshot, promotion: Promotion, named: Callable[[str], str]
) -> Iterator[Happening]:
    signed = {one["index"]: one for one in reviews_shown(now.connection, promotion.id)}
    for index in now.about(f"promotion/{promotion.id}"):
        entry = now.entry(index)
        event = parse_event(entry.type, now.data(index))
        who, title, text, tone = _told(event, named)
        if isinstance(event, dc.ReviewDismissed):
            reviewer = str(signed[event.review]["reviewer"])
            title = f"The review of {named(reviewer)} (entry {event.review}) was dismissed"
        yield Happening(index, format_time(entry.recorded_at), who, title, text, tone)
    for step in queries.deployment_steps(now.connection, promotion.model_version):
        if step.decision_id is not None and step.decision_id == promotion.decision_id:
            what = step.kind.replace("_", " ")
            title = f"Deployment {what}: {step.environment}/{step.name}"
            tone = "bad" if step.kind == "failed" else "note"
            yield Happening(step.created_index, step.recorded_at, None, title, None, tone)


def _told(event: Event, named: Callable[[str], str]) -> tuple[str | None, str, str | None, str]:
    """Tell one event: by whom, what, in which words, and how it stands."""
    match event:
        case dc.PromotionRequested():
            title = f"Asked for {event.environment}"
            return named(event.submitter), title, event.reason, "note"
        case dc.GateDecided():
            return None, f"The gate said {event.gate}", None, GATES[Gate(event.gate)]
        case dc.ReviewSubmitted():
            title = f"Signed ({event.meaning}): {VERDICTS[event.decision]}"
            if event.accepts:
                title += f", taking on {', '.join(event.accepts)}"
            return (
                event.printed_name or named(event.reviewer),
                title,
                event.reason,
                TONES[event.decision],
            )
        case dc.ReviewDismissed():
            return None, "A review was dismissed", event.because, "wait"
        case dc.PromotionDecided():
            tone = "good" if event.state == "allowed" else "bad"
            return None, f"The promotion is {event.state}", None, tone
        case dc.PromotionWithdrawn():
            return named(event.withdrawn_by), "Taken back", event.reason, "wait"
        case dc.PromotionExpired():
            return None, "Expired, unused", None, "bad"
        case _:
            raise AssertionError(event)  # nothing else stands under a promotion
