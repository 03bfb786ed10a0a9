"""Checkpoints are stamped on a schedule, and an authority that fails holds up nothing."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.errors import ChainBroken, Rejected
from app.core.ledger.note import parse_note
from app.ledger import operational, timestamping
from app.ledger.stamping import check
from app.ledger.timestamping import Timestamping, authority_of, newest
from app.settings import Settings
from tests.servers.authority import Authority, make_authority, running
from tests.slices.ledger.conftest import ENGINES
from tests.slices.ledger.test_witnessing import begin, said, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.ledger.timestamping import Stamped
    from tests.slices.ledger.desk import Desk, Place

HOUR = timedelta(hours=1)


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with running(make_authority(tmp_path / "tsa")) as made:
        yield made


@contextmanager
def stamping(desk: Desk, place: Place, authority: Authority) -> Iterator[None]:
    asked = timestamping.Authority(authority.url, tuple(authority.roots), HOUR)
    made = Timestamping(desk.ledger, asked, place.clock, look=0.01)
    made.start()
    try:
        yield
    finally:
        made.stop()


def last(desk: Desk) -> Stamped | None:
    with desk.store.reading() as connection:
        return newest(connection)


def text_at(desk: Desk, size: int) -> str:
    with desk.store.reading() as connection:
        note = desk.store.checkpoint_from(connection, size)
    assert note is not None
    return parse_note(note)[0]


def size_of(desk: Desk) -> int:
    found = last(desk)
    return -1 if found is None else found.size


@ENGINES
def test_the_newest_checkpoint_is_stamped_once_an_hour(
    desk: Desk, place: Place, authority: Authority
) -> None:
    place.clock.now = datetime.now(UTC)
    begin(desk)
    desk.published(1)
    with stamping(desk, place, authority):
        until(lambda: size_of(desk) == 1)
        desk.record("a")
        desk.published(2)
        place.clock.tick(minutes=50)
        asked = len(authority.asked)
        place.clock.tick(minutes=11)
        until(lambda: size_of(desk) == 2)
        assert asked == 1
        assert len(authority.asked) == 2
    made = last(desk)
    assert made is not None
    assert check(made.stamp.response, text_at(desk, 2), authority.roots) == made.stamp
    assert authority.accepts(made.stamp.response, text_at(desk, 2))
    assert said(desk, "check_failed") == []


def test_a_log_that_did_not_grow_is_not_stamped_again(
    desk: Desk, place: Place, authority: Authority
) -> None:
    begin(desk)
    desk.published(1)
    with stamping(desk, place, authority):
        until(lambda: size_of(desk) == 1)
    place.clock.tick(days=9_000)
    with stamping(desk, place, authority):
        desk.record("a")
        desk.published(2)
        until(lambda: size_of(desk) == 2)
    assert len(authority.asked) == 2


@ENGINES
@pytest.mark.parametrize("because", ["unreachable", "bad token"])
def test_an_authority_that_fails_costs_one_entry_and_no_write(
    desk: Desk, place: Place, authority: Authority, because: str
) -> None:
    begin(desk)
    desk.published(1)
    if because == "unreachable":
        authority.status = 503
    else:
        authority.instead = lambda _: b"no token"
    with stamping(desk, place, authority):
        until(lambda: len(said(desk, "check_failed")) == 1)
        desk.record_many(100)
        asked = len(authority.asked)
        until(lambda: len(authority.asked) > asked)
        assert last(desk) is None
        authority.status, authority.instead = 200, None
        until(lambda: last(desk) is not None)
    (failed,) = said(desk, "check_failed")
    assert failed["check"] == "timestamp"
    assert failed["because"] == because
    assert failed["source"] == authority.url


def test_no_authority_is_asked_unless_one_is_set(desk: Desk, place: Place) -> None:
    made = Timestamping(desk.ledger, None, place.clock)
    made.start()
    made.stop()
    assert last(desk) is None


def test_a_log_that_takes_no_writes_is_not_stamped(
    desk: Desk, place: Place, authority: Authority
) -> None:
    begin(desk)
    desk.published(1)
    desk.sequencer.halt("the disk is gone")
    with stamping(desk, place, authority):
        until(lambda: len(authority.asked) > 1)
    assert last(desk) is None


def test_a_damaged_row_is_named(desk: Desk) -> None:
    desk.ledger.operate(
        lambda connection: operational.put(connection, "timestamps", "newest", {"size": "1"})
    )
    with pytest.raises(ChainBroken, match="is of another form"):
        last(desk)


def test_the_settings_name_an_authority(tmp_path: Path, authority: Authority) -> None:
    assert authority_of(Settings()) is None
    url = "https://me:secret@tsa.example:8443/stamp?key=secret"
    made = authority_of(Settings(timestamp_url=url, timestamp_ca=authority.ca, timestamp_minutes=5))
    assert made is not None
    assert (made.url, made.every) == (url, timedelta(minutes=5))
    assert made.name == "https://tsa.example:8443/stamp"
    assert list(made.roots) == authority.roots


@pytest.mark.parametrize(
    ("url", "ca", "message"),
    [
        ("ftp://tsa.example", "ca", "MUNIMENT_TIMESTAMP_URL is no http address"),
        (
            "https://tsa.example",
            None,
            "MUNIMENT_TIMESTAMP_URL is set without MUNIMENT_TIMESTAMP_CA",
        ),
        ("https://tsa.example", "none", "MUNIMENT_TIMESTAMP_CA cannot be read: No such file"),
        ("https://tsa.example", "text", "MUNIMENT_TIMESTAMP_CA: the authority's certificates are"),
    ],
)
def test_settings_that_name_none_are_refused(
    tmp_path: Path, url: str, ca: str | None, message: str
) -> None:
    (tmp_path / "text").write_text("no certificate")
    named = None if ca is None else tmp_path / ca
    with pytest.raises(Rejected, match=message):
        authority_of(Settings(timestamp_url=url, timestamp_ca=named))
