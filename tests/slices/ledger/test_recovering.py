"""A log that went back, or whose signer's state is gone: refused until somebody answers for it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from app.core.errors import ChainBroken, Conflict, Rejected, Unavailable
from app.core.ledger.audit import audit_checkpoint
from app.core.ledger.consistency import prove
from app.core.ledger.verdict import Outcome
from app.house import open_house, projections
from app.ledger.guarding import ROLLED_BACK, Guard, put_guard
from app.ledger.tiles import tile_reader
from app.premises import database_of
from app.recovering import recover
from app.settings import Settings
from app.verification.fsck import fsck
from tests.living import CHEAP, PASSWORD
from tests.servers.postgresql import OWNER
from tests.slices.ledger.desk import ERIN, about

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.jsonvalue import Json
    from app.core.ledger.note import Verifier
    from app.house import House
    from tests.servers.postgresql import Cluster


@dataclass
class Place:
    """A log that is opened and closed, and a copy of how it was before."""

    settings: Settings
    cluster: Cluster | None

    def write(self, *names: str) -> bytes:
        """Record datasets; give the checkpoint that covers them."""
        house = open_house(self.settings, hasher=CHEAP)
        try:
            for name in names:
                house.ledger.record(about(name), ERIN)
            return newest(house)
        finally:
            house.close()

    def copy(self) -> Settings:
        """Copy the log's database as it is now; give the settings to open the copy with."""
        if self.settings.database_url is None:
            folder = self.settings.data_dir.with_name("old")
            shutil.copytree(self.settings.data_dir, folder)
            return replace(self.settings, data_dir=folder)
        assert self.cluster is not None
        name = self.settings.database_url.split("/")[3].split("?", maxsplit=1)[0]
        copy = self.cluster.create(name, OWNER)
        return replace(
            self.settings, database_url=self.settings.database_url.replace(f"/{name}?", f"/{copy}?")
        )


def newest(house: House) -> bytes:
    with house.ledger.snapshot() as now:
        size = now.size
    assert house.publisher.wait_for(size, 10)
    with house.ledger.snapshot() as now:
        note = now.store.checkpoint(now.connection)
    assert note is not None
    return note


