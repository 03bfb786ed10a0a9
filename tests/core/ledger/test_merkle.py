from __future__ import annotations

import hashlib

import pytest

from app.core.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    fold,
    leaf_hash,
    node_hash,
    root,
    split,
)

LEAVES = [leaf_hash(b"%d" % number) for number in range(300)]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT
    assert root([]) == EMPTY_ROOT
    assert fold([]) == EMPTY_ROOT
    assert Frontier().root() == EMPTY_ROOT


def test_a_leaf_is_hashed_after_a_zero_byte() -> None:
    assert leaf_hash(b"entry") == hashlib.sha256(b"\x00entry").digest()
    assert root([LEAVES[0]]) == LEAVES[0]


def test_a_node_is_hashed_after_a_one_byte() -> None:
    left, right = LEAVES[:2]
    assert node_hash(left, right) == hashlib.sha256(b"\x01" + left + right).digest()
    assert root(LEAVES[:2]) == node_hash(left, right)


@pytest.mark.parametrize(
    ("size", "left"), [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8), (256, 128), (257, 256)]
)
def test_a_tree_splits_at_the_largest_power_of_two_below_its_size(size: int, left: int) -> None:
    assert split(size) == left
    assert root(LEAVES[:size]) == node_hash(root(LEAVES[:left]), root(LEAVES[left:size]))


def test_the_right_edge_has_the_root_of_the_definition_at_every_size() -> None:
    edge = Frontier()
    for size, leaf in enumerate(LEAVES, 1):
        edge = edge.append(leaf)
        assert edge.size == size
        assert len(edge.peaks) == size.bit_count()
        assert edge.root() == root(LEAVES[:size])


def test_the_right_edge_grows_alike_in_one_step_and_in_many() -> None:
    for middle in (0, 1, 7, 8, 255, 256, 299, 300):
        edge = Frontier().extend(LEAVES[:middle])
        assert edge.extend(LEAVES[middle:]) == Frontier().extend(LEAVES)
        assert edge.root() == root(LEAVES[:middle])


def test_the_peaks_are_the_full_subtrees_largest_first() -> None:
    edge = Frontier().extend(LEAVES[:7])
    assert edge.peaks == (root(LEAVES[:4]), root(LEAVES[4:6]), LEAVES[6])
