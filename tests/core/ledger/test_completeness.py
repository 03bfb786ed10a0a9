"""A list that claims to be complete, and every entry that can be left out of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Malformed, Refusal
from app.core.ledger import inclusion
from app.core.ledger.bundle import Bundle, BundledEntry, decode, encode
from app.core.ledger.completeness import Complete, format_claims, left_out, parse_claims
from app.core.ledger.entry import parse
from app.core.ledger.merkle import leaf_hash
from app.core.ledger.proof_file import ProofFile, format_proof
from app.core.ledger.verdict import Outcome, State
from tests.both import audit_bundle
from tests.core.ledger.sample import ORIGIN, VERIFIER, SampleLog, tile_reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.core.ledger.entry import Entry

SIZE = 200
KIND = "promotion.decided.v1"


@cache
def log() -> SampleLog:
    """Three subjects in turn; every fifth entry is a promotion, the last at 195."""
    made = SampleLog([], [], {})
    for index in range(SIZE):
        made.record({"n": index}, KIND if index % 5 == 0 else "model.noted.v1")
    return made


def entries(chosen: Iterable[int]) -> Mapping[int, Entry]:
    return {index: parse(log().raws[index]) for index in chosen}


def found(claim: Complete, chosen: Iterable[int]) -> list[tuple[int | None, str]]:
    return [(one.index, one.detail) for one in left_out(claim, entries(chosen), SIZE)]


@cache
def bundled(index: int) -> BundledEntry:
    proof = inclusion.prove(index, SIZE, tile_reader([leaf_hash(raw) for raw in log().raws]))
    return BundledEntry(log().raws[index], format_proof(ProofFile(index, tuple(proof), note())))


@cache
def note() -> bytes:
    return log().checkpoint()


def bundle(chosen: Iterable[int], claims: Sequence[Complete]) -> dict[str, bytes]:
    made = tuple(bundled(index) for index in sorted(chosen))
    vkeys = (VERIFIER.vkey(),)
    return encode(Bundle(ORIGIN, "list", "", note(), vkeys, made, complete=tuple(claims)))


ALL = Complete(f"type:{KIND}", 0, SIZE)
EARLY = Complete(f"type:{KIND}", 0, 104)
LATE = Complete(f"type:{KIND}", 101, SIZE)
SUBJECT = Complete("subject:model/m1", 0, SIZE)
CASES: dict[str, tuple[Complete, list[int]]] = {
    # The tail shows that 195 is the last one.
    "all of a type": (ALL, [*range(0, SIZE, 5), *range(196, SIZE)]),
    # 105 is the next one, and names 100.
    "a type's beginning": (EARLY, [*range(0, 101, 5), 105]),
    "a type's end": (LATE, [*range(105, SIZE, 5), *range(196, SIZE)]),
    "a subject": (SUBJECT, [*range(1, SIZE, 3)]),
    "none in the range": (Complete(f"type:{KIND}", 101, 105), [105]),
    "an empty range": (Complete(f"type:{KIND}", 7, 7), []),
    "the whole log": (Complete("type:no.such.v1", 0, SIZE), [*range(SIZE)]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_complete_list_leaves_nothing_out(name: str) -> None:
    claim, chosen = CASES[name]
    assert found(claim, chosen) == []


@pytest.mark.parametrize("name", CASES)
def test_leaving_out_any_one_entry_is_named(name: str) -> None:
    claim, chosen = CASES[name]
    for gone in chosen:
        named = found(claim, [index for index in chosen if index != gone])
        inside = claim.first <= gone < claim.end
        assert named, gone
        if inside:
            assert gone in [index for index, _ in named], (gone, named)


def test_leaving_out_any_one_of_200_is_named_by_the_verifier_of_bundles() -> None:
    claim = Complete("subject:model/m1", 0, SIZE)
    whole = bundle(range(SIZE), [claim, ALL])
    assert audit_bundle(whole, [VERIFIER]).outcome is Outcome.VALID
    for gone in range(SIZE):
        files = bundle([index for index in range(SIZE) if index != gone], [claim, ALL])
        report = audit_bundle(files, [VERIFIER])
        check = report.checks[8]
        ours = gone % 3 == 1 or gone % 5 == 0 or gone > 195
        assert (check.state is State.FAILED) == ours, gone
        if ours:
            assert report.outcome is Outcome.MISSING
            assert gone in [finding.index for finding in check.findings]


def test_an_entry_left_out_in_the_middle_is_named_by_the_one_after_it() -> None:
    claim, chosen = CASES["all of a type"]
    assert found(claim, [index for index in chosen if index != 50]) == [
        (50, f"it is left out, and entry 55 names it as the one before it of type:{KIND}")
    ]


def test_an_end_that_nothing_closes_is_not_complete() -> None:
    assert found(replace(EARLY, end=101), range(0, 101, 5)) == []
    assert found(EARLY, range(0, 101, 5)) == [
        (index, f"it is not here, so whether it is of type:{KIND} is not known")
        for index in (101, 102, 103)
    ]
    assert len(found(ALL, range(0, SIZE, 5))) == 4


def test_a_claim_beyond_the_log_is_not_proven() -> None:
    assert found(replace(ALL, end=SIZE + 1), range(SIZE)) == [
        (None, f"type:{KIND} is said to be complete to 201; the log has 200 entries")
    ]


def test_entries_that_are_not_proven_close_nothing() -> None:
    claim, chosen = CASES["a type's beginning"]
    files = bundle(chosen, [claim])
    assert audit_bundle(files, [VERIFIER]).checks[8].state is State.PASSED
    files[f"entries/{105:012d}.tlog-proof"] = files[f"entries/{100:012d}.tlog-proof"]
    assert audit_bundle(files, [VERIFIER]).checks[8].state is State.FAILED


def test_a_bundle_without_a_claim_is_not_checked_for_gaps() -> None:
    report = audit_bundle(bundle([3], []), [VERIFIER])
    assert report.checks[8].state is State.NOT_CHECKED
    assert report.outcome is Outcome.VALID


def test_a_bundle_without_a_checkpoint_has_no_end() -> None:
    files = bundle(range(SIZE), [ALL])
    del files["log/checkpoint"]
    assert audit_bundle(files, [VERIFIER]).checks[8].state is State.NOT_CHECKED


def test_a_claim_that_cannot_be_read_is_an_alteration() -> None:
    files = bundle([3], [ALL]) | {"complete.json": b"{}"}
    check = audit_bundle(files, [VERIFIER]).checks[8]
    assert [finding.outcome for finding in check.findings] == [Outcome.ALTERED]
    with pytest.raises(Malformed):
        decode(files)


def test_claims_are_written_and_read() -> None:
    raw = format_claims([ALL, SUBJECT])
    assert raw == (
        b'[{"from":0,"key":"type:promotion.decided.v1","to":200},'
        b'{"from":0,"key":"subject:model/m1","to":200}]'
    )
    assert parse_claims(raw) == (ALL, SUBJECT)
    assert decode(bundle([3], [ALL, SUBJECT])).complete == (ALL, SUBJECT)
    assert decode(bundle([3], [])).complete == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[1]",
        b"[{}]",
        b'[{"from":0,"key":"type:a","to":1,"x":1}]',
        b'[{"from":0,"key":"type:","to":1}]',
        b'[{"from":0,"key":"subject:","to":1}]',
        b'[{"from":0,"key":"a","to":1}]',
        b'[{"from":2,"key":"type:a","to":1}]',
        b'[{"from":-1,"key":"type:a","to":1}]',
        b'[{"from":0,"key":"type:a","to":9007199254740992}]',
        b'[{"from":false,"key":"type:a","to":1}]',
        b'[{"from":0, "key":"type:a","to":1}]',
        b"[" + b",".join([b'{"from":0,"key":"type:a","to":1}'] * 1001) + b"]",
    ],
)
def test_what_is_no_claim_is_refused(raw: bytes) -> None:
    with pytest.raises(Refusal):
        parse_claims(raw)
