"""Evidence that was changed, tens of thousands of times: no surprise, no hang, no false accept.

Every mutant is read and verified. It may be refused, in the words of ``app.core.errors``; if it
is accepted, it must say what the untouched original says. ``MUNIMENT_SOAK=1`` tries 50,000,
``MUNIMENT_SEED`` other ones.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rfc3161_client import decode_timestamp_response

from app.core.errors import Malformed, Refusal
from app.core.ledger import bundle as layout
from app.core.ledger import consistency, inclusion
from app.core.ledger.audit import LoggedEntry, audit_log
from app.core.ledger.bundle import Bundle, BundledEntry, BundledStamp, encode, parse_members
from app.core.ledger.checkpoint import open_checkpoint, parse_checkpoint
from app.core.ledger.completeness import Complete
from app.core.ledger.cosignature import cosignatures
from app.core.ledger.entry import encode as encode_entry
from app.core.ledger.entry import parse
from app.core.ledger.merkle import leaf_hash, root
from app.core.ledger.note import open_note, parse_note
from app.core.ledger.proof_file import parse_proof
from app.core.ledger.tile import (
    ENTRIES,
    Tile,
    join_entries,
    join_hashes,
    split_entries,
    split_hashes,
)
from app.core.ledger.verdict import Outcome
from app.ledger.stamping import check, request_of
from app.verification.bundles import VERIFIER
from tests.both import audit_bundle
from tests.core.ledger.sample import ORIGIN, sample_log, tile_reader
from tests.core.ledger.sample import VERIFIER as KEY
from tests.core.ledger.test_bundle_audit import relisted
from tests.core.ledger.test_bundle_outside import POLICY, WITNESSES, cosigned
from tests.servers.authority import make_authority
from tests.slices.verification.mutations import BITS, DER, JSON, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from tests.servers.authority import Authority
    from tests.slices.verification.mutations import Change

SEED = int(os.environ.get("MUNIMENT_SEED", "20260101"))
MUTANTS, CONTROLS = (50_000, 2_000) if os.environ.get("MUNIMENT_SOAK") == "1" else (1_500, 1_000)
LONGEST = 1.0
"""Seconds of this thread's own time that one mutant may take; other processes do not count."""

SIZE = 9
LOG = sample_log(SIZE)
LEAVES = [leaf_hash(raw) for raw in LOG.raws]
ROOT = root(LEAVES)


@dataclass(frozen=True)
class Kind:
    """A kind of evidence. ``samples``: good ones. ``read``: parse one, or raise a refusal.

    ``said``: verify one and tell what it says; raises a refusal where it is not accepted.
    ``share``: of all mutants, in hundredths.
    """

    share: int
    samples: list[bytes]
    changes: tuple[Change, ...]
    read: Callable[[bytes], object]
    said: Callable[[bytes], object]


def included(raw: bytes, index: int) -> bytes:
    inclusion.check(leaf_hash(raw), index, SIZE, PROOFS[index], ROOT)
    return raw


PROOFS = [tuple(inclusion.prove(index, SIZE, tile_reader(LEAVES))) for index in range(SIZE)]
GROWTH = tuple(consistency.prove(5, SIZE, tile_reader(LEAVES)))


def entry_said(raw: bytes) -> object:
    """An entry is what it says, written in one way, at a place that is proven."""
    entry = parse(raw)
    assert encode_entry(entry) == raw
    return included(raw, min(entry.index, SIZE - 1))


