"""What is gone, and whether an entry says so: the erasures of a whole log."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from app.core.ledger.entry import parse
from app.core.ledger.payload import REDACTED_TYPE
from app.core.ledger.times import format_time
from app.core.ledger.verdict import Outcome
from tests.core.ledger.sample import SampleLog, sample_log
from tests.core.ledger.test_audit import SIZE, audit, failed, places

if TYPE_CHECKING:
    from app.core.jsonvalue import Json


def test_an_erasure_that_no_entry_names_is_told() -> None:
    log = sample_log(SIZE)
    log.erase(7, "owner")
    report = audit(log)
    assert report.outcome is Outcome.ALTERED
    assert failed(report) == ["Erasures"]
    assert places(report, "Erasures") == [(7, "owner", "unlogged erasure")]
    assert report.bottom_line == (
        "ALTERED: entry 7, member owner: the value is gone and no entry.redacted names it"
    )


def test_a_logged_erasure_is_valid() -> None:
    log = sample_log(SIZE)
    log.record({"index": 7, "members": ["owner"]}, REDACTED_TYPE)
    log.erase(7, "owner")
    assert audit(log).outcome is Outcome.VALID


def test_an_erasure_names_its_entry_and_every_member() -> None:
    log = sample_log(SIZE)
    log.record({"index": 7, "members": ["owner", 5]}, REDACTED_TYPE)
    log.record({"index": 6, "members": ["owner"]}, "model.noted.v1")
    log.record({"index": 99, "members": ["owner"]}, REDACTED_TYPE)
    log.record({"index": True, "members": "owner"}, REDACTED_TYPE)
    log.record({"index": "5", "members": ["owner"]}, REDACTED_TYPE)
    for index in (5, 6, 7):
        log.erase(index, "owner")
    log.erase(7, "digest")
    assert places(audit(log), "Erasures") == [
        (5, "owner", "unlogged erasure"),
        (6, "owner", "unlogged erasure"),
        (7, "digest", "unlogged erasure"),
    ]


def test_an_erasure_cannot_be_announced_before() -> None:
    log = SampleLog([], [], {})
    log.record({"index": 1, "members": ["owner"]}, REDACTED_TYPE)
    log.record({"owner": "Ada"})
    log.erase(1, "owner")
    assert places(audit(log), "Erasures") == [(1, "owner", "unlogged erasure")]
    itself = SampleLog([], [], {})
    itself.record({"index": 0, "members": ["owner"], "owner": 1}, REDACTED_TYPE)
    itself.erase(0, "owner")
    assert places(audit(itself), "Erasures") == [(0, "owner", "unlogged erasure")]


def test_an_erased_or_unreadable_announcement_excuses_nothing() -> None:
    log = sample_log(2)
    index = log.record({"index": 1, "members": ["owner"]}, REDACTED_TYPE)
    log.erase(1, "owner")
    log.erase(index, "members")
    assert (1, "owner", "unlogged erasure") in places(audit(log), "Erasures")
    log.members[index] = tuple(replace(member, value=b"{") for member in log.members[index])
    assert (1, "owner", "unlogged erasure") in places(audit(log), "Erasures")


def test_an_erasure_on_record_says_who_when_and_on_which_ground() -> None:
    log = sample_log(SIZE)
    said: dict[str, Json] = {"requested_by": "u-1", "confirmed_by": "u-2", "legal_basis": "Art. 17"}
    by = log.record({"index": 7, "members": ["owner", "digest"], **said}, REDACTED_TYPE)
    log.record({"index": 7, "members": ["licence"]}, REDACTED_TYPE)
    for member in ("owner", "digest"):
        log.erase(7, member)
    at = format_time(parse(log.raws[by]).recorded_at)
    [check] = [one for one in audit(log).checks if one.title == "Erasures"]
    assert check.notes[0] == (
        f"entry 7, owner, digest: erased by entry {by} at {at}, asked for by u-1, "
        "confirmed by u-2; legal basis: Art. 17"
    )
    assert "asked for by ?, confirmed by ?; legal basis: ?" in check.notes[1]
    assert json.dumps(check.notes[0]) in json.dumps(audit(log).document())


def test_a_value_that_is_back_after_its_erasure_is_told() -> None:
    log = sample_log(SIZE)
    by = log.record({"index": 7, "members": ["owner"]}, REDACTED_TYPE)
    report = audit(log)
    assert places(report, "Erasures") == [(7, "owner", "erasure undone")]
    assert report.bottom_line == (
        f"ALTERED: entry 7, member owner: entry {by} says that it was erased, "
        "and its value is there"
    )


def test_erasures_beyond_a_hundred_are_counted() -> None:
    log = sample_log(2)
    log.erase(1, "owner")
    for _ in range(103):
        log.record({"index": 1, "members": ["owner"]}, REDACTED_TYPE)
    [check] = [one for one in audit(log).checks if one.title == "Erasures"]
    assert (len(check.notes), check.notes[-1]) == (101, "and 3 more")
