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
class Plot:
    """A picture of intervals with their twin as a table. ``limit``: the line that is asked for.

    Places are in a picture 600 units wide.
    """

    title: str
    rows: Sequence[Interval]
    marks: Sequence[Mark]
    height: int
    limit: float | None
    limit_at: float | None
    ticks: Sequence[tuple[float, str]]

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


WIDTH, LEFT, RIGHT, ROW, TOP = 600, 170, 20, 28, 14


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
    top = max(values, default=1.0, key=float) if highest is None else highest
    top = max(top, lowest + 1e-9) if highest is not None else max(top, 1.0)

    def at(value: float | None) -> float | None:
        if value is None:
            return None
        share = (min(max(value, lowest), top) - lowest) / (top - lowest)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    marks = [
        Mark(row.label, TOP + ROW * number + ROW // 2, at(row.value), at(row.low), at(row.high),
             row.small)
        for number, row in enumerate(rows)
    ]  # fmt: skip
    steps = [lowest + (top - lowest) * step / 4 for step in range(5)]
    ticks = [(at(step) or float(LEFT), f"{step:.2f}") for step in steps]
    height = TOP + ROW * len(rows) + 30
    return Plot(title, rows, marks, height, limit, at(limit), ticks)
