"""A bundle or a log as files, and altered copies of them: each gets the code it deserves."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import Missing
from app.core.ledger.checkpoint import Checkpoint
from app.core.ledger.note import Verifier, sign_note
from app.core.ledger.tile import parse_path
from app.core.ledger.verdict import Outcome
from app.ledger.snapshot import Snapshot
from app.ledger.sql_store import SqlStore
from app.ledger.sqlite import SqliteDatabase
from app.ledger.tiles import read_tile
from app.verification.bundles import bundle_of, zip_of
from app.verification.offline import is_bundle, read_keys, verify_log
from tests.both import verify_bundle
from tests.slices.ledger.desk import ORIGIN, SCHEMAS
from tests.slices.verification.populated import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.slices.verification.populated import Populated

FOREIGN = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
STRANGER = Verifier(ORIGIN, FOREIGN.public_key().public_bytes_raw())
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def now(populated: Populated) -> Iterator[Snapshot]:
    database = SqliteDatabase(populated.path)
    with database.reading() as connection:
        yield Snapshot(SqlStore(database, ORIGIN), connection, SIZE)
    database.close()


@pytest.fixture(scope="module")
def bundle(now: Snapshot, populated: Populated) -> Files:
    return bundle_of(
        now,
        [0, 5, 40, SIZE - 1],
        [populated.key],
        kind="report",
        purpose="to be tried",
        files={},
        schemas={wire: one.raw for wire, one in SCHEMAS.items()},
        unproven={},
    )


def written(folder: Path, files: Files) -> Path:
    path = folder / "bundle.zip"
    path.write_bytes(zip_of(files))
    return path


def test_a_bundle_is_valid_as_zip_and_as_folder(
    bundle: Files, populated: Populated, tmp_path: Path
) -> None:
    path = written(tmp_path, bundle)
    assert is_bundle(path)
    report = verify_bundle(path, [populated.key])
    assert report.outcome is Outcome.VALID, report.bottom_line
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "folder")
    assert is_bundle(tmp_path / "folder")
    assert verify_bundle(tmp_path / "folder", [populated.key]).outcome is Outcome.VALID


def test_the_same_evidence_is_the_same_zip(bundle: Files) -> None:
    assert zip_of(bundle) == zip_of(dict(bundle))


def test_without_a_trusted_key_nothing_is_proven(bundle: Files, tmp_path: Path) -> None:
    assert verify_bundle(written(tmp_path, bundle), []).outcome is Outcome.MISSING


def test_another_key_of_the_same_name_did_not_sign(bundle: Files, tmp_path: Path) -> None:
    report = verify_bundle(written(tmp_path, bundle), [STRANGER])
    assert report.outcome is Outcome.BAD_SIGNATURE


def test_every_file_of_a_bundle_is_held_by_something(
    bundle: Files, populated: Populated, tmp_path: Path
) -> None:
    """One byte of each, one file left out: only the page for people may differ freely."""
    for name, raw in bundle.items():
        changed = raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :]
        altered = verify_bundle(written(tmp_path, {**bundle, name: changed}), [populated.key])
        assert altered.outcome is not Outcome.VALID, name
        rest = {other: content for other, content in bundle.items() if other != name}
        missing = verify_bundle(written(tmp_path, rest), [populated.key])
        assert missing.outcome is not Outcome.VALID, name


def test_what_is_no_whole_zip_proves_nothing(
    bundle: Files, populated: Populated, tmp_path: Path
) -> None:
    path = written(tmp_path, bundle)
    raw = path.read_bytes()
    for content in (b"", b"PK", raw[:-40], raw[: len(raw) // 2], raw[:30] + b"\0" + raw[31:]):
        path.write_bytes(content)
        report = verify_bundle(path, [populated.key])
        assert report.outcome is not Outcome.VALID
    assert verify_bundle(tmp_path / "none.zip", [populated.key]).outcome is Outcome.MISSING


@pytest.mark.parametrize("honest", [True, False])
def test_a_bomb_is_refused_whether_it_says_its_size_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, honest: bool
) -> None:
    monkeypatch.setattr("app.verification.offline.LARGEST", 10_000)
    monkeypatch.setattr("app.verification.verify.LARGEST", 10_000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.md", bytes(20_000))
    if not honest:  # the size that the directory and the file's own header declare
        path.write_bytes(path.read_bytes().replace((20_000).to_bytes(4, "little"), b"\x64\0\0\0"))
    report = verify_bundle(path, [STRANGER])
    assert report.outcome is Outcome.MISSING


def test_a_file_that_is_twice_in_a_bundle_is_refused(
    bundle: Files, populated: Populated, tmp_path: Path
) -> None:
    path = written(tmp_path, bundle)
    with (
        zipfile.ZipFile(path, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr(next(iter(bundle)), b"other bytes")
    report = verify_bundle(path, [populated.key])
    assert report.outcome is Outcome.MISSING
    assert "twice" in report.bottom_line


def test_keys_are_read_one_a_line(populated: Populated) -> None:
    assert read_keys([f" {populated.key.vkey()}\n", ""]) == [populated.key]


@pytest.fixture(scope="module")
def log(now: Snapshot) -> Callable[[str], bytes]:
    """The log as it is served."""

    def read(path: str) -> bytes:
        if path == "checkpoint":
            note = now.store.checkpoint(now.connection)
            assert note is not None
            return note
        return read_tile(now.store, now.connection, parse_path(path), SIZE)

    return read


def changed(
    log: Callable[[str], bytes], path: str, change: Callable[[bytes], bytes]
) -> Callable[[str], bytes]:
    return lambda wanted: change(log(wanted)) if wanted == path else log(wanted)


def note(key: Ed25519PrivateKey, verifier: Verifier, size: int, root: bytes) -> bytes:
    return sign_note(Checkpoint(ORIGIN, size, root).text(), [(verifier, key.sign)])


def test_a_served_log_is_valid(log: Callable[[str], bytes], populated: Populated) -> None:
    assert verify_log(log, [populated.key]).outcome is Outcome.VALID
    saved = [log("checkpoint")]
    assert verify_log(log, [populated.key], saved).outcome is Outcome.VALID
    assert verify_log(log, []).outcome is Outcome.MISSING


def test_an_altered_entry_is_named(log: Callable[[str], bytes], populated: Populated) -> None:
    whole = log("tile/entries/000")
    at = whole.index(b'"index":40,')
    copy = changed(
        log, "tile/entries/000", lambda _: whole[:at] + b'"index":41,' + whole[at + 11 :]
    )
    report = verify_log(copy, [populated.key])
    assert report.outcome is Outcome.ALTERED
    assert "entry 40" in report.bottom_line or "entry 41" in report.bottom_line


def test_a_bundle_of_entries_that_is_cut_short_is_no_surprise(
    log: Callable[[str], bytes], populated: Populated
) -> None:
    for change in (lambda raw: raw[:-1], lambda raw: raw + b"x", lambda _: b""):
        copy = changed(log, "tile/entries/001.p/44", change)
        assert verify_log(copy, [populated.key]).outcome in {Outcome.ALTERED, Outcome.MISSING}


def test_a_missing_file_proves_nothing(log: Callable[[str], bytes], populated: Populated) -> None:
    def read(path: str) -> bytes:
        if path == "tile/entries/001.p/44":
            raise Missing("it is not there")
        return log(path)

    assert verify_log(read, [populated.key]).outcome is Outcome.MISSING


def test_an_altered_checkpoint_is_not_signed(
    log: Callable[[str], bytes], populated: Populated
) -> None:
    copy = changed(log, "checkpoint", lambda raw: raw.replace(b"\n300\n", b"\n299\n"))
    assert verify_log(copy, [populated.key]).outcome is Outcome.BAD_SIGNATURE
    assert verify_log(log, [STRANGER]).outcome is Outcome.BAD_SIGNATURE


def test_a_log_smaller_than_a_saved_checkpoint_was_truncated(
    log: Callable[[str], bytes], populated: Populated
) -> None:
    later = note(FOREIGN, STRANGER, SIZE + 5, bytes(32))
    report = verify_log(log, [populated.key, STRANGER], [later])
    assert report.outcome is Outcome.TRUNCATED


def test_two_trees_of_one_size_are_a_fork(
    log: Callable[[str], bytes], populated: Populated
) -> None:
    other = note(FOREIGN, STRANGER, SIZE, bytes(32))
    report = verify_log(log, [populated.key, STRANGER], [other])
    assert report.outcome is Outcome.FORKED
