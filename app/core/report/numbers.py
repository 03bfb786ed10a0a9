"""How numbers and times read in a report: rounded half-even for the eye, exact kept beside."""

from __future__ import annotations

from datetime import UTC
from fractions import Fraction
from typing import TYPE_CHECKING

from app.core.report.document import Cell, Form, Tone

if TYPE_CHECKING:
    from datetime import datetime

UNDEFINED = "not defined"
NO_RECORD = "No record"
PLACES = 4
EXACT_PLACES = 9


def decimal(value: Fraction, places: int = PLACES) -> str:
    """Return ``value`` with ``places`` digits after the point, half-even."""
    scaled = round(value * 10**places)
    digits = str(abs(scaled)).rjust(places + 1, "0")
    return f"{'-' if scaled < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def quotient(numerator: int, denominator: int, *evidence: int) -> Cell:
    """Return numerator/denominator, or "not defined" for a zero denominator, never 0."""
    if denominator == 0:
        return Cell(UNDEFINED, Form.NUMBER, Tone.CAUTION, None, evidence)
    value = Fraction(numerator, denominator)
    exact = decimal(value, EXACT_PLACES)
    return Cell(decimal(value), Form.NUMBER, exact=exact, evidence=evidence)


def measured(text: str | None, *evidence: int) -> Cell:
    """Return a recorded decimal text rounded for the eye; None is "not defined"."""
    if text is None:
        return Cell(UNDEFINED, Form.NUMBER, Tone.CAUTION, None, evidence)
    return Cell(rounded(text), Form.NUMBER, exact=text, evidence=evidence)


def rounded(text: str) -> str:
    """Return a decimal text with four places; whole numbers and other words as they are."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        return text
    return text if "." not in text and "e" not in text.lower() else decimal(value)


def interval(low: str | None, high: str | None) -> Cell:
    """Return ``low`` to ``high``; with neither "not defined", with one "unbounded" there."""
    if low is None and high is None:
        return Cell(UNDEFINED, Form.NUMBER, Tone.CAUTION)
    ends = ["unbounded" if end is None else rounded(end) for end in (low, high)]
    exact = ["unbounded" if end is None else end for end in (low, high)]
    return Cell(" to ".join(ends), Form.NUMBER, exact=" to ".join(exact))


def count(number: int, *evidence: int) -> Cell:
    return Cell(f"{number:,}", Form.NUMBER, exact=str(number), evidence=evidence)


def moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def timestamp(time: datetime) -> str:
    """Return RFC 3339 with microseconds, as the log writes times."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def at(time: datetime, *evidence: int) -> Cell:
    return Cell(moment(time), exact=timestamp(time), evidence=evidence)


def plural(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