def proof_said(raw: bytes) -> object:
    """A proof leads from the entry that it names to a signed root."""
    proof = parse_proof(raw)
    checkpoint = open_checkpoint(proof.checkpoint, [KEY])
    leaf = LEAVES[min(proof.index, SIZE - 1)]
    inclusion.check(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return proof.index, proof.hashes, checkpoint


def grown(raw: bytes) -> object:
    hashes = layout.read_hashes(raw)
    consistency.check(5, root(LEAVES[:5]), SIZE, ROOT, hashes)
    return hashes


def tile_said(raw: bytes) -> object:
    """A tile's hashes lead to the signed root."""
    hashes = split_hashes(raw, Tile(0, 0, SIZE))
    assert join_hashes(hashes) == raw
    if root(hashes) != ROOT:
        raise Refusal("the tile leads to another root")
    return hashes


def entries_said(raw: bytes) -> object:
    """A bundle of entries is the log that was signed."""
    entries = split_entries(raw, Tile(ENTRIES, 0, SIZE))
    logged = [LoggedEntry(index, one) for index, one in enumerate(entries)]
    report = audit_log(logged, LOG.checkpoint(), [KEY])
    if report.outcome is not Outcome.VALID:
        raise Refusal(report.bottom_line)
    return entries


def note_said(raw: bytes) -> object:
    return open_note(raw, [KEY]).text


def checkpoint_said(raw: bytes) -> object:
    """A checkpoint is signed, and each cosignature that it has holds."""
    cosigners = {(one.witness, one.at) for one in cosignatures(raw, WITNESSES)}
    assert cosigners <= {(witness, 1_770_000_000) for witness in WITNESSES}
    return open_checkpoint(raw, [KEY])


def kinds(authority: Authority) -> dict[str, Kind]:
    notes = [LOG.checkpoint(size) for size in range(SIZE + 1)]
    text = parse_note(LOG.checkpoint())[0]
    tokens = [authority.answer(request_of(text).as_bytes()) for _ in range(3)]

    def time_said(raw: bytes) -> object:
        return check(raw, text, authority.roots).at

    return {
        "entry": Kind(15, LOG.raws, JSON, parse, entry_said),
        "note": Kind(10, notes, TEXT, parse_note, note_said),
        "checkpoint": Kind(
            10,
            [cosigned((0, 1)), cosigned((2,))],
            TEXT,
            lambda raw: parse_checkpoint(parse_note(raw)[0]),
            checkpoint_said,
        ),
        "proof": Kind(15, [LOG.proof(n) for n in range(SIZE)], TEXT, parse_proof, proof_said),
        "growth": Kind(5, [proof_lines()], TEXT, layout.read_hashes, grown),
        "tile": Kind(
            5,
            [join_hashes(LEAVES)],
            BITS,
            lambda raw: split_hashes(raw, Tile(0, 0, SIZE)),
            tile_said,
        ),
        "entries": Kind(
            10,
            [join_entries(LOG.raws)],
            BITS,
            lambda raw: split_entries(raw, Tile(ENTRIES, 0, SIZE)),
            entries_said,
        ),
        "token": Kind(5, tokens, DER, decoded, time_said),
    }


def decoded(raw: bytes) -> object:
    """Read a token as far as its library can; whom it is of is not looked at."""
    try:
        return decode_timestamp_response(raw).tst_info
    except ValueError as failure:
        raise Malformed(str(failure)) from None


def proof_lines() -> bytes:
    files = encode(Bundle(ORIGIN, "", "", b"", (), (), stamps=(BundledStamp(5, b"", b"", GROWTH),)))
    return files[layout.stamp_name(5, "consistency")]


@dataclass
class Tally:
    """What came of all mutants. ``slowest``: seconds of this thread's time, and which."""

    tried: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)
    controls: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "none")

    def took(self, began: float, which: str) -> None:
        self.slowest = max(self.slowest, (time.thread_time() - began, which))

    def __str__(self) -> str:
        tried, read = self.tried.total(), self.read.total()
        parts = ", ".join(f"{name} {self.read[name]}/{n}" for name, n in self.tried.items())
        return (
            f"seed {SEED}: {tried} mutants, {read} of them ({read / tried:.0%}) still read,"
            f" {self.same.total()} say the same and are accepted, the others refused;"
            f" {self.controls.total()} controls accepted; slowest {self.slowest[0]:.3f} s"
            f" ({self.slowest[1]}); read/tried: {parts}"
        )


def try_bytes(tally: Tally, name: str, kind: Kind, count: int, controls: int) -> None:
    for number in range(controls):
        assert kind.said(kind.samples[number % len(kind.samples)]) is not None
        tally.controls[name] += 1
    for number in range(count):
        which = f"{name} {number}"
        chance = random.Random(f"{SEED} {which}")
        good = chance.choice(kind.samples)
        bad = chance.choice(kind.changes)(chance, good)
        began = time.thread_time()
        tally.tried[name] += 1
        try:
            kind.read(bad)
            tally.read[name] += 1
            said = kind.said(bad)
        except Refusal:
            said = None
        tally.took(began, which)
        if said is not None:
            # Whatever is accepted says what some untouched one says.
            assert said in [kind.said(one) for one in kind.samples], which
            tally.same[name] += 1


Files = dict[str, bytes]
IN_BUNDLE = {"json": JSON, "checkpoint": TEXT, "tlog-proof": TEXT, "consistency": TEXT}


