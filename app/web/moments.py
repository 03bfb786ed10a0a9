"""Numbers and times as parameters: those that the log can hold, and no others."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

LARGEST_INDEX = 2**53 - 1
"""No log gets longer: it is the largest integer of canonical JSON, and fits every database."""


def _writable(moment: AwareDatetime) -> AwareDatetime:
    """Bring a time to UTC; near the year 1 or 9999 that may be no time any more."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no time in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_writable)]
"""A time with a zone, brought to UTC."""
