"""Reading everything again, once a day: what changed on the disk is named, and stops it all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from app.core.errors import Unavailable
from app.ledger import blobs, operational
from app.verification.scrubbing import LOG, SCRUB, STEP, Scrubber
from tests.servers.postgresql import OWNER

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from tests.slices.ledger.desk import Desk, Place

SIZE = 2 * STEP + 3


def noted(desk: Desk) -> dict[str, Json]:
    with desk.store.reading() as connection:
        found = operational.get(connection, LOG, SCRUB)
    assert found is not None
    return found


def altered(place: Place, statement: str, on_postgresql: str | None = None) -> None:
    """Change the database as somebody who owns it may."""
    if place.url is None:
        with place.altering() as connection:
            connection.execute(statement)
        return
    address = place.url.replace("+psycopg", "").replace("muniment_app@", f"{OWNER}@")
    with psycopg.connect(address) as owner:
        owner.execute("ALTER TABLE entries DISABLE TRIGGER USER")
        owner.execute((on_postgresql or statement).encode())


def test_a_pass_goes_over_everything_once_a_day_and_a_restart_goes_on_where_it_was(
    place: Place,
) -> None:
    with place.open() as desk:
        desk.record_many(SIZE)
        desk.published(SIZE)
        assert Scrubber(desk.ledger, place.clock).step() > 0
        assert noted(desk)["index"] == STEP
    with place.open() as desk:
        scrubber = Scrubber(desk.ledger, place.clock)
        scrubber.step()
        assert "ended_at" not in noted(desk)
        scrubber.step()
        done = noted(desk)
        assert (done["index"], done["size"]) == (SIZE, SIZE)
        assert done["ended_at"]
        place.clock.tick(hours=23)
        scrubber.step()
        assert noted(desk) == done
        place.clock.tick(hours=2)
        scrubber.step()
        assert noted(desk)["index"] == STEP
        assert desk.record("goes-on") == SIZE


def test_somebody_may_have_it_all_read_now(place: Place) -> None:
    with place.open() as desk:
        desk.record_many(SIZE)
        desk.published(SIZE)
        scrubber = Scrubber(desk.ledger, place.clock)
        assert scrubber.step() > 0  # one that was due goes on
        asked = scrubber.ask("ada")
        assert (asked.index, asked.asked_by) == (STEP, "ada")
        assert scrubber.ask("vera").asked_by == "ada"
        assert scrubber.step() == 0
        assert scrubber.step() > 0
        first = noted(desk)
        assert (first["index"], first["asked_by"]) == (SIZE, "ada")
        assert first["ended_at"]
        place.clock.tick(minutes=1)
        again = scrubber.ask("vera")
        assert (again.index, again.asked_by) == (0, "vera")
        assert again.ended_before == first["ended_at"]
        assert scrubber.step() == 0
        assert noted(desk)["index"] == STEP


def test_its_thread_reads_at_once_when_it_is_asked_to(place: Place) -> None:
    with place.open() as desk:
        desk.record_many(SIZE)
        desk.published(SIZE)
        scrubber = Scrubber(desk.ledger, place.clock)
        scrubber.start()
        scrubber.ask("ada")
        until = time.monotonic() + 30
        while "ended_at" not in noted(desk):
            assert time.monotonic() < until, "it rests"
            time.sleep(0.02)
        scrubber.stop()


def test_a_log_that_nobody_signed_yet_is_not_gone_over(place: Place) -> None:
    with place.open(publish=False) as desk:
        assert Scrubber(desk.ledger, place.clock).step() > 0
        with pytest.raises(Unavailable, match="no checkpoint is signed yet"):
            Scrubber(desk.ledger, place.clock).ask("ada")
        with desk.store.reading() as connection:
            assert operational.get(connection, LOG, SCRUB) is None


@pytest.mark.parametrize(
    ("statement", "on_postgresql", "told"),
    [
        (
            "UPDATE payloads SET value = X'31' WHERE idx = 3 AND name = 'owner'",
            "UPDATE payloads SET value = '\\x31' WHERE idx = 3 AND name = 'owner'",
            "member: entry 3, member owner: ",
        ),
        (
            "UPDATE payloads SET value = NULL, salt = NULL WHERE idx = 4 AND name = 'owner'",
            None,
            "unlogged erasure: entry 4, member owner: ",
        ),
        (
            "UPDATE entries SET body = X'7b7d' WHERE idx = 5",
            "UPDATE entries SET body = '\\x7b7d' WHERE idx = 5",
            "entry: entry 5: ",
        ),
        (
            "UPDATE entries SET body = (SELECT body FROM entries WHERE idx = 7) WHERE idx = 6",
            None,
            "chain: entry 6: ",
        ),
        (
            "UPDATE blobs SET content = X'31'",
            "UPDATE blobs SET content = '\\x31'",
            "file: ",
        ),
    ],
)
def test_what_changed_on_the_disk_is_recorded_and_nothing_is_written_after_it(
    place: Place, statement: str, on_postgresql: str | None, told: str
) -> None:
    with place.open() as desk:
        desk.record_many(20)
        desk.ledger.operate(lambda connection: blobs.put(connection, b"a file"))
        desk.published(20)
        altered(place, statement, on_postgresql)
        Scrubber(desk.ledger, place.clock).step()
        with desk.ledger.snapshot() as now:
            said = now.data(20)
            kind = now.entry(20).type
        assert kind == "log.check_failed.v1"
        assert (said["check"], said["because"]) == ("scrubber", "altered")
        assert str(said["detail"]).startswith(told)
        with pytest.raises(Unavailable, match="what is stored does not check"):
            desk.record("no-more")
        assert desk.sequencer.halted is not None


def test_entries_that_fit_but_are_not_those_signed_are_found(place: Place) -> None:
    with place.open() as desk:
        desk.record_many(20)
        desk.published(20)
        with desk.store.reading() as connection:
            last = desk.store.entry_bytes(connection, 19)
        other = last.replace(b'"source":"service"', b'"source":"cli"')
        assert other != last
        altered(
            place,
            f"UPDATE entries SET body = X'{other.hex()}' WHERE idx = 19",  # noqa: S608
            f"UPDATE entries SET body = '\\x{other.hex()}' WHERE idx = 19",  # noqa: S608
        )
        Scrubber(desk.ledger, place.clock).step()
        with desk.ledger.snapshot() as now:
            assert str(now.data(20)["detail"]).startswith("tree: the first 20 entries")


def test_a_scrubber_that_is_stopped_ends_at_once(desk: Desk, place: Place) -> None:
    scrubber = Scrubber(desk.ledger, place.clock)
    scrubber.start()
    scrubber.stop()
    never = Scrubber(desk.ledger, place.clock)
    never.stop()
