"""Whatever bytes come in, a parser answers or refuses, and the verifier has a verdict."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import Refusal
from app.core.ledger.audit import LoggedEntry, audit_checkpoint, audit_log
from app.core.ledger.bundle import (
    Bundle,
    BundledEntry,
    decode,
    encode,
    format_members,
    parse_members,
)
from app.core.ledger.checkpoint import open_checkpoint, parse_checkpoint
from app.core.ledger.entry import parse
from app.core.ledger.manifest import parse_manifest
from app.core.ledger.note import open_note, parse_note, parse_vkey
from app.core.ledger.origin import check_origin
from app.core.ledger.payload import Member
from app.core.ledger.proof_file import parse_proof
from app.core.ledger.tile import ENTRIES, Tile, parse_path, split_entries, split_hashes
from app.core.ledger.times import parse_time
from app.core.ledger.verdict import Outcome
from tests.both import audit_bundle
from tests.core.ledger.sample import ORIGIN, VERIFIER, sample_log

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.ledger.conftest import Counts

LOG = sample_log(5)
FILES = encode(
    Bundle(
        ORIGIN,
        "test",
        "",
        LOG.checkpoint(),
        (VERIFIER.vkey(),),
        (BundledEntry(LOG.raws[1], LOG.proof(1), LOG.members[1]),),
        {"file": b"file 1"},
    )
)

BYTES: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "entry": (parse, LOG.raws[3]),
    "note": (parse_note, LOG.checkpoint()),
    "opened note": (lambda raw: open_note(raw, [VERIFIER]), LOG.checkpoint()),
    "opened checkpoint": (lambda raw: open_checkpoint(raw, [VERIFIER]), LOG.checkpoint()),
    "proof file": (parse_proof, LOG.proof(3)),
    "manifest": (parse_manifest, FILES["manifest.json"]),
    "members": (parse_members, format_members(LOG.members[3])),
    "hash tile": (lambda raw: split_hashes(raw, Tile(0, 0, 1)), bytes(32)),
    "entry bundle": (lambda raw: split_entries(raw, Tile(ENTRIES, 0, 2)), b"\0\1a\0\1b"),
}
TEXTS: dict[str, tuple[Callable[[str], object], str]] = {
    "checkpoint": (parse_checkpoint, f"{ORIGIN}\n5\n{'A' * 43}=\n"),
    "verifier key": (parse_vkey, VERIFIER.vkey()),
    "origin": (check_origin, ORIGIN),
    "path": (parse_path, "tile/0/x001/000.p/3"),
    "time": (parse_time, "2026-01-02T03:04:05.000006Z"),
}


def damaged(raw: bytes) -> st.SearchStrategy[bytes]:
    """Anything, or what is good with some bytes replaced, cut out or put in."""
    places = st.integers(0, len(raw))

    def splice(first: int, length: int, new: bytes) -> bytes:
        return raw[:first] + new + raw[first + length :]

    return st.binary(max_size=60) | st.builds(
        splice, places, st.integers(0, 4), st.binary(max_size=4)
    )


def refuses_at_most(read: Callable[[], object]) -> None:
    with suppress(Refusal):
        read()


@pytest.mark.parametrize("name", BYTES)
def test_a_parser_of_bytes_refuses_at_most(name: str, counts: Counts) -> None:
    read, good = BYTES[name]
    read(good)

    @settings(max_examples=counts.values // 10, derandomize=True)
    @given(damaged(good))
    def check(raw: bytes) -> None:
        refuses_at_most(lambda: read(raw))

    check()


@pytest.mark.parametrize("name", TEXTS)
def test_a_parser_of_text_refuses_at_most(name: str, counts: Counts) -> None:
    read, good = TEXTS[name]
    read(good)

    @settings(max_examples=counts.values // 10, derandomize=True)
    @given(st.text(max_size=30) | damaged(good.encode()).map(lambda raw: raw.decode("latin-1")))
    def check(text: str) -> None:
        refuses_at_most(lambda: read(text))

    check()


def test_a_damaged_bundle_is_never_valid(counts: Counts) -> None:
    @settings(max_examples=counts.values // 10, derandomize=True)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(FILES)))
        raw = data.draw(damaged(FILES[name]))
        files = {**FILES, name: raw}
        refuses_at_most(lambda: decode(files))
        assert (audit_bundle(files, [VERIFIER]).outcome is Outcome.VALID) == (files == FILES)

    check()


def test_a_damaged_log_is_never_valid(counts: Counts) -> None:
    @settings(max_examples=counts.values // 10, derandomize=True)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        index = data.draw(st.integers(0, 4))
        raws = list(LOG.raws)
        raws[index] = data.draw(damaged(raws[index]))
        entries = [LoggedEntry(place, raw) for place, raw in enumerate(raws)]
        report = audit_log(entries, LOG.checkpoint(), [VERIFIER])
        assert (report.outcome is Outcome.VALID) == (raws == LOG.raws)

    check()


def test_a_damaged_checkpoint_is_never_valid(counts: Counts) -> None:
    @settings(max_examples=counts.values // 10, derandomize=True)
    @given(damaged(LOG.checkpoint()))
    def check(raw: bytes) -> None:
        report = audit_checkpoint(raw, [VERIFIER])
        assert (report.outcome is Outcome.VALID) == (raw == LOG.checkpoint())

    check()


def test_damaged_data_is_never_valid(counts: Counts) -> None:
    @settings(max_examples=counts.values // 10, derandomize=True)
    @given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40), st.text())
    def check(value: bytes, salt: bytes, commitment: bytes, name: str) -> None:
        members = (LOG.members[2][0], Member(name, commitment, salt, value))
        entries = LOG.logged()
        entries[2] = LoggedEntry(2, LOG.raws[2], members)
        report = audit_log(entries, LOG.checkpoint(), [VERIFIER])
        assert report.outcome is Outcome.ALTERED

    check()
