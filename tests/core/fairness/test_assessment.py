"""What a bias rule concludes: undefined, unknown, small, single, reversed and worst."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import SchemaMismatch
from app.core.fairness.assessment import (
    Aggregate,
    BiasAssessment,
    BiasQuestion,
    DecideOn,
    IntervalKind,
    SmallGroup,
    assess,
    check_question,
    interval_kind,
)
from app.core.fairness.cells import Cell, Confusion, Counts, Favourable, Selected, Tally
from app.core.fairness.disparities import DEFINITIONS, Comparison, Metric
from app.core.fairness.tally import tally
from app.core.fairness.verdict import Interval, Op, Verdict

FOUR_FIFTHS = Decimal("0.8")
RATIO = BiasQuestion(Metric.IMPACT_RATIO, Op.AT_LEAST, FOUR_FIFTHS, ("g",))
DIFFERENCE = BiasQuestion(Metric.EQUALIZED_ODDS_DIFFERENCE, Op.AT_MOST, Decimal("0.1"), ("g",))
SCORE = DecideOn(IntervalKind.MIETTINEN_NURMINEN)
HYBRID = DecideOn(IntervalKind.NEWCOMBE)


def of(*counts: tuple[str | None, Counts], favourable: Favourable = Favourable.POSITIVE) -> Tally:
    return tally(["g"], [Cell((("g", name),), c) for name, c in counts], favourable)


def chosen(selected: int, n: int) -> Selected:
    return Selected(n, selected)


def question_for(metric: Metric) -> BiasQuestion:
    if interval_kind(metric) is IntervalKind.NEWCOMBE:
        return replace(DIFFERENCE, metric=metric, decide_on=HYBRID)
    return replace(RATIO, metric=metric, decide_on=SCORE)


# A denominator of zero.


@pytest.mark.parametrize("metric", Metric)
def test_without_labels_a_label_metric_is_incomplete_and_the_others_are_not(
    metric: Metric,
) -> None:
    answer = assess(of(("a", chosen(50, 100)), ("b", chosen(50, 100))), question_for(metric))
    needs_labels = metric not in {
        Metric.IMPACT_RATIO,
        Metric.DEMOGRAPHIC_PARITY_DIFFERENCE,
        Metric.DEMOGRAPHIC_PARITY_RATIO,
    }
    assert (answer.verdict is Verdict.INCOMPLETE) is needs_labels
    assert (answer.worst.value is None) is needs_labels
    said = "the metric needs labels, and the predictions were counted without"
    assert (said in answer.worst.notes) is needs_labels


def test_a_large_group_without_positives_makes_the_answer_incomplete_never_zero() -> None:
    fine = Confusion(tp=40, fp=10, fn=10, tn=40)
    without = Confusion(tp=0, fp=20, fn=0, tn=80)
    answer = assess(of(("a", fine), ("b", fine), ("c", without)), DIFFERENCE)
    assert answer.verdict is Verdict.INCOMPLETE
    assert "a group large enough to judge has a rate without a denominator" in answer.worst.notes
    last = answer.worst.groups[2]
    assert last.rates[0].rate.value is None
    assert last.rates[0].interval is None
    assert not last.eligible
    assert not last.small


def test_a_disparity_that_was_measured_fails_even_beside_one_that_was_not() -> None:
    answer = assess(
        of(
            ("a", Confusion(tp=45, fp=5, fn=5, tn=45)),
            ("b", Confusion(tp=5, fp=5, fn=45, tn=45)),
            ("c", Confusion(tp=0, fp=20, fn=0, tn=80)),
        ),
        DIFFERENCE,
    )
    assert answer.verdict is Verdict.FAIL
    assert answer.worst.value == Fraction(4, 5)


@pytest.mark.parametrize("metric", [Metric.IMPACT_RATIO, Metric.DEMOGRAPHIC_PARITY_RATIO])
@pytest.mark.parametrize("decide_on", [None, SCORE])
def test_where_nobody_is_selected_there_is_no_ratio(
    metric: Metric, decide_on: DecideOn | None
) -> None:
    question = replace(RATIO, metric=metric, decide_on=decide_on)
    answer = assess(of(("a", chosen(0, 100)), ("b", chosen(0, 100))), question)
    assert answer.verdict is Verdict.INCOMPLETE
    assert answer.worst.value is None
    assert answer.worst.interval is None
    assert not answer.worst.flips
    assert answer.worst.needed is None
    assert len(answer.worst.notes) == 1
    for row in answer.worst.groups:
        assert row.ratio is None or row.ratio.value is None


def test_a_difference_between_groups_that_nobody_was_selected_from_is_a_true_zero() -> None:
    question = replace(DIFFERENCE, metric=Metric.DEMOGRAPHIC_PARITY_DIFFERENCE)
    answer = assess(of(("a", chosen(0, 100)), ("b", chosen(0, 100))), question)
    assert answer.worst.value == 0
    assert answer.verdict is Verdict.PASS


# Who is compared.


@pytest.mark.parametrize("metric", Metric)
def test_a_single_group_cannot_be_compared(metric: Metric) -> None:
    counts = Confusion(tp=40, fp=10, fn=10, tn=40)
    tiny = Confusion(tp=1, fp=1, fn=1, tn=1)
    for made in (of(("a", counts)), of(("a", counts), ("b", tiny))):
        answer = assess(made, question_for(metric))
        assert answer.verdict is Verdict.INCOMPLETE
        assert answer.worst.value is None
        assert len(answer.worst.notes) == 1


def test_with_no_group_large_enough_nothing_is_concluded() -> None:
    answer = assess(of(("a", chosen(1, 5)), ("b", chosen(5, 5))), RATIO)
    assert answer.verdict is Verdict.INCOMPLETE
    assert answer.worst.reference is None
    assert answer.worst.notes == ("no group is large enough to judge",)
    assert all(row.ratio is None for row in answer.worst.groups)


def test_the_most_selected_group_is_the_reference_and_of_equals_the_largest() -> None:
    made = of(("a", chosen(30, 60)), ("b", chosen(50, 100)), ("c", chosen(50, 100)))
    answer = assess(made, RATIO)
    assert answer.worst.reference == (("g", "b"),)
    assert not answer.worst.reference_named
    reference = answer.worst.groups[1]
    assert reference.ratio is not None
    assert reference.ratio.value == 1
    assert reference.ratio.interval is None
    assert reference.verdict is None


def test_a_group_too_small_to_judge_is_no_reference_however_selected() -> None:
    answer = assess(
        of(("a", chosen(50, 100)), ("b", chosen(45, 100)), ("c", chosen(29, 29))), RATIO
    )
    assert answer.worst.reference == (("g", "a"),)
    assert answer.worst.value == Fraction(9, 10)
    above = answer.worst.groups[2].ratio
    assert above is not None
    assert above.value == 2


def test_against_a_named_reference_a_ratio_may_exceed_one() -> None:
    made = of(("a", chosen(40, 100)), ("b", chosen(60, 100)))
    answer = assess(made, replace(RATIO, reference=(("g", "a"),)))
    assert answer.worst.value == Fraction(3, 2)
    assert answer.worst.reference_named
    assert answer.worst.notes == ("compared with the reference that the policy names",)
    bounded = replace(RATIO, reference=(("g", "a"),), op=Op.AT_MOST, value=Decimal("1.25"))
    assert assess(made, bounded).verdict is Verdict.FAIL
    assert assess(made, bounded).worst.groups[1].shortfall is None


@pytest.mark.parametrize("name", ["c", "d"])
def test_a_named_reference_that_is_absent_or_small_leaves_the_table_incomplete(name: str) -> None:
    made = of(("a", chosen(40, 100)), ("b", chosen(60, 100)), ("c", chosen(5, 10)))
    answer = assess(made, replace(RATIO, reference=(("g", name),)))
    assert answer.verdict is Verdict.INCOMPLETE
    assert answer.worst.reference is None
    assert answer.worst.reference_named


def test_a_named_reference_speaks_only_for_the_table_of_its_attributes() -> None:
    made = tally(
        ["g", "h"],
        [
            Cell((("g", g), ("h", h)), chosen(s, 100))
            for g, h, s in [("a", "x", 50), ("a", "y", 45), ("b", "x", 48), ("b", "y", 47)]
        ],
        Favourable.POSITIVE,
    )
    question = replace(RATIO, attributes=("g", "h"), reference=(("g", "b"),))
    first, second = assess(made, question).tables
    assert (first.reference, first.reference_named) == ((("g", "b"),), True)
    assert (second.reference, second.reference_named) == ((("h", "x"),), False)


def test_where_the_positive_prediction_is_adverse_the_ratio_is_of_those_spared() -> None:
    counts = (("a", chosen(80, 100)), ("b", chosen(40, 100)))
    wanted = assess(of(*counts), RATIO)
    spared = assess(of(*counts, favourable=Favourable.NEGATIVE), RATIO)
    assert wanted.worst.value == Fraction(1, 2)
    assert spared.worst.value == Fraction(1, 3)
    assert spared.worst.group == (("g", "a"),)


# Small groups, and people whose group is unknown.


@pytest.mark.parametrize(
    ("action", "verdict", "listed"),
    [
        (SmallGroup.IGNORE, Verdict.PASS, 0),
        (SmallGroup.REPORT, Verdict.PASS, 1),
        (SmallGroup.REPORT_AND_REVIEW, Verdict.PASS, 1),
        (SmallGroup.DENY, Verdict.FAIL, 1),
    ],
)
def test_a_small_group_does_what_the_policy_says(
    action: SmallGroup, verdict: Verdict, listed: int
) -> None:
    made = of(("a", chosen(50, 100)), ("b", chosen(50, 100)), ("c", chosen(0, 29)))
    answer = assess(made, replace(RATIO, small_group=action))
    assert answer.verdict is verdict
    assert len(answer.small_groups) == listed
    assert answer.worst.groups[2].notes == ("fewer than 30 people",)


def test_denying_small_groups_denies_nothing_where_there_is_none() -> None:
    made = of(("a", chosen(50, 100)), ("b", chosen(50, 100)))
    assert assess(made, replace(RATIO, small_group=SmallGroup.DENY)).verdict is Verdict.PASS


def test_a_combination_that_nobody_has_is_shown_and_is_no_small_group() -> None:
    made = tally(
        ["g", "h"],
        [
            Cell((("g", g), ("h", h)), chosen(50, 100))
            for g, h in [("a", "x"), ("a", "y"), ("b", "x")]
        ],
        Favourable.POSITIVE,
    )
    question = replace(
        RATIO, attributes=(), intersections=(("g", "h"),), small_group=SmallGroup.DENY
    )
    answer = assess(made, question)
    assert answer.verdict is Verdict.PASS
    absent = answer.worst.groups[3]
    assert (absent.n, absent.notes, absent.small) == (0, ("nobody",), False)
    assert absent.ratio is not None
    assert absent.ratio.value is None
    assert absent.rates[0].interval is None


def test_each_denominator_used_must_be_large_enough() -> None:
    few = Confusion(tp=5, fp=40, fn=4, tn=51)
    enough = Confusion(tp=5, fp=40, fn=5, tn=50)
    fine = Confusion(tp=40, fp=40, fn=40, tn=50)
    for counts, eligible in ((few, False), (enough, True)):
        answer = assess(of(("a", counts), ("b", fine), ("c", fine)), DIFFERENCE)
        assert answer.worst.groups[0].eligible is eligible
        assert answer.worst.groups[0].small is not eligible
    one_rate = replace(DIFFERENCE, metric=Metric.FALSE_POSITIVE_RATE_DIFFERENCE)
    assert assess(of(("a", few), ("b", fine)), one_rate).worst.groups[0].eligible


def test_a_group_under_the_smallest_share_is_not_judged() -> None:
    made = of(("a", chosen(500, 1000)), ("b", chosen(500, 1000)), ("c", chosen(5, 40)))
    judged = assess(made, RATIO)
    assert judged.verdict is Verdict.FAIL
    spared = assess(made, replace(RATIO, min_share=Decimal("0.02")))
    assert spared.verdict is Verdict.PASS
    assert spared.worst.groups[2].notes == ("under 0.02 of everybody",)
    assert spared.small_groups == ((("g", "c"),),)


@pytest.mark.parametrize(
    ("unknown", "verdict"), [(0, Verdict.PASS), (22, Verdict.PASS), (23, Verdict.INCOMPLETE)]
)
def test_too_many_people_of_unknown_group_make_the_answer_incomplete(
    unknown: int, verdict: Verdict
) -> None:
    made = of(("a", chosen(50, 100)), ("b", chosen(50, 100)), (None, chosen(0, unknown)))
    answer = assess(made, RATIO)
    assert answer.verdict is verdict
    assert answer.worst.unknown == unknown
    assert answer.worst.value == 1


def test_nobody_with_a_known_group_is_incomplete() -> None:
    answer = assess(of((None, chosen(50, 100))), replace(RATIO, max_unknown_share=Decimal(1)))
    assert answer.verdict is Verdict.INCOMPLETE
    assert answer.worst.groups == ()


# One person more or less.


@pytest.mark.parametrize(
    ("selected", "flips", "shortfall"),
    [(39, True, 1), (40, True, None), (38, False, 2), (42, False, None), (41, False, None)],
)
def test_one_person_who_would_reverse_the_finding_is_pointed_out(
    selected: int, *, flips: bool, shortfall: int | None
) -> None:
    made = of(("a", chosen(500, 1000)), ("b", chosen(selected, 100)))
    row = assess(made, RATIO).worst.groups[1]
    assert (row.flips, row.shortfall) == (flips, shortfall)


def test_one_person_in_a_small_reference_reverses_it_as_well() -> None:
    made = of(("a", chosen(15, 30)), ("b", chosen(4050, 10_000)))
    row = assess(made, RATIO).worst.groups[1]
    assert row.verdict is Verdict.PASS
    assert row.flips


def test_the_shortfall_for_a_strict_threshold_is_one_person_more() -> None:
    made = of(("a", chosen(50, 100)), ("b", chosen(40, 100)))
    assert assess(made, replace(RATIO, op=Op.ABOVE)).worst.groups[1].shortfall == 1


def test_there_is_no_shortfall_where_selecting_everybody_would_not_do() -> None:
    made = of(("a", chosen(40, 40)), ("b", chosen(10, 40)))
    question = replace(RATIO, value=Decimal("1.5"), reference=(("g", "a"),))
    assert assess(made, question).worst.groups[1].shortfall is None


@pytest.mark.parametrize(("selected", "flips"), [(60, True), (61, True), (62, False), (59, False)])
def test_one_person_who_would_reverse_a_difference_is_pointed_out(
    selected: int, *, flips: bool
) -> None:
    question = replace(DIFFERENCE, metric=Metric.DEMOGRAPHIC_PARITY_DIFFERENCE)
    made = of(("a", chosen(500, 1000)), ("b", chosen(selected, 100)), ("c", chosen(5500, 10_000)))
    assert assess(made, question).worst.flips is flips


def test_a_finding_may_reverse_in_a_group_that_is_not_the_most_extreme() -> None:
    question = replace(DIFFERENCE, metric=Metric.DEMOGRAPHIC_PARITY_DIFFERENCE)
    made = of(("a", chosen(5000, 10_000)), ("b", chosen(5980, 10_000)), ("c", chosen(23, 39)))
    assert assess(made, question).worst.group == (("g", "a"),)
    assert assess(made, question).worst.against == (("g", "b"),)
    assert assess(made, question).worst.flips


def test_a_ratio_that_one_person_fewer_would_undo_says_nothing_about_reversal() -> None:
    question = replace(RATIO, metric=Metric.DEMOGRAPHIC_PARITY_RATIO, value=Decimal("0.9"))
    answer = assess(of(("a", chosen(0, 100)), ("b", chosen(1, 100))), question)
    assert answer.worst.value == 0
    assert answer.worst.flips


# Intervals and the worst of several.


def test_two_groups_need_no_adjustment_and_more_are_adjusted_and_say_so() -> None:
    question = replace(DIFFERENCE, metric=Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, decide_on=HYBRID)
    two = assess(of(("a", chosen(500, 1000)), ("b", chosen(400, 1000))), question).worst
    three = assess(
        of(("a", chosen(500, 1000)), ("b", chosen(400, 1000)), ("c", chosen(450, 1000))), question
    ).worst
    assert two.interval is not None
    assert three.interval is not None
    assert two.interval.high is not None
    assert three.interval.high is not None
    assert (two.pairs, two.notes) == (1, ())
    assert three.pairs == 3
    assert three.notes == ("conservative: the interval is adjusted for 3 comparisons",)
    assert three.value == two.value
    assert three.interval.low < two.interval.low < Fraction(1, 10)
    assert Fraction(1, 10) < two.interval.high < three.interval.high
    assert two.group == (("g", "b"),)
    assert two.against == (("g", "a"),)


def test_the_interval_of_a_ratio_of_groups_never_exceeds_one() -> None:
    question = replace(RATIO, metric=Metric.DEMOGRAPHIC_PARITY_RATIO, decide_on=SCORE)
    answer = assess(of(("a", chosen(50, 100)), ("b", chosen(50, 100))), question)
    assert answer.worst.interval is not None
    assert answer.worst.interval.high == 1
    assert answer.verdict is Verdict.INCONCLUSIVE
    nobody = assess(
        of(("a", chosen(50, 100)), ("b", chosen(0, 100)), ("c", chosen(0, 100))), question
    )
    assert nobody.worst.value == 0
    assert nobody.worst.interval is not None
    assert nobody.worst.interval.low == 0
    assert nobody.verdict is Verdict.FAIL


def test_equalized_odds_takes_the_worse_rate_or_the_mean_of_both() -> None:
    made = of(
        ("a", Confusion(tp=80, fp=30, fn=20, tn=70)),
        ("b", Confusion(tp=60, fp=20, fn=40, tn=80)),
    )
    worse = assess(made, DIFFERENCE).worst
    mean = assess(made, replace(DIFFERENCE, aggregate=Aggregate.MEAN)).worst
    assert worse.value == Fraction(1, 5)
    assert mean.value == Fraction(3, 20)
    assert worse.pairs == 2
    ratio = replace(RATIO, metric=Metric.EQUALIZED_ODDS_RATIO)
    assert assess(made, ratio).worst.value == Fraction(2, 3)
    assert assess(made, replace(ratio, aggregate=Aggregate.MEAN)).worst.value == Fraction(17, 24)
    for one in (worse, mean):
        assert one.interval is not None
        assert one.interval.high is not None
        assert one.interval.low < (one.value or 0) < one.interval.high


def test_equalized_odds_without_any_false_positive_has_no_ratio() -> None:
    counts = Confusion(tp=80, fp=0, fn=20, tn=100)
    answer = assess(
        of(("a", counts), ("b", counts)), replace(RATIO, metric=Metric.EQUALIZED_ODDS_RATIO)
    )
    assert answer.verdict is Verdict.INCOMPLETE
    assert answer.worst.value is None


def test_a_large_group_that_fails_outranks_a_smaller_one_that_may() -> None:
    made = of(("a", chosen(500, 1000)), ("b", chosen(360, 1000)), ("c", chosen(14, 40)))
    question = replace(RATIO, decide_on=SCORE)
    worst = assess(made, question).worst
    assert {row.group[0][1]: row.verdict for row in worst.groups} == {
        "a": None,
        "b": Verdict.FAIL,
        "c": Verdict.INCONCLUSIVE,
    }
    assert worst.group == (("g", "b"),)
    assert worst.value == Fraction(18, 25)
    assert worst.needed == 154


def test_how_many_people_are_needed_is_said_only_for_a_ratio_judged_by_interval_under_one() -> None:
    made = of(("a", chosen(50, 100)), ("b", chosen(50, 100)))
    assert assess(made, RATIO).worst.needed is None
    assert assess(made, replace(RATIO, decide_on=SCORE, value=Decimal(1))).worst.needed is None


def test_the_worst_table_is_the_rules_answer() -> None:
    made = tally(
        ["g", "h"],
        [
            Cell((("g", g), ("h", h)), chosen(s, 100))
            for g, h, s in [("a", "x", 60), ("a", "y", 30), ("b", "x", 30), ("b", "y", 50)]
        ],
        Favourable.POSITIVE,
    )
    question = replace(RATIO, attributes=("g", "h"), intersections=(("h", "g"),))
    answer = assess(made, question)
    assert [table.verdict for table in answer.tables] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]
    assert answer.worst is answer.tables[2]
    assert answer.worst.value == Fraction(1, 2)


def test_between_tables_of_one_verdict_the_larger_difference_speaks() -> None:
    made = tally(
        ["g", "h"],
        [
            Cell((("g", g), ("h", h)), chosen(s, 100))
            for g, h, s in [("a", "x", 60), ("a", "y", 50), ("b", "x", 40), ("b", "y", 40)]
        ],
        Favourable.POSITIVE,
    )
    question = replace(
        DIFFERENCE, metric=Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, attributes=("h", "g")
    )
    assert assess(made, question).worst.attributes == ("g",)


# No silent zero, no silent NaN.

count = st.sampled_from([0, 0, 1, 2, 9, 10, 40, 500])
groups = st.dictionaries(
    st.sampled_from(["a", "b", "c", None]),
    st.builds(Confusion, count, count, count, count),
    min_size=1,
).filter(lambda drawn: any(c.n for c in drawn.values()))


@given(groups, st.sampled_from(Metric), st.booleans(), st.sampled_from(Aggregate))
def test_what_is_undefined_is_none_and_incomplete_never_zero(
    drawn: dict[str | None, Confusion],
    metric: Metric,
    decides: bool,
    aggregate: Aggregate,
) -> None:
    question = replace(question_for(metric), aggregate=aggregate)
    if not decides:
        question = replace(question, decide_on=None)
    answer = assess(of(*drawn.items()), question)
    (table,) = answer.tables
    for row in table.groups:
        for measured in row.rates:
            assert (measured.rate.value is None) is (measured.rate.den == 0)
            assert (measured.interval is None) is (measured.rate.den == 0)
        if row.n >= question.min_group_n and any(m.rate.den == 0 for m in row.rates):
            assert answer.verdict in {Verdict.INCOMPLETE, Verdict.FAIL}
        if row.ratio is not None and row.ratio.den == 0:
            assert row.ratio.value is None
            assert row.ratio.interval is None
            assert row.verdict in {None, Verdict.INCOMPLETE}
    if table.value is None:
        assert answer.verdict is Verdict.INCOMPLETE
        assert table.interval is None
    else:
        assert sum(row.eligible for row in table.groups) > 1
        assert_bounded(answer)


def assert_bounded(answer: BiasAssessment) -> None:
    """A Decimal that is NaN or infinite compares with nothing, so this would raise."""
    for interval in (
        answer.worst.interval,
        *(r.interval for g in answer.worst.groups for r in g.rates),
    ):
        if isinstance(interval, Interval):
            assert interval.low.is_finite()
            assert interval.high is None or interval.low <= interval.high


# Questions without a meaning.


@pytest.mark.parametrize(
    ("question", "pointer"),
    [
        (replace(RATIO, value=Decimal("NaN")), "#/value"),
        (replace(RATIO, value=Decimal("Infinity")), "#/value"),
        (replace(RATIO, value=Decimal(0)), "#/value"),
        (replace(RATIO, op=Op.AT_MOST), "#/op"),
        (replace(DIFFERENCE, op=Op.AT_LEAST), "#/op"),
        (replace(DIFFERENCE, value=Decimal(1)), "#/value"),
        (replace(DIFFERENCE, value=Decimal("-0.1")), "#/value"),
        (replace(RATIO, attributes=()), "#/attributes"),
        (replace(RATIO, intersections=(("g",),)), "#/intersections/0"),
        (replace(RATIO, intersections=(("g", "g"),)), "#/intersections/0"),
        (replace(RATIO, intersections=(("a", "b", "c", "d"),)), "#/intersections/0"),
        (replace(RATIO, min_group_n=0), "#/min_group_n"),
        (replace(RATIO, min_denominator=0), "#/min_denominator"),
        (replace(RATIO, min_share=Decimal(1)), "#/min_share"),
        (replace(RATIO, max_unknown_share=Decimal("1.1")), "#/max_unknown_share"),
        (replace(RATIO, decide_on=HYBRID), "#/decide_on/ci"),
        (replace(DIFFERENCE, decide_on=SCORE), "#/decide_on/ci"),
        (replace(RATIO, decide_on=replace(SCORE, level=Decimal(1))), "#/decide_on/level"),
        (replace(RATIO, reference=(("h", "a"),)), "#/reference"),
        (
            replace(RATIO, metric=Metric.DEMOGRAPHIC_PARITY_RATIO, reference=(("g", "a"),)),
            "#/reference",
        ),
    ],
)
def test_a_question_that_has_no_meaning_or_that_all_would_pass_is_refused(
    question: BiasQuestion, pointer: str
) -> None:
    with pytest.raises(SchemaMismatch) as refused:
        check_question(question)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_a_question_about_an_attribute_that_was_not_counted_is_refused() -> None:
    with pytest.raises(SchemaMismatch):
        assess(of(("a", chosen(1, 2))), replace(RATIO, attributes=("h",)))


def test_every_metric_has_a_definition_and_an_interval() -> None:
    assert set(DEFINITIONS) == set(Metric)
    assert {d.comparison for d in DEFINITIONS.values()} == set(Comparison)
    for metric in Metric:
        check_question(question_for(metric))
