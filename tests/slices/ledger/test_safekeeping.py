"""The drill: a backup taken while the log is written to, restored elsewhere, and checked whole."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Conflict, Malformed, Missing, Rejected, Unavailable, Unverifiable
from app.core.ledger.verdict import Outcome
from app.house import open_house, projections
from app.ledger import blobs
from app.premises import database_of
from app.recovering import recover
from app.safekeeping import backup, restore
from app.settings import Settings
from app.verification.fsck import fsck
from tests.living import CHEAP, World, expect
from tests.servers.postgresql import APP, OWNER
from tests.slices.ledger.test_redaction import WORDS, bundle, entry_of, redact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.postgresql import Cluster

LETTER = b"a letter that is kept\n"
PASSPHRASE = "a phrase that passes"


@pytest.fixture(params=["sqlite", "postgresql"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A log with people, a file, and a promotion that somebody gave a reason for."""
    url = request.getfixturevalue("database_url") if request.param == "postgresql" else None
    with World.open(tmp_path / "here", database_url=url) as world:
        world.house.ledger.operate(lambda connection: blobs.put(connection, LETTER))
        yield world


@pytest.fixture
def elsewhere(
    world: World, tmp_path: Path, postgresql: Cluster, prepared: str
) -> Iterator[Settings]:
    """An empty place on the other engine, with a signer's state of its own."""
    settings = Settings(data_dir=tmp_path / "there" / "data", signer_state=tmp_path / "there.json")
    if world.house.settings.database_url is not None:
        yield settings
        return
    with postgresql.database(prepared, OWNER) as name:
        yield replace(settings, database_url=postgresql.url(name, APP))


def bring_keys(world: World, elsewhere: Settings) -> None:
    """Do what an operator does with the keys, which a backup leaves out."""
    shutil.copytree(
        world.house.folder.path / "keys", elsewhere.data_dir / "keys", dirs_exist_ok=True
    )


def test_a_backup_is_restored_on_the_other_engine_and_written_to_once_answered_for(
    world: World, elsewhere: Settings, tmp_path: Path
) -> None:
    erin = world.person("erin", "engineer")
    kept = tmp_path / "backup"
    manifest = backup(world.house.settings, kept)
    assert isinstance(manifest["head"], dict)
    about = {"owner": "x", "licence": "x", "description": "after the backup"}
    world.record(erin, "dataset.registered", "dataset/late", about)
    size = restore(elsewhere, kept)
    assert size == manifest["head"]["size"]
    with pytest.raises(Unavailable, match="restored from a backup"):
        open_house(elsewhere, hasher=CHEAP)
    with pytest.raises(Unavailable, match="key is not at"):
        recover(elsewhere, adopt=True)
    bring_keys(world, elsewhere)
    assert recover(elsewhere, adopt=False).index == size
    house = open_house(elsewhere, hasher=CHEAP)
    with house.ledger.snapshot() as there, world.house.ledger.snapshot() as here:
        for index in range(size):
            assert there.store.entry_bytes(there.connection, index) == here.store.entry_bytes(
                here.connection, index
            )
            assert there.data(index) == here.data(index)
        assert there.data(size) == {"because": "restored", "size_before": size}
        digest = f"sha256:{next(iter((kept / 'blobs').iterdir())).name}"
        assert blobs.get(there.connection, digest) == LETTER
    assert house.log_signer.verifier == world.house.log_signer.verifier
    house.close()
    report = fsck(database_of(elsewhere), projections(), [world.house.log_signer.verifier])
    assert report.outcome is Outcome.VALID, report.bottom_line


def test_keys_come_along_only_sealed(world: World, elsewhere: Settings, tmp_path: Path) -> None:
    bare, sealed = tmp_path / "bare", tmp_path / "sealed"
    backup(world.house.settings, bare)
    backup(world.house.settings, sealed, PASSPHRASE)
    secret = (world.house.folder.path / "keys" / "log.key").read_text().strip()
    for folder in (bare, sealed):
        for file in folder.rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes()
    with pytest.raises(Rejected, match="does not open"):
        restore(elsewhere, sealed, "another phrase")
    with pytest.raises(Rejected, match="holds no keys"):
        restore(elsewhere, bare, PASSPHRASE)
    restore(elsewhere, sealed, PASSPHRASE)
    restored = elsewhere.data_dir / "keys" / "log.key"
    assert restored.read_text().strip() == secret
    assert restored.stat().st_mode & 0o077 == 0
    recover(elsewhere, adopt=False)


