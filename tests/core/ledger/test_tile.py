from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import Malformed
from app.core.ledger.tile import (
    ENTRIES,
    Tile,
    bundles,
    completed,
    is_served,
    items,
    join_entries,
    join_hashes,
    parse_path,
    split_entries,
    split_hashes,
    tile_at,
    tiles,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(1, 7, 255), "tile/1/007.p/255"),
        (Tile(63, 999), "tile/63/999"),
        (Tile(2, 1000), "tile/2/x001/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(ENTRIES, 1234067, 8), "tile/entries/x001/x234/067.p/8"),
        (Tile(ENTRIES, 0), "tile/entries/000"),
        (Tile(0, 1_000_000), "tile/0/x001/x000/000"),
        (Tile(0, 999_999_999_999_999_999), "tile/0/x999/x999/x999/x999/x999/999"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    assert tile.path() == path
    assert parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000",
        "/tile/0/000", "tile/0/000/", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/01/000",
        "tile/data/000", "tile/0/001/000", "tile/0/x001/x000", "tile/0/000.p/", "tile/0/000.p",
        "tile/0/000.p/1000", "tile/0/000.p/x", "tile/0/000.p/1 ", "tile/0/\u0660\u0660\u0660",
        "tile/0/000.q/1", "tile/0/000\n", "tile/8/0/000", "TILE/0/000", "tile/0/X001/000",
    ],
)  # fmt: skip
def test_what_is_not_the_path_of_a_tile_is_malformed(path: str) -> None:
    with pytest.raises(Malformed, match=r"^not the path of a tile: "):
        parse_path(path)


@pytest.mark.parametrize(
    "path",
    ["tile/0/x000/000", "tile/0/x000/x001/000", "tile/0/000.p/256", "tile/entries/x000/001"],
)
def test_another_way_to_write_a_path_is_malformed(path: str) -> None:
    with pytest.raises(Malformed, match=r"^not the one way to write the path of a tile: "):
        parse_path(path)


@pytest.mark.parametrize("path", ["tile/0/000.p/0", "tile/0/000.p/01", "tile/0/000.p/-1"])
def test_a_width_has_no_leading_zero_and_is_not_zero(path: str) -> None:
    with pytest.raises(Malformed):
        parse_path(path)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, []),
        (1, [Tile(0, 0, 1)]),
        (255, [Tile(0, 0, 255)]),
        (256, [Tile(0, 0), Tile(1, 0, 1)]),
        (257, [Tile(0, 0), Tile(0, 1, 1), Tile(1, 0, 1)]),
        (65_535, [*(Tile(0, n) for n in range(255)), Tile(0, 255, 255), Tile(1, 0, 255)]),
        (65_536, [*(Tile(0, n) for n in range(256)), Tile(1, 0), Tile(2, 0, 1)]),
        (
            70_000,
            [
                *(Tile(0, n) for n in range(273)), Tile(0, 273, 112),
                Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1),
            ],
        ),
    ],
)  # fmt: skip
def test_a_log_has_these_tiles(size: int, expected: list[Tile]) -> None:
    assert list(tiles(size)) == expected
    level_0 = [tile for tile in expected if tile.level == 0]
    assert list(bundles(size)) == [Tile(ENTRIES, tile.index, tile.width) for tile in level_0]
    assert all(is_served(tile, size) for tile in expected)
    assert all(tile_at(tile.level, tile.index, size) == tile for tile in expected)


def test_a_level_has_one_item_for_256_of_the_level_below() -> None:
    assert [items(level, 70_000) for level in (ENTRIES, 0, 1, 2, 3)] == [70_000, 70_000, 273, 1, 0]


