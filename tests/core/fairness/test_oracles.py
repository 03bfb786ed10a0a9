"""Fairlearn agrees in 500 cases, statsmodels in 1,500; five times that with MUNIMENT_SOAK=1.

Fairlearn sees the contingency cells as weighted rows, many cases at once as the levels of a
control feature. The traps at the end hold what it says where a rate divides by nobody, next
to what we say.
"""

from __future__ import annotations

import os
import random
import warnings
from decimal import Decimal
from math import isnan

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    false_negative_rate,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from sklearn.metrics import accuracy_score, precision_score
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from app.core.errors import EmptyGroup
from app.core.fairness.assessment import (
    Aggregate,
    BiasQuestion,
    IntervalKind,
    TableFinding,
    assess,
    interval_kind,
)
from app.core.fairness.cells import Cell, Confusion, Favourable
from app.core.fairness.disparities import DEFINITIONS, Metric
from app.core.fairness.intervals import miettinen_nurminen, newcombe, wilson
from app.core.fairness.rates import Rate, RateName
from app.core.fairness.tally import tally
from app.core.fairness.verdict import Op, Verdict

SOAK = 5 if os.environ.get("MUNIMENT_SOAK") else 1
FAIRLEARN_CASES, STATSMODELS_CASES, BATCH = 500 * SOAK, 1500 * SOAK, 50

METRICS = {
    RateName.SELECTION: selection_rate,
    RateName.TRUE_POSITIVE: true_positive_rate,
    RateName.FALSE_POSITIVE: false_positive_rate,
    RateName.FALSE_NEGATIVE: false_negative_rate,
    RateName.ACCURACY: accuracy_score,
    RateName.PRECISION: precision_score,
}

Case = dict[str, Confusion]


def measured(
    case: Case, metric: Metric, aggregate: Aggregate = Aggregate.WORST_CASE
) -> TableFinding:
    difference = interval_kind(metric) is IntervalKind.NEWCOMBE
    question = BiasQuestion(
        metric,
        Op.AT_MOST if difference else Op.AT_LEAST,
        Decimal("0.8"),
        ("g",),
        min_group_n=1,
        min_denominator=1,
        aggregate=aggregate,
    )
    cells = [Cell((("g", name),), counts) for name, counts in case.items()]
    return assess(tally(["g"], cells, Favourable.POSITIVE), question).worst


def frame_of(cases: list[Case]) -> MetricFrame:
    """Give Fairlearn the cells of many cases as weighted rows; the case is a control level."""
    rows = [
        (case, name, label, prediction, weight)
        for case, groups in enumerate(cases)
        for name, c in groups.items()
        for label, prediction, weight in ((1, 1, c.tp), (0, 1, c.fp), (1, 0, c.fn), (0, 0, c.tn))
        if weight
    ]
    case, group, label, prediction, weight = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return MetricFrame(
        metrics={str(name): function for name, function in METRICS.items()},
        y_true=label,
        y_pred=prediction,
        sensitive_features=group,
        control_features=case,
        sample_params={str(name): {"sample_weight": weight} for name in METRICS},
    )


def test_fairlearn_agrees_on_every_rate_and_disparity() -> None:
    drawn = random.Random(20_260_101)
    cases: list[Case] = [
        {
            name: Confusion(*(drawn.randint(1, drawn.choice([3, 40, 2000])) for _ in range(4)))
            for name in "abcd"[: drawn.randint(2, 4)]
        }
        for _ in range(FAIRLEARN_CASES)
    ]
    for start in range(0, FAIRLEARN_CASES, BATCH):
        batch = cases[start : start + BATCH]
        frame = frame_of(batch)
        difference = frame.difference(method="between_groups")
        ratio = frame.ratio(method="between_groups")
        for level, case in enumerate(batch):
            for metric in Metric:
                names = [str(name) for name in DEFINITIONS[metric].rates]
                table = measured(case, metric)
                if metric is Metric.IMPACT_RATIO:
                    names = [str(RateName.SELECTION)]
                else:
                    for row in table.groups:
                        for one in row.rates:
                            theirs = frame.by_group.loc[(level, row.group[0][1]), str(one.name)]
                            assert abs(float(one.rate.value or 0) - theirs) <= 1e-12
                if interval_kind(metric) is IntervalKind.NEWCOMBE:
                    expected = max(difference.loc[level, name] for name in names)
                else:
                    expected = min(ratio.loc[level, name] for name in names)
                assert table.value is not None
                assert abs(float(table.value) - expected) <= 1e-12
            mean = measured(case, Metric.EQUALIZED_ODDS_DIFFERENCE, Aggregate.MEAN).value
            both = [RateName.TRUE_POSITIVE, RateName.FALSE_POSITIVE]
            theirs = sum(difference.loc[level, str(name)] for name in both) / 2
            assert mean is not None
            assert abs(float(mean) - theirs) <= 1e-12


