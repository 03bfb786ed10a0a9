"""Cells are counts of groups, or they are refused with the place that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.errors import EmptyGroup, Fault, SchemaMismatch
from app.core.fairness.cells import Cell, Confusion, Favourable, Selected
from app.core.fairness.tally import (
    favourable_of,
    format_cells,
    parse_tally,
    tally,
)

if TYPE_CHECKING:
    from app.core.jsonvalue import Json

WOMEN: Json = {"group": {"sex": "F"}, "n": 10, "selected": 4}


def faults_of(cells: list[Json], attributes: tuple[str, ...] = ("sex",)) -> list[str]:
    with pytest.raises(SchemaMismatch) as refused:
        parse_tally(attributes, cells, Favourable.POSITIVE)
    return [fault.pointer for fault in refused.value.faults]


def test_cells_without_labels_are_read() -> None:
    read = parse_tally(["sex"], [WOMEN], Favourable.POSITIVE)
    assert read.cells == (Cell((("sex", "F"),), Selected(10, 4)),)
    assert not read.labelled
    assert read.n == 10


def test_cells_with_labels_are_read() -> None:
    cell: Json = {"group": {"sex": "F"}, "tp": 1, "fp": 2, "fn": 3, "tn": 4}
    read = parse_tally(["sex"], [cell], Favourable.NEGATIVE)
    assert read.cells[0].counts == Confusion(1, 2, 3, 4)
    assert read.cells[0].counts.n == 10
    assert read.cells[0].counts.selected == 3
    assert read.labelled


def test_what_is_written_is_read_back() -> None:
    labelled = tally(["sex"], [Cell((("sex", None),), Confusion(1, 2, 3, 4))], Favourable.POSITIVE)
    plain = parse_tally(["sex"], [WOMEN], Favourable.POSITIVE)
    for one in (labelled, plain):
        assert parse_tally(one.attributes, format_cells(one), one.favourable) == one
    assert format_cells(labelled) == [
        {"group": {"sex": None}, "n": 10, "selected": 3, "tp": 1, "fp": 2, "fn": 3, "tn": 4}
    ]
    assert format_cells(plain) == [WOMEN]


def test_cells_are_sorted_by_group_with_the_unknown_last_whatever_the_order_given() -> None:
    values = [None, "b", "a"]
    cells = [Cell((("y", "v"), ("x", value)), Selected(1, 0)) for value in values]
    one = tally(["x", "y"], cells, Favourable.POSITIVE)
    other = tally(["x", "y"], cells[::-1], Favourable.POSITIVE)
    assert one == other
    assert [cell.group[0] for cell in one.cells] == [("x", "a"), ("x", "b"), ("x", None)]


@pytest.mark.parametrize(
    ("cell", "pointer"),
    [
        (7, "#/cells/0"),
        ({"n": 1, "selected": 0}, "#/cells/0/group"),
        ({"group": ["F"], "n": 1, "selected": 0}, "#/cells/0/group"),
        ({"group": {"sex": 1}, "n": 1, "selected": 0}, "#/cells/0/group/sex"),
        ({"group": {"a/b~": 1}, "n": 1, "selected": 0}, "#/cells/0/group/a~1b~0"),
        ({"group": {}, "n": 1, "selected": 0}, "#/cells/0/group"),
        ({"group": {"sex": "F", "race": "x"}, "n": 1, "selected": 0}, "#/cells/0/group"),
        ({"group": {"sex": "F"}, "n": 1}, "#/cells/0"),
        ({"group": {"sex": "F"}, "n": 1, "selected": 1, "tp": 1}, "#/cells/0"),
        ({"group": {"sex": "F"}, "n": 1, "selected": 1, "other": 1}, "#/cells/0"),
        ({"group": {"sex": "F"}, "n": 1.0, "selected": 0}, "#/cells/0/n"),
        ({"group": {"sex": "F"}, "n": True, "selected": 0}, "#/cells/0/n"),
        ({"group": {"sex": "F"}, "n": "1", "selected": 0}, "#/cells/0/n"),
        ({"group": {"sex": "F"}, "n": 3, "selected": -1}, "#/cells/0/selected"),
        ({"group": {"sex": "F"}, "n": 2**53, "selected": 0}, "#/cells/0/n"),
        ({"group": {"sex": "F"}, "n": 1, "selected": 2}, "#/cells/0/selected"),
        ({"group": {"sex": "F"}, "tp": -1, "fp": 1, "fn": 1, "tn": 1}, "#/cells/0/tp"),
        (
            {"group": {"sex": "F"}, "n": 9, "selected": 2, "tp": 1, "fp": 1, "fn": 1, "tn": 1},
            "#/cells/0/n",
        ),
        ({"group": {"sex": ""}, "n": 1, "selected": 0}, "#/cells/0/group/sex"),
        ({"group": {"sex": "F" * 201}, "n": 1, "selected": 0}, "#/cells/0/group/sex"),
        ({"group": {"sex": " F"}, "n": 1, "selected": 0}, "#/cells/0/group/sex"),
        ({"group": {"sex": "F\0"}, "n": 1, "selected": 0}, "#/cells/0/group/sex"),
        ({"group": {"sex": "F\u200b"}, "n": 1, "selected": 0}, "#/cells/0/group/sex"),
        ({"group": {"sex": "\ud800"}, "n": 1, "selected": 0}, "#/cells/0/group/sex"),
        ({"group": {"sex": "e\u0301"}, "n": 1, "selected": 0}, "#/cells/0/group/sex"),
    ],
)
def test_a_cell_that_is_no_count_of_a_group_is_refused_at_its_place(
    cell: Json, pointer: str
) -> None:
    assert faults_of([cell]) == [pointer]


def test_a_group_that_stands_there_twice_is_refused() -> None:
    assert faults_of([WOMEN, WOMEN]) == ["#/cells/1/group"]


def test_cells_with_and_without_labels_do_not_mix() -> None:
    men: Json = {"group": {"sex": "M"}, "tp": 1, "fp": 1, "fn": 1, "tn": 1}
    assert faults_of([WOMEN, men]) == ["#/cells"]


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ((), "#/attributes"),
        (("a", "b", "c", "d"), "#/attributes"),
        (("sex", "sex"), "#/attributes"),
        (("sex", " race"), "#/attributes/1"),
    ],
)
def test_attributes_are_one_to_three_different_names(
    attributes: tuple[str, ...], pointer: str
) -> None:
    assert faults_of([], attributes) == [pointer]


@pytest.mark.parametrize("cells", [[], [{"group": {"sex": "F"}, "n": 0, "selected": 0}]])
def test_nobody_counted_is_an_empty_group(cells: list[Json]) -> None:
    with pytest.raises(EmptyGroup):
        parse_tally(["sex"], cells, Favourable.POSITIVE)


def test_a_product_of_over_two_hundred_groups_is_refused_even_if_few_occur() -> None:
    def of(size: int) -> list[Json]:
        return [{"group": {"a": str(i), "b": str(i)}, "n": 1, "selected": 0} for i in range(size)]

    assert parse_tally(["a", "b"], of(14), Favourable.POSITIVE).n == 14
    with pytest.raises(SchemaMismatch) as refused:
        parse_tally(["a", "b"], of(15), Favourable.POSITIVE)
    assert refused.value.faults == (Fault("#/attributes", "at most 200 groups"),)
    assert "15 x 15" in refused.value.detail


def test_an_attribute_that_nobody_has_a_value_for_makes_no_group() -> None:
    cells: list[Json] = [{"group": {"sex": None}, "n": 5, "selected": 1}]
    assert parse_tally(["sex"], cells, Favourable.POSITIVE).n == 5


@pytest.mark.parametrize(
    ("outcome", "positive", "favourable"),
    [
        ("1", None, Favourable.POSITIVE),
        ("0", None, Favourable.NEGATIVE),
        ("good", None, Favourable.POSITIVE),
        ("good", "good", Favourable.POSITIVE),
        ("good", "bad", Favourable.NEGATIVE),
        ("1", "0", Favourable.NEGATIVE),
    ],
)
def test_the_favourable_outcome_is_the_positive_prediction_or_the_other_one(
    outcome: str, positive: str | None, favourable: Favourable
) -> None:
    assert favourable_of(outcome, positive) is favourable
