"""Inclusion and consistency proofs: made by one algorithm, checked by the other."""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Malformed, ProofMismatch, Rejected
from app.core.ledger import consistency, inclusion
from app.core.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash, node_hash, root, split
from app.core.ledger.subtrees import Subtree, read_roots, subtrees
from app.core.ledger.tile import Tile
from tests.core.ledger.sample import tile_reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.core.ledger.conftest import Counts

LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]
READ = tile_reader(LEAVES)
ROOTS = [Frontier().extend(LEAVES[:size]).root() for size in range(301)]


@cache
def hash_of(first: int, end: int) -> bytes:
    """The definition, each range computed once."""
    if end - first == 1:
        return LEAVES[first]
    middle = first + split(end - first)
    return node_hash(hash_of(first, middle), hash_of(middle, end))


def test_every_proof_up_to_size_300_checks() -> None:
    for new in range(1, 301):
        for old in range(new):
            proof = [hash_of(*leaves) for leaves in inclusion.plan(old, new)]
            inclusion.check(LEAVES[old], old, new, proof, ROOTS[new])
            growth = [hash_of(*leaves) for leaves in consistency.plan(old, new)]
            consistency.check(old, ROOTS[old], new, ROOTS[new], growth)


def test_every_entry_is_proven_from_tiles_at_every_size(counts: Counts) -> None:
    for size in range(1, counts.sizes + 1):
        for index in range(size):
            proof = inclusion.prove(index, size, READ)
            inclusion.check(LEAVES[index], index, size, proof, ROOTS[size])


def test_every_growth_is_proven_from_tiles(counts: Counts) -> None:
    for new in range(counts.sizes + 1):
        for old in range(new + 1):
            proof = consistency.prove(old, new, READ)
            consistency.check(old, ROOTS[old], new, ROOTS[new], proof)


def test_far_entries_and_growths_are_proven(counts: Counts) -> None:
    chance = random.Random(6962)
    edges: dict[int, bytes] = {}
    for size in [65_535, 65_536, 65_537, 70_000, *(chance.randint(300, 69_999) for _ in range(5))]:
        edges[size] = Frontier().extend(LEAVES[:size]).root()
    for _ in range(counts.far):
        old, new = sorted(chance.sample(sorted(edges), 2))
        index = chance.randrange(new)
        proof = inclusion.prove(index, new, READ)
        inclusion.check(LEAVES[index], index, new, proof, edges[new])
        growth = consistency.prove(old, new, READ)
        consistency.check(old, edges[old], new, edges[new], growth)


def test_proofs_have_the_ranges_of_the_definition() -> None:
    # RFC 6962, 2.1.3: the tree of seven leaves.
    assert inclusion.plan(0, 7) == [(1, 2), (2, 4), (4, 7)]
    assert inclusion.plan(3, 7) == [(2, 3), (0, 2), (4, 7)]
    assert inclusion.plan(4, 7) == [(5, 6), (6, 7), (0, 4)]
    assert inclusion.plan(6, 7) == [(4, 6), (0, 4)]
    assert inclusion.plan(0, 1) == []
    assert consistency.plan(3, 7) == [(2, 3), (3, 4), (0, 2), (4, 7)]
    assert consistency.plan(4, 7) == [(4, 7)]
    assert consistency.plan(6, 7) == [(4, 6), (6, 7), (0, 4)]
    assert consistency.plan(0, 7) == []
    assert consistency.plan(7, 7) == []


@pytest.mark.parametrize(("index", "size"), [(-1, 7), (7, 7), (8, 7), (0, 0)])
def test_an_entry_that_is_not_there_is_not_proven(index: int, size: int) -> None:
    with pytest.raises(Rejected, match=rf"^entry {index} is not in a log of {size} entries$"):
        inclusion.prove(index, size, READ)
    with pytest.raises(ProofMismatch, match=rf"^entry {index} is not in a log of {size} entries$"):
        inclusion.check(LEAVES[0], index, size, [], ROOTS[7])


