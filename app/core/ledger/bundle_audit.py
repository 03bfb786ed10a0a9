"""The verifier of an evidence bundle: its files in, verdict out; no log, no network.

As ``audit``: a verdict rests on the trusted keys handed in, every check is made as far as it
can be, and what nobody vouches for is said to be unproven.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from app.core.errors import Refusal
from app.core.ledger import bundle as layout
from app.core.ledger import inclusion
from app.core.ledger.bundle_files import altered, check_files, missing
from app.core.ledger.bundle_outside import Outsiders, Stamps, witness_check
from app.core.ledger.claim import SIGNED, doubt, read_claim
from app.core.ledger.completeness import left_out, parse_claims
from app.core.ledger.entry import parse
from app.core.ledger.merkle import leaf_hash
from app.core.ledger.note import parse_vkey
from app.core.ledger.payload import Erasures, data_findings
from app.core.ledger.proof_file import parse_proof
from app.core.ledger.quorum import NONE
from app.core.ledger.verdict import Finding, Findings, Outcome, State, checked, conclude, unchecked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.core.ledger.claim import Claim
    from app.core.ledger.entry import Entry
    from app.core.ledger.note import Verifier
    from app.core.ledger.payload import Member
    from app.core.ledger.trust import Key
    from app.core.ledger.verdict import Check, Report

WITHHELD = frozenset({"cells"})
"""Members that a public bundle leaves out by rule: cells of few people can point at one."""

NOBODY = Outsiders()

_DIGEST = re.compile(rb'"(?:sha256:)?([0-9a-f]{64})"')


@dataclass(slots=True)
class _Evidence:
    """What has been read of a bundle so far.

    ``entries``: those that can be read, by index. ``proven``: those in the signed tree.
    ``members``: disclosed data. ``vouched``: the index and member that name a digest (hex).
    """

    files: Mapping[str, bytes]
    entries: dict[int, Entry] = field(default_factory=dict)
    proven: set[int] = field(default_factory=set)
    members: dict[int, Sequence[Member]] = field(default_factory=dict)
    vouched: dict[str, str] = field(default_factory=dict)


def audit_bundle(
    files: Mapping[str, bytes], trusted: Sequence[Key], outsiders: Outsiders = NOBODY
) -> Report:
    """Check an evidence bundle. ``files``: all of them by name, as they came."""
    evidence, signature, offered = _Evidence(files), Findings(), _offered(files)
    claim = None
    if layout.CHECKPOINT in files:
        claim = read_claim(files[layout.CHECKPOINT], trusted, signature, offered)
    else:
        signature.add(missing(layout.CHECKPOINT))
    witnesses, aside = witness_check(10, files, claim, outsiders.witnesses)
    asked = outsiders.witnesses is not None and outsiders.witnesses.quorum != NONE
    believed = asked and witnesses.state is State.PASSED
    checks = [
        _check(1, "Files", "every file is as the manifest lists it", check_files(files, claim)),
        _checkpoint_check(2, evidence, claim, trusted, signature, believed=believed),
        _check(3, "Entries", "every entry can be read", _entries(evidence, claim)),
        _inclusion_check(4, evidence, claim),
        _check(5, "Order", "neighbours in the log follow one another", _order(evidence)),
        _data_check(6, evidence),
        _gaps_check(7, evidence),
        _attachments_check(8, evidence),
        _completeness_check(9, evidence, claim),
    ]
    checks += [witnesses, _stamps_check(11, evidence, claim, trusted, outsiders)]
    line = f"{len(evidence.entries)} entries are in the signed log"
    if claim is not None:
        line += f" {claim.checkpoint.origin} of {claim.checkpoint.size} entries{aside}"
    return conclude(checks, line)


def _checkpoint_check(
    number: int,
    evidence: _Evidence,
    claim: Claim | None,
    trusted: Sequence[Key],
    found: Findings,
    *,
    believed: bool,
) -> Check:
    """``believed``: a quorum that was asked for says that the log showed nobody another tree."""
    notes = []
    if claim is not None and not believed:
        finding, note = doubt(evidence.files[layout.CHECKPOINT], claim, trusted)
        found.extend([finding] if finding else [])
        notes = [note] if note else []
    return checked(number, "Checkpoint", SIGNED, found, notes)


def _check(number: int, title: str, meaning: str, findings: Iterator[Finding]) -> Check:
    found = Findings()
    found.extend(findings)
    return checked(number, title, meaning, found)


def _offered(files: Mapping[str, bytes]) -> list[Verifier]:
    """The keys that came along: never trusted, good only to see whether they fit."""
    offered: list[Verifier] = []
    for line in files.get(layout.VKEYS, b"").decode("utf-8", "replace").splitlines():
        try:
            offered.append(parse_vkey(line))
        except Refusal:
            continue
    return offered


def _entries(evidence: _Evidence, claim: Claim | None) -> Iterator[Finding]:
    for index in layout.entry_indexes(evidence.files):
        name = layout.entry_name(index)
        try:
            entry = parse(evidence.files[name])
        except Refusal as refusal:
            yield altered(name, refusal.detail, index)
            continue
        if entry.index != index:
            yield altered(name, f"it says it is entry {entry.index}", index)
        elif claim is not None and entry.log != claim.checkpoint.origin:
            yield altered(name, f"it says it is of the log {entry.log}", index)
        else:
            evidence.entries[index] = entry
    if not layout.entry_indexes(evidence.files):
        yield Finding(Outcome.MISSING, "entry", "the bundle holds no entry, so it proves nothing")


def _inclusion_check(number: int, evidence: _Evidence, claim: Claim | None) -> Check:
    title = "Inclusion"
    if claim is None:
        return unchecked(number, title, "there is no checkpoint that proofs could lead to")
    meaning = "every entry is in the tree that was signed"
    return _check(number, title, meaning, _inclusion(evidence, claim))


def _inclusion(evidence: _Evidence, claim: Claim) -> Iterator[Finding]:
    for index in layout.entry_indexes(evidence.files):
        name = layout.proof_name(index)
        if name not in evidence.files:
            yield missing(name)
            continue
        leaf = leaf_hash(evidence.files[layout.entry_name(index)])
        root, size = claim.checkpoint.root, claim.checkpoint.size
        try:
            proof = parse_proof(evidence.files[name])
            inclusion.check(leaf, index, size, proof.hashes, root)
        except Refusal as refusal:
            detail = f"the entry is not proven: {refusal.detail}"
            yield Finding(Outcome.ALTERED, "entry", detail, index, file=name)
            continue
        if proof.index != index or proof.checkpoint != evidence.files[layout.CHECKPOINT]:
            yield altered(name, "it is a proof of another entry or checkpoint", index)
            continue
        evidence.proven.add(index)


def _order(evidence: _Evidence) -> Iterator[Finding]:
    indexes = sorted(evidence.entries)
    for before, index in pairwise(indexes):
        earlier, entry = evidence.entries[before], evidence.entries[index]
        prev = leaf_hash(evidence.files[layout.entry_name(before)])
        if index == before + 1 and entry.prev != prev:
            detail = f"it does not name the bytes of entry {before} as those before it"
            yield Finding(Outcome.ALTERED, "chain", detail, index)
        if entry.recorded_at <= earlier.recorded_at:
            detail = f"it was recorded no later than entry {before}"
            yield Finding(Outcome.ALTERED, "time", detail, index)


def _data_check(number: int, evidence: _Evidence) -> Check:
    found = Findings()
    found.extend(_data(evidence))
    if not found and not evidence.members:
        return unchecked(number, "Data", "no entry's data is disclosed here")
    meaning = f"the data of {len(evidence.members)} entries is what they commit to"
    return checked(number, "Data", meaning, found)


def _data(evidence: _Evidence) -> Iterator[Finding]:
    for index, entry in sorted(evidence.entries.items()):
        if index in evidence.proven:
            evidence.vouched.setdefault(entry.schema.hex(), f"entry {index}, schema")
        name = layout.members_name(index)
        if name not in evidence.files:
            continue
        try:
            members = layout.parse_members(evidence.files[name])
        except Refusal as refusal:
            yield altered(name, refusal.detail, index)
            continue
        findings = list(data_findings(index, entry.data, members))
        yield from findings
        evidence.members[index] = members
        if index in evidence.proven and not findings:
            _vouch(evidence, index, members)


def _vouch(evidence: _Evidence, index: int, members: Sequence[Member]) -> None:
    """Note the digests that a proven entry's data names."""
    for member in members:
        for digest in _DIGEST.findall(member.value or b""):
            evidence.vouched.setdefault(digest.decode(), f"entry {index}, member {member.name}")


