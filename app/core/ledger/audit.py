"""The verifier of a log: bytes in, verdict out (an evidence bundle: ``bundle_audit``).

A verdict rests on the trusted keys that the caller hands in and on nothing else. Every check
is made as far as it can be, whatever the ones before it found; what could not be checked is
said. It detects, it does not prevent: whoever rewrites the log, its checkpoint, its backups
and its key all together is found out only by a checkpoint saved elsewhere, so hand one in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.ledger.chain import Tree, Walk
from app.core.ledger.claim import SIGNED, contradiction, pins, proven_growth, read_claim
from app.core.ledger.payload import Erasures, data_findings
from app.core.ledger.verdict import Finding, Findings, Outcome, checked, conclude, unchecked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.core.ledger.claim import Claim
    from app.core.ledger.entry import Entry
    from app.core.ledger.payload import Member
    from app.core.ledger.trust import Key
    from app.core.ledger.verdict import Check, Report

_EARLIER = "Earlier checkpoint"
_NO_EARLIER = (
    "no checkpoint saved elsewhere was handed in, so a log that was rolled back or rewritten"
    " together with its key would not show"
)


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry as a log keeps it.

    ``index``: where it is kept. ``members``: of its data; None if they were not handed in.
    """

    index: int
    raw: bytes
    members: Sequence[Member] | None = None


def audit_checkpoint(
    raw: bytes,
    trusted: Sequence[Key],
    *,
    saved: bytes | None = None,
    proof: Sequence[bytes] = (),
) -> Report:
    """Check one published checkpoint, without the entries.

    ``saved``: an earlier one from elsewhere; ``proof``: the consistency proof between them.
    """
    signature, growth = Findings(), Findings()
    now = read_claim(raw, trusted, signature)
    checks = [checked(1, "Checkpoint", SIGNED, signature)]
    if saved is None:
        checks.append(unchecked(2, _EARLIER, _NO_EARLIER))
    else:
        was = read_claim(saved, trusted, growth)
        finding = proven_growth(was, now, proof) if was and now else None
        if finding is not None:
            growth.add(finding)
        checks.append(checked(2, _EARLIER, "the log only grew since it was saved", growth))
    return conclude(checks, f"{_summary(now)}; entries were not looked at")


def audit_log(
    entries: Iterable[LoggedEntry],
    checkpoint: bytes,
    trusted: Sequence[Key],
    *,
    saved: Sequence[bytes] = (),
) -> Report:
    """Check a whole log in one pass; memory grows with its subjects, not with its length.

    ``entries``: all of them from 0 on, in order, as they are stored. ``checkpoint``: the
    signed one to hold them against. ``saved``: earlier ones from elsewhere.
    """
    signature, past = Findings(), Findings()
    now = read_claim(checkpoint, trusted, signature)
    earlier = [was for raw in saved if (was := read_claim(raw, trusted, past))]
    if now:
        earlier += pins(trusted, now.checkpoint.origin)
    claims = [*earlier, now] if now else earlier
    origin = claims[-1].checkpoint.origin if claims else None
    tree = Tree(frozenset(claim.checkpoint.size for claim in claims))
    walk, data = Walk(origin, tree), _Data()
    for logged in entries:
        entry = walk.step(logged.index, logged.raw)
        if entry is not None:
            data.take(entry, logged)
    past.extend(_contradictions(earlier, now, tree))
    links = walk.links()
    checks = [
        checked(1, "Checkpoint", SIGNED, signature),
        checked(2, _EARLIER, "the log only grew since it was saved", past)
        if saved or earlier
        else unchecked(2, _EARLIER, _NO_EARLIER),
        checked(3, "Entries", f"{walk.size} entries can be read, in order", walk.entries),
        checked(4, "Chain", "each entry names the hash of the one before it", links),
        checked(5, "Heads", "no entry of a subject or type is left out", walk.heads),
        checked(6, "Times", "each entry was recorded later than the one before it", walk.times),
        _tree_check(7, now, walk, links),
        *data.checks(8),
    ]
    return conclude(checks, f"{_summary(now)}, and its entries are those that were signed")


def _contradictions(earlier: Sequence[Claim], now: Claim | None, tree: Tree) -> Iterator[Finding]:
    if now is None:
        return
    # Entries that are not those of the signed checkpoint say nothing about an earlier one.
    sound = tree.roots.get(now.checkpoint.size) == now.checkpoint.root
    for was in earlier:
        between = tree.roots.get(was.checkpoint.size) if sound else None
        finding = contradiction(was, now, between)
        if finding is not None:
            yield finding


def _summary(claim: Claim | None) -> str:
    if claim is None:
        return "no checkpoint"
    return f"{claim.checkpoint.origin} has {claim.checkpoint.size} entries"


def _tree_check(number: int, now: Claim | None, walk: Walk, links: Findings) -> Check:
    title = "Tree"
    if now is None:
        return unchecked(number, title, "there is no checkpoint to hold the entries against")
    found, size = Findings(), now.checkpoint.size
    root = walk.tree.roots.get(size)
    if walk.size < size:
        detail = f"the log ends after {walk.size} entries, {size} were signed"
        found.add(Finding(Outcome.TRUNCATED, "log", detail, walk.size))
    elif root != now.checkpoint.root:
        # With every link whole, only the last entry is held by nothing but the root.
        last = size - 1 if size and not links and not walk.entries else None
        detail = f"the first {size} entries are not those that were signed"
        found.add(Finding(Outcome.ALTERED, "tree", detail, last))
    meaning = f"the first {size} entries have the root that was signed"
    if walk.size > size:
        meaning += f"; {walk.size - size} later ones are not proven by it"
    return checked(number, title, meaning, found)


@dataclass(slots=True)
class _Data:
    """What was found about the data of the entries so far."""

    looked_at: int = 0
    members: Findings = field(default_factory=Findings)
    erasures: Erasures = field(default_factory=Erasures)

    def take(self, entry: Entry, logged: LoggedEntry) -> None:
        if logged.members is None:
            return
        self.looked_at += 1
        self.members.extend(data_findings(logged.index, entry.data, logged.members))
        self.erasures.step(entry, logged.members)

    def checks(self, number: int) -> list[Check]:
        if not self.looked_at:
            reason = "the events' data was not handed in"
            return [
                unchecked(number, "Data", reason),
                unchecked(number + 1, "Erasures", reason),
            ]
        erased = Findings()
        erased.extend(self.erasures.unlogged(Outcome.ALTERED))
        erased.extend(self.erasures.undone.kept)
        meaning = f"the data of {self.looked_at} entries is what they commit to"
        return [
            checked(number, "Data", meaning, self.members),
            checked(
                number + 1,
                "Erasures",
                "whatever is gone, an entry says so",
                erased,
                self.erasures.notes(),
            ),
        ]
