"""Between JSON and frozen values: what is read, and every refusal with its pointer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from app.core.errors import SchemaMismatch
from app.core.policy import codec
from app.core.policy.document import parse_policy
from app.core.policy.facts import Facts, Subject, facts_from_json, facts_to_json
from app.core.policy.rules import FreshnessRule
from tests.core.policy import worlds

if TYPE_CHECKING:
    from app.core.jsonvalue import Json


def test_facts_are_the_same_after_being_written_and_read() -> None:
    facts = worlds.facts()
    assert facts_from_json(facts_to_json(facts)) == facts
    assert codec.decode(Facts, codec.encode(facts)) == facts


def test_what_is_written_leaves_nothing_out() -> None:
    written = facts_to_json(worlds.facts())
    assert written["transition"] == {"to": "production", "from": "staging"}
    minimal = facts_to_json(
        facts_from_json(
            {
                "subject": {"name": "m", "version": "1", "digest": worlds.MODEL},
                "transition": {"to": "production"},
                "people": {"submitters": []},
                "environments": [],
            }
        )
    )
    assert minimal["subject"] == {
        "name": "m",
        "version": "1",
        "digest": worlds.MODEL,
        "risk_tier": None,
        "team": None,
    }
    assert minimal["lineage"] == {"status": "complete", "ancestors": [], "overlaps": []}


@pytest.mark.parametrize(
    ("path", "value", "pointer", "message"),
    [
        ((), [], "#", "must be an object"),
        (("subject",), "m", "#/subject", "must be an object"),
        (("subject", "name"), 3, "#/subject/name", "must be of type str"),
        (("subject", "digest"), "sha256:" + "A" * 64, "#/subject/digest", "must be sha256:"),
        (("subject", "nickname"), "x", "#/subject/nickname", "is not a known member"),
        (("environments",), "production", "#/environments", "must be an array"),
        (("environments",), [1], "#/environments/0", "must be of type str"),
        (("evidence", 0, "type"), "eval-report/v2", "#/evidence/0", "is of no known kind"),
        (("evidence", 0), 7, "#/evidence/0", "must be an object"),
        (("evidence", 0, "index"), True, "#/evidence/0/index", "must be of type int"),
        (("evidence", 0, "measured_at"), "2026-05-01", "#/evidence/0/measured_at", "a time like"),
        (
            ("evidence", 0, "measured_at"),
            "2026-02-30T00:00:00Z",
            "#/evidence/0/measured_at",
            "a time like",
        ),
        (
            ("evidence", 0, "measured_at"),
            "1969-12-31T23:59:59Z",
            "#/evidence/0/measured_at",
            "a time",
        ),
        (
            ("evidence", 0, "measured_at"),
            "2200-01-01T00:00:00Z",
            "#/evidence/0/measured_at",
            "a time",
        ),
        (
            ("evidence", 0, "measured_at"),
            "2026-05-01T00:00:00+02:00",
            "#/evidence/0/measured_at",
            "a time like",
        ),
        (
            ("evidence", 0, "metrics", 0, "value"),
            "NaN",
            "#/evidence/0/metrics/0/value",
            "must be a number",
        ),
        (
            ("evidence", 0, "metrics", 0, "value"),
            "1e9",
            "#/evidence/0/metrics/0/value",
            "must be a number",
        ),
        (
            ("evidence", 0, "metrics", 0, "value"),
            float("inf"),
            "#/evidence/0/metrics/0/value",
            "must be a number",
        ),
        (
            ("evidence", 0, "metrics", 0, "value"),
            "1000000000000000.1",
            "#/evidence/0/metrics/0/value",
            "must be a number",
        ),
        (
            ("evidence", 0, "metrics", 0, "value"),
            1e16,
            "#/evidence/0/metrics/0/value",
            "must be a number",
        ),
        (
            ("evidence", 0, "metrics", 0, "value"),
            True,
            "#/evidence/0/metrics/0/value",
            "must be a number",
        ),
        (
            ("evidence", 1, "cells", 0, "group"),
            ["F"],
            "#/evidence/1/cells/0/group",
            "must be an object",
        ),
        (("lineage", "status"), "partial", "#/lineage/status", "must be 'complete' or"),
        (("reviews", 0, "meaning"), "blessing", "#/reviews/0/meaning", "must be one of: review"),
        (("reviews", 0, "meaning"), 1, "#/reviews/0/meaning", "must be one of: review"),
    ],
)
def test_what_is_not_as_annotated_is_refused_with_its_pointer(
    path: tuple[str | int, ...], value: object, pointer: str, message: str
) -> None:
    document: Any = codec.encode(worlds.facts())
    if path:
        here = document
        for part in path[:-1]:
            here = here[part]
        here[path[-1]] = value
    else:
        document = value
    with pytest.raises(SchemaMismatch) as refusal:
        facts_from_json(document)
    (fault,) = refusal.value.faults
    assert fault.pointer == pointer
    assert message in fault.message


def test_a_missing_member_is_named() -> None:
    with pytest.raises(SchemaMismatch, match="#/subject: is missing"):
        facts_from_json({})


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("0.7", "0.700000000"),
        ("0.1234567885", "0.123456788"),
        ("0.1234567895", "0.123456790"),
        ("-999999999999999.5", "-999999999999999.500000000"),
    ],
)
def test_measured_numbers_are_written_with_nine_places_half_even(number: str, written: str) -> None:
    assert codec.measured(Decimal(number)) == written


@pytest.mark.parametrize(
    ("given", "exact"), [(0.1, "0.1"), (3, "3"), ("-0.25", "-0.25"), (1e15, "1E+15")]
)
def test_numbers_are_read_as_they_are_written_not_as_floats_are(given: Json, exact: str) -> None:
    assert codec.decode(Decimal, given) == Decimal(exact)


def test_times_are_written_in_utc_with_microseconds() -> None:
    east = timezone(timedelta(hours=2))
    assert codec.instant(datetime(2026, 5, 1, 2, tzinfo=east)) == "2026-05-01T00:00:00.000000Z"
    assert codec.decode(datetime, "2026-05-01T00:00:00.5Z") == datetime(
        2026, 5, 1, 0, 0, 0, 500000, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P30D", timedelta(days=30)),
        ("P2W", timedelta(weeks=2)),
        ("PT36H", timedelta(hours=36)),
        ("P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_durations_have_weeks_days_and_clock_time(text: str, length: timedelta) -> None:
    assert codec.decode(timedelta, text) == length


@pytest.mark.parametrize(
    "text", ["P", "PT", "P0D", "P1Y", "P1M", "30D", "P-1D", "P1.5D", "P36501D", "P9999W", 30]
)
def test_other_durations_are_refused(text: Json) -> None:
    with pytest.raises(SchemaMismatch, match="must be a duration like P30D"):
        codec.decode(timedelta, text)


def test_a_value_inside_a_document_is_refused_by_its_place_there() -> None:
    with pytest.raises(SchemaMismatch, match="#/x/version: is missing"):
        codec.decode(Subject, {"name": 1}, "#/x")


def test_a_rule_of_no_known_kind_is_refused_with_the_kinds_there_are() -> None:
    document = {**worlds.POLICY, "rules": [{"id": "x", "kind": "wish"}]}
    with pytest.raises(SchemaMismatch, match="kind: metric; kind: bias; kind: lineage, query:"):
        parse_policy(document)


def test_a_duration_is_read_where_a_rule_has_one() -> None:
    (rule,) = worlds.policy(worlds.RULES["fresh"]).rules
    assert isinstance(rule, FreshnessRule)
    assert rule.max_age == timedelta(days=20)