@pytest.mark.parametrize(("old", "new"), [(8, 7), (-1, 7), (1, 0)])
def test_a_log_does_not_grow_backwards(old: int, new: int) -> None:
    with pytest.raises(Rejected, match=rf"^a log of {old} entries does not grow to {new}$"):
        consistency.prove(old, new, READ)
    with pytest.raises(ProofMismatch, match=rf"^a log of {old} entries does not grow to {new}$"):
        consistency.check(old, ROOTS[old], new, ROOTS[new], [])


def damaged(proof: Sequence[bytes]) -> list[list[bytes]]:
    """Every way to change, drop, double, cut or swap one hash of a proof."""
    ways = [[*proof, EMPTY_ROOT], [EMPTY_ROOT, *proof]]
    for place, sibling in enumerate(proof):
        before, after = list(proof[:place]), list(proof[place + 1 :])
        ways += [
            [*before, bytes([sibling[0] ^ 1]) + sibling[1:], *after],
            [*before, sibling[:-1], *after],
            [*before, sibling + b"\0", *after],
            [*before, *after],
            [*before, sibling, sibling, *after],
        ]
    if len(proof) > 1:
        ways.append([*proof[1:], proof[0]])
    return ways


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 7, 8, 9, 13])
def test_a_damaged_inclusion_proof_does_not_check(size: int) -> None:
    for index in range(size):
        proof = inclusion.prove(index, size, READ)
        for wrong in damaged(proof):
            with pytest.raises(ProofMismatch, match=rf"^the proof for entry {index} of {size} "):
                inclusion.check(LEAVES[index], index, size, wrong, ROOTS[size])


@pytest.mark.parametrize("size", [2, 3, 4, 6, 7, 8, 9, 13])
def test_an_inclusion_proof_is_good_for_one_leaf_at_one_place_only(size: int) -> None:
    for index in range(size):
        proof = inclusion.prove(index, size, READ)
        with pytest.raises(ProofMismatch, match=r"leads to another root$"):
            inclusion.check(LEAVES[index + 1], index, size, proof, ROOTS[size])
        with pytest.raises(ProofMismatch, match=r"leads to another root$"):
            inclusion.check(LEAVES[index], index, size, proof, ROOTS[size + 1])
        for other in set(range(size)) - {index}:
            with pytest.raises(ProofMismatch):
                inclusion.check(LEAVES[index], other, size, proof, ROOTS[size])


def test_an_inclusion_proof_tells_what_is_wrong_with_its_length() -> None:
    proof = inclusion.prove(2, 4, READ)
    with pytest.raises(ProofMismatch, match=r"^the proof for entry 2 of 4 is too short$"):
        inclusion.check(LEAVES[2], 2, 4, proof[:1], ROOTS[4])
    with pytest.raises(ProofMismatch, match=r"^the proof for entry 2 of 4 has a wrong length$"):
        inclusion.check(LEAVES[2], 2, 4, [*proof, EMPTY_ROOT], ROOTS[4])
    with pytest.raises(ProofMismatch, match=r"^the proof for entry 2 of 4 has a wrong length$"):
        inclusion.check(LEAVES[2], 2, 4, [proof[0][:-1], proof[1]], ROOTS[4])


@pytest.mark.parametrize("new", [2, 3, 4, 6, 7, 8, 9, 13])
def test_a_damaged_consistency_proof_does_not_check(new: int) -> None:
    for old in range(1, new):
        proof = consistency.prove(old, new, READ)
        for wrong in damaged(proof):
            with pytest.raises(ProofMismatch, match=r"^the consistency proof "):
                consistency.check(old, ROOTS[old], new, ROOTS[new], wrong)


@pytest.mark.parametrize("new", [2, 3, 4, 6, 7, 8, 9, 13])
def test_a_consistency_proof_is_good_for_two_roots_only(new: int) -> None:
    for old in range(1, new):
        proof = consistency.prove(old, new, READ)
        with pytest.raises(ProofMismatch, match=rf"another root at size ({old}|{new})$"):
            consistency.check(old, ROOTS[old + 1], new, ROOTS[new], proof)
        with pytest.raises(ProofMismatch, match=rf"another root at size {new}$"):
            consistency.check(old, ROOTS[old], new, ROOTS[new + 1], proof)


