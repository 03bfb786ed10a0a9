"""Why somebody changed what others may: in their own words, kept with the change."""

from __future__ import annotations

from app.core.errors import Fault, Rejected

LONGEST = 2000


def check_reason(reason: str | None) -> None:
    """Raise Rejected for a reason that says nothing or too much; None: nobody was asked."""
    if reason is not None and not 0 < len(reason.strip()) <= LONGEST:
        raise Rejected(
            "a reason has 1 to 2,000 characters",
            remedy="say in a sentence why; it is kept with the change",
            faults=[Fault("#/reason", f"1 to {LONGEST} characters")],
        )
