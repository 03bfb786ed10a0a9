"""A verifier's report is read by programs and archived: every word and class of it is pinned.

``documents.json`` beside this file holds what each scenario answers.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.core.ledger import consistency
from app.core.ledger.audit import LoggedEntry, audit_checkpoint, audit_log
from app.core.ledger.bundle import BundledStamp
from app.core.ledger.checkpoint import Checkpoint
from app.core.ledger.cosignature import cosign
from app.core.ledger.entry import encode, parse
from app.core.ledger.merkle import leaf_hash
from app.core.ledger.note import Verifier, sign_note
from app.core.ledger.payload import REDACTED_TYPE, Member
from app.core.ledger.trust import TrustedKey
from tests.both import audit_bundle
from tests.core.ledger.sample import (
    KEY,
    ORIGIN,
    OTHER_VERIFIER,
    VERIFIER,
    sample_log,
    tile_reader,
)
from tests.core.ledger.test_bundle_audit import ENTRY_3, FILES, PROOF_3, relisted
from tests.core.ledger.test_bundle_outside import (
    ASKED,
    BELIEVED,
    POLICY,
    WITNESSES,
    bundle,
    cosigned,
    stamp,
)
from tests.core.ledger.test_bundle_outside import KEYS as WITNESS_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.jsonvalue import Json
    from app.core.ledger.audit import LoggedEntry as Logged
    from app.core.ledger.entry import Entry
    from app.core.ledger.verdict import Report

LOG = sample_log(6)
NOTE = LOG.checkpoint()
DOCUMENTS = json.loads(Path(__file__).with_name("documents.json").read_text("utf-8"))


def logged() -> list[Logged]:
    return LOG.logged()


def changed(index: int, change: Callable[[Entry], Entry]) -> list[Logged]:
    entries = logged()
    raw = encode(change(parse(LOG.raws[index])))
    entries[index] = replace(entries[index], raw=raw)
    return entries


def of_members(change: Callable[[tuple[Member, ...]], tuple[Member, ...]]) -> list[Logged]:
    entries = logged()
    entries[2] = replace(entries[2], members=change(LOG.members[2]))
    return entries


def bare() -> list[Logged]:
    return [LoggedEntry(index, raw) for index, raw in enumerate(LOG.raws)]


def elsewhere() -> bytes:
    origin = "log.example/b"
    verifier = Verifier(origin, VERIFIER.public)
    return sign_note(Checkpoint(origin, 3, bytes(32)).text(), [(verifier, KEY.sign)])


def other_tree(size: int) -> bytes:
    return sign_note(Checkpoint(ORIGIN, size, bytes(32)).text(), [(VERIFIER, KEY.sign)])


def proof(old: int) -> list[bytes]:
    leaves = [leaf_hash(raw) for raw in LOG.raws]
    return consistency.prove(old, len(leaves), tile_reader(leaves))


def redacted() -> tuple[list[Logged], bytes]:
    log = sample_log(4)
    said: dict[str, Json] = {
        "index": 1,
        "members": ["owner"],
        "requested_by": "u1",
        "confirmed_by": "u2",
    }
    log.record({**said, "legal_basis": "erasure"}, REDACTED_TYPE)
    log.erase(1, "owner")
    log.erase(2, "owner")
    return log.logged(), log.checkpoint()


def without(name: str) -> dict[str, bytes]:
    return {other: raw for other, raw in FILES.items() if other != name}


KEYS = [VERIFIER]
NINE = sample_log(9).checkpoint()
STAMPED = bundle(stamps=(stamp(5),))
STAMPED_NOTE = "log/timestamps/000000000005.checkpoint"


def _without_part(ending: str) -> Report:
    gone = f"log/timestamps/000000000005.{ending}"
    rest = {name: raw for name, raw in STAMPED.items() if name != gone}
    return audit_bundle(relisted(rest), KEYS, BELIEVED)


ELSEWHERE = Verifier("log.example/b", VERIFIER.public)
EARLY = parse(LOG.raws[0]).recorded_at

SCENARIOS: dict[str, Callable[[], Report]] = {
    "a whole log": lambda: audit_log(logged(), NOTE, KEYS, saved=[LOG.checkpoint(3)]),
    "without data": lambda: audit_log(bare(), NOTE, KEYS),
    "entries beyond the checkpoint": lambda: audit_log(logged(), LOG.checkpoint(4), KEYS),
    "no entries": lambda: audit_log([], LOG.checkpoint(0), KEYS),
    "no checkpoint": lambda: audit_log(logged(), b"", KEYS),
    "no key": lambda: audit_log(logged(), NOTE, []),
    "cut short": lambda: audit_log(logged()[:4], NOTE, KEYS),
    "the last entry altered": lambda: audit_log(
        changed(5, lambda entry: replace(entry, source="cli")), NOTE, KEYS
    ),
    "another origin within": lambda: audit_log(
        changed(2, lambda entry: replace(entry, log="log.example/b")), NOTE, KEYS
    ),
    "an unreadable entry": lambda: audit_log(
        [*logged()[:2], LoggedEntry(2, b"{}"), *logged()[3:]], NOTE, KEYS
    ),
    "no later than before": lambda: audit_log(
        changed(3, lambda entry: replace(entry, recorded_at=EARLY)), NOTE, KEYS
    ),
    "another head": lambda: audit_log(
        changed(4, lambda entry: replace(entry, type_prev=1)), NOTE, KEYS
    ),
    "a gap and a repetition": lambda: audit_log(
        [logged()[0], logged()[0], *logged()[3:]], NOTE, KEYS
    ),
    "a saved checkpoint of another log": lambda: audit_log(
        logged(), NOTE, [*KEYS, ELSEWHERE], saved=[elsewhere()]
    ),
    "a larger saved checkpoint": lambda: audit_log(
        logged()[:4], LOG.checkpoint(4), KEYS, saved=[NOTE]
    ),
    "two histories": lambda: audit_log(logged(), NOTE, KEYS, saved=[other_tree(3)]),
    "a history nobody signed": lambda: audit_log(logged(), NOTE, [], saved=[other_tree(3)]),
    "redacted, and erased without a word": lambda: audit_log(*redacted(), KEYS),
    "a value altered": lambda: audit_log(
        of_members(lambda two: (two[0], replace(two[1], value=b'"Eve"'))), NOTE, KEYS
    ),
    "half a member": lambda: audit_log(
        of_members(lambda two: (replace(two[0], value=None), two[1])), NOTE, KEYS
    ),
    "a commitment altered": lambda: audit_log(
        of_members(lambda two: (two[0], replace(two[1], commitment=bytes(32)))), NOTE, KEYS
    ),
    "another size of the data": lambda: audit_log(
        changed(2, lambda entry: replace(entry, data=replace(entry.data, size=1))), NOTE, KEYS
    ),
    "a member too few": lambda: audit_log(of_members(lambda two: two[:1]), NOTE, KEYS),
    "members of another entry": lambda: audit_log(of_members(lambda _: LOG.members[3]), NOTE, KEYS),
    "a checkpoint alone": lambda: audit_checkpoint(NOTE, KEYS),
    "a checkpoint and a saved one": lambda: audit_checkpoint(
        NOTE, KEYS, saved=LOG.checkpoint(3), proof=proof(3)
    ),
    "a checkpoint of another key": lambda: audit_checkpoint(NOTE, [OTHER_VERIFIER]),
    "a checkpoint that forks": lambda: audit_checkpoint(NOTE, KEYS, saved=other_tree(3)),
    "a checkpoint that was cut": lambda: audit_checkpoint(LOG.checkpoint(3), KEYS, saved=NOTE),
    "a checkpoint of another log": lambda: audit_checkpoint(
        NOTE, [*KEYS, ELSEWHERE], saved=elsewhere()
    ),
    "a checkpoint that forks, with no key": lambda: audit_checkpoint(NOTE, [], saved=other_tree(6)),
    "an unreadable saved checkpoint": lambda: audit_checkpoint(NOTE, KEYS, saved=b"none"),
    "a whole bundle": lambda: audit_bundle(FILES, KEYS),
    "a bundle of another key": lambda: audit_bundle(FILES, [OTHER_VERIFIER]),
    "a bundle without a manifest": lambda: audit_bundle(without("manifest.json"), KEYS),
    "a bundle without a proof": lambda: audit_bundle(without(PROOF_3), KEYS),
    "a bundle with another entry": lambda: audit_bundle(relisted({**FILES, ENTRY_3: b"{}"}), KEYS),
    "a bundle with another file": lambda: audit_bundle({**FILES, "files/more": b""}, KEYS),
    "a bundle of nothing": lambda: audit_bundle({}, KEYS),
    "a quorum that is met": lambda: audit_bundle(bundle(cosigned((0, 1))), KEYS, ASKED),
    "a quorum that is not met": lambda: audit_bundle(bundle(), KEYS, ASKED),
    "a quorum that came along": lambda: audit_bundle(bundle(cosigned((0,)), POLICY), KEYS),
    "a quorum that came along and is met": lambda: audit_bundle(
        bundle(cosigned((0, 2)), POLICY), KEYS
    ),
    "a cosignature that lies": lambda: audit_bundle(
        bundle(NINE + cosign("another\n", 1, WITNESSES[0], WITNESS_KEYS[0].sign).encode(), POLICY),
        KEYS,
    ),
    "no witness policy": lambda: audit_bundle(bundle(policy="quorum W9\n"), KEYS),
    "witnesses without a checkpoint": lambda: audit_bundle(
        {"log/witnesses": POLICY.encode()}, KEYS
    ),
    "a timestamp that is not read": lambda: audit_bundle(STAMPED, KEYS),
    "a timestamp": lambda: audit_bundle(STAMPED, KEYS, BELIEVED),
    "a timestamp of the same size": lambda: audit_bundle(
        bundle(stamps=(stamp(9),)), KEYS, BELIEVED
    ),
    "a timestamp that lies": lambda: audit_bundle(
        bundle(stamps=(stamp(5, b"lie"),)), KEYS, BELIEVED
    ),
    "no timestamp": lambda: audit_bundle(bundle(stamps=(stamp(5, b"none"),)), KEYS, BELIEVED),
    **{
        f"a timestamp without its {ending}": partial(_without_part, ending)
        for ending in ("tsr", "checkpoint", "consistency")
    },
    "a stamped checkpoint of another size": lambda: audit_bundle(
        relisted({**STAMPED, STAMPED_NOTE: NINE}), KEYS, BELIEVED
    ),
    "a stamped checkpoint that is none": lambda: audit_bundle(
        relisted({**STAMPED, STAMPED_NOTE: b"none"}), KEYS, BELIEVED
    ),
    "two signed trees of one size": lambda: audit_bundle(
        bundle(stamps=(BundledStamp(9, b"a token", other_tree(9)),)), KEYS, BELIEVED
    ),
    "another readme": lambda: audit_bundle(relisted({**FILES, "README.md": b"hello"}), KEYS),
    "another verifier": lambda: audit_bundle(relisted({**FILES, "verify.py": b"hello"}), KEYS),
    "a manifest of another log": lambda: audit_bundle(relisted(FILES, "log.example/b"), KEYS),
    "a bundle under a revoked key": lambda: audit_bundle(
        FILES, [TrustedKey(VERIFIER, 0, None, 12, bytes(32))]
    ),
    "another tree at the revocation": lambda: audit_bundle(
        FILES, [TrustedKey(VERIFIER, 0, None, 9, bytes(32))]
    ),
    "a revocation that pins no tree": lambda: audit_bundle(
        FILES, [TrustedKey(VERIFIER, 0, None, 12)]
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_word_of_a_report_is_pinned(name: str) -> None:
    assert SCENARIOS[name]().document() == DOCUMENTS[name]


def test_every_pinned_report_is_asked_for() -> None:
    assert DOCUMENTS.keys() == SCENARIOS.keys()
