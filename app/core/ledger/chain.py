"""Walking a log from its first entry to its last: what each says of those before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.errors import Refusal
from app.core.ledger.entry import genesis_prev, parse
from app.core.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from app.core.ledger.verdict import MAX_FINDINGS, Finding, Findings, Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.ledger.entry import Entry

_BATCH = 256


@dataclass(slots=True)
class Tree:
    """A growing tree that remembers its root at the sizes asked for."""

    wanted: frozenset[int]
    frontier: Frontier = field(default_factory=Frontier)
    roots: dict[int, bytes] = field(default_factory=lambda: {0: EMPTY_ROOT})
    _waiting: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> None:
        self._waiting.append(leaf)
        size = self.frontier.size + len(self._waiting)
        if len(self._waiting) == _BATCH or size in self.wanted:
            self.frontier = self.frontier.extend(self._waiting)
            self._waiting.clear()
        if size in self.wanted:
            self.roots[size] = self.frontier.root()


@dataclass(slots=True)
class Walk:
    """A walk over all entries in order; its memory grows with subjects and types only.

    ``origin``: the log's name; None: as the first entry says. ``entries``, ``heads``,
    ``times``: what was found so far; ``links()`` tells where the chain is broken.
    """

    origin: str | None
    tree: Tree
    entries: Findings = field(default_factory=Findings)
    heads: Findings = field(default_factory=Findings)
    times: Findings = field(default_factory=Findings)
    size: int = 0
    _leaf: bytes | None = None
    _breaks: list[int] = field(default_factory=list)
    _recorded_at: datetime | None = None
    _heads: dict[tuple[str, str], int] = field(default_factory=dict)

    def step(self, index: int, raw: bytes) -> Entry | None:
        """Take in the next entry's bytes, stored under ``index``; None if unreadable."""
        if index < self.size:
            self._altered(index, "the entry is there twice or out of order")
            return None
        if index > self.size:
            gone = f"entries {self.size} to {index - 1} are" if index - self.size > 1 else "it is"
            self._altered(self.size, f"{gone} not there, later ones are")
            self._leaf = None
        previous, self._leaf = self._leaf, leaf_hash(raw)
        self.size = index + 1
        self.tree.append(self._leaf)
        try:
            entry = parse(raw)
        except Refusal as refusal:
            self._altered(index, refusal.detail)
            return None
        self._compare(index, entry, previous)
        return entry

    def _compare(self, index: int, entry: Entry, previous: bytes | None) -> None:
        if self.origin is None:
            self.origin = entry.log
        if index == 0:
            previous = genesis_prev(self.origin)
        if entry.log != self.origin:
            self._altered(index, f"it says it is of the log {entry.log}")
        if entry.index != index:
            self._altered(index, f"it says it is entry {entry.index}")
        if previous not in (None, entry.prev) and len(self._breaks) < MAX_FINDINGS:
            self._breaks.append(index - 1)
        self._head(index, ("subject", entry.subject), entry.subject_prev)
        self._head(index, ("type", entry.type), entry.type_prev)
        if self._recorded_at is not None and entry.recorded_at <= self._recorded_at:
            detail = "it was recorded no later than the entry before it"
            self.times.add(Finding(Outcome.ALTERED, "time", detail, index))
        self._recorded_at = entry.recorded_at

    def _head(self, index: int, key: tuple[str, str], said: int | None) -> None:
        before = self._heads.get(key)
        if said != before:
            detail = f"it names entry {said} as the one before it of its {key[0]}; it is {before}"
            self.heads.add(Finding(Outcome.ALTERED, "head", detail, index))
        self._heads[key] = index

    def _altered(self, index: int, detail: str) -> None:
        self.entries.add(Finding(Outcome.ALTERED, "entry", detail, index))

    def links(self) -> Findings:
        """Where an entry's ``prev`` is not the hash of the entry before it.

        An entry whose bytes changed does not fit the one after it; one whose ``prev``
        changed fits neither neighbour. At the end of the log these look alike.
        """
        found = Findings()
        breaks = iter(self._breaks)
        for index in breaks:
            place = index
            detail = "its bytes are not those that the entry after it names"
            if index + 1 in self._breaks:
                place = next(breaks)
                detail = "it fits neither the entry before it nor the one after it"
            elif index == -1:
                place, detail = 0, "it does not begin this log: its prev is another origin's"
            elif index + 2 == self.size:
                detail = f"its bytes are not those that entry {index + 1} names, or that one's prev"
            found.add(Finding(Outcome.ALTERED, "chain", detail, place))
        return found