def test_statsmodels_agrees_on_every_interval() -> None:
    """The score interval within 1e-9, for groups of 30 to 2,000 people and rates to .9.

    Beyond, statsmodels' own root finding loses digits (``test_intervals`` holds 60 of them).
    """
    drawn = random.Random(20_260_102)
    for _ in range(STATSMODELS_CASES):
        n, m = drawn.randint(30, 2000), drawn.randint(30, 2000)
        x, y = drawn.randint(1, n * 9 // 10), drawn.randint(1, m * 9 // 10)
        level = drawn.choice([0.9, 0.95, 0.99, 1 - 0.05 / 28])
        own, other = Rate(x, n), Rate(y, m)
        alpha = 1 - level
        for at in (x, 0, n):
            theirs = proportion_confint(at, n, alpha=alpha, method="wilson")
            assert wilson(Rate(at, n), level) == pytest.approx(theirs, rel=0, abs=1e-12)
        theirs = confint_proportions_2indep(
            x, n, y, m, method="newcomb", compare="diff", alpha=alpha
        )
        assert newcombe(own, other, level) == pytest.approx(theirs, rel=0, abs=1e-12)
        theirs = confint_proportions_2indep(
            x, n, y, m, method="score", compare="ratio", alpha=alpha
        )
        assert miettinen_nurminen(own, other, level) == pytest.approx(theirs, rel=1e-9, abs=1e-9)


FINE = Confusion(tp=40, fp=10, fn=10, tn=40)


def test_trap_a_group_without_positives_gets_a_true_positive_rate_of_zero_from_fairlearn() -> None:
    case = {"a": FINE, "b": Confusion(tp=0, fp=10, fn=0, tn=40)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's own remark on the missing positives
        frame = frame_of([case])
    assert frame.by_group.loc[(0, "b"), str(RateName.TRUE_POSITIVE)] == 0
    table = measured(case, Metric.EQUALIZED_ODDS_DIFFERENCE)
    assert table.groups[1].rates[0].rate.value is None
    assert (table.value, table.verdict) == (None, Verdict.INCOMPLETE)


def test_trap_all_rates_zero_are_a_ratio_of_nan() -> None:
    nobody = Confusion(tp=0, fp=0, fn=50, tn=50)
    case = {"a": nobody, "b": nobody}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # division by zero inside
        ratio = frame_of([case]).ratio(method="between_groups")
    assert isnan(ratio.loc[0, str(RateName.SELECTION)])
    for metric in (Metric.IMPACT_RATIO, Metric.DEMOGRAPHIC_PARITY_RATIO):
        table = measured(case, metric)
        assert (table.value, table.verdict) == (None, Verdict.INCOMPLETE)


def test_trap_one_group_alone_has_a_ratio_of_one() -> None:
    ratio = frame_of([{"a": FINE}]).ratio(method="between_groups")
    assert ratio.loc[0, str(RateName.SELECTION)] == 1
    for metric in (Metric.IMPACT_RATIO, Metric.DEMOGRAPHIC_PARITY_RATIO):
        assert measured({"a": FINE}, metric).verdict is Verdict.INCOMPLETE


def test_trap_an_empty_intersection_is_skipped_without_a_word() -> None:
    frame = MetricFrame(
        metrics=selection_rate,
        y_true=[1, 0, 1],
        y_pred=[1, 0, 1],
        sensitive_features={"sex": ["F", "F", "M"], "race": ["x", "y", "x"]},
    )
    assert isnan(frame.by_group.loc[("M", "y")])
    assert not isnan(frame.difference(method="between_groups"))
    made = tally(
        ["sex", "race"],
        [
            Cell((("sex", sex), ("race", race)), FINE)
            for sex, race in [("F", "x"), ("F", "y"), ("M", "x")]
        ],
        Favourable.POSITIVE,
    )
    question = BiasQuestion(
        Metric.IMPACT_RATIO, Op.AT_LEAST, Decimal("0.8"), (), (("sex", "race"),)
    )
    absent = assess(made, question).worst.groups[3]
    assert (absent.n, absent.notes) == (0, ("nobody",))
    assert absent.ratio is not None
    assert absent.ratio.value is None


def test_trap_nobody_at_all_is_refused() -> None:
    with pytest.raises(EmptyGroup):
        measured({"a": Confusion(0, 0, 0, 0)}, Metric.IMPACT_RATIO)


def test_trap_of_three_people_nothing_is_certain() -> None:
    """A bootstrap of three people gave an interval of no width; a score interval has one."""
    bounds = miettinen_nurminen(Rate(1, 1), Rate(2, 2), 0.95)
    assert bounds is not None
    assert bounds[0] < 0.5
    assert bounds[1] > 2
