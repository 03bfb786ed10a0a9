"""Numbers are rounded half-even for the eye and kept exactly beside."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.report.numbers import (
    decimal,
    interval,
    measured,
    moment,
    plural,
    quotient,
    rounded,
    timestamp,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 3), "0.3333"),
        (Fraction(1, 20000), "0.0000"),
        (Fraction(3, 20000), "0.0002"),
        (Fraction(-1, 2), "-0.5000"),
        (Fraction(12345, 10), "1234.5000"),
    ],
)
def test_a_tie_goes_to_the_even_digit(value: Fraction, text: str) -> None:
    assert decimal(value) == text


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_quotient_is_silently_zero(numerator: int, denominator: int) -> None:
    cell = quotient(numerator, denominator)
    if denominator == 0:
        assert (cell.text, cell.exact) == ("not defined", None)
    else:
        assert abs(Fraction(cell.text) - Fraction(numerator, denominator)) <= Fraction(1, 20000)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("0.78125", "0.7812"), ("3", "3"), ("yes", "yes"), ("1e-3", "0.0010"), ("1/0", "1/0")],
)
def test_words_and_whole_numbers_stay_as_they_are(text: str, shown: str) -> None:
    assert rounded(text) == shown


def test_what_is_unknown_is_said_to_be() -> None:
    assert measured(None).text == "not defined"
    assert interval(None, None).text == "not defined"
    assert interval(None, "0.5").text == "unbounded to 0.5000"


def test_times_are_read_in_utc() -> None:
    time = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert moment(time) == "2026-02-28 23:30:00 UTC"
    assert timestamp(time) == "2026-02-28T23:30:00.000000Z"


def test_one_is_not_many() -> None:
    assert [plural(0, "rule"), plural(1, "rule"), plural(1200, "entry", "entries")] == [
        "0 rules",
        "1 rule",
        "1,200 entries",
    ]