@pytest.fixture(params=["sqlite", "postgresql"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    on_postgresql = request.param == "postgresql"
    settings = Settings(
        data_dir=tmp_path / "data",
        database_url=request.getfixturevalue("database_url") if on_postgresql else None,
        signer_state=tmp_path / "apart" / "state.json",
    )
    house = open_house(settings, hasher=CHEAP)
    house.init("ada", PASSWORD)
    newest(house)
    house.close()
    return Place(settings, request.getfixturevalue("postgresql") if on_postgresql else None)


def state(settings: Settings) -> Path:
    assert settings.signer_state is not None
    return settings.signer_state


def last(settings: Settings) -> tuple[str, dict[str, Json]]:
    """Give the type and data of the last entry."""
    house = open_house(settings, hasher=CHEAP)
    try:
        with house.ledger.snapshot() as now:
            return now.entry(now.size - 1).type, now.data(now.size - 1)
    finally:
        house.close()


def check_whole(settings: Settings) -> None:
    report = fsck(database_of(settings), projections(), [])
    assert report.outcome is Outcome.VALID, report.bottom_line


def test_a_log_as_it_was_signed_needs_nobody(place: Place) -> None:
    with pytest.raises(Conflict, match="as it was signed"):
        recover(place.settings, adopt=True)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_log_whose_signers_state_is_lost_is_taken_on_by_a_person_alone(
    place: Place, *, damaged: bool
) -> None:
    place.write("a")
    if damaged:
        state(place.settings).write_text("{", "utf-8")
    else:
        state(place.settings).unlink()
    with pytest.raises((Unavailable, ChainBroken), match=r"not known|damaged"):
        open_house(place.settings, hasher=CHEAP)
    with pytest.raises(Rejected, match="not known"):
        recover(place.settings, adopt=False)
    receipt = recover(place.settings, adopt=True)
    kind, data = last(place.settings)
    assert kind == "log.recovered.v1"
    assert data == {"because": "adopt", "size_before": receipt.index}
    place.write("b")
    check_whole(place.settings)


def test_a_log_that_went_back_is_refused_until_recovered_and_whoever_saved_more_sees_it(
    place: Place,
) -> None:
    place.write("a")
    old = place.copy()
    saved = place.write("b", "c", "d")
    with pytest.raises(ChainBroken, match="truncated or restored from an old backup"):
        open_house(old, hasher=CHEAP)
    signed = json.loads(state(old).read_text())
    receipt = recover(old, adopt=False)
    kind, data = last(old)
    assert kind == "log.recovered.v1"
    assert data["because"] == "rolled-back"
    assert data["size_before"] == receipt.index
    assert data["signed_size"] == signed["size"]
    check_whole(old)
    again = Place(old, place.cluster)
    again.write("e")
    keys, now, proof = claimed(old, signed["size"])
    assert audit_checkpoint(now, keys, saved=saved, proof=proof).outcome is Outcome.TRUNCATED
    for name in ("f", "g", "h", "i"):
        again.write(name)
    keys, now, proof = claimed(old, signed["size"])
    assert audit_checkpoint(now, keys, saved=saved, proof=proof).outcome is Outcome.FORKED


def test_database_backup_and_signers_state_gone_back_together_are_found_by_a_saved_checkpoint_alone(
    place: Place,
) -> None:
    place.write("a")
    old = place.copy()
    signed = state(old).read_bytes()
    saved = place.write("b", "c")
    state(old).write_bytes(signed)
    house = open_house(old, hasher=CHEAP)  # nothing here shows that anything is lost
    keys = [house.log_signer.verifier]
    house.close()
    assert fsck(database_of(old), projections(), keys).outcome is Outcome.VALID
    report = fsck(database_of(old), projections(), keys, [saved])
    assert report.outcome is Outcome.TRUNCATED, report.bottom_line
    Place(old, place.cluster).write("d", "e", "f")
    report = fsck(database_of(old), projections(), keys, [saved])
    assert report.outcome is Outcome.FORKED, report.bottom_line


def claimed(settings: Settings, size: int) -> tuple[list[Verifier], bytes, list[bytes]]:
    """Give the log's key, its newest checkpoint, and how it says it grew from ``size``."""
    house = open_house(settings, hasher=CHEAP)
    now = newest(house)
    with house.ledger.snapshot() as read:
        tiles = tile_reader(read.store, read.connection, read.size)
        proof = prove(size, read.size, tiles) if size <= read.size else []
    house.close()
    return [house.log_signer.verifier], now, list(proof)


def test_another_log_under_the_same_signers_state_is_not_recovered_but_refused(
    place: Place,
) -> None:
    place.write("a")
    signed = json.loads(state(place.settings).read_text())
    state(place.settings).write_text(json.dumps({**signed, "root": "00" * 32}), "utf-8")
    with pytest.raises(ChainBroken, match="not those that were signed"):
        open_house(place.settings, hasher=CHEAP)
    with pytest.raises(ChainBroken, match="another log"):
        recover(place.settings, adopt=True)


def test_a_recovery_that_a_crash_cut_short_is_finished_and_refuses_until_then(
    place: Place,
) -> None:
    place.write("a")
    house = open_house(place.settings, hasher=CHEAP)
    guard = Guard(ROLLED_BACK, 99, "Lk/ly6fr0lNp2dI3jiKRkiz+HyN+4Oz9w05w1afYgb8=")
    house.ledger.operate(lambda connection: put_guard(connection, guard))
    house.close()
    with pytest.raises(Unavailable, match="nobody has answered"):
        open_house(place.settings, hasher=CHEAP)
    recover(place.settings, adopt=False, accept_clock=True)
    house = open_house(place.settings, hasher=CHEAP)
    with house.ledger.snapshot() as now:
        said = [now.data(index)["because"] for index in (now.size - 2, now.size - 1)]
    house.close()
    assert said == ["rolled-back", "accept-clock"]
    check_whole(place.settings)


def test_what_does_not_check_is_not_taken_on(place: Place) -> None:
    place.write("a")
    state(place.settings).unlink()
    spoil(place)
    with pytest.raises(ChainBroken, match="member"):
        recover(place.settings, adopt=True)


def spoil(place: Place) -> None:
    """Change a stored value as somebody who owns the database may."""
    statement = "UPDATE payloads SET value = commitment WHERE idx = 1"
    if place.settings.database_url is None:
        import sqlite3

        file = sqlite3.connect(place.settings.data_dir / "ledger.db")
        with file:
            file.execute(statement)
        file.close()
        return
    assert place.cluster is not None
    name = place.settings.database_url.split("/")[3].split("?", maxsplit=1)[0]
    with place.cluster.connect(name, OWNER) as connection:
        connection.execute(statement.encode())


def test_nobody_goes_on_under_a_key_that_nobody_trusts(place: Place) -> None:
    place.write("a")
    state(place.settings).unlink()
    (place.settings.data_dir / "keys" / "log.key").unlink()
    with pytest.raises(Unavailable, match="the log's key is not at"):
        recover(place.settings, adopt=True)


def test_an_empty_log_has_nothing_to_recover(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", signer_state=tmp_path / "state.json")
    open_house(settings, hasher=CHEAP).close()
    (tmp_path / "state.json").unlink()
    with pytest.raises(Conflict, match="empty"):
        recover(settings, adopt=True)