def whole_bundle(authority: Authority, claimed: tuple[Complete, ...]) -> Files:
    """A bundle that holds everything that one can hold."""
    note = cosigned((0, 1))
    text = parse_note(LOG.checkpoint(5))[0]
    stamp = BundledStamp(
        5, authority.answer(request_of(text).as_bytes()), LOG.checkpoint(5), GROWTH
    )
    entries = tuple(
        BundledEntry(
            LOG.raws[index],
            LOG.proof(index).replace(LOG.checkpoint(), note),
            LOG.members[index] if index != 2 else None,
        )
        for index in range(SIZE)
    )
    return encode(
        Bundle(
            ORIGIN,
            "test",
            "",
            note,
            (KEY.vkey(),),
            entries,
            {"report.bin": b"file 3"},
            {"note.txt": b"hello"},
            claimed,
            VERIFIER,
            POLICY.encode(),
            (stamp,),
        )
    )


def bundle_changed(chance: random.Random, good: Files) -> Files:
    """One file is changed, gone, or in the place of another; often the manifest is made to fit."""
    files = dict(good)
    name = chance.choice(sorted(files))
    match chance.randrange(8):
        case 0:
            del files[name]
        case 1:
            other = chance.choice(sorted(files))
            files[name], files[other] = files[other], files[name]
        case _:
            changes = IN_BUNDLE.get(name.rpartition(".")[2], BITS)
            if name == layout.CHECKPOINT:
                changes = TEXT
            files[name] = chance.choice(changes)(chance, files[name])
    return relisted(files) if chance.random() < 0.8 and "manifest.json" in files else files


def disclosed(files: Mapping[str, bytes]) -> set[int]:
    return {index for index in range(SIZE) if layout.members_name(index) in files}


def check_meaning(files: Mapping[str, bytes], good: Mapping[str, bytes], which: str) -> None:
    """Whatever a valid bundle proves is what the untouched one proves, if perhaps less of it."""
    assert parse_note(files[layout.CHECKPOINT])[0] == parse_note(good[layout.CHECKPOINT])[0], which
    for index in layout.entry_indexes(files):
        assert files[layout.entry_name(index)] == good[layout.entry_name(index)], which
        members = files.get(layout.members_name(index))
        if members is not None:
            told = {(one.name, one.value) for one in parse_members(members)}
            assert told <= {(one.name, one.value) for one in LOG.members[index]}, which
    for name, raw in files.items():
        if name.startswith(layout.FILES):
            # Not only the file that came with it: entry i of the log names that of "file i".
            assert raw in {f"file {index}".encode() for index in disclosed(files)}, which
    for fixed in ("README.md", layout.VERIFIER):
        assert files.get(fixed, good[fixed]) == good[fixed], which


def try_bundles(tally: Tally, authority: Authority, count: int, controls: int) -> None:
    """Both verifiers look at each, and agree (``tests.both``)."""
    claims = (Complete("type:model.noted.v1", 0, SIZE), Complete("subject:model/m1", 2, 8))
    samples = [whole_bundle(authority, claimed) for claimed in ((), claims)]
    for number in range(controls):
        report = audit_bundle(samples[number % 2], [KEY])
        assert report.outcome is Outcome.VALID, report.bottom_line
        tally.controls["bundle"] += 1
    for number in range(count):
        which = f"bundle {number}"
        chance = random.Random(f"{SEED} {which}")
        good = chance.choice(samples)
        files = bundle_changed(chance, good)
        tally.tried["bundle"] += 1
        try:
            layout.decode(files)
            tally.read["bundle"] += 1
        except Refusal:
            pass
        began = time.thread_time()
        report = audit_bundle(files, [KEY])
        tally.took(began, which)
        if report.outcome is Outcome.VALID:
            check_meaning(files, good, which)
            tally.same["bundle"] += 1


def test_no_mutant_surprises_hangs_or_is_believed(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    authority, tally = make_authority(tmp_path_factory.mktemp("tsa") / "tsa"), Tally()
    rest = 100
    for name, kind in kinds(authority).items():
        rest -= kind.share
        share = kind.share / 100
        try_bytes(tally, name, kind, int(MUTANTS * share), int(CONTROLS * share))
    try_bundles(tally, authority, MUTANTS * rest // 100, CONTROLS * rest // 100)
    with capsys.disabled():
        print(f"\n{tally}")  # noqa: T201 - the seed, to try the same again
    assert tally.tried.total() >= MUTANTS
    assert tally.read.total() >= 0.3 * MUTANTS
    assert tally.controls.total() >= 1_000
    assert tally.slowest[0] < LONGEST, tally.slowest
