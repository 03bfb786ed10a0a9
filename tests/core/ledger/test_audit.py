from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.ledger import consistency
from app.core.ledger.audit import LoggedEntry, audit_checkpoint, audit_log
from app.core.ledger.canonical import canonical
from app.core.ledger.checkpoint import Checkpoint
from app.core.ledger.commitment import data_root
from app.core.ledger.entry import DataCommitment, encode, parse
from app.core.ledger.merkle import leaf_hash, root
from app.core.ledger.note import Verifier, sign_note
from app.core.ledger.payload import Member
from app.core.ledger.verdict import Outcome, State
from tests.core.ledger.sample import (
    ENTRY,
    KEY,
    ORIGIN,
    OTHER_KEY,
    OTHER_VERIFIER,
    STARTED_AT,
    VERIFIER,
    SampleLog,
    sample_log,
    sealed,
    tile_reader,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from app.core.ledger.entry import Entry
    from app.core.ledger.verdict import Finding, Report

SIZE = 20


def findings(report: Report) -> list[Finding]:
    return [finding for check in report.checks for finding in check.findings]


def failed(report: Report) -> list[str]:
    return [check.title for check in report.checks if check.state is State.FAILED]


def places(report: Report, title: str) -> list[tuple[int | None, str | None, str]]:
    (check,) = (check for check in report.checks if check.title == title)
    return [(finding.index, finding.member, finding.kind) for finding in check.findings]


def audit(
    log: SampleLog,
    *,
    entries: Iterable[LoggedEntry] | None = None,
    checkpoint: bytes | None = None,
    saved: Sequence[bytes] = (),
    trusted: Sequence[Verifier] = (VERIFIER,),
) -> Report:
    return audit_log(
        log.logged() if entries is None else entries,
        log.checkpoint() if checkpoint is None else checkpoint,
        trusted,
        saved=saved,
    )


def altered(log: SampleLog, index: int, change: Callable[[Entry], Entry]) -> list[LoggedEntry]:
    """The log with one entry replaced by another well-formed one."""
    entries = log.logged()
    raw = encode(change(parse(entries[index].raw)))
    entries[index] = replace(entries[index], raw=raw)
    return entries


@pytest.mark.parametrize("size", [0, 1, 2, 20, 255, 256, 257, 600])
def test_an_untouched_log_is_valid(size: int) -> None:
    log = sample_log(size)
    report = audit(log, saved=[log.checkpoint(0), log.checkpoint(size // 2), log.checkpoint()])
    assert report.outcome is Outcome.VALID
    assert findings(report) == []
    assert [check.number for check in report.checks] == list(range(1, 10))
    assert report.bottom_line == (
        f"VALID: log.example/a has {size} entries, and its entries are those that were signed"
    )


def test_checks_that_could_not_be_made_are_said() -> None:
    log = sample_log(3)
    bare = [replace(logged, members=None) for logged in log.logged()]
    report = audit(log, entries=bare)
    assert report.outcome is Outcome.VALID
    assert [check.title for check in report.checks if check.state is State.NOT_CHECKED] == [
        "Earlier checkpoint",
        "Data",
        "Erasures",
    ]
    assert {check.meaning for check in report.checks[-2:]} == {"the events' data was not handed in"}
    assert "saved elsewhere" in report.checks[1].meaning


def test_entries_after_the_checkpoint_are_counted_and_not_proven() -> None:
    log = sample_log(5)
    report = audit(log, checkpoint=log.checkpoint(3))
    assert report.outcome is Outcome.VALID
    assert report.checks[6].meaning == (
        "the first 3 entries have the root that was signed; 2 later ones are not proven by it"
    )
    assert audit(log).checks[6].meaning == "the first 5 entries have the root that was signed"


def through_the_client(entry: Entry) -> Entry:
    """A change that only the chain and the tree can tell."""
    return replace(entry, source="cli")


def other_prev(entry: Entry) -> Entry:
    return replace(entry, prev=bytes(32))


CHANGES: dict[str, Callable[[Entry], Entry]] = {
    "subject": lambda entry: replace(entry, subject="model/x"),
    "type": lambda entry: replace(entry, type="model.other.v1"),
    "id": lambda entry: replace(entry, id="0190b5a0-0000-7000-9000-000000000000"),
    "source": through_the_client,
    "occurred_at": lambda entry: replace(entry, occurred_at=STARTED_AT),
    "recorded_at": lambda entry: replace(
        entry, recorded_at=entry.recorded_at + timedelta(microseconds=1)
    ),
    "actor": lambda entry: replace(entry, actor=replace(entry.actor, id="user/other")),
    "schema": lambda entry: replace(entry, schema=bytes(32)),
    "idem": lambda entry: replace(entry, idem=bytes(32)),
    "log": lambda entry: replace(entry, log="log.example/b"),
}


@pytest.mark.parametrize("member", CHANGES)
@pytest.mark.parametrize("index", [1, 7, SIZE - 1])
def test_an_altered_entry_is_named(member: str, index: int) -> None:
    log = sample_log(SIZE)
    report = audit(log, entries=altered(log, index, CHANGES[member]))
    assert report.outcome is Outcome.ALTERED
    assert "Tree" in failed(report)
    assert report.bottom_line.startswith(f"ALTERED: entry {index}: ")


def test_an_altered_entry_breaks_the_chain_after_it() -> None:
    log = sample_log(SIZE)
    report = audit(log, entries=altered(log, 7, through_the_client))
    assert failed(report) == ["Chain", "Tree"]
    assert report.bottom_line == (
        "ALTERED: entry 7: its bytes are not those that the entry after it names"
    )


def test_an_altered_link_fits_neither_neighbour() -> None:
    log = sample_log(SIZE)
    report = audit(log, entries=altered(log, 7, other_prev))
    assert places(report, "Chain") == [(7, None, "chain")]
    assert report.bottom_line == (
        "ALTERED: entry 7: it fits neither the entry before it nor the one after it"
    )


def test_two_altered_entries_are_both_named() -> None:
    log = sample_log(SIZE)
    entries = altered(log, 4, through_the_client)
    entries[11] = altered(log, 11, through_the_client)[11]
    assert places(audit(log, entries=entries), "Chain") == [
        (4, None, "chain"),
        (11, None, "chain"),
    ]


def test_at_the_end_of_the_log_entry_and_link_look_alike() -> None:
    log = sample_log(SIZE)
    for index, change in (
        (SIZE - 2, through_the_client),
        (SIZE - 1, other_prev),
    ):
        report = audit(log, entries=altered(log, index, change))
        assert report.bottom_line == (
            f"ALTERED: entry {SIZE - 2}: its bytes are not those that entry {SIZE - 1} names,"
            " or that one's prev"
        )


def test_the_last_entry_is_held_by_the_root_alone() -> None:
    log = sample_log(SIZE)
    report = audit(log, entries=altered(log, SIZE - 1, through_the_client))
    assert failed(report) == ["Tree"]
    assert report.bottom_line == (
        f"ALTERED: entry {SIZE - 1}: the first {SIZE} entries are not those that were signed"
    )


def test_a_first_entry_of_another_origin_does_not_begin_this_log() -> None:
    log = sample_log(2)
    report = audit(log, entries=altered(log, 0, other_prev))
    assert places(report, "Chain") == [(0, None, "chain")]
    single = sample_log(1)
    entries = altered(single, 0, other_prev)
    assert audit(single, entries=entries).bottom_line == (
        "ALTERED: entry 0: it does not begin this log: its prev is another origin's"
    )


@pytest.mark.parametrize("flip", [0, 40, 300, 500])
def test_a_flipped_byte_is_located(flip: int) -> None:
    log = sample_log(SIZE)
    entries = log.logged()
    raw = bytearray(entries[7].raw)
    raw[flip] ^= 1
    entries[7] = replace(entries[7], raw=bytes(raw))
    report = audit(log, entries=entries)
    assert report.outcome is Outcome.ALTERED
    assert report.bottom_line.startswith("ALTERED: entry 7: ")


def test_an_entry_that_says_another_index_is_named() -> None:
    log = sample_log(SIZE)
    report = audit(log, entries=altered(log, 7, lambda entry: replace(entry, index=8)))
    assert (7, None, "entry") in places(report, "Entries")
    assert "it says it is entry 8" in report.bottom_line


def test_a_missing_entry_is_named() -> None:
    log = sample_log(SIZE)
    entries = log.logged()
    del entries[7]
    report = audit(log, entries=entries)
    assert report.bottom_line == "ALTERED: entry 7: it is not there, later ones are"
    assert places(report, "Chain") == []
    del entries[7]
    report = audit(log, entries=entries)
    assert report.bottom_line == ("ALTERED: entry 7: entries 7 to 8 are not there, later ones are")


def test_an_entry_that_is_there_twice_is_named() -> None:
    log = sample_log(SIZE)
    entries = log.logged()
    entries.insert(8, entries[7])
    report = audit(log, entries=entries)
    assert failed(report) == ["Entries"]
    assert report.bottom_line == "ALTERED: entry 7: the entry is there twice or out of order"


def test_left_out_heads_are_named() -> None:
    log = sample_log(SIZE)
    for name in ("subject", "type"):
        document = json.loads(log.raws[9]) | {f"{name}_prev": 3}
        entries = log.logged()
        entries[9] = replace(entries[9], raw=canonical(document))
        report = audit(log, entries=entries)
        assert places(report, "Heads") == [(9, None, "head")]
        before = 6 if name == "subject" else 8
        assert report.checks[4].findings[0].detail == (
            f"it names entry 3 as the one before it of its {name}; it is {before}"
        )


def recorded_after(before: datetime, microseconds: int) -> Callable[[Entry], Entry]:
    at = before + timedelta(microseconds=microseconds)
    return lambda entry: replace(entry, recorded_at=at)


def test_times_must_increase() -> None:
    log = sample_log(SIZE)
    before = parse(log.raws[8]).recorded_at
    same = altered(log, 9, recorded_after(before, 0))
    assert places(audit(log, entries=same), "Times") == [(9, None, "time")]
    later = altered(log, 9, recorded_after(before, 1))
    assert places(audit(log, entries=later), "Times") == []


def test_a_cut_log_is_truncated() -> None:
    log = sample_log(SIZE)
    report = audit(log, entries=log.logged()[:18])
    assert report.outcome is Outcome.TRUNCATED
    assert failed(report) == ["Tree"]
    assert report.bottom_line == (
        "TRUNCATED OR ROLLED BACK: entry 18: the log ends after 18 entries, 20 were signed"
    )


def test_a_log_rolled_back_with_its_checkpoint_is_told_by_a_saved_one() -> None:
    log = sample_log(SIZE)
    old = log.checkpoint(18)
    assert audit(log, entries=log.logged()[:18], checkpoint=old).outcome is Outcome.VALID
    report = audit(log, entries=log.logged()[:18], checkpoint=old, saved=[log.checkpoint()])
    assert report.outcome is Outcome.TRUNCATED
    assert report.bottom_line == (
        "TRUNCATED OR ROLLED BACK: the log had 20 entries and now says 18"
    )


def rewritten(size: int) -> SampleLog:
    """Another history under the same name."""
    log = SampleLog([], [], {})
    for index in range(size):
        log.record({"owner": f"Eve {index}"})
    return log


def test_a_log_rewritten_with_its_own_key_is_told_by_a_saved_checkpoint() -> None:
    forged = rewritten(SIZE)
    assert audit(forged).outcome is Outcome.VALID
    for size in (SIZE - 5, SIZE):
        report = audit(forged, saved=[sample_log(SIZE).checkpoint(size)])
        assert report.outcome is Outcome.FORKED
        assert failed(report) == ["Earlier checkpoint"]
        assert report.bottom_line == (
            f"FORKED: the log's first {size} entries are not those of the saved checkpoint"
        )


def test_a_log_rewritten_with_another_key_has_a_wrong_signature() -> None:
    forged = rewritten(SIZE)
    report = audit(forged, checkpoint=forged.checkpoint(key=OTHER_KEY))
    assert report.outcome is Outcome.BAD_SIGNATURE
    assert failed(report) == ["Checkpoint"]
    assert report.bottom_line == "BAD SIGNATURE OR KEY: no trusted key signed the note"


def test_entries_that_differ_from_both_checkpoints_are_altered_not_forked() -> None:
    log = sample_log(SIZE)
    report = audit(log, entries=altered(log, 2, through_the_client), saved=[log.checkpoint(10)])
    assert report.outcome is Outcome.ALTERED
    assert "Earlier checkpoint" not in failed(report)


def test_a_saved_checkpoint_of_another_log_proves_nothing() -> None:
    log = sample_log(3)
    other = Verifier("log.example/b", VERIFIER.public)
    saved = sign_note(Checkpoint("log.example/b", 1, bytes(32)).text(), [(other, KEY.sign)])
    report = audit(log, saved=[saved], trusted=[VERIFIER, other])
    assert report.outcome is Outcome.MISSING
    assert report.bottom_line == (
        "NOT PROVEN: the saved checkpoint is of another log, log.example/b"
    )


def test_without_a_trusted_key_every_check_runs_and_nothing_is_proven() -> None:
    log = sample_log(SIZE)
    report = audit(log, trusted=[])
    assert report.outcome is Outcome.MISSING
    assert failed(report) == ["Checkpoint"]
    assert report.bottom_line.startswith("NOT PROVEN: key not trusted: ")
    assert (
        audit(log, trusted=[], entries=altered(log, 7, through_the_client)).outcome
        is Outcome.ALTERED
    )
    assert audit(log, trusted=[], entries=log.logged()[:3]).outcome is Outcome.TRUNCATED
    forged = rewritten(SIZE)
    assert audit(forged, trusted=[], saved=[log.checkpoint()]).outcome is Outcome.ALTERED


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        (b"", "the checkpoint cannot be read: the note has no signatures after an empty line"),
        (
            sign_note("hello\n", [(VERIFIER, KEY.sign)]),
            "the checkpoint cannot be read: a checkpoint has three lines: origin, size, root",
        ),
        (
            sign_note("hello\n", [(OTHER_VERIFIER, OTHER_KEY.sign)]),
            "no trusted key signed the note",
        ),
    ],
)
def test_an_unreadable_checkpoint_leaves_the_other_checks(checkpoint: bytes, message: str) -> None:
    log = sample_log(SIZE)
    report = audit(log, checkpoint=checkpoint)
    assert report.outcome is Outcome.BAD_SIGNATURE
    assert report.bottom_line == f"BAD SIGNATURE OR KEY: {message}"
    assert report.checks[6].state is State.NOT_CHECKED
    assert failed(report) == ["Checkpoint"]
    with_saved = audit(log, checkpoint=checkpoint, saved=[log.checkpoint(3)])
    assert failed(with_saved) == ["Checkpoint"]
    other = altered(log, 7, CHANGES["log"])
    assert "Entries" in failed(audit(log, checkpoint=checkpoint, entries=other))


def test_a_false_signature_of_a_saved_checkpoint_counts() -> None:
    log = sample_log(SIZE)
    saved = log.checkpoint(10).replace(b"\n10\n", b"\n11\n")
    report = audit(log, saved=[saved])
    assert report.outcome is Outcome.BAD_SIGNATURE
    assert failed(report) == ["Earlier checkpoint"]


def with_members(log: SampleLog, index: int, *members: Member) -> list[LoggedEntry]:
    entries = log.logged()
    entries[index] = replace(entries[index], members=members)
    return entries


def test_an_altered_member_is_named() -> None:
    log = sample_log(SIZE)
    digest, owner = log.members[7]
    for wrong in (
        replace(owner, value=b'"Eve 7"'),
        replace(owner, salt=bytes(32)),
        replace(owner, salt=b""),
        replace(owner, commitment=bytes(32)),
    ):
        report = audit(log, entries=with_members(log, 7, digest, wrong))
        assert report.outcome is Outcome.ALTERED
        assert failed(report) == ["Data"]
        assert report.bottom_line == (
            "ALTERED: entry 7, member owner: the value, its salt or its commitment was changed"
        )


@pytest.mark.parametrize("half", ["salt", "value"])
def test_half_a_member_is_altered(half: str) -> None:
    log = sample_log(SIZE)
    digest, owner = log.members[7]
    kept = {half: getattr(owner, half)}
    wrong = Member(owner.name, owner.commitment, **kept)
    report = audit(log, entries=with_members(log, 7, digest, wrong))
    assert (7, "owner", "member") in places(report, "Data")
    assert "only one of value and salt is kept" in report.checks[7].findings[0].detail


def test_members_that_are_missing_added_or_swapped_are_told() -> None:
    log = sample_log(SIZE)
    digest, owner = log.members[7]
    for members in ((digest,), (), (digest, owner, sealed(7, "more", 1)), (digest, digest)):
        report = audit(log, entries=with_members(log, 7, *members))
        assert places(report, "Data") == [(7, None, "members")]
        assert report.checks[7].findings[0].detail == (
            f"{len(members)} members are kept, 2 were committed to"
        )
    swapped = with_members(log, 7, digest, sealed(7, "owner", "Eve"))
    report = audit(log, entries=swapped)
    assert report.bottom_line == (
        "ALTERED: entry 7: the members are not those that the entry commits to"
    )


@pytest.mark.parametrize("wrong", [-1, 1])
@pytest.mark.parametrize("names", [(), ("a",), ("é", "b", "c")])
def test_the_size_of_the_data_is_that_of_its_canonical_json(
    wrong: int, names: tuple[str, ...]
) -> None:
    log = SampleLog([], [], {})
    log.record({name: ["x"] for name in names})
    assert audit(log).outcome is Outcome.VALID
    entry = parse(log.raws[0])
    size = entry.data.size + wrong
    log.raws[0] = encode(replace(entry, data=replace(entry.data, size=size)))
    assert places(audit(log), "Data") == [(0, None, "members")]
    assert audit(log).bottom_line == (
        f"ALTERED: entry 0: the data has {size - wrong} bytes, the entry says {size}"
    )


def test_findings_beyond_a_hundred_are_counted() -> None:
    log = sample_log(250)
    entries = [replace(logged, raw=b"x") for logged in log.logged()]
    report = audit(log, entries=entries)
    assert (len(report.checks[2].findings), report.checks[2].more) == (100, 150)


def test_breaks_of_the_chain_beyond_a_hundred_are_not_kept() -> None:
    log = sample_log(400)
    entries = log.logged()
    for index in range(0, 400, 2):
        entries[index] = altered(log, index, through_the_client)[index]
    assert len(audit(log, entries=entries).checks[3].findings) == 100


def test_a_checkpoint_alone_is_checked_by_its_signature() -> None:
    log = sample_log(5)
    report = audit_checkpoint(log.checkpoint(), [VERIFIER])
    assert report.outcome is Outcome.VALID
    assert [check.state for check in report.checks] == [State.PASSED, State.NOT_CHECKED]
    assert report.bottom_line == ("VALID: log.example/a has 5 entries; entries were not looked at")
    assert audit_checkpoint(log.checkpoint(), []).outcome is Outcome.MISSING
    assert audit_checkpoint(log.checkpoint(), [OTHER_VERIFIER]).outcome is Outcome.BAD_SIGNATURE
    assert audit_checkpoint(b"", [VERIFIER]).outcome is Outcome.BAD_SIGNATURE
    assert audit_checkpoint(b"", []).outcome is Outcome.BAD_SIGNATURE


def test_a_checkpoint_is_held_against_a_saved_one() -> None:
    log, forged = sample_log(SIZE), rewritten(SIZE)
    leaves = [leaf_hash(raw) for raw in log.raws]
    proof = consistency.prove(7, SIZE, tile_reader(leaves))
    now, saved = log.checkpoint(), log.checkpoint(7)

    def outcome(raw: bytes, saved: bytes, proof: Sequence[bytes] = ()) -> Outcome:
        return audit_checkpoint(raw, [VERIFIER], saved=saved, proof=proof).outcome

    assert outcome(now, saved, proof) is Outcome.VALID
    assert outcome(now, now) is Outcome.VALID
    assert outcome(now, now, proof) is Outcome.VALID
    assert outcome(saved, now, proof) is Outcome.TRUNCATED
    assert outcome(forged.checkpoint(), saved, proof) is Outcome.FORKED
    assert outcome(now, forged.checkpoint(), proof) is Outcome.FORKED
    assert outcome(now, saved, proof[:-1]) is Outcome.FORKED
    assert outcome(now, b"") is Outcome.BAD_SIGNATURE
    assert outcome(b"", saved) is Outcome.BAD_SIGNATURE
    unproven = audit_checkpoint(forged.checkpoint(), [], saved=now)
    assert unproven.outcome is Outcome.ALTERED


def test_a_data_commitment_of_nothing_is_that_of_the_empty_object() -> None:
    log = SampleLog([], [], {})
    log.record({})
    assert parse(log.raws[0]).data == DataCommitment(data_root({}), 0, 2)
    assert audit(log).outcome is Outcome.VALID
    assert ENTRY.log == ORIGIN


def test_entries_of_another_log_than_the_checkpoints_are_named() -> None:
    origin = "log.example/b"
    verifier = Verifier(origin, VERIFIER.public)
    log = sample_log(3)
    hashes = [leaf_hash(raw) for raw in log.raws]
    note = sign_note(Checkpoint(origin, 3, root(hashes)).text(), [(verifier, KEY.sign)])
    report = audit_log(log.logged(), note, [verifier])
    assert report.outcome is Outcome.ALTERED
    assert report.checks[2].findings[0].sentence() == (
        "entry 0: it says it is of the log log.example/a"
    )
