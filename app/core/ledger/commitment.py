"""How an entry commits to its event's data, member by member (so that one can be erased).

    commitment = SHA-256("muniment-member/1" 0x00 ‖ salt (32 bytes) ‖ JCS([name, value]))
    data root  = Merkle tree hash (RFC 6962, 2.1) over the commitments, in the order of names

Value and salt are kept apart from the log. Erasing both leaves the commitment, which says
nothing about the value without the salt; every proof still checks.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from app.core.errors import ProofMismatch
from app.core.ledger.canonical import in_order, member_bytes
from app.core.ledger.merkle import leaf_hash, root

if TYPE_CHECKING:
    from collections.abc import Mapping

SALT_BYTES = 32

_PREFIX = b"muniment-member/1\0"


def commit(name: str, value_bytes: bytes, salt: bytes) -> bytes:
    """Commit to one member. ``value_bytes``: the value's canonical JSON. ``salt``: 32 bytes."""
    if len(salt) != SALT_BYTES:
        raise AssertionError(f"a salt has {SALT_BYTES} bytes")
    return hashlib.sha256(_PREFIX + salt + member_bytes(name, value_bytes)).digest()


def data_root(commitments: Mapping[str, bytes]) -> bytes:
    """Merkle root over the commitments, keyed by member name, in any order.

    No members: SHA-256 of nothing.
    """
    return root([leaf_hash(commitments[name]) for name in in_order(commitments)])


def check_member(name: str, value_bytes: bytes, salt: bytes, commitment: bytes) -> None:
    """Check that ``commitment`` was made for this name, value and salt. Raises ProofMismatch."""
    if len(salt) != SALT_BYTES or commit(name, value_bytes, salt) != commitment:
        raise ProofMismatch(f"member {name!r} is not what was committed to")


def check_data(commitments: Mapping[str, bytes], root_hash: bytes) -> None:
    """Check that ``root_hash`` is the data root of all these. Raises ProofMismatch."""
    if data_root(commitments) != root_hash:
        raise ProofMismatch("the members are not those that the entry commits to")