def test_a_consistency_proof_tells_what_is_wrong_with_its_length() -> None:
    proof = consistency.prove(3, 7, READ)
    with pytest.raises(ProofMismatch, match=r"^the consistency proof has a wrong length$"):
        consistency.check(3, ROOTS[3], 7, ROOTS[7], [])
    with pytest.raises(ProofMismatch, match=r"^the consistency proof has a wrong length$"):
        consistency.check(3, ROOTS[3], 7, ROOTS[7], [*proof[:-1], b""])
    with pytest.raises(ProofMismatch, match=r"^the consistency proof is too short$"):
        consistency.check(3, ROOTS[3], 7, ROOTS[7], proof[:-1])
    with pytest.raises(ProofMismatch, match=r"^the consistency proof is too long$"):
        consistency.check(3, ROOTS[3], 7, ROOTS[7], [*proof, EMPTY_ROOT])
    with pytest.raises(
        ProofMismatch, match=r"^the consistency proof leads to another root at size 3$"
    ):
        consistency.check(3, ROOTS[4], 7, ROOTS[7], proof)


@pytest.mark.parametrize("size", [0, 1, 7])
def test_equal_sizes_need_equal_roots_and_no_proof(size: int) -> None:
    consistency.check(size, ROOTS[size], size, ROOTS[size], [])
    with pytest.raises(
        ProofMismatch, match=r"^the consistency proof is too long: it needs no hash$"
    ):
        consistency.check(size, ROOTS[size], size, ROOTS[size], [EMPTY_ROOT])
    with pytest.raises(ProofMismatch, match=rf"^two different roots at size {size}$"):
        consistency.check(size, ROOTS[size], size, ROOTS[8], [])


def test_every_log_grew_from_the_empty_one() -> None:
    consistency.check(0, EMPTY_ROOT, 7, ROOTS[7], [])
    with pytest.raises(ProofMismatch, match=r"^the root at size 0 is not that of the empty log$"):
        consistency.check(0, ROOTS[1], 7, ROOTS[7], [])
    with pytest.raises(
        ProofMismatch, match=r"^the consistency proof is too long: it needs no hash$"
    ):
        consistency.check(0, EMPTY_ROOT, 7, ROOTS[7], [ROOTS[7]])


def test_a_range_falls_apart_into_full_subtrees() -> None:
    assert subtrees((0, 0)) == []
    assert subtrees((0, 7)) == [Subtree(2, 0), Subtree(1, 2), Subtree(0, 6)]
    assert subtrees((4, 8)) == [Subtree(2, 1)]
    assert subtrees((8, 11)) == [Subtree(1, 4), Subtree(0, 10)]
    assert subtrees((65_536, 70_000)) == [
        Subtree(12, 16), Subtree(8, 272), Subtree(6, 1092), Subtree(5, 2186), Subtree(4, 4374),
    ]  # fmt: skip


def test_all_tiles_of_a_proof_are_read_at_once() -> None:
    asked: list[Tile] = []

    def read(tiles: Sequence[Tile]) -> Sequence[bytes]:
        asked.extend(tiles)
        return READ(tiles)

    inclusion.prove(300, 70_000, read)
    assert asked == [Tile(0, 1), Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17)]


def test_hashes_of_any_range_are_read_from_tiles() -> None:
    ranges = [(0, 300), (256, 300), (0, 65_536), (65_536, 66_000), (5, 6)]
    expected = [root(LEAVES[first:end]) for first, end in ranges]
    assert read_roots(ranges, 66_000, READ) == expected
    assert read_roots([], 66_000, READ) == []


def test_a_tile_of_a_wrong_length_is_malformed() -> None:
    with pytest.raises(Malformed, match=r"^tile/0/000\.p/7 has 223 bytes, not 224$"):
        inclusion.prove(3, 7, lambda tiles: [raw[:-1] for raw in READ(tiles)])