@pytest.mark.parametrize("of", ["bundle", "backup"])
def test_what_was_erased_since_is_erased_again(
    world: World, elsewhere: Settings, tmp_path: Path, of: str
) -> None:
    zoe = world.person("zoe", "engineer")
    world.person("olga", "compliance_officer")
    world.person("omar", "compliance_officer")
    expect(200, world.client(world.ada).post(f"/api/v1/users/{zoe.id}/disable"))
    index = entry_of(world, f"user/{zoe.id}")
    kept = tmp_path / "backup"
    backup(world.house.settings, kept)
    receipt = redact(world, index, "printed_name")
    later = tmp_path / "later"
    if of == "bundle":
        later = bundle(world, tmp_path / "later.zip", receipt["index"])
    else:
        backup(world.house.settings, later)
    size = restore(elsewhere, kept, later=[later])
    bring_keys(world, elsewhere)
    recover(elsewhere, adopt=False)
    house = open_house(elsewhere, hasher=CHEAP)
    with house.ledger.snapshot() as now:
        assert now.data(index) == {"name": "zoe"}
        assert now.entry(size + 1).type == "entry.redacted.v1"
        assert now.data(size + 1)["confirmed_by"] == world.people["omar"].id
    house.close()
    report = fsck(database_of(elsewhere), projections(), [])
    assert report.outcome is Outcome.VALID, report.bottom_line
    assert WORDS not in report.bottom_line


def test_a_backup_that_is_not_whole_is_refused(
    world: World, elsewhere: Settings, tmp_path: Path
) -> None:
    kept = tmp_path / "backup"
    backup(world.house.settings, kept)
    with pytest.raises(Conflict, match="is not empty"):
        backup(world.house.settings, kept)
    for file in sorted(one for one in kept.rglob("*") if one.is_file()):
        if file.name == "manifest.json":
            continue
        whole = file.read_bytes()
        file.write_bytes(whole + b" ")
        with pytest.raises(Unverifiable, match=file.name):
            restore(elsewhere, kept)
        file.unlink()
        with pytest.raises(Unverifiable, match=file.name):
            restore(elsewhere, kept)
        file.write_bytes(whole)
    manifest = kept / "manifest.json"
    said = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**said, "schema": "0001"}))
    with pytest.raises(Malformed, match="schema 0001"):
        restore(elsewhere, kept)
    manifest.write_text("{}")
    with pytest.raises(Malformed, match="no manifest"):
        restore(elsewhere, kept)
    manifest.unlink()
    with pytest.raises(Missing, match="no backup"):
        restore(elsewhere, kept)
    assert not elsewhere.data_dir.exists()


def test_a_restore_overwrites_nothing(world: World, elsewhere: Settings, tmp_path: Path) -> None:
    kept = tmp_path / "backup"
    backup(world.house.settings, kept)
    restore(elsewhere, kept)
    with pytest.raises(Conflict, match="holds a log already"):
        restore(elsewhere, kept)


def test_a_restore_that_is_refused_leaves_no_keys_behind(
    world: World, elsewhere: Settings, tmp_path: Path
) -> None:
    """The database is not empty; the folder is, and stays fit for the next attempt."""
    kept = tmp_path / "backup"
    backup(world.house.settings, kept, PASSPHRASE)
    restore(elsewhere, kept)
    another = replace(elsewhere, data_dir=tmp_path / "another")
    if elsewhere.database_url is None:
        (another.data_dir / "keys").mkdir(parents=True)
        shutil.copy(elsewhere.data_dir / "ledger.db", another.data_dir)
    with pytest.raises(Conflict, match="holds a log already"):
        restore(another, kept, PASSPHRASE)
    assert list((another.data_dir / "keys").iterdir()) == []


def test_a_bundle_that_does_not_verify_erases_nothing(
    world: World, elsewhere: Settings, tmp_path: Path
) -> None:
    kept = tmp_path / "backup"
    backup(world.house.settings, kept)
    strange = bundle(world, tmp_path / "strange.zip", 0)
    whole = strange.read_bytes()
    strange.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Unverifiable, match=r"strange\.zip does not verify"):
        restore(elsewhere, kept, later=[strange])
    assert not elsewhere.data_dir.exists()
