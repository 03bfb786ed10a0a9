from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.core.errors import Malformed
from app.core.ledger.times import format_time, parse_time


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "2026-01-02T03:04:05.000006Z"),
        (datetime(2026, 12, 31, 23, 59, 59, 999999, UTC), "2026-12-31T23:59:59.999999Z"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00.000000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_has_six_digits_of_a_second_and_z(at: datetime, text: str) -> None:
    assert format_time(at) == text
    assert parse_time(text) == at
    assert parse_time(text).tzinfo is UTC


def test_a_time_of_another_zone_is_written_in_utc() -> None:
    east = datetime(2026, 1, 2, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert format_time(east) == "2026-01-01T23:00:00.000000Z"


def test_a_time_without_a_zone_is_a_bug() -> None:
    with pytest.raises(AssertionError, match=r"^a time without a zone is no time$"):
        format_time(datetime(2026, 1, 2))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.000Z",
        "2026-01-02T03:04:05.0000060Z",
        "2026-01-02T03:04:05.000006",
        "2026-01-02T03:04:05.000006+00:00",
        "2026-01-02t03:04:05.000006z",
        "2026-01-02 03:04:05.000006Z",
        "2026-01-02T03:04:05.000006Z\n",
        "٢026-01-02T03:04:05.000006Z",
    ],
)
def test_a_time_of_another_form_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match=r"^not a time like 2026-01-02T03:04:05\.000006Z: "):
        parse_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "0000-01-02T03:04:05.000006Z",
        "2026-13-02T03:04:05.000006Z",
        "2026-02-30T03:04:05.000006Z",
        "2026-01-02T24:04:05.000006Z",
        "2026-01-02T03:04:60.000006Z",
    ],
)
def test_a_time_that_does_not_exist_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match=rf"^no such time: {text} \("):
        parse_time(text)
