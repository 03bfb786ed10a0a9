"""Which witnesses must have cosigned before a checkpoint counts as witnessed.

    # comment
    log <verifier key> [<url>]
    witness <name> <verifier key> [<url>]
    group <name> all|any|<k> <member>…
    quorum <name>|none

One statement a line, words apart by blanks or tabs; a group names what stands before it. A
group is met when at least ``k`` of its members are; names mean something here alone.
Source: C2SP tlog-policy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.errors import Malformed, TooLarge
from app.core.ledger.cosignature import parse_witness
from app.core.ledger.note import parse_vkey

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from app.core.ledger.cosignature import Witness
    from app.core.ledger.note import Verifier

MAX_POLICY_BYTES = 100_000
NONE = "none"
_COUNT = re.compile(r"[1-9][0-9]{0,5}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class KnownWitness:
    """A witness by its name in the policy. ``url``: its submission prefix, or None."""

    name: str
    key: Witness
    url: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Met by at least ``least`` of ``members``: names of witnesses or earlier groups."""

    least: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """What a checkpoint needs. ``quorum``: name of a witness or group, or ``none``."""

    quorum: str = NONE
    logs: tuple[Verifier, ...] = ()
    witnesses: tuple[KnownWitness, ...] = ()
    groups: tuple[tuple[str, Group], ...] = ()

    def witness_keys(self) -> tuple[Witness, ...]:
        """The keys of all witnesses, in their order."""
        return tuple(witness.key for witness in self.witnesses)

    def met(self, cosigned: Collection[Witness]) -> bool:
        """Tell whether the quorum is met when just these keys have cosigned."""
        if self.quorum == NONE:
            return True
        met = {witness.name for witness in self.witnesses if witness.key in cosigned}
        for name, group in self.groups:  # in order: members come before their group
            if sum(member in met for member in group.members) >= group.least:
                met.add(name)
        return self.quorum in met


@dataclass(slots=True)
class _Draft:
    """A policy while it is being read."""

    quorum: str | None = None
    logs: list[Verifier] = field(default_factory=list)
    witnesses: list[KnownWitness] = field(default_factory=list)
    groups: list[tuple[str, Group]] = field(default_factory=list)

    def names(self) -> set[str]:
        named = {witness.name for witness in self.witnesses}
        return named | {name for name, _ in self.groups}

    def name(self, name: str) -> str:
        if name == NONE or name in self.names():
            raise Malformed(f"the name {name[:100]!r} is taken")
        return name


def parse_policy(raw: bytes) -> WitnessPolicy:
    """Read a policy file. Raises Malformed naming the line; TooLarge above 100,000 bytes."""
    if len(raw) > MAX_POLICY_BYTES:
        raise TooLarge(f"a witness policy has at most {MAX_POLICY_BYTES} bytes")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Malformed("the witness policy is not UTF-8") from None
    draft = _Draft()
    for number, line in enumerate(text.split("\n"), 1):
        try:
            _read(draft, line)
        except Malformed as refusal:
            raise Malformed(f"line {number} of the witness policy: {refusal.detail}") from None
    if draft.quorum is None:
        raise Malformed("the witness policy has no quorum line")
    return WitnessPolicy(
        draft.quorum, tuple(draft.logs), tuple(draft.witnesses), tuple(draft.groups)
    )


def _read(draft: _Draft, line: str) -> None:
    if _CONTROL.search(line):
        raise Malformed("it holds a control character")
    words = [word for word in re.split(r"[ \t]+", line) if word]
    if not words or words[0].startswith("#"):
        return
    match words:
        case ["log", key, *url] if len(url) <= 1:
            draft.logs.append(_fresh(parse_vkey(key), [log.public for log in draft.logs]))
        case ["witness", name, key, *url] if len(url) <= 1:
            _add_witness(draft, name, key, url[0] if url else None)
        case ["group", name, least, *members] if members:
            draft.groups.append((draft.name(name), _group(draft, least, members)))
        case ["quorum", name]:
            draft.quorum = _quorum(draft, name)
        case _:
            raise Malformed(f"it is no log, witness, group or quorum: {words[0][:100]!r}")


def _quorum(draft: _Draft, name: str) -> str:
    if draft.quorum is not None:
        raise Malformed("there is a quorum line before it")
    if name != NONE and name not in draft.names():
        raise Malformed(f"no witness or group before it is called {name[:100]!r}")
    return name


def _fresh(verifier: Verifier, known: Sequence[bytes]) -> Verifier:
    if verifier.public in known:
        raise Malformed("the same key stands in a line before it")
    return verifier


def _add_witness(draft: _Draft, name: str, key: str, url: str | None) -> None:
    witness = parse_witness(key)
    if witness.public in [known.key.public for known in draft.witnesses]:
        raise Malformed("the same key stands in a line before it")
    draft.witnesses.append(KnownWitness(draft.name(name), witness, url))


def _group(draft: _Draft, least: str, members: Sequence[str]) -> Group:
    names = draft.names()
    for place, member in enumerate(members):
        if member not in names:
            raise Malformed(f"no witness or group before it is called {member[:100]!r}")
        if member in members[:place]:
            raise Malformed(f"{member[:100]!r} is twice in one group")
    counts = {"any": 1, "all": len(members)}
    if least not in counts and not _COUNT.fullmatch(least):
        raise Malformed("a group needs all, any or a number of its members")
    count = counts[least] if least in counts else int(least)
    if count > len(members):
        raise Malformed(f"{count} of {len(members)} members can never be met")
    return Group(count, tuple(members))


def format_policy(policy: WitnessPolicy) -> str:
    """Write a policy without comments and addresses: what decides whether it is met."""
    lines = [f"log {verifier.vkey()}" for verifier in policy.logs]
    lines += [f"witness {witness.name} {witness.key.vkey()}" for witness in policy.witnesses]
    lines += [
        f"group {name} {group.least} {' '.join(group.members)}" for name, group in policy.groups
    ]
    return "\n".join([*lines, f"quorum {policy.quorum}", ""])
