"""A small log with everything an auditor looks at, made by the room under test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.ledger import inclusion
from app.core.ledger.audit import LoggedEntry
from app.core.ledger.canonical import canonical
from app.core.ledger.checkpoint import Checkpoint
from app.core.ledger.commitment import commit, data_root
from app.core.ledger.entry import DataCommitment, Entry, EntryActor, encode, genesis_prev
from app.core.ledger.merkle import leaf_hash, root
from app.core.ledger.note import Verifier, sign_note
from app.core.ledger.payload import Member
from app.core.ledger.proof_file import ProofFile, format_proof
from app.core.ledger.tile import TILE_WIDTH, join_hashes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.core.jsonvalue import Json
    from app.core.ledger.subtrees import ReadTiles
    from app.core.ledger.tile import Tile

ORIGIN = "log.example/a"
STARTED_AT = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = Verifier(ORIGIN, KEY.public_key().public_bytes_raw())

OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OTHER_VERIFIER = Verifier(ORIGIN, OTHER_KEY.public_key().public_bytes_raw())

ENTRY = Entry(
    log=ORIGIN,
    index=0,
    prev=genesis_prev(ORIGIN),
    subject_prev=None,
    type_prev=None,
    id="0190b5a0-0000-7000-8000-000000000000",
    type="model.version_registered.v1",
    source="api",
    subject="model/credit-risk/3",
    occurred_at=STARTED_AT,
    recorded_at=STARTED_AT,
    actor=EntryActor("user/0190b5a0", "person", "password+totp"),
    schema=bytes(range(32)),
    data=DataCommitment(bytes(range(32, 64)), 2, 33),
    idem=None,
)


def tile_reader(leaves: Sequence[bytes]) -> ReadTiles:
    """Answer tiles from leaf hashes."""
    levels = [list(leaves)]
    while len(levels[-1]) >= TILE_WIDTH:
        below = levels[-1]
        full = len(below) // TILE_WIDTH
        levels.append([root(below[n * TILE_WIDTH :][:TILE_WIDTH]) for n in range(full)])

    def read(tiles: Sequence[Tile]) -> list[bytes]:
        return [
            join_hashes(levels[tile.level][tile.index * TILE_WIDTH :][: tile.width])
            for tile in tiles
        ]

    return read


@dataclass(slots=True)
class SampleLog:
    """A log being written: three subjects in turn, one type unless another is asked for."""

    raws: list[bytes]
    members: list[tuple[Member, ...]]
    heads: dict[str, int]

    def record(self, data: Mapping[str, Json], event_type: str = "model.noted.v1") -> int:
        index = len(self.raws)
        subject = f"model/m{index % 3}"
        members = tuple(sealed(index, name, value) for name, value in data.items())
        at = STARTED_AT + timedelta(seconds=index)
        entry = replace(
            ENTRY,
            index=index,
            prev=leaf_hash(self.raws[-1]) if index else genesis_prev(ORIGIN),
            subject=subject,
            type=event_type,
            subject_prev=self.heads.get(subject),
            type_prev=self.heads.get(event_type),
            occurred_at=at,
            recorded_at=at,
            data=DataCommitment(
                data_root({member.name: member.commitment for member in members}),
                len(members),
                len(canonical(data)),
            ),
        )
        self.heads[subject] = self.heads[event_type] = index
        self.raws.append(encode(entry))
        self.members.append(members)
        return index

    def logged(self) -> list[LoggedEntry]:
        return [
            LoggedEntry(index, raw, members)
            for index, (raw, members) in enumerate(zip(self.raws, self.members, strict=True))
        ]

    def checkpoint(self, size: int | None = None, key: Ed25519PrivateKey = KEY) -> bytes:
        size = len(self.raws) if size is None else size
        root_hash = root([leaf_hash(raw) for raw in self.raws[:size]])
        verifier = Verifier(ORIGIN, key.public_key().public_bytes_raw())
        return sign_note(Checkpoint(ORIGIN, size, root_hash).text(), [(verifier, key.sign)])

    def proof(self, index: int) -> bytes:
        leaves = [leaf_hash(raw) for raw in self.raws]
        hashes = inclusion.prove(index, len(leaves), tile_reader(leaves))
        return format_proof(ProofFile(index, tuple(hashes), self.checkpoint()))

    def erase(self, index: int, name: str) -> None:
        self.members[index] = tuple(
            Member(member.name, member.commitment) if member.name == name else member
            for member in self.members[index]
        )


def sealed(index: int, name: str, value: Json) -> Member:
    """A member with its value, a salt that the test can predict, and the commitment."""
    salt = hashlib.sha256(f"{index} {name}".encode()).digest()
    value_bytes = canonical(value)
    return Member(name, commit(name, value_bytes, salt), salt, value_bytes)


def sample_log(size: int) -> SampleLog:
    """A log of ``size`` entries of two members: ``digest`` of the bytes ``file <i>``, ``owner``."""
    log = SampleLog([], [], {})
    for index in range(size):
        digest = hashlib.sha256(f"file {index}".encode()).hexdigest()
        log.record({"digest": f"sha256:{digest}", "owner": f"Ada {index}"})
    return log
