"""What signed checkpoints say of a log, and whether two of them can both be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import BadSignature, ProofMismatch, Refusal
from app.core.ledger import consistency
from app.core.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from app.core.ledger.note import open_note, parse_note
from app.core.ledger.trust import bounded, revoked_alone
from app.core.ledger.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.ledger.note import Verifier
    from app.core.ledger.trust import Key
    from app.core.ledger.verdict import Findings

SIGNED = "a key that you trust signed the log's size and root"


@dataclass(frozen=True, slots=True)
class Claim:
    """A checkpoint that could be read. ``proven``: whether a trusted key signed it."""

    checkpoint: Checkpoint
    proven: bool


def read_claim(
    raw: bytes,
    trusted: Sequence[Key],
    found: Findings,
    offered: Sequence[Verifier] = (),
) -> Claim | None:
    """Read a signed checkpoint as far as possible; what is wrong goes to ``found``.

    ``offered``: keys that came along with the evidence. Without trusted keys the signature
    is checked against those, nothing is proven, and that is said.
    """
    if not trusted:
        detail = "key not trusted: hand in the log's verifier key, had from elsewhere"
        found.add(Finding(Outcome.MISSING, "key", detail))
    keys = trusted or offered
    try:
        if keys:
            return Claim(open_checkpoint(raw, keys), proven=bool(trusted))
        return Claim(parse_checkpoint(parse_note(raw)[0]), proven=False)
    except BadSignature as refusal:
        found.add(Finding(Outcome.BAD_SIGNATURE, "signature", refusal.detail))
        return _unsigned(raw)
    except Refusal as refusal:
        detail = f"the checkpoint cannot be read: {refusal.detail}"
        found.add(Finding(Outcome.BAD_SIGNATURE, "signature", detail))
        return None


def pins(trusted: Sequence[Key], origin: str) -> tuple[Claim, ...]:
    """Give the trees that the trust file pins: each says as much as a saved checkpoint."""
    return tuple(
        Claim(Checkpoint(origin, key.revoked_at_size, key.revoked_root), proven=True)
        for key in bounded(trusted)
        if key.verifier.name == origin
        and key.revoked_at_size is not None
        and key.revoked_root is not None
    )


def doubt(raw: bytes, claim: Claim, trusted: Sequence[Key]) -> tuple[Finding | None, str | None]:
    """Tell whether a checkpoint that could be read rests on keys that were revoked later.

    Whoever has such a key can sign a tree that the log never had, if it is small enough. The
    finding says what is not proven; the other is a note, where the trust file pins no tree.
    """
    keys, checkpoint = bounded(trusted), claim.checkpoint
    if not claim.proven:
        return None, None
    signed_by = open_note(raw, [key.verifier for key in keys]).signed_by
    own = [verifier for verifier in signed_by if verifier.name == checkpoint.origin]
    revoked = revoked_alone(keys, own, checkpoint.size)
    if not revoked:
        return None, None
    pinned = pins(revoked, checkpoint.origin)
    said = f"it rests on a key that was revoked at size {revoked[0].revoked_at_size}"
    if not pinned:
        return None, f"{said}, and the trust file does not pin the tree of that size"
    if any(one.checkpoint == checkpoint for one in pinned):
        return None, None
    if any(one.checkpoint.size == checkpoint.size for one in pinned):
        detail = f"{said}, and the log had another tree then"
        return Finding(Outcome.BAD_SIGNATURE, "signature", detail), None
    detail = (
        f"{said}, so whoever stole the key could have signed it: take the bundle again from the"
        " log, or have a quorum of witnesses believed"
    )
    return Finding(Outcome.MISSING, "key", detail), None


def _unsigned(raw: bytes) -> Claim | None:
    try:
        return Claim(parse_checkpoint(parse_note(raw)[0]), proven=False)
    except Refusal:
        return None


def contradiction(saved: Claim, now: Claim, between: bytes | None) -> Finding | None:
    """Tell whether the log that ``now`` describes has lost or changed what ``saved`` said.

    ``between``: the root at the saved size in what was found to have the root of ``now``;
    None if that is not known.
    """
    was, is_now = saved.checkpoint, now.checkpoint
    if was.origin != is_now.origin:
        detail = f"the saved checkpoint is of another log, {was.origin}"
        return Finding(Outcome.MISSING, "checkpoint", detail)
    if was.size > is_now.size:
        detail = f"the log had {was.size} entries and now says {is_now.size}"
        return Finding(Outcome.TRUNCATED, "log", detail)
    root = is_now.root if was.size == is_now.size else between
    if root is None or root == was.root:
        return None
    return _split_view(saved, now)


def _split_view(saved: Claim, now: Claim) -> Finding:
    outcome = Outcome.FORKED if saved.proven and now.proven else Outcome.ALTERED
    detail = (
        f"the log's first {saved.checkpoint.size} entries are not those of the saved checkpoint"
    )
    return Finding(outcome, "log", detail)


def proven_growth(saved: Claim, now: Claim, proof: Sequence[bytes]) -> Finding | None:
    """The same from a consistency proof instead of the entries."""
    was, is_now = saved.checkpoint, now.checkpoint
    finding = contradiction(saved, now, None)
    if finding is not None or was.size == is_now.size:
        return finding
    try:
        consistency.check(was.size, was.root, is_now.size, is_now.root, proof)
    except ProofMismatch:
        return _split_view(saved, now)
    return None
