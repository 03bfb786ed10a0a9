from __future__ import annotations

import pytest

from app.core.ledger.verdict import (
    Check,
    Finding,
    Findings,
    Outcome,
    State,
    checked,
    conclude,
    unchecked,
)


def found(*findings: Finding) -> Check:
    collected = Findings()
    collected.extend(findings)
    return checked(1, "Title", "meaning", collected)


def test_a_check_passes_unless_something_was_found() -> None:
    assert found() == Check(1, "Title", State.PASSED, "meaning", (), 0)
    wrong = Finding(Outcome.ALTERED, "entry", "it is wrong", 3)
    assert found(wrong) == Check(1, "Title", State.FAILED, "meaning", (wrong,), 0)


def test_a_hundred_findings_are_kept() -> None:
    wrong = Finding(Outcome.ALTERED, "entry", "it is wrong", 3)
    assert (len(found(*[wrong] * 100).findings), found(*[wrong] * 100).more) == (100, 0)
    assert (len(found(*[wrong] * 103).findings), found(*[wrong] * 103).more) == (100, 3)


@pytest.mark.parametrize(
    ("outcomes", "expected", "words"),
    [
        ([14], 14, "NOT PROVEN"),
        ([14, 10], 10, "ALTERED"),
        ([10, 11, 14], 11, "TRUNCATED OR ROLLED BACK"),
        ([11, 13, 10], 13, "BAD SIGNATURE OR KEY"),
        ([13, 12, 11, 10, 14], 12, "FORKED"),
    ],
)
def test_the_gravest_finding_gives_the_verdict(
    outcomes: list[int], expected: int, words: str
) -> None:
    checks = [found(Finding(Outcome(code), "kind", f"detail {code}")) for code in outcomes]
    report = conclude(checks, "all is well")
    assert report.outcome == expected
    assert report.bottom_line == f"{words}: detail {expected}"
    assert report.checks == tuple(checks)


def test_the_bottom_line_tells_the_most_exact_place() -> None:
    vague = Finding(Outcome.ALTERED, "file", "vague", file="a")
    indexed = Finding(Outcome.ALTERED, "entry", "indexed", 0, file="b")
    exact = Finding(Outcome.ALTERED, "member", "exact", 0, "m")
    also = Finding(Outcome.ALTERED, "member", "also", 1, "m")
    assert conclude([found(vague, indexed, exact, also)], "").bottom_line == (
        "ALTERED: entry 0, member m: exact"
    )
    assert conclude([found(vague, indexed)], "").bottom_line == "ALTERED: b, entry 0: indexed"
    assert conclude([found(vague)], "").bottom_line == "ALTERED: a: vague"


def test_nothing_checked_is_nothing_proven() -> None:
    for checks in ([], [unchecked(1, "Title", "why")]):
        report = conclude(checks, "all is well")
        assert report.outcome is Outcome.MISSING
        assert report.bottom_line == "NOT PROVEN: nothing was checked"
    report = conclude([unchecked(1, "Title", "why"), found()], "all is well")
    assert (report.outcome, report.bottom_line) == (Outcome.VALID, "VALID: all is well")
    assert unchecked(1, "Title", "why") == Check(1, "Title", State.NOT_CHECKED, "why", (), 0)


def test_a_report_is_a_document() -> None:
    wrong = Finding(Outcome.ALTERED, "member", "it is wrong", 3, "owner", "members/3.json")
    assert conclude([found(wrong), unchecked(2, "Other", "why")], "").document() == {
        "outcome": "altered",
        "exit_code": 10,
        "bottom_line": "ALTERED: members/3.json, entry 3, member owner: it is wrong",
        "checks": [
            {
                "number": 1,
                "title": "Title",
                "state": "failed",
                "meaning": "meaning",
                "findings": [
                    {
                        "class": "member",
                        "outcome": "altered",
                        "detail": "it is wrong",
                        "index": 3,
                        "member": "owner",
                        "file": "members/3.json",
                    }
                ],
                "more": 0,
                "notes": [],
            },
            {
                "number": 2,
                "title": "Other",
                "state": "not checked",
                "meaning": "why",
                "findings": [],
                "more": 0,
                "notes": [],
            },
        ],
    }


def test_exit_codes_are_the_published_ones() -> None:
    assert {outcome.name: int(outcome) for outcome in Outcome} == {
        "VALID": 0,
        "ALTERED": 10,
        "TRUNCATED": 11,
        "FORKED": 12,
        "BAD_SIGNATURE": 13,
        "MISSING": 14,
    }
