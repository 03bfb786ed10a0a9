from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.ledger.bundle import Bundle, BundledEntry, encode, format_members
from app.core.ledger.entry import encode as encode_entry
from app.core.ledger.entry import parse
from app.core.ledger.manifest import Manifest, format_manifest, parse_manifest
from app.core.ledger.payload import REDACTED_TYPE, Member
from app.core.ledger.proof_file import format_proof, parse_proof
from app.core.ledger.verdict import Outcome, State
from tests.both import audit_bundle
from tests.core.ledger.sample import (
    ENTRY,
    ORIGIN,
    OTHER_KEY,
    OTHER_VERIFIER,
    VERIFIER,
    SampleLog,
    sample_log,
    sealed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.core.ledger.entry import Entry
    from app.core.ledger.verdict import Report

SCHEMA = b"the schema of every entry"


def bundle_of(
    log: SampleLog,
    indexes: tuple[int, ...],
    files: Mapping[str, bytes] | None = None,
    unproven: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    entries = tuple(
        BundledEntry(log.raws[index], log.proof(index), log.members[index]) for index in indexes
    )
    vkeys = (VERIFIER.vkey(), "not a key")
    return encode(
        Bundle(ORIGIN, "test", "", log.checkpoint(), vkeys, entries, files or {}, unproven or {})
    )


def relisted(files: Mapping[str, bytes], origin: str = ORIGIN) -> dict[str, bytes]:
    """The same files under a manifest that lists them as they are now."""
    listed = {
        name: (hashlib.sha256(raw).hexdigest(), len(raw))
        for name, raw in files.items()
        if name != "manifest.json"
    }
    return {**files, "manifest.json": format_manifest(Manifest(origin, "test", "", listed))}


def failed(report: Report) -> list[str]:
    return [check.title for check in report.checks if check.state is State.FAILED]


LOG = sample_log(9)
FILES = bundle_of(LOG, (2, 3, 7), {"report.bin": b"file 3"}, {"note.txt": b"hello"})
ENTRY_3, PROOF_3 = "entries/000000000003.json", "entries/000000000003.tlog-proof"
MEMBERS_3 = "members/000000000003.json"


def audit(files: Mapping[str, bytes]) -> Report:
    return audit_bundle(files, [VERIFIER])


def test_an_untouched_bundle_is_valid() -> None:
    report = audit(FILES)
    assert report.outcome is Outcome.VALID
    assert report.bottom_line == (
        "VALID: 3 entries are in the signed log log.example/a of 9 entries"
    )
    assert [(check.number, check.title) for check in report.checks] == [
        (1, "Files"),
        (2, "Checkpoint"),
        (3, "Entries"),
        (4, "Inclusion"),
        (5, "Order"),
        (6, "Data"),
        (7, "Withheld"),
        (8, "Attached files"),
        (9, "Completeness"),
        (10, "Witnesses"),
        (11, "Timestamps"),
    ]
    assert {check.state for check in report.checks[:8]} == {State.PASSED}
    assert {check.state for check in report.checks[8:]} == {State.NOT_CHECKED}
    assert report.checks[5].meaning == "the data of 3 entries is what they commit to"
    assert report.checks[7].meaning == (
        "named by a proven entry: files/report.bin (entry 3, member digest);"
        " vouched for by nobody: 1 under unproven/"
    )


def test_without_a_trusted_key_every_check_runs_and_nothing_is_proven() -> None:
    report = audit_bundle(FILES, [])
    assert report.outcome is Outcome.MISSING
    assert failed(report) == ["Checkpoint"]
    assert report.bottom_line.startswith("NOT PROVEN: key not trusted: ")
    forged = {**FILES, "log/checkpoint": LOG.checkpoint(key=OTHER_KEY)}
    assert audit_bundle(forged, []).outcome is Outcome.BAD_SIGNATURE


def test_a_bundle_signed_by_another_key_has_a_wrong_signature() -> None:
    report = audit_bundle(FILES, [OTHER_VERIFIER])
    assert report.outcome is Outcome.BAD_SIGNATURE
    assert failed(report) == ["Checkpoint"]


@pytest.mark.parametrize(
    ("name", "outcome", "line"),
    [
        ("manifest.json", Outcome.MISSING, "manifest.json: the bundle does not have it"),
        ("README.md", Outcome.MISSING, "README.md: the bundle does not have it"),
        ("log/checkpoint", Outcome.MISSING, "log/checkpoint: the bundle does not have it"),
        ("log/vkeys", Outcome.MISSING, "log/vkeys: the bundle does not have it"),
        (ENTRY_3, Outcome.MISSING, f"{ENTRY_3}: the bundle does not have it"),
        (PROOF_3, Outcome.MISSING, f"{PROOF_3}: the bundle does not have it"),
        (MEMBERS_3, Outcome.MISSING, f"{MEMBERS_3}: the bundle does not have it"),
        ("files/report.bin", Outcome.MISSING, "files/report.bin: the bundle does not have it"),
        ("unproven/note.txt", Outcome.MISSING, "unproven/note.txt: the bundle does not have it"),
    ],
)
def test_a_missing_file_is_named(name: str, outcome: Outcome, line: str) -> None:
    files = {**FILES}
    del files[name]
    report = audit(files)
    assert report.outcome is outcome
    assert report.bottom_line == f"NOT PROVEN: {line}"


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_flipped_byte_in_any_file_is_told(name: str) -> None:
    raw = FILES[name]
    for place in {*range(0, len(raw), 97), len(raw) - 1}:
        flipped = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        report = audit({**FILES, name: flipped})
        signature = Outcome.BAD_SIGNATURE if name == "log/checkpoint" else Outcome.ALTERED
        assert report.outcome is signature
        findings = [finding for check in report.checks for finding in check.findings]
        assert name in {finding.file for finding in findings}


def test_a_file_that_the_manifest_does_not_list_is_told() -> None:
    for name in ("files/more.bin", "../more", "members/000000000002.txt"):
        report = audit({**FILES, name: b"file 2"})
        assert report.bottom_line == (
            f"ALTERED: {name}: the manifest does not list it, or no bundle holds such a file"
        )
    listed = relisted({**FILES, "other/name": b""})
    assert failed(audit(listed)) == ["Files"]


def test_a_manifest_that_lists_itself_changes_nothing() -> None:
    listed = parse_manifest(FILES["manifest.json"])
    itself = replace(listed, files={**listed.files, "manifest.json": ("0" * 64, 0)})
    report = audit({**FILES, "manifest.json": format_manifest(itself)})
    assert report.outcome is Outcome.VALID


def test_a_manifest_of_another_log_is_told() -> None:
    report = audit(relisted(FILES, origin="log.example/b"))
    assert report.bottom_line == ("ALTERED: manifest.json: it says it is of the log log.example/b")


def test_the_readme_cannot_say_other_words() -> None:
    report = audit(relisted({**FILES, "README.md": b"Trust me.\n"}))
    assert report.bottom_line == ("ALTERED: README.md: its words are not those of every bundle")


def swapped(change: Callable[[Entry], Entry]) -> dict[str, bytes]:
    return relisted({**FILES, ENTRY_3: encode_entry(change(parse(LOG.raws[3])))})


def test_an_altered_entry_is_not_proven() -> None:
    report = audit(swapped(lambda entry: replace(entry, source="cli")))
    assert failed(report) == ["Inclusion", "Attached files"]
    assert report.bottom_line == (
        f"ALTERED: {PROOF_3}, entry 3: the entry is not proven:"
        " the proof for entry 3 of 9 leads to another root"
    )


def test_an_unreadable_entry_is_named() -> None:
    report = audit(relisted({**FILES, ENTRY_3: b"{}"}))
    assert report.bottom_line.startswith(f"ALTERED: {ENTRY_3}, entry 3: the entry has other")
    assert "Entries" in failed(report)


def test_an_entry_under_another_name_or_of_another_log_is_named() -> None:
    report = audit(swapped(lambda entry: replace(entry, index=5)))
    assert "it says it is entry 5" in report.bottom_line
    report = audit(swapped(lambda entry: replace(entry, log="log.example/b")))
    assert "it says it is of the log log.example/b" in report.bottom_line


def test_a_proof_is_of_this_entry_and_this_checkpoint() -> None:
    proof = parse_proof(FILES[PROOF_3])
    for wrong in (
        replace(proof, index=4),
        replace(proof, checkpoint=LOG.checkpoint(5)),
    ):
        report = audit(relisted({**FILES, PROOF_3: format_proof(wrong)}))
        assert report.outcome is Outcome.ALTERED
        assert report.bottom_line == (
            f"ALTERED: {PROOF_3}, entry 3: it is a proof of another entry or checkpoint"
        )
    report = audit(relisted({**FILES, PROOF_3: b"nothing"}))
    assert "the entry is not proven: the proof file has no checkpoint" in report.bottom_line


def test_a_bundle_without_entries_proves_nothing() -> None:
    report = audit(bundle_of(LOG, ()))
    assert report.outcome is Outcome.MISSING
    assert report.bottom_line == ("NOT PROVEN: the bundle holds no entry, so it proves nothing")


def test_an_empty_bundle_proves_nothing() -> None:
    report = audit({})
    assert report.outcome is Outcome.MISSING
    assert report.checks[3].state is State.NOT_CHECKED
    assert report.checks[5].state is State.NOT_CHECKED
    assert report.checks[7].state is State.NOT_CHECKED
    assert report.checks[7].meaning == "none that an entry should name"


def signed_anew(log: SampleLog, index: int, change: Callable[[Entry], Entry]) -> SampleLog:
    """A log whose own writer broke its rules and signed that."""
    log.raws[index] = encode_entry(change(parse(log.raws[index])))
    return log


def test_neighbours_follow_one_another() -> None:
    log = signed_anew(sample_log(9), 3, lambda entry: replace(entry, prev=bytes(32)))
    report = audit(bundle_of(log, (2, 3)))
    assert failed(report) == ["Order"]
    assert report.bottom_line == (
        "ALTERED: entry 3: it does not name the bytes of entry 2 as those before it"
    )
    assert audit(bundle_of(log, (1, 3))).outcome is Outcome.VALID


def test_times_increase_from_entry_to_entry() -> None:
    at = parse(LOG.raws[1]).recorded_at
    log = signed_anew(sample_log(9), 3, lambda entry: replace(entry, recorded_at=at))
    report = audit(bundle_of(log, (1, 3)))
    assert failed(report) == ["Order"]
    assert report.bottom_line == "ALTERED: entry 3: it was recorded no later than entry 1"
    assert audit(bundle_of(log, (0, 3))).outcome is Outcome.VALID


def test_an_altered_member_is_named() -> None:
    digest, owner = LOG.members[3]
    forged = format_members((digest, replace(owner, value=b'"Eve"')))
    report = audit(relisted({**FILES, MEMBERS_3: forged}))
    assert failed(report) == ["Data", "Attached files"]
    assert report.bottom_line == (
        "ALTERED: entry 3, member owner: the value, its salt or its commitment was changed"
    )


def test_an_unreadable_members_file_is_named() -> None:
    report = audit(relisted({**FILES, MEMBERS_3: b"{}"}))
    assert report.bottom_line == f"ALTERED: {MEMBERS_3}, entry 3: a members file is a list"


def test_data_that_is_not_disclosed_is_not_checked() -> None:
    bare = {name: raw for name, raw in FILES.items() if not name.startswith(("members", "files"))}
    report = audit(relisted(bare))
    assert report.outcome is Outcome.VALID
    assert report.checks[5].state is State.NOT_CHECKED
    assert report.checks[5].meaning == "no entry's data is disclosed here"


def test_cells_are_withheld_by_rule() -> None:
    log = sample_log(1)
    index = log.record({"cells": [1, 2], "owner": "Ada"})
    log.erase(index, "cells")
    assert audit(bundle_of(log, (index,))).outcome is Outcome.VALID


def test_any_other_member_is_left_out_only_if_an_entry_here_says_so() -> None:
    log = sample_log(4)
    redaction = log.record({"index": 3, "members": ["owner"]}, REDACTED_TYPE)
    log.erase(3, "owner")
    report = audit(bundle_of(log, (3,)))
    assert report.outcome is Outcome.MISSING
    assert failed(report) == ["Withheld"]
    assert report.bottom_line == (
        "NOT PROVEN: entry 3, member owner: the value is gone and no entry.redacted names it"
    )
    assert audit(bundle_of(log, (3, redaction))).outcome is Outcome.VALID


def test_an_attached_file_that_no_entry_names_is_not_proven() -> None:
    files = bundle_of(LOG, (2, 3), {"report.bin": b"another file"})
    report = audit(files)
    assert report.outcome is Outcome.MISSING
    assert report.bottom_line == (
        "NOT PROVEN: files/report.bin: no entry that is proven here names its digest"
    )


def test_a_schema_is_named_by_its_entry() -> None:
    log = sample_log(1)
    schema = hashlib.sha256(SCHEMA).digest()
    signed_anew(log, 0, lambda entry: replace(entry, schema=schema))
    report = audit(bundle_of(log, (0,), {"schemas/noted.v1.json": SCHEMA}))
    assert report.outcome is Outcome.VALID
    assert report.checks[7].meaning == (
        "named by a proven entry: files/schemas/noted.v1.json (entry 0, schema)"
    )


def test_a_digest_counts_with_and_without_its_algorithm() -> None:
    log = SampleLog([], [], {})
    digest = hashlib.sha256(b"file").hexdigest()
    log.record({"nested": {"deep": ["x", digest]}})
    log.record({"nested": [f"sha256:{digest}"]})
    log.record({"other": f"md5:{digest}", "longer": f"{digest}0"})
    assert audit(bundle_of(log, (0,), {"a": b"file"})).outcome is Outcome.VALID
    assert audit(bundle_of(log, (1,), {"a": b"file"})).outcome is Outcome.VALID
    assert audit(bundle_of(log, (2,), {"a": b"file"})).outcome is Outcome.MISSING


def test_an_entry_that_is_not_proven_vouches_for_nothing() -> None:
    forged = swapped(lambda entry: replace(entry, source="cli"))
    assert "Attached files" in failed(audit(forged))


def test_members_of_an_entry_may_all_be_closed() -> None:
    log = SampleLog([], [], {})
    log.record({"cells": 1})
    log.erase(0, "cells")
    assert log.members[0] == (Member("cells", sealed(0, "cells", 1).commitment),)
    assert audit(bundle_of(log, (0,))).outcome is Outcome.VALID
    assert ENTRY.log == ORIGIN
