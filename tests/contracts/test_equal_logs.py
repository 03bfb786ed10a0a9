"""The same story gives the same bytes, whatever engine keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from app.house import projections
from tests.slices.ledger.desk import Place
from tests.slices.verification.populated import SIZE, advancing, everything_there_is

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from sqlalchemy import Connection

EVENTS = 5000
COMPARED = {
    "entries": "SELECT idx, body, leaf_hash, subject, type, actor, recorded_at FROM entries",
    "payloads": "SELECT idx, name, commitment, salt, value FROM payloads",
    "tiles": "SELECT level, number, hashes FROM tiles",
    "head": "SELECT origin, size, root, leaf_hash, recorded_at, epoch FROM head",
    "heads": "SELECT key, idx FROM heads",
    "idempotency": "SELECT * FROM idempotency",
    "lineage_edges": "SELECT * FROM lineage_edges",
    "lineage_nodes": "SELECT * FROM lineage_nodes",
}


def stored(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Read what must be equal; tables have no order of their own."""
    return {
        table: sorted((tuple(row) for row in connection.execute(text(asked))), key=repr)
        for table, asked in COMPARED.items()
    }


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def tell(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """Record the story: everything there is to say, then many data sets."""
    clock = advancing(place)
    with place.open(projections()) as desk:
        everything_there_is(desk, clock)
        desk.record_many(EVENTS - SIZE, "more-")
        final = desk.published(EVENTS)
        with desk.store.reading() as connection:
            return stored(connection) | {"checkpoint": [(final,)]}


def test_five_thousand_events_give_the_same_bytes_on_sqlite_and_on_postgresql(
    tmp_path: Path, database_url: str
) -> None:
    in_file = tell(Place(made(tmp_path / "file")))
    on_server = tell(Place(made(tmp_path / "server"), database_url))
    assert len(in_file["entries"]) == EVENTS
    assert len(in_file["tiles"]) == EVENTS // 256
    for table in (*COMPARED, "checkpoint"):
        assert on_server[table] == in_file[table], table
