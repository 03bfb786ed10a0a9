"""What happens to a request from the moment it is submitted until it is durable."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from app.core.errors import (
    Conflict,
    HeadMoved,
    IdempotencyMismatch,
    Malformed,
    Missing,
    Rejected,
    SchemaMismatch,
    TooLarge,
    Unavailable,
)
from app.core.events import Said
from app.core.ledger.commitment import data_root
from app.core.ledger.entry import genesis_prev, parse
from app.core.ledger.merkle import leaf_hash
from app.core.ledger.verdict import Outcome
from app.house import projections
from app.ledger.idempotency import find_use, make_key
from app.ledger.rebuilding import rebuild
from app.ledger.sql_store import HEADS
from app.verification.fsck import fsck
from tests.slices.ledger.desk import DATASET, ERIN, ORIGIN, about, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.ports import Recorded
    from app.ledger.receipt import Receipt
    from tests.slices.ledger.desk import Desk, Place

SECRET = bytes(range(32))


def key(name: str, body: str = "the body") -> IdempotencyKey:
    return make_key(SECRET, "u-erin", "POST /events", name, body.encode())


def test_an_entry_continues_the_one_before_it_and_names_its_predecessors(desk: Desk) -> None:
    names = ["a", "b", "a"]
    receipts = [desk.ledger.record(about(name), ERIN) for name in names]
    with desk.store.reading() as connection:
        raws = desk.store.bodies(connection, 0, 3)
        entries = [parse(raw) for raw in raws]
    assert [entry.index for entry in entries] == [0, 1, 2]
    assert [entry.prev for entry in entries] == [
        genesis_prev(ORIGIN),
        leaf_hash(raws[0]),
        leaf_hash(raws[1]),
    ]
    assert [entry.subject_prev for entry in entries] == [None, None, 0]
    assert [entry.type_prev for entry in entries] == [None, 0, 1]
    assert {entry.log for entry in entries} == {ORIGIN}
    assert [one.leaf_hash for one in receipts] == [leaf_hash(raw).hex() for raw in raws]
    assert [one.log_size for one in receipts] == [1, 2, 3]
    assert [one.subject_prev for one in receipts] == [None, None, 0]


def test_predecessors_are_named_within_one_batch_too(desk: Desk) -> None:
    desk.ledger.record_all([about("a"), about("b"), about("a")], ERIN)
    with desk.store.reading() as connection:
        entries = [desk.store.entry(connection, index)[0] for index in range(3)]
    assert [entry.subject_prev for entry in entries] == [None, None, 0]
    assert [entry.type_prev for entry in entries] == [None, 0, 1]


def test_an_entry_commits_to_each_member_of_its_data(desk: Desk) -> None:
    said = about("credit")
    desk.ledger.record(said, ERIN)
    with desk.store.reading() as connection:
        entry, _ = desk.store.entry(connection, 0)
        members = desk.store.members(connection, 0, 1)[0]
        kept = desk.store.data(connection, 0)
    assert kept == dict(said.data)
    assert entry.data.root == data_root({one.name: one.commitment for one in members})
    assert entry.data.members == len(said.data)
    salts = [one.salt for one in members]
    assert len(set(salts)) == len(salts)
    assert all(salt is not None and len(salt) == 32 for salt in salts)


def test_times_of_recording_strictly_increase_while_the_clock_stands_still(
    desk: Desk, place: Place
) -> None:
    desk.ledger.record_all([about("a"), about("b")], ERIN)
    desk.record("c")
    place.clock.tick(seconds=-29)
    desk.record("d")
    with desk.store.reading() as connection:
        times = [desk.store.entry(connection, index)[0].recorded_at for index in range(4)]
    first = place.clock.now + timedelta(seconds=29)
    assert times == [first + timedelta(microseconds=step) for step in range(4)]


def test_a_clock_that_went_back_over_half_a_minute_is_not_believed(
    desk: Desk, place: Place
) -> None:
    desk.record("a")
    place.clock.tick(seconds=-30)
    desk.record("b")
    place.clock.tick(seconds=-1)
    with pytest.raises(Unavailable, match="the clock says 2026-03-01T07:59:29"):
        desk.record("c")
    place.clock.tick(seconds=31)
    with pytest.raises(Unavailable, match="the clock says 2026-03-01T07:59:29"):
        desk.record("d")  # until a person answers for it, whatever it says meanwhile


def test_heads_that_stand_as_expected_let_a_request_pass(desk: Desk) -> None:
    desk.ledger.record(about("a"), ERIN, expects={"dataset/a": None, DATASET: None})
    desk.ledger.record(about("a"), ERIN, expects={"dataset/a": 0, DATASET: 0})
    with desk.ledger.snapshot() as now:
        assert now.heads(["dataset/a", "dataset/b", DATASET]) == {
            "dataset/a": 1,
            "dataset/b": None,
            DATASET: 1,
        }


@pytest.mark.parametrize(
    ("expects", "actual"),
    [({"dataset/a": None}, 0), ({"dataset/a": 1}, 0), ({"dataset/b": 0}, None), ({DATASET: 7}, 0)],
)
def test_a_head_that_moved_refuses_the_request(
    desk: Desk, expects: dict[str, int | None], actual: int | None
) -> None:
    desk.record("a")
    with pytest.raises(HeadMoved) as refused:
        desk.ledger.record(about("a"), ERIN, expects=expects)
    (named,) = expects.items()
    assert (refused.value.key, refused.value.expected) == named
    assert refused.value.actual == actual
    with desk.ledger.snapshot() as now:
        assert now.size == 1


def held(desk: Desk) -> threading.Event:
    """Keep the sequencer busy until the returned event is set, so that a batch gathers."""
    go_on, busy = threading.Event(), threading.Event()

    def wait(_: Connection) -> None:
        busy.set()
        go_on.wait(10)

    desk.sequencer.operate(wait)
    busy.wait(10)
    return go_on


def test_in_one_batch_the_first_to_expect_a_head_wins_and_the_rest_goes_on(desk: Desk) -> None:
    go_on = held(desk)
    first = desk.ledger.submit([about("a")], ERIN, expects={"dataset/a": None})
    second = desk.ledger.submit([about("a")], ERIN, expects={"dataset/a": None})
    third = desk.ledger.submit([about("b")], ERIN, expects={"dataset/b": None})
    go_on.set()
    assert first.result().receipts[0].index == 0
    with pytest.raises(HeadMoved):
        second.result()
    assert third.result().receipts[0].index == 1


def test_a_batch_is_all_or_nothing(desk: Desk) -> None:
    wrong = Said("dataset/c", about("c").event, {"owner": 1})
    with pytest.raises(SchemaMismatch):
        desk.ledger.record_all([about("a"), about("b"), wrong], ERIN)
    with pytest.raises(HeadMoved):
        desk.ledger.record_all([about("a"), about("b")], ERIN, expects={"dataset/z": 4})
    with desk.store.reading() as connection:
        assert count(connection, "entries") == count(connection, "payloads") == 0
        assert count(connection, "heads") == 0


def test_data_of_more_than_a_mebibyte_is_refused(desk: Desk) -> None:
    labels = {f"label-{number}": "x" * 900 for number in range(1200)}
    said = about("a")
    large = Said(said.subject, said.event, {**said.data, "labels": labels})
    with pytest.raises((TooLarge, SchemaMismatch)):
        desk.ledger.record(large, ERIN)
    with desk.ledger.snapshot() as now:
        assert now.size == 0


def owned_by(owner: str) -> Said:
    said = about("a")
    return Said(said.subject, said.event, {**said.data, "owner": owner})


@pytest.mark.parametrize("text", ["\0", "owner\0", "\\u0000\0"])
def test_a_text_with_a_nul_in_it_is_refused(desk: Desk, text: str) -> None:
    with pytest.raises(Rejected, match=r"U\+0000"):
        desk.ledger.record(owned_by(text), ERIN)
    with desk.ledger.snapshot() as now:
        assert now.size == 0


def test_a_text_that_only_looks_like_an_escaped_nul_is_kept(desk: Desk) -> None:
    receipt = desk.ledger.record(owned_by("\\u0000"), ERIN)
    with desk.ledger.snapshot() as now:
        assert now.data(receipt.index)["owner"] == "\\u0000"


def test_the_same_key_and_body_give_the_same_receipts_for_ever(desk: Desk, place: Place) -> None:
    saids = [about("a"), about("b")]
    first = desk.ledger.submit(saids, ERIN, key=key("k"), resource="r-1").result()
    place.clock.tick(days=400)
    again = desk.ledger.submit(saids, ERIN, key=key("k"), resource="r-2").result()
    assert not first.replayed
    assert again.replayed
    assert again.receipts == first.receipts
    assert again.resource == "r-1"
    with desk.ledger.snapshot() as now:
        assert now.size == 2


def test_the_same_key_is_good_again_after_a_restart(place: Place) -> None:
    with place.open() as desk:
        first = desk.ledger.record(about("a"), ERIN, key=key("k"))
    with place.open() as desk:
        assert desk.ledger.record(about("a"), ERIN, key=key("k")) == first
        assert desk.record("b") == 1


def test_the_same_key_for_another_body_is_refused(desk: Desk) -> None:
    desk.ledger.record(about("a"), ERIN, key=key("k"))
    with pytest.raises(IdempotencyMismatch):
        desk.ledger.record(about("b"), ERIN, key=key("k", "another body"))
    with desk.ledger.snapshot() as now:
        assert now.size == 1
        assert find_use(now.connection, None) is None
        assert find_use(now.connection, key("another key")) is None
        with pytest.raises(IdempotencyMismatch):
            find_use(now.connection, key("k", "another body"))


def test_a_key_used_twice_in_one_batch_makes_one_entry(desk: Desk) -> None:
    go_on = held(desk)
    futures = [desk.ledger.submit([about("a")], ERIN, key=key("k")) for _ in range(3)]
    other = desk.ledger.submit([about("b")], ERIN, key=key("k", "another body"))
    go_on.set()
    answers = [future.result() for future in futures]
    assert [one.replayed for one in answers] == [False, True, True]
    assert len({one.receipts for one in answers}) == 1
    with pytest.raises(IdempotencyMismatch):
        other.result()


def test_a_refused_request_leaves_its_key_unused(desk: Desk) -> None:
    with pytest.raises(HeadMoved):
        desk.ledger.record(about("a"), ERIN, key=key("k"), expects={"dataset/a": 5})
    assert desk.ledger.record(about("a"), ERIN, key=key("k")).index == 0


def test_sixty_four_threads_with_one_key_get_one_entry_and_identical_receipts(
    desk: Desk,
) -> None:
    start = threading.Barrier(64)

    def submit(_: int) -> Receipt:
        start.wait()
        return desk.ledger.record(about("a"), ERIN, key=key("k"))

    with ThreadPoolExecutor(64) as pool:
        receipts = list(pool.map(submit, range(64)))
    assert len(set(receipts)) == 1
    with desk.ledger.snapshot() as now:
        assert now.size == 1


@pytest.mark.parametrize("written", ["", "x" * 256, "tab\there", "ümlaut"])
def test_a_key_is_1_to_255_printable_ascii_characters(written: str) -> None:
    with pytest.raises(Malformed, match="Idempotency-Key"):
        make_key(SECRET, "u-erin", "POST /events", written, b"")


def test_a_key_means_something_else_for_another_actor_or_route() -> None:
    macs = {
        make_key(SECRET, actor, route, "k", b"").key_mac
        for actor in ("erin", "bob")
        for route in ("POST /a", "POST /b")
    }
    assert len(macs) == 4
    assert make_key(bytes(32), "erin", "POST /a", "k", b"").key_mac not in macs


class Broken:
    """A projection with a mistake in it: it cannot take in one dataset."""

    name, version = "broken", 1
    tables: tuple[Table, ...] = ()

    def apply(self, connection: Connection, recorded: Sequence[Recorded]) -> None:
        if any(one.entry.subject == "dataset/bad" for one in recorded):
            raise ZeroDivisionError("a mistake")


def test_a_projection_that_raises_costs_only_the_request_it_raised_for(place: Place) -> None:
    with place.open([Broken()]) as desk:
        go_on = held(desk)
        futures = [desk.ledger.submit([about(name)], ERIN) for name in ("a", "bad", "b")]
        go_on.set()
        assert futures[0].result().receipts[0].index == 0
        with pytest.raises(ZeroDivisionError):
            futures[1].result()
        assert futures[2].result().receipts[0].index == 1
        with desk.store.reading() as connection:
            assert desk.store.heads(connection, ["dataset/bad"]) == {}
            assert count(connection, "entries") == 2
    with place.open([Broken()]) as desk:
        assert desk.record("c") == 2


def test_state_beside_an_entry_is_written_with_it_or_not_at_all(desk: Desk) -> None:
    def refuse(connection: Connection, recorded: Sequence[Recorded]) -> None:
        connection.exec_driver_sql("INSERT INTO heads (key, idx) VALUES ('beside', 7)")
        assert [one.index for one in recorded] == [0]
        raise Conflict("not now")

    with pytest.raises(Conflict, match="not now"):
        desk.ledger.record(about("a"), ERIN, beside=refuse)
    with desk.store.reading() as connection:
        assert count(connection, "entries") == count(connection, "heads") == 0

    def note(connection: Connection, recorded: Sequence[Recorded]) -> None:
        connection.execute(insert(HEADS), {"key": "beside", "idx": recorded[0].index})

    desk.ledger.record(about("a"), ERIN, beside=note)
    with desk.store.reading() as connection:
        assert desk.store.heads(connection, ["beside"]) == {"beside": 0}


def test_state_beside_a_replay_is_not_written_again(desk: Desk) -> None:
    written: list[int] = []

    def note(_: Connection, recorded: Sequence[Recorded]) -> None:
        written.append(recorded[0].index)

    for _ in range(2):
        desk.ledger.record(about("a"), ERIN, key=key("k"), beside=note)
    assert written == [0]


def test_an_operation_that_fails_is_undone_and_told_to_who_asked(desk: Desk) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO heads (key, idx) VALUES ('x', 1)")
        raise Missing("no such thing")

    with pytest.raises(Missing):
        desk.ledger.operate(work)
    with desk.store.reading() as connection:
        assert count(connection, "heads") == 0
    assert desk.ledger.operate(lambda connection: count(connection, "heads")) == 0


def test_a_snapshot_does_not_see_what_is_recorded_meanwhile(desk: Desk) -> None:
    desk.record("a")
    with desk.ledger.snapshot() as now:
        desk.record("b")
        assert now.size == 1
        assert now.head("dataset/b") is None
        with pytest.raises(Missing):
            now.receipt(1)


def test_the_event_of_an_entry_is_read_back_as_it_was_said(desk: Desk) -> None:
    said = about("credit")
    desk.ledger.record(said, ERIN)
    with desk.store.reading() as connection:
        (recorded,) = desk.store.recorded(connection, 0, 1)
    assert recorded.event == said.event
    assert recorded.entry.actor.id == ERIN.id


def test_a_file_of_checkpoints_grows_and_each_covers_what_was_asked(desk: Desk) -> None:
    for size in (1, 2, 3):
        desk.record(f"d{size}")
        desk.published(size)
    with desk.store.reading() as connection:
        newest = desk.store.checkpoint(connection)
        assert newest == desk.store.checkpoint_from(connection, 3)
        assert desk.store.checkpoint_from(connection, 4) is None
        assert desk.store.published_size(connection) == 3


@pytest.mark.parametrize("name", ["catalog", "lineage", "all"])
def test_a_projection_that_was_dropped_is_made_again_from_the_log(place: Place, name: str) -> None:
    with place.open(projections()) as desk:
        desk.record_many(30)
        desk.published(30)
        key = desk.signer.verifier
    place.alter("UPDATE datasets SET licence = 'none'")
    place.alter("DELETE FROM lineage_nodes")
    assert fsck(place.opened(), projections(), [key]).outcome is Outcome.ALTERED
    database = place.opened(owner=True)
    assert name in rebuild(database, projections(), name) or name == "all"
    database.close()
    whole = fsck(place.opened(), projections(), [key])
    assert (whole.outcome is Outcome.VALID) is (name == "all"), whole.bottom_line
    with place.open(projections()) as desk:
        assert desk.record("after") == 30


def test_a_projection_that_there_is_not_is_missing(place: Place) -> None:
    with place.open():
        pass
    database = place.opened(owner=True)
    with pytest.raises(Missing, match="no projection 'nonsense'"):
        rebuild(database, projections(), "nonsense")
    database.close()


@pytest.mark.parametrize("source", ["", "API", "intake/", "intake/x y", 'api"', "api\n"])
def test_a_source_that_could_not_be_read_back_is_refused_before_anything_is_written(
    desk: Desk, source: str
) -> None:
    with pytest.raises(Rejected, match="names no source"):
        desk.ledger.record(about("a"), ERIN, source=source)
    assert desk.ledger.record(about("a"), ERIN, source="intake/dvc").index == 0
