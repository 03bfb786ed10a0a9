"""Whole assessments against tables that others published."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from app.core.fairness.assessment import (
    BiasAssessment,
    BiasQuestion,
    DecideOn,
    GroupFinding,
    IntervalKind,
    TableFinding,
    assess,
)
from app.core.fairness.cells import Cell, Confusion, Favourable
from app.core.fairness.disparities import Metric
from app.core.fairness.rates import Rate, written
from app.core.fairness.tally import tally
from app.core.fairness.verdict import Interval, Op, Verdict
from tests.core.fairness.published import (
    COMPAS,
    LL144_BOTH,
    LL144_RACE,
    LL144_SCORING_RACE,
    LL144_SCORING_SEX,
    LL144_SEX,
    UGESP,
    compas,
    ll144,
    selections,
)

if TYPE_CHECKING:
    from app.core.fairness.cells import Group, Tally

FOUR_FIFTHS = Decimal("0.80")
SCORE = DecideOn(IntervalKind.MIETTINEN_NURMINEN)


def impact(
    made: Tally,
    *attributes: str,
    both: tuple[str, ...] = (),
    smallest: int = 1,
    decide_on: DecideOn | None = None,
) -> BiasAssessment:
    return assess(
        made,
        BiasQuestion(
            Metric.IMPACT_RATIO,
            Op.AT_LEAST,
            FOUR_FIFTHS,
            attributes,
            (both,) if both else (),
            min_group_n=smallest,
            min_denominator=1,
            decide_on=decide_on,
        ),
    )


def ratios(table: TableFinding, places: int) -> dict[Group, str]:
    return {
        row.group: written(row.ratio.value, places)
        for row in table.groups
        if row.ratio and row.ratio.value is not None
    }


def rows_of(table: TableFinding) -> dict[tuple[str, ...], GroupFinding]:
    return {tuple(value for _, value in row.group): row for row in table.groups}


def to_places(interval: Interval | None, places: int) -> tuple[str, str]:
    assert interval is not None
    assert interval.high is not None
    return written(interval.low, places), written(interval.high, places)


def test_the_sex_table_of_the_local_law_144_rule() -> None:
    (table,) = impact(selections("sex", LL144_SEX), "sex").tables
    assert ratios(table, 3) == {(("sex", sex),): c[2] for sex, c in LL144_SEX.items()}
    assert table.reference == (("sex", "Male"),)


def test_the_race_table_of_the_local_law_144_rule() -> None:
    (table,) = impact(selections("race", LL144_RACE), "race").tables
    assert ratios(table, 2) == {(("race", race),): c[2] for race, c in LL144_RACE.items()}
    assert table.reference == (("race", "White"),)


def test_the_intersectional_table_of_the_local_law_144_rule() -> None:
    (table,) = impact(ll144(unknown=True), both=("sex", "race")).tables
    assert ratios(table, 3) == {
        (("sex", sex), ("race", race)): c[2] for (sex, race), c in LL144_BOTH.items()
    }
    assert table.reference == (("sex", "Male"), ("race", "White"))
    assert table.unknown == 250
    assert table.n == 2571 + 250


def test_the_scoring_tables_of_the_local_law_144_rule() -> None:
    for attribute, counts in (("sex", LL144_SCORING_SEX), ("race", LL144_SCORING_RACE)):
        (table,) = impact(selections(attribute, counts), attribute).tables
        printed = {name: c[3] for name, c in counts.items()}
        assert {dict(g)[attribute]: r for g, r in ratios(table, 2).items()} == printed
        for row in table.groups:
            value = row.rates[0].rate.value
            assert value is not None
            # 18/28 is .6429 and printed as 64.2%: the rule cuts where others round.
            assert abs(value - Fraction(counts[dict(row.group)[attribute]][2])) < Fraction(1, 1000)


def test_only_the_first_comparison_of_the_uniform_guidelines_is_adverse() -> None:
    (table,) = impact(selections("group", UGESP), "group").tables
    assert list(ratios(table, 2).values()) == ["1.00", "0.85", "0.75", "0.80"]
    assert {row.group[0][1]: row.verdict for row in table.groups} == {
        "first": None,
        "second": Verdict.FAIL,
        "third": Verdict.PASS,
        "fourth": Verdict.PASS,
    }


def test_a_group_of_seventeen_is_inconclusive_and_one_person_reverses_it() -> None:
    (table,) = impact(ll144(), both=("sex", "race"), decide_on=SCORE).tables
    row = rows_of(table)["Female", "Native American or Alaska Native"]
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.flips
    assert row.shortfall == 1
    assert to_places(row.rates[0].interval, 4) == ("0.2161", "0.6399")
    assert row.ratio is not None
    assert written(row.ratio.value or 0, 4) == "0.7891"
    assert to_places(row.ratio.interval, 3) == ("0.411", "1.243")
    assert table.group == row.group
    assert table.verdict is Verdict.INCONCLUSIVE
    larger = rows_of(table)["Male", "Black or African American"]
    assert larger.ratio is not None
    assert written(larger.ratio.value or 0, 4) == "0.8055"
    assert to_places(larger.ratio.interval, 3) == ("0.670", "0.959")
    assert larger.verdict is Verdict.INCONCLUSIVE
    assert not rows_of(table)["Male", "Asian"].flips


def test_the_same_group_is_shown_but_not_judged_below_the_usual_minimum() -> None:
    answer = impact(ll144(), both=("sex", "race"), smallest=30)
    (table,) = answer.tables
    assert table.verdict is Verdict.PASS
    assert table.group == (("sex", "Male"), ("race", "Black or African American"))
    assert [dict(group)["race"] for group in answer.small_groups] == [
        "Native American or Alaska Native",
        "Native American or Alaska Native",
    ]
    row = rows_of(table)["Female", "Native American or Alaska Native"]
    assert row.verdict is None
    assert row.ratio is not None
    assert row.ratio.interval is not None
    assert row.notes == ("fewer than 30 people",)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, "0.24020"),
        (Metric.DEMOGRAPHIC_PARITY_RATIO, "0.59164"),
        # 805/1795 - 349/1488 = .2139249...
        (Metric.EQUALIZED_ODDS_DIFFERENCE, "0.21392"),
        # The favourable outcome is "low": 1 - selection rate, (990+532)/3696 over 1600/2454.
        (Metric.IMPACT_RATIO, "0.63159"),
    ],
)
def test_the_disparities_of_the_compas_analysis(metric: Metric, value: str) -> None:
    difference = metric.endswith("difference")
    answer = assess(
        compas(),
        BiasQuestion(metric, Op.AT_MOST if difference else Op.AT_LEAST, Decimal("0.8"), ("race",)),
    )
    assert answer.worst.value is not None
    assert written(answer.worst.value, 5) == value


def test_the_small_groups_of_compas_are_never_judged() -> None:
    made = tally(
        ["race"],
        [
            Cell((("race", "African-American"),), COMPAS["African-American"]),
            Cell((("race", "Caucasian"),), COMPAS["Caucasian"]),
            # 18 Native Americans; three of the eight who did not reoffend were called high.
            Cell((("race", "Native American"),), Confusion(tp=9, fn=1, fp=3, tn=5)),
        ],
        Favourable.NEGATIVE,
    )
    question = BiasQuestion(
        Metric.FALSE_POSITIVE_RATE_DIFFERENCE, Op.AT_MOST, Decimal("0.1"), ("race",)
    )
    answer = assess(made, question)
    (row,) = (row for row in answer.worst.groups if row.small)
    assert row.group == (("race", "Native American"),)
    assert row.rates[0].rate == Rate(3, 8)
    assert row.rates[0].interval is not None
    assert answer.worst.verdict is Verdict.FAIL
    assert answer.worst.pairs == 1
