"""An event's data as it is kept apart from the log, held against what its entry commits to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.errors import ProofMismatch, Refusal
from app.core.ledger.canonical import canonical, parse_json
from app.core.ledger.commitment import check_data, check_member
from app.core.ledger.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.core.jsonvalue import Json
    from app.core.ledger.entry import DataCommitment

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
    values = [member.value for member in members if member.value is not None]
    if len(values) != len(members):
        return None
    names = sum(len(canonical(member.name)) for member in members)
    # Braces, a colon in each member, a comma between two.
    return 2 + names + sum(map(len, values)) + len(members) + max(0, len(members) - 1)


@dataclass(slots=True)
class Erasures:
    """Members whose values are gone, until a later entry says that they were erased."""

    missing: dict[int, set[str]] = field(default_factory=dict)

    def step(self, index: int, event_type: str, members: Sequence[Member]) -> None:
        """Take in the next entry's type and members."""
        gone = {member.name for member in members if member.value is None}
        if gone:
            self.missing[index] = gone
        if event_type == REDACTED_TYPE:
            self._redacted(index, members)

    def _redacted(self, by: int, members: Sequence[Member]) -> None:
        said = {member.name: _value(member) for member in members}
        index, names = said.get("index"), said.get("members")
        if not isinstance(index, int) or not isinstance(names, list) or index >= by:
            return
        left = self.missing.get(index, set()) - {name for name in names if isinstance(name, str)}
        if left:
            self.missing[index] = left
        else:
            self.missing.pop(index, None)

    def unlogged(self, outcome: Outcome) -> Iterator[Finding]:
        """What is gone without an entry that says so."""
        for index, names in sorted(self.missing.items()):
            for name in sorted(names):
                detail = "the value is gone and no entry.redacted names it"
                yield Finding(outcome, "unlogged erasure", detail, index, name)


def _value(member: Member) -> Json:
    try:
        return None if member.value is None else parse_json(member.value)
    except Refusal:
        return None
