"""Counts and results that others published; each with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from app.core.fairness.cells import Cell, Confusion, Favourable, Selected, Tally
from app.core.fairness.tally import tally

if TYPE_CHECKING:
    from collections.abc import Mapping

Printed: TypeAlias = "tuple[int, int] | tuple[int, int, str] | tuple[int, int, str, str]"
"""(selected, people) and what the source prints about them."""

# 6 RCNY 5-301(b), examples: (selected, applicants, impact ratio as printed there).
LL144_SEX = {"Male": (667, 1390, "1.000"), "Female": (555, 1181, "0.979")}
LL144_RACE = {
    "Hispanic or Latino": (204, 408, "0.97"),
    "White": (412, 797, "1.00"),
    "Black or African American": (170, 390, "0.84"),
    "Native Hawaiian or Pacific Islander": (52, 119, "0.85"),
    "Asian": (302, 616, "0.95"),
    "Native American or Alaska Native": (18, 41, "0.85"),
    "Two or More Races": (96, 213, "0.87"),
}
LL144_BOTH = {
    ("Male", "Hispanic or Latino"): (90, 205, "0.841"),
    ("Male", "White"): (215, 412, "1.000"),
    ("Male", "Black or African American"): (95, 226, "0.806"),
    ("Male", "Native Hawaiian or Pacific Islander"): (37, 87, "0.815"),
    ("Male", "Asian"): (167, 321, "0.997"),
    ("Male", "Native American or Alaska Native"): (11, 24, "0.878"),
    ("Male", "Two or More Races"): (52, 115, "0.866"),
    ("Female", "Hispanic or Latino"): (82, 190, "0.827"),
    ("Female", "White"): (197, 385, "0.981"),
    ("Female", "Black or African American"): (75, 164, "0.876"),
    ("Female", "Native Hawaiian or Pacific Islander"): (15, 32, "0.898"),
    ("Female", "Asian"): (135, 295, "0.877"),
    ("Female", "Native American or Alaska Native"): (7, 17, "0.789"),
    ("Female", "Two or More Races"): (44, 98, "0.860"),
}
LL144_UNKNOWN = 250

# 6 RCNY 5-301(c), example: (above the median, applicants, scoring rate, impact ratio). The
# rule prints rates and sizes; the counts are the only whole numbers that give them (it cuts
# 18/28 = .6429 to 64.2%).
LL144_SCORING_SEX = {"Male": (50, 92, "0.543", "1.00"), "Female": (34, 76, "0.447", "0.82")}
LL144_SCORING_RACE = {
    "Hispanic or Latino": (18, 28, "0.642", "1.00"),
    "White": (15, 40, "0.375", "0.58"),
    "Black or African American": (16, 32, "0.500", "0.78"),
    "Native Hawaiian or Pacific Islander": (5, 8, "0.625", "0.97"),
    "Asian": (10, 24, "0.417", "0.65"),
}

# EEOC, Uniform Guidelines questions and answers, 44 FR 11996 (1979): selection rates of
# four groups in per cent; .45 of .60 is adverse, .48 and .51 are not.
UGESP = {"first": (60, 100), "second": (45, 100), "third": (48, 100), "fourth": (51, 100)}

# ProPublica, COMPAS two years, "high" = medium or high; tn, fp, fn, tp.
COMPAS = {
    "African-American": Confusion(tn=990, fp=805, fn=532, tp=1369),
    "Caucasian": Confusion(tn=1139, fp=349, fn=461, tp=505),
}
COMPAS_ALL = Confusion(tn=2681, fp=1282, fn=1216, tp=2035)


def selections(attribute: str, counts: Mapping[str, Printed]) -> Tally:
    """Make a tally of one attribute."""
    cells = [Cell(((attribute, name),), Selected(c[1], c[0])) for name, c in counts.items()]
    return tally([attribute], cells, Favourable.POSITIVE)


def ll144(*, unknown: bool = False) -> Tally:
    """Make the finest cells of the rule's intersectional example."""
    cells = [
        Cell((("sex", sex), ("race", race)), Selected(n, selected))
        for (sex, race), (selected, n, _) in LL144_BOTH.items()
    ]
    if unknown:
        cells.append(Cell((("sex", None), ("race", None)), Selected(LL144_UNKNOWN, 0)))
    return tally(["sex", "race"], cells, Favourable.POSITIVE)


def compas() -> Tally:
    cells = [Cell((("race", race),), counts) for race, counts in COMPAS.items()]
    return tally(["race"], cells, Favourable.NEGATIVE)
