"""What is counted: cells per group, and the tables that follow from them.

A *tally* holds the finest cells, one per combination of attribute values that occurred. A
*table* is what a reader sees: one attribute, or one intersection with its full product, so
that a combination with nobody in it is a visible row of zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Group: TypeAlias = tuple[tuple[str, str], ...]
"""(attribute, value) pairs in the order of the table's attributes."""

Key: TypeAlias = tuple[tuple[str, str | None], ...]
"""The same in the order of the tally's attributes; None: the value is unknown."""


class Favourable(StrEnum):
    """Which decision the people counted would rather have: prediction 1, or 0."""

    POSITIVE = "1"
    NEGATIVE = "0"


@dataclass(frozen=True, slots=True)
class Selected:
    """Decisions without labels. ``selected``: how many of ``n`` were predicted 1."""

    n: int
    selected: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """Decisions with labels; positive means prediction 1, true means equal to the label."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def n(self) -> int:
        return self.tp + self.fp + self.fn + self.tn

    @property
    def selected(self) -> int:
        """How many were predicted 1, whether or not that is what they would rather have."""
        return self.tp + self.fp


Counts: TypeAlias = Selected | Confusion


@dataclass(frozen=True, slots=True)
class Cell:
    """The people of one combination of attribute values."""

    group: Key
    counts: Counts


@dataclass(frozen=True, slots=True)
class Tally:
    """The finest cells of one evaluation, made by ``tally.tally`` and so known to be sound.

    ``cells``: all of one form (``Selected`` or ``Confusion``), sorted by group, unknown last.
    """

    attributes: tuple[str, ...]
    cells: tuple[Cell, ...]
    favourable: Favourable

    @property
    def n(self) -> int:
        return sum(cell.counts.n for cell in self.cells)

    @property
    def labelled(self) -> bool:
        return isinstance(self.cells[0].counts, Confusion)


@dataclass(frozen=True, slots=True)
class Row:
    """One group of a table; ``counts.n`` is 0 for a combination that nobody has."""

    group: Group
    counts: Counts


@dataclass(frozen=True, slots=True)
class Table:
    """One attribute or intersection. ``rows``: full product of the values seen, sorted.

    ``unknown``: the people with no value for at least one of the attributes.
    """

    attributes: tuple[str, ...]
    rows: tuple[Row, ...]
    unknown: Counts

    @property
    def n(self) -> int:
        """Everybody, the unknown included."""
        return self.unknown.n + sum(row.counts.n for row in self.rows)
