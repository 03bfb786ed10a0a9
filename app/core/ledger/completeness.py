"""Proof that nothing of a kind was left out, by the links that entries carry.

    complete.json   canonical JSON: [{"from": a, "key": "type:<event type>" | "subject:<subject>",
                    "to": b}, …]: every entry of that key with a <= index < b is here

Each entry names the index of the one before it of its subject, and of its type, so a list
that leaves one out in the middle contradicts itself. Its beginning is closed by an entry that
names none, or one before ``a``. Its end is closed in one of two ways: by the next entry of
the key, at ``b`` or later, which names the last one of the list; or, where there is none
yet, by all the entries that follow the last one, up to the end of the signed log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import Malformed
from app.core.ledger.canonical import MAX_INT, canonical, parse_json
from app.core.ledger.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.core.jsonvalue import Json
    from app.core.ledger.entry import Entry

TYPE, SUBJECT = "type:", "subject:"
MOST = 1000


@dataclass(frozen=True, slots=True)
class Complete:
    """A claim: all entries of ``key`` from index ``first`` up to before ``end`` are here."""

    key: str
    first: int
    end: int

    def covers(self, entry: Entry) -> bool:
        """Whether the entry is of the key, wherever it stands."""
        if self.key.startswith(TYPE):
            return entry.type == self.key.removeprefix(TYPE)
        return entry.subject == self.key.removeprefix(SUBJECT)

    def previous(self, entry: Entry) -> int | None:
        """The entry before it of the key, as it says itself."""
        return entry.type_prev if self.key.startswith(TYPE) else entry.subject_prev


def format_claims(claims: Sequence[Complete]) -> bytes:
    """Write ``complete.json``."""
    return canonical([{"key": one.key, "from": one.first, "to": one.end} for one in claims])


def parse_claims(raw: bytes) -> tuple[Complete, ...]:
    """Read ``complete.json``. Raises Malformed; Rejected or TooLarge: no such JSON."""
    document = parse_json(raw)
    if not isinstance(document, list) or len(document) > MOST:
        raise Malformed(f"what is complete is a list of at most {MOST} claims")
    claims = tuple(_claim(item) for item in document)
    if format_claims(claims) != raw:
        raise Malformed("what is complete is written in canonical JSON")
    return claims


def _claim(item: Json) -> Complete:
    match item:
        case {"key": str(key), "from": int(first), "to": int(end), **rest} if not (
            rest or isinstance(first, bool) or isinstance(end, bool)
        ):
            claim = Complete(key, first, end)
        case _:
            raise Malformed("a claim has a key, from and to")
    if not key.startswith((TYPE, SUBJECT)) or key in (TYPE, SUBJECT):
        raise Malformed(f"a claim's key is a type or a subject, not {key[:100]!r}")
    if not 0 <= first <= end <= MAX_INT:
        raise Malformed(f"a claim from {first} to {end} covers nothing")
    return claim


def left_out(claim: Complete, entries: Mapping[int, Entry], size: int) -> Iterator[Finding]:
    """Find what a list leaves out that claims to be complete.

    ``entries``: those whose bytes are proven to be in the log of ``size``, by index.
    """
    if claim.end > size:
        detail = f"{claim.key} is said to be complete to {claim.end}; the log has {size} entries"
        yield Finding(Outcome.MISSING, "completeness", detail)
        return
    ours = sorted(index for index, entry in entries.items() if claim.covers(entry))
    for index in ours:
        before = claim.previous(entries[index])
        if before is not None and claim.first <= before < claim.end and before not in entries:
            detail = f"it is left out, and entry {index} names it as the one before it"
            yield Finding(Outcome.MISSING, "left out", f"{detail} of {claim.key}", before)
    if ours and ours[-1] >= claim.end:
        return  # what comes after the list names its last entry
    start = max(ours[-1] + 1 if ours else 0, claim.first)
    for index in range(start, claim.end):
        if index not in entries:
            detail = f"it is not here, so whether it is of {claim.key} is not known"
            yield Finding(Outcome.MISSING, "left out", detail, index)
