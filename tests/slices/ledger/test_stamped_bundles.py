"""A bundle carries the time at which its entries were there, and a lie about it is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.core.ledger.bundle import decode
from app.core.ledger.bundle_outside import Outsiders
from app.core.ledger.note import parse_note
from app.core.ledger.verdict import Outcome, State
from app.ledger import timestamping
from app.ledger.stamping import Stamp, check, request_of
from app.verification.bundles import bundle_of
from tests.both import audit_bundle
from tests.servers.authority import DAY, Authority, make_authority

if TYPE_CHECKING:
    from tests.slices.ledger.desk import Desk

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tsa") / "tsa")


def text_at(desk: Desk, size: int) -> str:
    with desk.store.reading() as connection:
        note = desk.store.checkpoint_from(connection, size)
    assert note is not None
    return parse_note(note)[0]


def keep(desk: Desk, size: int, response: bytes) -> None:
    stamped = timestamping.Stamped(size, Stamp(response, datetime(2026, 3, 1, tzinfo=UTC)))
    desk.ledger.operate(lambda connection: timestamping.keep(connection, stamped))


def stamped(desk: Desk, authority: Authority, size: int) -> None:
    desk.published(size)
    query = request_of(text_at(desk, size)).as_bytes()
    keep(desk, size, authority.answer(query))


def bundle(desk: Desk, *indexes: int) -> Files:
    with desk.ledger.snapshot() as now:
        return bundle_of(
            now,
            indexes,
            [desk.signer.verifier],
            kind="evidence",
            purpose="",
            files={},
            schemas={},
            unproven={},
        )


def believing(authority: Authority) -> Outsiders:
    return Outsiders(stamped_at=lambda raw, text: check(raw, text, authority.roots).at)


def test_the_earliest_timestamp_that_covers_all_entries_is_carried(
    desk: Desk, authority: Authority
) -> None:
    for size in (1, 2, 3, 4):
        desk.record(f"d{size}")
        desk.published(size)
        if size > 1:
            stamped(desk, authority, size)
    keys = [desk.signer.verifier]
    for indexes, size in (((0, 1), 2), ((2,), 3), ((3,), 4)):
        files = bundle(desk, *indexes)
        assert [one.size for one in decode(files).stamps] == [size]
        report = audit_bundle(files, keys, believing(authority))
        assert report.outcome is Outcome.VALID, report.bottom_line
        assert report.checks[10].state is State.PASSED
        assert report.checks[10].notes[0].startswith(f"the log's first {size} entries were there")
        assert audit_bundle(files, keys).outcome is Outcome.VALID
        note = files.get(f"log/timestamps/{size:012d}.checkpoint", files["log/checkpoint"])
        token = files[f"log/timestamps/{size:012d}.tsr"]
        assert authority.accepts(token, parse_note(note)[0])


def test_the_newest_timestamp_is_carried_where_none_covers_all(
    desk: Desk, authority: Authority
) -> None:
    desk.record("a")
    stamped(desk, authority, 1)
    desk.record("b")
    desk.published(2)
    assert [one.size for one in decode(bundle(desk, 0, 1)).stamps] == [1]
    assert decode(bundle(desk, 1)).stamps == ()
    report = audit_bundle(bundle(desk, 0, 1), [desk.signer.verifier], believing(authority))
    assert report.outcome is Outcome.VALID, report.bottom_line


def test_tokens_that_lie_are_named(
    desk: Desk, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk.record("a")
    desk.published(1)
    text = text_at(desk, 1)
    folder = tmp_path_factory.mktemp("others")
    expired = make_authority(folder / "expired", until=-DAY)
    stranger = make_authority(folder / "stranger")
    lies = {
        "another text": (authority.answer(request_of("another").as_bytes()), authority),
        "another digest": (authority.answer(authority.query(text, digest="sha512")), authority),
        "expired": (expired.answer(request_of(text).as_bytes()), expired),
        "of somebody else": (stranger.answer(request_of(text).as_bytes()), authority),
    }
    for token, believed in lies.values():
        keep(desk, 1, token)
        report = audit_bundle(bundle(desk, 0), [desk.signer.verifier], believing(believed))
        assert report.outcome is Outcome.BAD_SIGNATURE
        assert "log/timestamps/000000000001.tsr" in report.bottom_line
        assert "does not hold" in report.bottom_line
    keep(desk, 1, b"no token")
    report = audit_bundle(bundle(desk, 0), [desk.signer.verifier], believing(authority))
    assert report.outcome is Outcome.ALTERED
