"""The form under a promotion: what was filled in, what is wrong with it, how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.core.access import Permission
from app.core.policy.rules import Meaning
from app.reviews.eligibility import ACTS, to_the_reader
from app.reviews.moved import moved_rules
from app.reviews.statement import bind_rows
from app.reviews.submit import DECISIONS, SHORTEST_REASON
from app.web.paths import entry_of, page_of
from app.web.pieces import Happened, Interval, plot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request
    from starlette.responses import Response

    from app.reviews.groups import Panel
    from app.reviews.looking import Before, Looking
    from app.reviews.moved import Moved
    from app.reviews.notes import Draft
    from app.reviews.sheet import Sheet
    from app.web.pieces import Plot
    from app.web.visitors import Typed

Fault = tuple[str, str]
"""A field of the form, and what is wrong with it."""

CONFLICT = 409
ENDS = (1.0, 1.2, 1.6)
WIDEST_PLOT = 2.0
"""Where an axis may end, so that its ticks are round."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is filled in; empty where nothing was. ``kept``: when it was saved."""

    decision: str = ""
    meaning: str = ""
    reason: str = ""
    accepts: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    kept: str = ""

    def __bool__(self) -> bool:
        return bool(self.decision or self.reason)

    @classmethod
    def typed(cls, typed: Typed) -> Filled:
        """Take up what was typed when a session ended."""
        return cls(
            typed.get("decision"),
            typed.get("meaning"),
            typed.get("reason"),
            typed.all("accepts"),
            typed.all("read"),
        )

    @classmethod
    def drafted(cls, draft: Draft | None) -> Filled:
        """Take up what was kept and not signed."""
        if draft is None:
            return cls()
        return cls(
            draft.decision,
            draft.meaning.value,
            draft.reason,
            draft.accepts,
            draft.read,
            draft.saved_at,
        )

    def choosing(self, decision: str, meaning: str) -> Filled:
        """Let the address choose what to decide, and with which meaning."""
        chosen = replace(self, decision=decision) if decision in DECISIONS else self
        return replace(chosen, meaning=meaning) if meaning in list(Meaning) else chosen


def faults_of(filled: Filled, sheet: Sheet) -> tuple[Fault, ...]:
    """Say what keeps the form from going on to be signed."""
    found: list[Fault] = []
    if filled.decision not in DECISIONS:
        found.append(("decision", "Choose what you decide"))
    if filled.meaning not in [one.meaning for one in sheet.meanings]:
        found.append(("meaning", "Choose what your signature means"))
    if len(filled.reason.strip()) < SHORTEST_REASON:
        found.append(("reason", "Say why, in a few words"))
    if filled.decision == "approve":
        taken = {*filled.read, *filled.accepts}
        found += [
            (f"read-{number}", f"Say that you have read {one.rule}, which is {one.outcome}")
            for number, one in enumerate(sheet.to_be_read, 1)
            if one.rule not in taken
        ]
    return tuple(found)


def show_promotion(
    looking: Looking,
    request: Request,
    before: Before,
    filled: Filled,
    *,
    status: int = 200,
    faults: Sequence[Fault] = (),
    moved: Sequence[Moved] = (),
) -> Response:
    """Show the decision page. ``moved``: what is not as it was when the form was written."""
    sheet = before.sheet
    meaning = filled.meaning
    if meaning not in [one.meaning for one in sheet.meanings]:
        meaning = sheet.meanings[0].meaning.value if sheet.meanings else ""
    return looking.desk.page(
        request,
        "reviews/promotion",
        title=f"{sheet.promotion.model_version} to {sheet.promotion.environment}",
        status=status,
        sheet=sheet,
        before=before,
        filled=replace(filled, meaning=meaning),
        faults=faults,
        wrong=dict(faults),
        moved=moved,
        moved_checks=moved_rules(tuple(moved)),
        plots=[(one, _plot(one)) for one in sheet.panels],
        acts=ACTS,
        may_find=looking.reader(request).may(Permission.RAISE_FINDING),
        history=[
            Happened(one.at, one.title, one.who, one.text, entry_of(one.index), one.tone)
            for one in reversed(sheet.history)
        ],
        binds=() if sheet.bind is None else bind_rows(sheet.bind),
        draft=looking.desk.draft(request),
        typed=looking.desk.typed(request),
        page_of=page_of,
        entry_of=entry_of,
        to_the_reader=to_the_reader,
    )


def _plot(panel: Panel) -> Plot:
    """Lay a panel out; what has no upper bound runs to the edge."""
    rows = []
    for row in panel.rows:
        mark = row.mark
        high = None if mark is None else mark.high
        if mark is not None and high is None:
            high = WIDEST_PLOT
        rows.append(
            Interval(
                row.group,
                None if mark is None else mark.value,
                None if mark is None else mark.low,
                high,
                row.n,
                row.small,
            )
        )
    ends = [one.high for one in rows if one.high is not None]
    highest = next((end for end in ENDS if end >= max(ends, default=0)), WIDEST_PLOT)
    return plot(f"{panel.measure} by {panel.by}", rows, limit=panel.limit, highest=highest)
