"""The values that the macros of ``templates/ui/pieces.html`` and ``plots.html`` show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to be done. ``tone`` None: found by the word ``state``."""

    text: str
    state: str
    tone: str | None = None
    path: str | None = None
    hint: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened. ``at``: as value or as written in an entry."""

    at: datetime | str
    title: str
    who: str | None = None
    text: str | None = None
    path: str | None = None
    tone: str | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value with its interval. None: not defined. ``small``: too few to judge."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None = None
    small: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Where an interval is drawn, in units of the picture; None: not drawn."""

    label: str
    y: int
    value: float | None
    low: float | None
    high: float | None
    small: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """Where everything lies, in units of a picture ``width`` wide. ``above``: where names are."""

    width: int
    height: int
    marks: Sequence[Mark]
    limit_at: float | None
    ticks: Sequence[tuple[float, str]]
    above: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """Intervals as pictures, for wide pages and narrow ones, and as a table that says the same.

    ``limit``: what is asked for, a line in the pictures; None: nothing.
    """

    title: str
    rows: Sequence[Interval]
    limit: float | None
    wide: Picture
    narrow: Picture

    def numbers(self) -> list[tuple[str, ...]]:
        """Give the rows of the table twin; what is not defined is empty, never 0."""

        def written(value: float | None) -> str:
            return "" if value is None else f"{value:.3f}"

        return [
            (
                row.label + (" (too few to judge)" if row.small else ""),
                written(row.value),
                written(row.low),
                written(row.high),
                "" if row.n is None else f"{row.n:,}",
            )
            for row in self.rows
        ]


def plot(
    title: str,
    rows: Sequence[Interval],
    *,
    limit: float | None = None,
    lowest: float = 0.0,
    highest: float | None = None,
) -> Plot:
    """Lay out intervals one under the other, between ``lowest`` and ``highest``.

    ``highest`` None: the largest value there is, at least 1.
    """
    values = [one for row in rows for one in (row.value, row.high, limit) if one is not None]
    top = max([1.0, *values]) if highest is None else max(highest, lowest + 1e-9)
    return Plot(
        title,
        rows,
        limit,
        _picture(rows, limit, (lowest, top), width=600, left=170, row=28),
        _picture(rows, limit, (lowest, top), width=280, left=8, row=42, above=True),
    )


def _picture(
    rows: Sequence[Interval],
    limit: float | None,
    scale: tuple[float, float],
    *,
    width: int,
    left: int,
    row: int,
    above: bool = False,
) -> Picture:
    """Lay out one picture. ``above``: names stand over their intervals, not beside them."""
    lowest, top = scale

    def at(value: float) -> float:
        share = (min(max(value, lowest), top) - lowest) / (top - lowest)
        return round(left + share * (width - left - 20), 1)

    def maybe(value: float | None) -> float | None:
        return None if value is None else at(value)

    marks = [
        Mark(
            one.label,
            14 + row * number + (row - 12 if above else row // 2),
            maybe(one.value),
            maybe(one.low),
            maybe(one.high),
            one.small,
        )
        for number, one in enumerate(rows)
    ]
    steps = [lowest + (top - lowest) * step / 4 for step in range(5)]
    ticks = [(at(step), f"{step:.2f}") for step in steps]
    return Picture(width, 44 + row * len(rows), marks, maybe(limit), ticks, above)
