from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from app.core.errors import ProofMismatch
from app.core.ledger.canonical import canonical
from app.core.ledger.commitment import check_data, check_member, commit, data_root
from app.core.ledger.entry import DataCommitment
from app.core.ledger.merkle import leaf_hash, node_hash
from app.core.ledger.payload import commit_data

if TYPE_CHECKING:
    from app.core.jsonvalue import Json

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


def test_data_is_committed_to_member_by_member_each_with_its_own_salt() -> None:
    data: dict[str, Json] = {"b": [1, {"z": None, "a": "é"}], "é": "x", "a": 2.50}
    salts = bytes(range(96))
    members, commitment = commit_data(data, salts)
    assert [(one.name, one.value) for one in members] == [
        ("b", '[1,{"a":"é","z":null}]'.encode()),
        ("é", b'"x"'),
        ("a", b"2.5"),
    ]
    assert [one.salt for one in members] == [salts[:32], salts[32:64], salts[64:]]
    for one in members:
        assert one.commitment == commit(one.name, one.value or b"", one.salt or b"")
    whole = data_root({one.name: one.commitment for one in members})
    assert commitment == DataCommitment(whole, 3, len(canonical(data)))
    assert commit_data({}, b"") == ((), DataCommitment(data_root({}), 0, 2))


@pytest.mark.parametrize("salts", [b"", bytes(31), bytes(33), bytes(64)])
def test_each_member_takes_a_whole_salt(salts: bytes) -> None:
    with pytest.raises(AssertionError, match="1 members take 32 bytes of salt each"):
        commit_data({"a": 1}, salts)
