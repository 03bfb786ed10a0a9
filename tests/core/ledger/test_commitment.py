from __future__ import annotations

import hashlib

import pytest

from app.core.errors import ProofMismatch
from app.core.ledger.commitment import check_data, check_member, commit, data_root
from app.core.ledger.merkle import leaf_hash, node_hash

SALT = bytes(range(32))
A, B, C = (bytes([number]) * 32 for number in (1, 2, 3))


def test_a_commitment_is_pinned() -> None:
    message = b"muniment-member/1\x00" + SALT + '["é",{"a":1}]'.encode()
    assert commit("é", b'{"a":1}', SALT) == hashlib.sha256(message).digest()


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_a_salt_has_32_bytes(salt: bytes) -> None:
    with pytest.raises(AssertionError, match=r"^a salt has 32 bytes$"):
        commit("a", b"1", salt)
    with pytest.raises(ProofMismatch):
        check_member("a", b"1", salt, A)


def test_an_empty_object_has_the_root_of_the_empty_tree() -> None:
    assert data_root({}) == hashlib.sha256(b"").digest()


def test_commitments_are_leaves_in_the_order_of_utf16_names() -> None:
    expected = node_hash(node_hash(leaf_hash(A), leaf_hash(B)), leaf_hash(C))
    assert data_root({"\ufb33": C, "😀": B, "a": A}) == expected
    assert data_root({"a": A, "😀": B, "\ufb33": C}) == expected
    assert data_root({"a": A}) == leaf_hash(A)


def test_a_member_is_checked_against_its_commitment() -> None:
    commitment = commit("a", b"1", SALT)
    check_member("a", b"1", SALT, commitment)
    for name, value, salt in (("b", b"1", SALT), ("a", b"2", SALT), ("a", b"1", bytes(32))):
        with pytest.raises(ProofMismatch, match=rf"^member '{name}' is not what was committed to$"):
            check_member(name, value, salt, commitment)


def test_all_commitments_are_checked_against_the_root() -> None:
    check_data({"a": A, "b": B}, data_root({"a": A, "b": B}))
    for commitments in ({"a": A}, {"a": B, "b": A}, {"a": A, "b": B, "c": C}, {}):
        with pytest.raises(
            ProofMismatch, match=r"^the members are not those that the entry commits to$"
        ):
            check_data(commitments, data_root({"a": A, "b": B}))
