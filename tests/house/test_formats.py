"""The worked examples of docs/formats are what the code reads."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from app.core.ledger import inclusion
from app.core.ledger.bundle import format_members, parse_members
from app.core.ledger.canonical import canonical, member_bytes
from app.core.ledger.checkpoint import open_checkpoint
from app.core.ledger.commitment import data_root
from app.core.ledger.cosignature import cosignatures, parse_witness
from app.core.ledger.entry import encode, genesis_prev, parse
from app.core.ledger.manifest import format_manifest, parse_manifest
from app.core.ledger.merkle import leaf_hash
from app.core.ledger.note import parse_vkey
from app.core.ledger.payload import data_findings
from app.core.ledger.proof_file import parse_proof
from app.core.ledger.rotation import Step, open_rotation
from app.core.ledger.tile import Tile, split_hashes, tiles
from app.core.ledger.trust import parse_trust
from app.verification import verify

FENCED = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)
FORMATS = Path(__file__).resolve().parents[2] / "docs/formats"


def shown(name: str) -> list[bytes]:
    """Give what stands between the fences of a page, in order, each with its last line feed."""
    text = (FORMATS / f"{name}.md").read_text("utf-8")
    return [
        block.encode() for block in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]


def line(block: bytes) -> bytes:
    return block.removesuffix(b"\n")


ENTRY_0, LEAF_0, ENTRY_1 = map(line, shown("entry"))
NOTE, KEYS = shown("checkpoint")
LOG, WITNESS = KEYS.decode().splitlines()
MEMBERS_2, ENTRY_2, _ = map(line, shown("report"))


def test_the_rotation_that_is_shown_is_signed_by_both_keys() -> None:
    rotation = open_rotation(shown("rotation")[0])
    assert rotation.step is Step.BEGUN
    assert rotation.origin == rotation.old.name == rotation.new.name == "127.0.0.1:8999/gov"


def test_the_entry_that_is_shown_is_read_and_written_again() -> None:
    entry, after = parse(ENTRY_0), parse(ENTRY_1)
    assert encode(entry) == ENTRY_0
    assert entry.prev == genesis_prev(entry.log)
    assert leaf_hash(ENTRY_0).hex().encode() == LEAF_0
    assert after.prev.hex().encode() == LEAF_0
    assert (after.subject_prev, after.type_prev) == (0, None)
    assert verify.parse_entry(ENTRY_0)["index"] == 0


def test_the_members_of_every_entry_are_named() -> None:
    page = (FORMATS / "entry.md").read_text("utf-8")
    told = {
        name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in row.split()
    }
    assert {name.strip("`") for name in told} == verify.parse_entry(ENTRY_0).keys()


def test_the_commitment_that_is_shown_leads_to_the_entry() -> None:
    disclosed, hashed, root, erased = map(line, shown("commitment"))
    members = parse_members(disclosed)
    assert list(data_findings(0, parse(ENTRY_0).data, members)) == []
    owner = members[-1]
    assert owner.salt is not None
    assert owner.value is not None
    whole = b"muniment-member/1\0" + owner.salt + member_bytes("owner", owner.value)
    assert whole.hex().encode() == hashed
    assert hashlib.sha256(whole).digest() == owner.commitment
    assert parse(ENTRY_0).data.root.hex().encode() == root
    left = parse_members(erased)
    assert left[-1].value is None
    assert data_root({one.name: one.commitment for one in left}).hex().encode() == root
    assert format_members(left) == erased


def test_the_checkpoint_that_is_shown_is_signed_and_cosigned() -> None:
    checkpoint = open_checkpoint(NOTE, [parse_vkey(LOG)])
    assert checkpoint.size == 3
    (cosigned,) = cosignatures(NOTE, [parse_witness(WITNESS)])
    assert cosigned.at == 1_770_000_000


def test_the_tiles_that_are_shown_are_those_of_the_log() -> None:
    hashes, length = map(line, shown("tiles"))
    leaves = split_hashes(bytes.fromhex(hashes.decode()), Tile(0, 0, 3))
    assert leaves == [leaf_hash(raw) for raw in (ENTRY_0, ENTRY_1, ENTRY_2)]
    assert int(length, 16) == len(ENTRY_0)
    page = (FORMATS / "tiles.md").read_text("utf-8")
    partial = [one.path() for one in tiles(70_000) if one.width < 256]
    assert re.findall(r"^\| [0-9] \| [0-9]+ \| `(.+)` \|", page, re.MULTILINE) == partial
    full = [sum(t.level == n and t.width == 256 for t in tiles(70_000)) for n in range(3)]
    assert [int(n) for n in re.findall(r"^\| [0-9] \| ([0-9]+) \|", page, re.MULTILINE)] == full
    assert Tile(0, 1_234_067).path() in page


@pytest.mark.parametrize(
    ("block", "entry", "index"), [(shown("proof")[0], ENTRY_1, 1), (shown("report")[2], ENTRY_2, 2)]
)
def test_the_proofs_that_are_shown_lead_to_the_checkpoint(
    block: bytes, entry: bytes, index: int
) -> None:
    proof = parse_proof(block)
    assert proof.checkpoint == NOTE
    checkpoint = open_checkpoint(proof.checkpoint, [parse_vkey(LOG)])
    assert proof.index == index
    inclusion.check(leaf_hash(entry), index, checkpoint.size, proof.hashes, checkpoint.root)


def test_the_report_that_is_shown_is_named_by_its_entry() -> None:
    members = parse_members(MEMBERS_2)
    assert list(data_findings(2, parse(ENTRY_2).data, members)) == []
    said = {one.name: one.value for one in members}
    for name, raw in (("unsealed_digest", b"the pages\n"), ("data_digest", b"the data\n")):
        assert said[name] == canonical(f"sha256:{hashlib.sha256(raw).hexdigest()}")


def test_the_trust_file_that_is_shown_is_read() -> None:
    (raw,) = shown("trust")
    revoked, current = parse_trust(raw)
    assert revoked.revoked_at_size == 700
    assert revoked.revoked_root is not None
    assert current.from_size == 701
    assert [span.revoked for span in verify.read_trust(raw)] == [700, None]


def test_the_manifest_that_is_shown_is_read_and_written_again() -> None:
    raw = line(shown("bundle")[0])
    assert format_manifest(parse_manifest(raw)) == raw
