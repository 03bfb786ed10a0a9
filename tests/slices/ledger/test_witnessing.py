"""Checkpoints are cosigned as they are published, and no witness holds up a write."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Rejected
from app.core.events import say
from app.core.events.kinds.records import LogStarted
from app.core.ledger.checkpoint import open_checkpoint, parse_checkpoint
from app.core.ledger.cosignature import cosignatures
from app.core.ledger.note import parse_note
from app.core.ledger.quorum import WitnessPolicy, parse_policy
from app.ledger import cosigned
from app.ledger.witnessing import Pace, Witnessing, witness_policy
from app.settings import Settings
from tests.servers.witness import Double, Reply, running
from tests.slices.ledger.conftest import ENGINES
from tests.slices.ledger.desk import ERIN, ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.core.jsonvalue import Json
    from tests.slices.ledger.desk import Desk, Place

FAST = Pace(patience=0.5, between=0.01, first=0.01, longest=0.02)


def begin(desk: Desk) -> None:
    vkey = desk.signer.verifier.vkey()
    desk.ledger.record(say("log", LogStarted(ORIGIN, vkey, vkey)), ERIN)


@contextmanager
def witnessed(desk: Desk, place: Place, policy: WitnessPolicy) -> Iterator[Witnessing]:
    made = Witnessing(desk.ledger, desk.publisher, policy, place.clock, FAST)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def doubles(desk: Desk, count: int = 1) -> Iterator[list[Double]]:
    with ExitStack() as closing:
        yield [
            closing.enter_context(
                running(Double(f"w.example/{number}", 40 + number, [desk.signer.verifier]))
            )
            for number in range(count)
        ]


def policy_of(made: list[Double], quorum: str = "all") -> WitnessPolicy:
    lines = [double.line(f"W{number}") for number, double in enumerate(made)]
    names = " ".join(f"W{number}" for number in range(len(made)))
    return parse_policy("\n".join([*lines, f"group G {quorum} {names}", "quorum G"]).encode())


def until(ready: Callable[[], bool]) -> None:
    """Wait for something that another thread brings about; no time is asserted."""
    ends_at = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


def said(desk: Desk, kind: str) -> list[dict[str, Json]]:
    with desk.ledger.snapshot() as now:
        return [
            now.data(index)
            for index in range(now.size)
            if now.entry(index).type == f"log.{kind}.v1"
        ]


def newest(desk: Desk) -> bytes:
    with desk.store.reading() as connection:
        note = cosigned.newest(desk.store, connection)
    assert note is not None
    return note


def witnessed_size(desk: Desk) -> int | None:
    with desk.store.reading() as connection:
        return cosigned.witnessed_size(connection)


def test_the_newest_checkpoint_is_cosigned_and_served_so(desk: Desk, place: Place) -> None:
    begin(desk)
    with doubles(desk, 2) as made, witnessed(desk, place, policy_of(made)):
        keys = [double.witness for double in made]
        until(lambda: len(cosignatures(newest(desk), keys)) == 2)
        desk.record_many(300)
        until(lambda: witnessed_size(desk) == 302)
        note = newest(desk)
        assert len(cosignatures(note, keys)) == 2
        assert open_checkpoint(note, [desk.signer.verifier]).size == 302
        assert {double.seen[ORIGIN][0] for double in made} == {302}
    assert len(said(desk, "quorum_changed")) == 1
    assert said(desk, "check_failed") == []


def test_no_entry_is_made_for_a_cosignature(desk: Desk, place: Place) -> None:
    begin(desk)
    with doubles(desk) as made, witnessed(desk, place, policy_of(made)):
        until(lambda: witnessed_size(desk) == 2)
        asked = len(made[0].asked)
        time.sleep(0.1)
        assert len(made[0].asked) == asked
        with desk.ledger.snapshot() as now:
            assert now.size == 2


def test_a_checkpoint_counts_as_witnessed_when_the_quorum_has_cosigned(
    desk: Desk, place: Place
) -> None:
    begin(desk)
    with doubles(desk, 2) as made:
        made[1].instead = lambda _: Reply(503)
        with witnessed(desk, place, policy_of(made)):
            until(lambda: len(said(desk, "check_failed")) == 1)
            until(lambda: made[0].seen.get(ORIGIN, (0,))[0] == 3)
            assert witnessed_size(desk) is None
            with desk.store.reading() as connection:
                assert cosigned.witnessed(desk.store, connection) is None
            made[1].instead = None
            until(lambda: witnessed_size(desk) == 3)
    with desk.store.reading() as connection:
        note = cosigned.witnessed(desk.store, connection)
    assert note is not None
    assert parse_checkpoint(parse_note(note)[0]).size == 3


def test_one_witness_is_enough_where_the_policy_says_so(desk: Desk, place: Place) -> None:
    begin(desk)
    with doubles(desk, 2) as made:
        made[1].instead = lambda _: Reply(503)
        with witnessed(desk, place, policy_of(made, "any")):
            until(lambda: witnessed_size(desk) == 3)


@ENGINES
def test_a_witness_that_is_down_costs_one_entry_and_no_write(desk: Desk, place: Place) -> None:
    begin(desk)
    policy = policy_of([Double(url="http://127.0.0.1:9")])
    with witnessed(desk, place, policy):
        until(lambda: len(said(desk, "check_failed")) == 1)
        desk.record_many(200)
        time.sleep(0.2)
    (failed,) = said(desk, "check_failed")
    assert failed["check"] == "witness"
    assert failed["because"] == "unreachable"
    assert failed["source"] == policy.witnesses[0].key.vkey()
    with desk.ledger.snapshot() as now:
        assert now.size == 203


@ENGINES
def test_a_slow_witness_holds_up_neither_writes_nor_another(desk: Desk, place: Place) -> None:
    begin(desk)
    release = threading.Event()

    def late(reply: Reply) -> Reply:
        release.wait(20)
        return reply

    with doubles(desk, 2) as made:
        made[0].instead = late
        try:
            with witnessed(desk, place, policy_of(made, "any")):
                desk.record_many(100)
                until(lambda: (witnessed_size(desk) or 0) >= 101)
        finally:
            release.set()


@ENGINES
def test_a_lying_witness_is_not_believed_and_cannot_grow_the_log(desk: Desk, place: Place) -> None:
    begin(desk)
    with doubles(desk) as made:
        lies = [Reply(200, b"lies\n"), Reply(422), Reply(500), Reply(404)]

        def lie(reply: Reply) -> Reply:
            return lies[len(made[0].asked) % 4] if len(made[0].asked) % 3 else reply

        made[0].instead = lie
        with witnessed(desk, place, policy_of(made)):
            for number in range(30):
                desk.record(f"d{number}")
                count = len(made[0].asked)
                made[0].wait(lambda least=count: len(made[0].asked) > least)  # type: ignore[misc]
    assert 1 <= len(said(desk, "check_failed")) <= 2  # a failure, and perhaps one alarm
    with desk.store.reading() as connection:
        size = desk.store.published_size(connection) or 0
        for one in range(size + 1):
            lines = cosigned.lines(connection, one)
            note = desk.store.checkpoint_from(connection, one)
            assert note is not None
            assert b"lies" not in lines


def test_a_failure_after_a_quarter_of_an_hour_is_news_again(desk: Desk, place: Place) -> None:
    begin(desk)
    with doubles(desk) as made, witnessed(desk, place, policy_of(made)):
        until(lambda: witnessed_size(desk) == 2)
        for number in range(2):
            made[0].instead = lambda _: Reply(503)
            desk.record(f"down-{number}")
            until(lambda: len(said(desk, "check_failed")) == number + 1)  # noqa: B023 - now
            made[0].instead = None
            with desk.ledger.snapshot() as now:
                size = now.size
            until(lambda: (witnessed_size(desk) or 0) >= size)  # noqa: B023 - at once
            place.clock.tick(minutes=16)


@ENGINES
def test_a_split_view_is_an_alarm_at_once(
    desk: Desk, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    begin(desk)
    with doubles(desk) as made:
        made[0].seen[ORIGIN] = (1, bytes(32))
        with witnessed(desk, place, policy_of(made)):
            until(lambda: len(said(desk, "check_failed")) == 1)
        (failed,) = said(desk, "check_failed")
        assert failed["because"] == "split view"
        assert witnessed_size(desk) is None
    assert "CRITICAL" in {record.levelname for record in caplog.records}
    assert desk.sequencer.halted is None  # whoever lies about a log does not stop it


def test_a_log_that_went_back_is_told_by_its_witness(desk: Desk, place: Place) -> None:
    begin(desk)
    with doubles(desk) as made:
        made[0].seen[ORIGIN] = (900, bytes(32))
        with witnessed(desk, place, policy_of(made)):
            until(lambda: len(said(desk, "check_failed")) == 1)
    (failed,) = said(desk, "check_failed")
    assert failed["because"] == "ahead of the log"


def test_what_a_witness_has_seen_is_remembered_across_restarts(place: Place) -> None:
    with ExitStack() as closing:
        double = closing.enter_context(running(Double()))
        with place.open() as desk:
            double.logs = [desk.signer.verifier]
            begin(desk)
            policy = policy_of([double])
            with witnessed(desk, place, policy):
                until(lambda: witnessed_size(desk) == 2)
        with place.open() as desk, witnessed(desk, place, policy):
            desk.record("more")
            until(lambda: witnessed_size(desk) == 3)
            assert double.asked[-1].old == 2
        assert len(said(desk, "quorum_changed")) == 1


def test_a_change_of_the_quorum_is_recorded_once(desk: Desk, place: Place) -> None:
    begin(desk)
    made = [Double(f"w.example/{number}", 40 + number) for number in range(2)]
    both = "\n".join(double.line(f"W{number}") for number, double in enumerate(made))
    policies = [
        parse_policy(f"{both}\nquorum W0".encode()),
        parse_policy(f"{both}\nquorum W0".encode()),
        parse_policy(f"# the other\n{both}\nquorum W1".encode()),
        WitnessPolicy(),
        WitnessPolicy(),
    ]
    counts = []
    for policy in policies:
        with witnessed(desk, place, policy) as witnessing:
            witnessing._threads[0].join(20)  # noqa: SLF001 - until the quorum is on record
            counts.append(len(said(desk, "quorum_changed")))
    assert counts == [1, 1, 2, 3, 3]
    first, _, last = said(desk, "quorum_changed")
    assert first == {
        "policy": f"witness W0 {made[0].witness.vkey()}\nwitness W1 {made[1].witness.vkey()}\n"
        "quorum W0\n",
        "quorum": "W0",
        "witnesses": [double.witness.vkey() for double in made],
    }
    assert last == {"policy": "quorum none\n", "quorum": "none", "witnesses": []}


def test_nothing_is_recorded_ahead_of_the_logs_first_entry(desk: Desk, place: Place) -> None:
    with doubles(desk) as made:
        made[0].instead = lambda _: Reply(503)
        with witnessed(desk, place, policy_of(made)):
            made[0].wait(lambda: len(made[0].asked) > 2)
            with desk.ledger.snapshot() as now:
                assert now.size == 0
            begin(desk)
            until(lambda: len(said(desk, "quorum_changed")) == 1)
            until(lambda: len(said(desk, "check_failed")) == 1)


def test_a_log_that_takes_no_writes_keeps_its_witnesses_quiet(desk: Desk, place: Place) -> None:
    begin(desk)
    with doubles(desk) as made:
        desk.sequencer.halt("the disk is gone")
        with witnessed(desk, place, policy_of(made)):
            made[0].wait(lambda: len(made[0].asked) > 2)
            made[0].instead = lambda _: Reply(503)
            count = len(made[0].asked)
            made[0].wait(lambda: len(made[0].asked) > count + 2)
    assert witnessed_size(desk) is None


def test_a_witness_without_an_address_is_not_asked(desk: Desk, place: Place) -> None:
    begin(desk)
    policy = parse_policy(f"witness W {Double().witness.vkey()}\nquorum none".encode())
    with witnessed(desk, place, policy) as witnessing:
        assert len(witnessing._threads) == 1  # noqa: SLF001 - the one that records the quorum


def test_the_setting_names_a_policy(tmp_path: Path) -> None:
    file = tmp_path / "witnesses"
    assert witness_policy(Settings()) == WitnessPolicy()
    with pytest.raises(Rejected, match="MUNIMENT_WITNESSES cannot be read: No such file"):
        witness_policy(Settings(witnesses=file))
    file.write_text("quorum W")
    with pytest.raises(Rejected, match="MUNIMENT_WITNESSES: line 1 of the witness policy"):
        witness_policy(Settings(witnesses=file))
    file.write_text(f"{Double(url='https://w.example').line()}\nquorum W1\n")
    assert witness_policy(Settings(witnesses=file)).quorum == "W1"
