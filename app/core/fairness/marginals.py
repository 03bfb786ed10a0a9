"""Published tables that should agree where they count the same people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.fairness.cells import Group, Table


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A group that two tables count differently; each pair is (people, predicted 1)."""

    group: Group
    stated: tuple[int, int]
    summed: tuple[int, int]


def disagreements(coarse: Table, fine: Table) -> tuple[Disagreement, ...]:
    """Compare a table with the sums of a finer one over the same attributes.

    ``fine`` has all attributes of ``coarse`` and more. Tables derived from one tally agree by
    construction, unknown values apart; those of a publication may not: the example in 6 RCNY
    5-301(b) counts 408 Hispanic applicants in one table and 395 in the other.
    """
    sums: dict[Group, tuple[int, int]] = {row.group: (0, 0) for row in coarse.rows}
    for row in fine.rows:
        values = dict(row.group)
        group = tuple((name, values[name]) for name in coarse.attributes)
        n, selected = sums.get(group, (0, 0))
        sums[group] = n + row.counts.n, selected + row.counts.selected
    stated = {row.group: (row.counts.n, row.counts.selected) for row in coarse.rows}
    return tuple(
        Disagreement(group, stated.get(group, (0, 0)), summed)
        for group, summed in sorted(sums.items())
        if stated.get(group, (0, 0)) != summed
    )
