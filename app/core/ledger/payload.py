"""An event's data as it is kept apart from the log, held against what its entry commits to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.errors import ProofMismatch, Refusal
from app.core.ledger.canonical import canonical, parse_json
from app.core.ledger.commitment import SALT_BYTES, check_data, check_member, commit, data_root
from app.core.ledger.entry import DataCommitment
from app.core.ledger.times import format_time
from app.core.ledger.verdict import MAX_FINDINGS, Finding, Findings, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.core.jsonvalue import Json
    from app.core.ledger.entry import Entry

REDACTED_TYPE = "entry.redacted.v1"
"""Its data names what was erased: ``index`` of the entry, ``members`` by name."""


@dataclass(frozen=True, slots=True)
class Member:
    """One top-level member of an event's data.

    ``value``: canonical JSON. Value and salt (32 bytes) are both None where the member is
    erased or withheld: the commitment (32 bytes) stays.
    """

    name: str
    commitment: bytes
    salt: bytes | None = None
    value: bytes | None = None


def commit_data(
    data: Mapping[str, Json], salts: bytes
) -> tuple[tuple[Member, ...], DataCommitment]:
    """Commit to an event's data, member by member.

    ``salts``: 32 random bytes for each member, one after another in the data's order.
    Raises what ``canonical`` does.
    """
    if len(salts) != SALT_BYTES * len(data):
        raise AssertionError(f"{len(data)} members take {SALT_BYTES} bytes of salt each")
    values = {name: canonical(value) for name, value in data.items()}
    members = []
    for place, (name, value) in enumerate(values.items()):
        salt = salts[SALT_BYTES * place : SALT_BYTES * (place + 1)]
        members.append(Member(name, commit(name, value, salt), salt, value))
    root = data_root({one.name: one.commitment for one in members})
    return tuple(members), DataCommitment(root, len(members), _size(values))


def data_findings(index: int, data: DataCommitment, members: Sequence[Member]) -> Iterator[Finding]:
    """Tell what differs between the members kept for entry ``index`` and its commitment."""
    sound = True
    for member in members:
        problem = _problem(member)
        if problem is not None:
            sound = False
            yield Finding(Outcome.ALTERED, "member", problem, index, member.name)
    commitments = {member.name: member.commitment for member in members}
    if len(members) != data.members or len(commitments) != data.members:
        detail = f"{len(members)} members are kept, {data.members} were committed to"
        yield Finding(Outcome.ALTERED, "members", detail, index)
        return
    try:
        check_data(commitments, data.root)
    except ProofMismatch as refusal:
        if sound:
            yield Finding(Outcome.ALTERED, "members", refusal.detail, index)
        return
    size = _data_size(members)
    if size is not None and size != data.size:
        detail = f"the data has {size} bytes, the entry says {data.size}"
        yield Finding(Outcome.ALTERED, "members", detail, index)


def _problem(member: Member) -> str | None:
    if member.salt is None and member.value is None:
        return None
    if member.salt is None or member.value is None:
        return "only one of value and salt is kept"
    try:
        check_member(member.name, member.value, member.salt, member.commitment)
    except Refusal:
        return "the value, its salt or its commitment was changed"
    return None


def _data_size(members: Sequence[Member]) -> int | None:
    """Length of the data's canonical JSON, or None if a member's value is not there."""
    values = {member.name: member.value for member in members if member.value is not None}
    return _size(values) if len(values) == len(members) else None


def _size(values: Mapping[str, bytes]) -> int:
    """Length of an object's canonical JSON, from the canonical JSON of its members' values."""
    names = sum(len(canonical(name)) for name in values)
    # Braces, a colon in each member, a comma between two.
    return 2 + names + sum(map(len, values.values())) + len(values) + max(0, len(values) - 1)


@dataclass(frozen=True, slots=True)
class Erasure:
    """Members of entry ``index`` that entry ``by`` says two people had erased."""

    index: int
    members: tuple[str, ...]
    by: int
    recorded_at: str
    requested_by: str
    confirmed_by: str
    legal_basis: str

    def sentence(self) -> str:
        """Who, when, on which legal basis; for a person."""
        return (
            f"entry {self.index}, {', '.join(self.members)}: erased by entry {self.by} at "
            f"{self.recorded_at}, asked for by {self.requested_by}, confirmed by "
            f"{self.confirmed_by}; legal basis: {self.legal_basis}"
        )


@dataclass(slots=True)
class Erasures:
    """Members whose values are gone, until a later entry says that they were erased.

    ``whole``: entries come in without a gap, so what was erased can be told from what was
    never handed in. ``logged``: the first hundred erasures on record; ``more`` beyond those.
    """

    whole: bool = True
    missing: dict[int, set[str]] = field(default_factory=dict)
    logged: list[Erasure] = field(default_factory=list)
    more: int = 0
    undone: Findings = field(default_factory=Findings)

    def step(self, entry: Entry, members: Sequence[Member]) -> None:
        """Take in the next entry and its members."""
        gone = {member.name for member in members if member.value is None}
        if gone:
            self.missing[entry.index] = gone
        if entry.type == REDACTED_TYPE:
            self._redacted(entry, members)

    def _redacted(self, entry: Entry, members: Sequence[Member]) -> None:
        said = {member.name: _value(member) for member in members}
        index, names = said.get("index"), said.get("members")
        if not isinstance(index, int) or not isinstance(names, list) or index >= entry.index:
            return
        named = tuple(name for name in names if isinstance(name, str))
        left = self.missing.pop(index, set())
        if self.whole:
            for name in sorted(set(named) - left):
                detail = f"entry {entry.index} says that it was erased, and its value is there"
                self.undone.add(Finding(Outcome.ALTERED, "erasure undone", detail, index, name))
        if left - set(named):
            self.missing[index] = left - set(named)
        if len(self.logged) == MAX_FINDINGS:
            self.more += 1
            return
        texts = {
            name: str(said.get(name, "?"))
            for name in ("requested_by", "confirmed_by", "legal_basis")
        }
        at = format_time(entry.recorded_at)
        self.logged.append(Erasure(index, named, entry.index, at, **texts))

    def unlogged(self, outcome: Outcome) -> Iterator[Finding]:
        """What is gone without an entry that says so."""
        for index, names in sorted(self.missing.items()):
            for name in sorted(names):
                detail = "the value is gone and no entry.redacted names it"
                yield Finding(outcome, "unlogged erasure", detail, index, name)

    def notes(self) -> tuple[str, ...]:
        """What was erased on record, a sentence each."""
        told = [one.sentence() for one in self.logged]
        return (*told, f"and {self.more} more") if self.more else tuple(told)


def _value(member: Member) -> Json:
    try:
        return None if member.value is None else parse_json(member.value)
    except Refusal:
        return None
