"""A log as plain files, written with the core alone: what the strangers are tried on."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.ledger.checkpoint import Checkpoint
from app.core.ledger.merkle import Frontier, leaf_hash, root
from app.core.ledger.note import Verifier, sign_note
from app.core.ledger.tile import TILE_WIDTH, bundles, join_entries, join_hashes, tiles

if TYPE_CHECKING:
    from pathlib import Path

GOLDEN_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
GOLDEN = Verifier("127.0.0.1:8999/gov", GOLDEN_KEY.public_key().public_bytes_raw())

_OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OTHER = Verifier(GOLDEN.name, _OTHER_KEY.public_key().public_bytes_raw())
"""A key of the same name that did not sign."""


def golden_entry(index: int) -> bytes:
    """Entry ``index`` of the golden log."""
    return b'{"i":%d,"k":"event","x":"%b"}' % (index, b"y" * 120)


def golden_root(size: int) -> str:
    """Root of the golden log in base64."""
    leaves = (leaf_hash(golden_entry(index)) for index in range(size))
    return base64.b64encode(Frontier().extend(leaves).root()).decode()


def write_log(folder: Path, size: int) -> None:
    """Write the golden log of ``size`` entries as a tree of files, all tiles in widest form."""
    entries = [golden_entry(index) for index in range(size)]
    levels = [[leaf_hash(entry) for entry in entries]]
    while len(levels[-1]) >= TILE_WIDTH:
        below = levels[-1]
        full = range(0, len(below) - len(below) % TILE_WIDTH, TILE_WIDTH)
        levels.append([root(below[first : first + TILE_WIDTH]) for first in full])
    for tile in tiles(size):
        first = tile.index * TILE_WIDTH
        hashes = levels[tile.level][first : first + tile.width]
        _write(folder / tile.path(), join_hashes(hashes))
    for bundle in bundles(size):
        first = bundle.index * TILE_WIDTH
        _write(folder / bundle.path(), join_entries(entries[first : first + bundle.width]))
    checkpoint = Checkpoint(GOLDEN.name, size, Frontier().extend(levels[0]).root())
    note = sign_note(checkpoint.text(), [(GOLDEN, GOLDEN_KEY.sign)])
    _write(folder / "checkpoint", note)


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