@pytest.mark.parametrize(
    ("tile", "size", "served"),
    [
        (Tile(0, 0), 255, False),
        (Tile(0, 0), 256, True),
        (Tile(0, 0), 70_000, True),
        (Tile(0, 1), 511, False),
        (Tile(0, 1), 512, True),
        (Tile(0, 0, 1), 0, False),
        (Tile(0, 0, 1), 1, True),
        (Tile(0, 0, 1), 255, True),
        (Tile(0, 0, 1), 256, False),
        (Tile(0, 1, 44), 299, False),
        (Tile(0, 1, 44), 300, True),
        (Tile(0, 1, 45), 300, False),
        (Tile(0, 1, 44), 512, False),
        (Tile(1, 0, 1), 255, False),
        (Tile(1, 0, 1), 256, True),
        (Tile(1, 0), 65_535, False),
        (Tile(1, 0), 65_536, True),
        (Tile(ENTRIES, 1, 44), 300, True),
        (Tile(ENTRIES, 1, 45), 300, False),
        (Tile(ENTRIES, 0), 300, True),
    ],
)
def test_a_tile_is_served_in_every_width_until_it_is_full(
    tile: Tile, size: int, *, served: bool
) -> None:
    assert is_served(tile, size) is served


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (0, 0, []),
        (0, 255, []),
        (0, 256, [Tile(0, 0)]),
        (255, 256, [Tile(0, 0)]),
        (256, 511, []),
        (256, 768, [Tile(0, 1), Tile(0, 2)]),
        (65_535, 65_536, [Tile(0, 255), Tile(1, 0)]),
        (65_536, 65_537, []),
    ],
)
def test_growth_completes_tiles(old: int, new: int, expected: list[Tile]) -> None:
    assert list(completed(old, new)) == expected


def test_growth_in_steps_completes_the_same_tiles() -> None:
    steps = [0, 1, 255, 256, 300, 512, 65_000, 65_536, 66_000, 70_000]
    pieces = [tile for a, b in pairwise(steps) for tile in completed(a, b)]
    assert sorted(pieces) == sorted(completed(0, 70_000))
    assert sorted(pieces) == sorted(tile for tile in tiles(70_000) if tile.width == 256)


def test_a_hash_tile_is_its_hashes_one_after_the_other() -> None:
    hashes = [bytes([number]) * 32 for number in range(3)]
    raw = join_hashes(hashes)
    assert raw == b"".join(hashes)
    assert split_hashes(raw, Tile(0, 0, 3)) == hashes
    for wrong in (raw[:-1], raw + b"\0", b"", raw[32:]):
        with pytest.raises(Malformed, match=rf"^tile/0/000\.p/3 has {len(wrong)} bytes, not 96$"):
            split_hashes(wrong, Tile(0, 0, 3))


def test_an_entry_bundle_has_the_length_of_each_entry_in_two_bytes() -> None:
    entries = [b"", b"ab", b"x" * 65_535]
    raw = join_entries(entries)
    assert raw == b"\x00\x00" + b"\x00\x02ab" + b"\xff\xff" + b"x" * 65_535
    assert split_entries(raw, Tile(ENTRIES, 0, 3)) == entries
    with pytest.raises(AssertionError, match=r"^an entry is longer than its length"):
        join_entries([b"x" * 65_536])


@pytest.mark.parametrize(
    ("raw", "width"),
    [
        (b"", 1),
        (b"\x00", 1),
        (b"\x00\x01", 1),
        (b"\x00\x01ab", 1),
        (b"\x00\x01a\x00", 1),
        (b"\x00\x01a", 2),
        (b"\x00\x01a\x00\x01b", 1),
        (b"\x00\x01a\x00\x02b", 2),
    ],
)
def test_an_entry_bundle_of_another_length_is_malformed(raw: bytes, width: int) -> None:
    with pytest.raises(
        Malformed, match=rf"^tile/entries/000\.p/{width} does not hold {width} whole entries$"
    ):
        split_entries(raw, Tile(ENTRIES, 0, width))


@settings(max_examples=300, derandomize=True)
@given(st.text(max_size=40) | st.from_regex(r"tile/\w{1,7}/(x\d{3}/)?\d{3}(\.p/\d{1,3})?"))
def test_a_path_is_refused_or_written_back_the_same(path: str) -> None:
    try:
        tile = parse_path(path)
    except Malformed:
        return
    assert tile.path() == path