def _gaps_check(number: int, evidence: _Evidence) -> Check:
    erasures = Erasures(whole=False)
    for index, members in sorted(evidence.members.items()):
        shown = [member for member in members if member.name not in WITHHELD]
        erasures.step(evidence.entries[index], shown)
    found = Findings()
    found.extend(erasures.unlogged(Outcome.MISSING))
    meaning = "whatever is left out, a rule or an entry says so"
    return checked(number, "Withheld", meaning, found, erasures.notes())


def _attachments_check(number: int, evidence: _Evidence) -> Check:
    title = "Attached files"
    names = [name for name in sorted(evidence.files) if name.startswith(layout.FILES)]
    unproven = sum(name.startswith(layout.UNPROVEN) for name in evidence.files)
    aside = f"; vouched for by nobody: {unproven} under {layout.UNPROVEN}" if unproven else ""
    if not names:
        return unchecked(number, title, f"none that an entry should name{aside}")
    found, proven = Findings(), []
    for name in names:
        raw = evidence.files[name]
        by = evidence.vouched.get(hashlib.sha256(raw).hexdigest())
        if by is None:
            detail = "no entry that is proven here names its digest"
            found.add(Finding(Outcome.MISSING, "file", detail, file=name))
        else:
            proven.append(f"{name} ({by})")
    return checked(number, title, f"named by a proven entry: {', '.join(proven)}{aside}", found)


def _stamps_check(
    number: int,
    evidence: _Evidence,
    claim: Claim | None,
    trusted: Sequence[Key],
    outsiders: Outsiders,
) -> Check:
    if claim is None:
        return unchecked(number, "Timestamps", "there is no checkpoint that they could be about")
    files = evidence.files
    return Stamps(files, claim, trusted, _offered(files), outsiders.stamped_at).check(number)


def _completeness_check(number: int, evidence: _Evidence, claim: Claim | None) -> Check:
    title = "Completeness"
    if layout.COMPLETE not in evidence.files:
        return unchecked(number, title, "the bundle does not claim to leave nothing out")
    if claim is None:
        return unchecked(number, title, "there is no checkpoint that tells where the log ends")
    found = Findings()
    proven = {index: evidence.entries[index] for index in evidence.proven & set(evidence.entries)}
    try:
        claims = parse_claims(evidence.files[layout.COMPLETE])
    except Refusal as refusal:
        found.add(altered(layout.COMPLETE, refusal.detail))
        return checked(number, title, "", found)
    for one in claims:
        found.extend(left_out(one, proven, claim.checkpoint.size))
    said = "; ".join([f"{one.key} from {one.first} to before {one.end}" for one in claims])
    return checked(number, title, f"nothing is left out of {said}", found)
