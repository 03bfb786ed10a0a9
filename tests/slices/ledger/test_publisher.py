"""What gets signed, what never does, and what a start finds wrong."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from app.core.errors import ChainBroken, Rejected, Unavailable, Unverifiable
from app.core.ledger.checkpoint import Checkpoint, open_checkpoint
from app.core.ledger.merkle import EMPTY_ROOT, root
from app.ledger.opening import open_sqlite
from app.ledger.signing import Signed
from tests.slices.ledger.desk import ORIGIN, Place

if TYPE_CHECKING:
    from pathlib import Path


def test_the_empty_log_has_a_signed_checkpoint(place: Place) -> None:
    with place.open() as desk:
        signed = open_checkpoint(desk.published(0), [desk.signer.verifier])
    assert signed == Checkpoint(ORIGIN, 0, EMPTY_ROOT)


def test_a_checkpoint_follows_each_growth(place: Place) -> None:
    with place.open() as desk:
        for size in (1, 2, 3):
            desk.record(f"d{size}")
            signed = open_checkpoint(desk.published(size), [desk.signer.verifier])
            with desk.store.reading() as connection:
                leaves = desk.store.leaf_hashes(connection, 0, size)
            assert signed == Checkpoint(ORIGIN, size, root(leaves))
            assert place.state.read() == Signed(size, root(leaves))


def test_what_is_recorded_last_is_signed_before_the_end(place: Place) -> None:
    with place.open() as desk:
        desk.record_many(300)
    with place.open() as desk:
        assert open_checkpoint(desk.published(300), [desk.signer.verifier]).size == 300


def test_a_restart_signs_the_same_bytes_and_goes_on_where_it_was(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
        before = desk.published(1)
    with place.open() as desk:
        assert desk.published(1) == before
        assert desk.record("b") == 1
        assert open_checkpoint(desk.published(2), [desk.signer.verifier]).size == 2


def test_a_crash_between_noting_and_publishing_loses_no_checkpoint(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
        before = desk.published(1)
    with place.altering() as connection:
        connection.execute("DELETE FROM checkpoints WHERE size = 1")
    with place.open() as desk:
        assert desk.published(1) == before


@pytest.mark.parametrize("size", [1, 256, 257, 512, 600])
def test_a_log_of_any_size_is_opened_again(place: Place, size: int) -> None:
    with place.open() as desk:
        desk.record_many(size)
    with place.open() as desk:
        assert desk.record("one-more") == size
        signed = open_checkpoint(desk.published(size + 1), [desk.signer.verifier])
        with desk.store.reading() as connection:
            leaves = desk.store.leaf_hashes(connection, 0, size + 1)
    assert signed.root == root(leaves)


def test_nothing_is_signed_for_a_log_whose_signer_state_is_gone(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
    (place.folder / "apart" / "state.json").unlink()
    with (
        pytest.raises(Unavailable, match="the log has 1 entries, and what was signed of it is not"),
        place.open(),
    ):
        pass
    assert place.state.read() is None


def test_nothing_is_signed_with_a_damaged_signer_state(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
    (place.folder / "apart" / "state.json").write_text("{")
    with pytest.raises(ChainBroken, match="is damaged"), place.open():
        pass


def test_a_log_behind_what_was_signed_is_refused(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
    state = {"size": 5, "root": bytes(32).hex()}
    (place.folder / "apart" / "state.json").write_text(json.dumps(state))
    with pytest.raises(ChainBroken, match="the log has 1 entries, but size 5 was signed"):
        place.open().__enter__()


def test_a_log_that_forked_from_what_was_signed_is_refused(place: Place) -> None:
    with place.open() as desk:
        desk.record_many(2)
    state = {"size": 2, "root": bytes(32).hex()}
    (place.folder / "apart" / "state.json").write_text(json.dumps(state))
    with pytest.raises(ChainBroken, match="the first 2 entries are not those that were signed"):
        place.open().__enter__()


def test_an_older_state_of_the_same_log_is_caught_up_with(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
        desk.published(1)
        older = (place.folder / "apart" / "state.json").read_bytes()
        desk.record("b")
    (place.folder / "apart" / "state.json").write_bytes(older)
    with place.open() as desk:
        assert open_checkpoint(desk.published(2), [desk.signer.verifier]).size == 2


def unsigned(place: Place, entries: int) -> None:
    """Make a log whose last ``entries`` are durable and not signed yet."""
    with place.open():
        pass
    with place.open(publish=False) as desk:
        desk.record_many(entries)


def flip(place: Place, table: str, column: str, where: str, at: int = 70) -> None:
    """Flip one bit of a blob in the file."""
    with place.altering() as connection:
        sql = f"SELECT {column} FROM {table} WHERE {where}"  # noqa: S608 - ours
        raw = bytearray(connection.execute(sql).fetchone()[0])
        raw[at] ^= 1
        connection.execute(
            f"UPDATE {table} SET {column} = ? WHERE {where}",  # noqa: S608 - ours
            (bytes(raw),),
        )


@pytest.mark.parametrize("index", [0, 150, 255, 256, 299])
@pytest.mark.parametrize("at", [0, 70, -1])
def test_nothing_is_signed_over_an_altered_entry(place: Place, index: int, at: int) -> None:
    unsigned(place, 300)
    flip(place, "entries", "body", f"idx = {index}", at)
    with pytest.raises(Unverifiable):
        place.open().__enter__()
    assert place.state.read() == Signed(0, EMPTY_ROOT)


def test_nothing_is_signed_over_an_altered_tile(place: Place) -> None:
    unsigned(place, 300)
    flip(place, "tiles", "hashes", "level = 0 AND number = 0")
    with pytest.raises(ChainBroken):
        place.open().__enter__()
    assert place.state.read() == Signed(0, EMPTY_ROOT)


def test_nothing_is_signed_over_a_missing_entry(place: Place) -> None:
    unsigned(place, 300)
    with place.altering() as connection:
        connection.execute("DELETE FROM entries WHERE idx = 290")
    with pytest.raises(Unverifiable):
        place.open().__enter__()
    assert place.state.read() == Signed(0, EMPTY_ROOT)


@pytest.mark.parametrize("table", ["entries", "tiles"])
def test_a_running_server_signs_nothing_over_what_was_altered_under_it(
    place: Place, table: str
) -> None:
    with place.open():
        pass
    with place.open(publish=False) as desk:
        desk.record_many(300)
        column = {"entries": "body", "tiles": "hashes"}[table]
        where = {"entries": "idx = 40", "tiles": "level = 0 AND number = 0"}[table]
        flip(place, table, column, where)
        desk.publisher._resume()  # noqa: SLF001 - a start whose log was whole
        with pytest.raises(Unverifiable):
            desk.publisher.publish()
    assert place.state.read() == Signed(0, EMPTY_ROOT)


def test_a_log_that_cannot_be_signed_takes_no_more_writes(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
        desk.published(1)
        (place.folder / "apart" / "state.json").write_text("{")
        desk.record("b")
        desk.publisher._thread.join(10)  # noqa: SLF001 - until it has given up
        assert desk.sequencer.halted is not None
        assert "is damaged" in desk.sequencer.halted
        with pytest.raises(Unavailable, match="does not take writes"):
            desk.record("c")


def test_two_processes_that_sign_for_one_log_do_not_both_go_on(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
        desk.published(1)
        place.state.advance(place.state.read(), Checkpoint(ORIGIN, 2, bytes(32)))
        desk.record("b")
        desk.publisher._thread.join(10)  # noqa: SLF001 - until it has given up
        assert desk.sequencer.halted == "another process signed for this log in the meantime"


def test_a_second_writer_on_the_same_file_is_refused_and_forks_nothing(place: Place) -> None:
    with place.open(publish=False) as first, place.open(publish=False) as second:
        first.record("a")
        with pytest.raises(ChainBroken, match="another writer was here"):
            second.record("b")
        assert first.record("c") == 1
        with first.store.reading() as connection:
            assert first.store.head(connection).size == 2


def test_the_logs_name_is_fixed_when_it_is_made(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.open() as desk:
        assert desk.store.origin == ORIGIN
    store = open_sqlite(place.database, None, place.entropy, [])
    assert store.origin == ORIGIN
    store.close()
    with pytest.raises(Rejected, match=r"called ledger\.test/log, MUNIMENT_LOG_ORIGIN says other"):
        open_sqlite(place.database, "other.test", place.entropy, [])


def test_a_log_without_a_name_of_its_own_gets_a_random_one(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "ledger.db", None, lambda count: b"\xab" * count, [])
    assert store.origin == "muniment.local/abababababababab"
    store.close()


def test_entries_without_a_head_are_not_taken_for_a_new_log(place: Place) -> None:
    with place.open() as desk:
        desk.record("a")
    with place.altering() as connection:
        connection.execute("DELETE FROM head")
    with pytest.raises(ChainBroken, match="the log's head is gone"):
        place.open().__enter__()


def test_the_database_itself_stops_accidents(place: Place) -> None:
    with place.open() as desk:
        desk.record_many(300)
    connection = sqlite3.connect(place.database)
    for table in ("entries", "tiles", "checkpoints"):
        for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = rowid"):  # noqa: S608
            with pytest.raises(sqlite3.IntegrityError, match="are append-only"):
                connection.execute(sql)
    connection.close()


def test_a_damaged_file_is_refused_by_name(place: Place) -> None:
    with place.open() as desk:
        desk.record_many(300)
    raw = bytearray(place.database.read_bytes())
    place.database.write_bytes(b"\0" * 100 + raw[100:])
    with pytest.raises(ChainBroken, match=r"ledger\.db cannot be read: file is not a database"):
        place.open().__enter__()


def test_a_damaged_page_at_the_logs_end_is_refused(place: Place) -> None:
    with place.open() as desk:
        desk.record_many(300)
    with place.altering() as connection:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = 'entries'"
        (page,) = connection.execute(sql).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    raw = bytearray(place.database.read_bytes())
    raw[(page - 1) * size] = 0xFF
    place.database.write_bytes(bytes(raw))
    with pytest.raises(ChainBroken, match="cannot be read"):
        place.open().__enter__()
