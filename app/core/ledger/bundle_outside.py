"""What others say about a bundle's checkpoint: witnesses, and timestamp authorities.

The first cosigned it; the second stamped it, or another checkpoint of the same log. Neither is
believed for having come along: the witness policy that counts, and whoever reads timestamps,
are handed in by the person who checks. Without them what is there is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.errors import BadSignature, Malformed, ProofMismatch, Refusal
from app.core.ledger import bundle as layout
from app.core.ledger import consistency
from app.core.ledger.claim import read_claim
from app.core.ledger.cosignature import cosignatures
from app.core.ledger.note import parse_note
from app.core.ledger.quorum import NONE, parse_policy
from app.core.ledger.times import format_time
from app.core.ledger.verdict import (
    Check,
    Finding,
    Findings,
    Outcome,
    State,
    checked,
    unchecked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.core.ledger.claim import Claim
    from app.core.ledger.cosignature import Cosignature
    from app.core.ledger.note import Verifier
    from app.core.ledger.quorum import WitnessPolicy
    from app.core.ledger.trust import Key

_LAST_YEAR = 253_402_300_799
"""Unix time of the last second that can be written with four digits of a year."""


@dataclass(frozen=True, slots=True)
class Outsiders:
    """Whom the person who checks believes, beside the log's keys.

    ``witnesses``: the policy whose quorum the checkpoint must meet. ``stamped_at``: tells from
    a TimeStampResp (DER) and the text that it should be about when that was there at the
    latest; raises BadSignature, Malformed.
    """

    witnesses: WitnessPolicy | None = None
    stamped_at: Callable[[bytes, str], datetime] | None = None


def witness_check(
    number: int, files: Mapping[str, bytes], claim: Claim | None, asked: WitnessPolicy | None
) -> tuple[Check, str]:
    """Check cosignatures; answer also what the bottom line should add."""
    title, found, policy = "Witnesses", Findings(), asked
    if policy is None and layout.WITNESSES in files:
        try:
            policy = parse_policy(files[layout.WITNESSES])
        except Refusal as refusal:
            _add(found, Outcome.ALTERED, "file", refusal.detail, layout.WITNESSES)
            return checked(number, title, "", found), ""
    if claim is None or policy is None:
        reason = "no policy of witnesses is known" if claim else "there is no checkpoint"
        return unchecked(number, title, reason), ""
    cosigned: tuple[Cosignature, ...] = ()
    try:
        cosigned = cosignatures(files[layout.CHECKPOINT], policy.witness_keys())
    except BadSignature as refusal:
        _add(found, Outcome.BAD_SIGNATURE, "cosignature", refusal.detail, layout.CHECKPOINT)
    names = {one.key: one.name for one in policy.witnesses}
    notes = [f"{names[one.witness]} cosigned at {_told(one.at)}" for one in cosigned]
    met = policy.met({one.witness for one in cosigned})
    by = ", ".join(names[one.witness] for one in cosigned) or "nobody"
    said = f"the quorum {policy.quorum} is {'met' if met else 'NOT met'}: cosigned by {by}"
    if policy.quorum == NONE:
        said = f"the policy asks for no quorum; cosigned by {by}"
    if asked is not None:
        if not met:
            found.add(Finding(Outcome.MISSING, "quorum", said))
        return checked(number, title, said, found, notes), ""
    reason = f"{said}, by a policy that came along and proves nothing"
    state = State.FAILED if found else State.NOT_CHECKED
    check = Check(number, title, state, reason, tuple(found.kept), 0, tuple(notes))
    return check, "" if met else "; the quorum of its own witnesses is NOT met"


def _told(at: int) -> str:
    """Write a witness's time, if the calendar has it."""
    return format_time(datetime.fromtimestamp(at, UTC)) if at <= _LAST_YEAR else str(at)


def _add(found: Findings, outcome: Outcome, kind: str, detail: str, file: str) -> None:
    found.add(Finding(outcome, kind, detail, file=file))


@dataclass(frozen=True, slots=True)
class Stamps:
    """The timestamps of a bundle, to be checked against its checkpoint."""

    files: Mapping[str, bytes]
    claim: Claim
    trusted: Sequence[Key]
    offered: Sequence[Verifier]
    stamped_at: Callable[[bytes, str], datetime] | None

    def check(self, number: int) -> Check:
        """Check all of them."""
        title, found, notes = "Timestamps", Findings(), []
        sizes = layout.stamp_sizes(self.files)
        for size in sizes:
            note = self._note(size, found)
            if note is not None and self.stamped_at is not None:
                notes += self._read(size, note, found)
        if not sizes:
            return unchecked(number, title, "none came along")
        if self.stamped_at is None and not found:
            reason = "the authority's root certificate was not handed in, so the tokens say nothing"
            return unchecked(number, title, f"{len(sizes)} came along; {reason}")
        meaning = "the authority says when the stamped log was there at the latest"
        return checked(number, title, meaning, found, notes)

    def _note(self, size: int, found: Findings) -> bytes | None:
        """Find the checkpoint that was stamped, and check that it is of the same log."""
        ours, name = self.claim.checkpoint, layout.stamp_name(size, "checkpoint")
        if layout.stamp_name(size, "tsr") not in self.files:
            missing = layout.stamp_name(size, "tsr")
            _add(found, Outcome.MISSING, "file", "the bundle does not have it", missing)
        if name not in self.files:
            if size == ours.size:
                return self.files[layout.CHECKPOINT]
            _add(found, Outcome.MISSING, "file", "the bundle does not have it", name)
            return None
        stamped = read_claim(self.files[name], self.trusted, found, self.offered)
        if stamped is None:
            return None
        theirs = stamped.checkpoint
        if (theirs.size, theirs.origin) != (size, ours.origin):
            _add(found, Outcome.ALTERED, "file", "it is of another log or size", name)
            return None
        old, new = (theirs, ours) if size <= ours.size else (ours, theirs)
        proof = layout.stamp_name(size, "consistency")
        try:
            hashes = layout.read_hashes(self.files.get(proof, b""))
            consistency.check(old.size, old.root, new.size, new.root, hashes)
        except (Malformed, ProofMismatch) as refusal:
            fork = old.size == new.size and stamped.proven and self.claim.proven
            outcome = Outcome.FORKED if fork and old.root != new.root else Outcome.ALTERED
            _add(found, outcome, "file", refusal.detail, proof)
            return None
        return self.files[name]

    def _read(self, size: int, note: bytes, found: Findings) -> list[str]:
        name = layout.stamp_name(size, "tsr")
        if name not in self.files or self.stamped_at is None:
            return []
        try:
            at = self.stamped_at(self.files[name], parse_note(note)[0])
        except BadSignature as refusal:
            _add(found, Outcome.BAD_SIGNATURE, "timestamp", refusal.detail, name)
        except Malformed as refusal:
            _add(found, Outcome.ALTERED, "timestamp", refusal.detail, name)
        else:
            return [f"the log's first {size} entries were there at {format_time(at)}"]
        return []
