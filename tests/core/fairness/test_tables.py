"""Every table follows from the finest cells; nobody is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import SchemaMismatch
from app.core.fairness.cells import Cell, Confusion, Favourable, Selected
from app.core.fairness.marginals import Disagreement, disagreements
from app.core.fairness.tables import tables_of, total
from app.core.fairness.tally import tally
from tests.core.fairness.published import LL144_RACE, LL144_SEX, ll144, selections

values = st.sampled_from(["a", "b", "c", None])
counts = st.builds(Confusion, *[st.integers(0, 50)] * 4)
cells = st.dictionaries(st.tuples(values, values, values), counts, min_size=1).filter(
    lambda drawn: any(c.n for c in drawn.values())
)


@given(cells)
def test_a_table_holds_everybody_once_and_the_full_product_of_values(
    drawn: dict[tuple[str | None, str | None, str | None], Confusion],
) -> None:
    names = ("x", "y", "z")
    made = tally(
        names,
        [Cell(tuple(zip(names, key, strict=True)), c) for key, c in drawn.items()],
        Favourable.POSITIVE,
    )
    for table in tables_of(made, names, [("x", "y"), ("z", "y", "x")]):
        rows = {row.group: row.counts for row in table.rows}
        assert total([*rows.values(), table.unknown], labelled=True) == total(
            drawn.values(), labelled=True
        )
        assert table.n == made.n
        seen = [{v for key in drawn if (v := key[names.index(name)])} for name in table.attributes]
        size = 1
        for one in seen:
            size *= len(one)
        assert len(rows) == size
        for key, c in drawn.items():
            group = tuple((name, key[names.index(name)]) for name in table.attributes)
            if all(value for _, value in group):
                inside = rows[group]  # type: ignore[index]
                assert isinstance(inside, Confusion)
                assert c.tp <= inside.tp


def test_a_combination_that_nobody_has_is_a_row_of_zeros() -> None:
    made = tally(
        ["x", "y"],
        [
            Cell((("x", "a"), ("y", "a")), Selected(3, 1)),
            Cell((("x", "b"), ("y", "b")), Selected(4, 1)),
            Cell((("x", None), ("y", "b")), Selected(5, 1)),
        ],
        Favourable.POSITIVE,
    )
    (table,) = tables_of(made, [], [("x", "y")])
    assert [(row.counts.n, row.counts.selected) for row in table.rows] == [
        (3, 1),
        (0, 0),
        (0, 0),
        (4, 1),
    ]
    assert table.unknown == Selected(5, 1)


def test_a_table_of_something_that_was_not_counted_is_refused() -> None:
    with pytest.raises(SchemaMismatch) as refused:
        tables_of(ll144(), ["age", "sex"], [("sex", "age")])
    assert [fault.pointer for fault in refused.value.faults] == [
        "#/attributes/0",
        "#/intersections/0",
    ]


def test_the_tables_of_the_local_law_144_rule_disagree_on_one_group() -> None:
    (fine,) = tables_of(ll144(), [], [("sex", "race")])
    (race,) = tables_of(selections("race", LL144_RACE), ["race"])
    (sex,) = tables_of(selections("sex", LL144_SEX), ["sex"])
    assert disagreements(race, fine) == (
        Disagreement((("race", "Hispanic or Latino"),), (408, 204), (395, 172)),
    )
    assert disagreements(sex, fine) == ()


def test_a_group_that_one_table_lacks_is_a_disagreement() -> None:
    one = tally(["x"], [Cell((("x", "a"),), Selected(3, 1))], Favourable.POSITIVE)
    other = tally(["x", "y"], [Cell((("x", "b"), ("y", "a")), Selected(3, 1))], Favourable.POSITIVE)
    (coarse,), (fine,) = tables_of(one, ["x"]), tables_of(other, [], [("x", "y")])
    assert disagreements(coarse, fine) == (
        Disagreement((("x", "a"),), (3, 1), (0, 0)),
        Disagreement((("x", "b"),), (0, 0), (3, 1)),
    )
