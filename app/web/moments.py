"""Numbers and times as parameters: those that the log can hold, and no others."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

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


def with_zone(written: str) -> str:
    """Take what a browser's date field gives, which has no zone, as UTC."""
    _, _, time = written.partition("T")
    return written if not time or time[-1] in "Zz" or {"+", "-"} & set(time) else f"{written}Z"


def _field(written: object) -> object:
    return (with_zone(written) or None) if isinstance(written, str) else written


MomentField = Annotated[Moment | None, BeforeValidator(_field)]
"""A time from a form's date field: UTC where it has no zone, None where it is empty."""
