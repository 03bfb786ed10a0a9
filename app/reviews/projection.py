"""What the log says of reviews: one row each, and whether it was dismissed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, update

from app.core.events.kinds.decisions import ReviewDismissed, ReviewSubmitted
from app.core.events.kinds.records import EntryRedacted
from app.core.ledger.times import format_time
from app.reviews.models import REVIEWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

    from app.ledger.ports import Recorded

PERSONAL: Final = frozenset({"reason", "printed_name"})


@dataclass(frozen=True, slots=True)
class ReviewsProjection:
    """Keeps ``reviews`` in step with the log, in the append transaction."""

    name: str = "reviews"
    version: int = 1
    tables: tuple[Table, ...] = (REVIEWS,)

    def apply(self, connection: Connection, recorded: Sequence[Recorded]) -> None:
        """Take in new entries, in order."""
        for one in recorded:
            event = one.event
            if isinstance(event, ReviewSubmitted):
                connection.execute(insert(REVIEWS), _row(one, event))
            elif isinstance(event, ReviewDismissed):
                which = REVIEWS.c.created_index == event.review
                gone = {"dismissed_index": one.index, "dismissed_because": event.because}
                connection.execute(update(REVIEWS).where(which).values(gone))
            elif isinstance(event, EntryRedacted):
                which = REVIEWS.c.created_index == event.index
                erased = dict.fromkeys(PERSONAL & set(event.members))
                if erased:
                    connection.execute(update(REVIEWS).where(which).values(erased))


def _row(one: Recorded, event: ReviewSubmitted) -> dict[str, object]:
    return {
        "created_index": one.index,
        "promotion": one.entry.subject.removeprefix("promotion/"),
        "reviewer": event.reviewer,
        "printed_name": event.printed_name,
        "decision": event.decision,
        "meaning": event.meaning,
        "accepts": json.dumps(event.accepts),
        "roles": json.dumps(event.roles, sort_keys=True),
        "reason": event.reason,
        "subject_digest": event.bind.subject_digest,
        "evidence_root": event.bind.evidence_root,
        "policy_digest": event.bind.policy_digest,
        "rendered_view_digest": event.bind.rendered_view_digest,
        "auth": one.entry.actor.auth,
        "signed_at": format_time(one.entry.recorded_at),
        "dismissed_index": None,
        "dismissed_because": None,
    }
