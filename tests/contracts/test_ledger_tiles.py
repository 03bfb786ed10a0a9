"""Tiles, bundles and proofs from stored rows, against the tree computed naively."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from app.core.errors import ChainBroken, Missing, ProofMismatch
from app.core.ledger import consistency, inclusion
from app.core.ledger.merkle import leaf_hash, root
from app.core.ledger.tile import ENTRIES, Tile, split_entries, tiles
from app.ledger import blobs, operational
from app.ledger.tiles import read_tile, tile_reader
from tests.contracts.conftest import ENGINES
from tests.servers.postgresql import APP, OWNER
from tests.slices.ledger.desk import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.postgresql import Cluster
    from tests.slices.ledger.desk import Desk

SIZE = 530


@pytest.fixture(scope="module", params=ENGINES)
def full(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    with ExitStack() as closing:
        url = None
        if request.param == "postgresql":
            cluster: Cluster = request.getfixturevalue("postgresql")
            template = request.getfixturevalue("prepared")
            url = cluster.url(closing.enter_context(cluster.database(template, OWNER)), APP)
        place = Place(tmp_path_factory.mktemp("log"), url)
        desk = closing.enter_context(place.open())
        desk.record_many(SIZE)
        yield desk


def leaves_of(desk: Desk) -> list[bytes]:
    with desk.store.reading() as connection:
        return [leaf_hash(raw) for raw in desk.store.bodies(connection, 0, SIZE)]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, SIZE])
def test_every_tile_holds_the_roots_of_what_it_covers(full: Desk, size: int) -> None:
    leaves = leaves_of(full)
    with full.store.reading() as connection:
        for tile in tiles(size):
            width = 256**tile.level
            first = tile.index * 256 * width
            expected = b"".join(
                root(leaves[first + at * width : first + (at + 1) * width])
                for at in range(tile.width)
            )
            assert read_tile(full.store, connection, tile, size) == expected


@pytest.mark.parametrize(
    "tile", [Tile(ENTRIES, 0, 256), Tile(ENTRIES, 1, 256), Tile(ENTRIES, 2, 7)]
)
def test_a_bundle_holds_the_entries_as_they_were_hashed(full: Desk, tile: Tile) -> None:
    with full.store.reading() as connection:
        raw = read_tile(full.store, connection, tile, SIZE)
    first = tile.index * 256
    assert [leaf_hash(entry) for entry in split_entries(raw, tile)] == (
        leaves_of(full)[first : first + tile.width]
    )


@pytest.mark.parametrize(
    "tile", [Tile(0, 1, 7), Tile(0, 2, 19), Tile(0, 2, 256), Tile(0, 3, 1), Tile(2, 0, 1)]
)
def test_a_tile_beyond_the_log_is_missing(full: Desk, tile: Tile) -> None:
    with full.store.reading() as connection, pytest.raises(Missing):
        read_tile(full.store, connection, tile, SIZE)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 300, 512, 513, SIZE])
def test_proofs_from_stored_tiles_check_against_the_naive_root(full: Desk, size: int) -> None:
    leaves = leaves_of(full)
    expected = root(leaves[:size])
    with full.store.reading() as connection:
        read = tile_reader(full.store, connection, size)
        for index in sorted({0, size // 3, size // 2, size - 1}):
            proof = inclusion.prove(index, size, read)
            inclusion.check(leaves[index], index, size, proof, expected)
        for old in sorted({0, 1, size // 2, size}):
            grown = consistency.prove(old, size, read)
            consistency.check(old, root(leaves[:old]), size, expected, grown)


def test_a_file_is_stored_once_and_given_by_its_digest(desk: Desk) -> None:
    first = desk.ledger.operate(lambda connection: blobs.put(connection, b"a card"))
    again = desk.ledger.operate(lambda connection: blobs.put(connection, b"a card"))
    assert first == again
    with desk.store.reading() as connection:
        assert blobs.get(connection, first) == b"a card"
        assert blobs.exists(connection, first)
        assert not blobs.exists(connection, "sha256:" + "0" * 64)
        with pytest.raises(Missing, match="no file with digest"):
            blobs.get(connection, "sha256:" + "0" * 64)


def test_a_file_whose_bytes_are_others_by_now_is_not_given(desk: Desk, place: Place) -> None:
    digest = desk.ledger.operate(lambda connection: blobs.put(connection, b"a card"))
    place.alter("UPDATE blobs SET content = substr(content, 2)")
    with desk.store.reading() as reading, pytest.raises(ProofMismatch):
        blobs.get(reading, digest)


def test_operational_documents_are_put_in_place_listed_and_removed(desk: Desk) -> None:
    for key in ("b", "a", "b"):
        desk.ledger.operate(
            lambda connection, key=key: operational.put(connection, "draft", key, {"by": key})  # type: ignore[misc]
        )
    with desk.store.reading() as connection:
        assert operational.get(connection, "draft", "a") == {"by": "a"}
        assert operational.get(connection, "draft", "c") is None
        assert operational.get(connection, "session", "a") is None
        assert [key for key, _ in operational.each(connection, "draft")] == ["a", "b"]
    gone = [
        desk.ledger.operate(lambda connection: operational.delete(connection, "draft", "a"))
        for _ in range(2)
    ]
    assert gone == [True, False]


@pytest.mark.parametrize("column", ["kind", "key", "value"])
def test_an_operational_row_that_was_altered_is_not_believed(
    desk: Desk, place: Place, column: str
) -> None:
    desk.ledger.operate(
        lambda connection: operational.put(connection, "draft", "a", {"by": "erin"})
    )
    changed = {"kind": "session", "key": "b", "value": '{"by":"eric"}'}[column]
    place.alter(f"UPDATE operational SET {column} = '{changed}'")  # noqa: S608
    kind = "session" if column == "kind" else "draft"
    key = "b" if column == "key" else "a"
    with desk.store.reading() as reading, pytest.raises(ChainBroken, match="does not match"):
        operational.get(reading, kind, key)
