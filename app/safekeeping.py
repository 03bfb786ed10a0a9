"""Backups of a log: taken while it is written to, restored into nothing, and checked whole.

A backup is a folder: rows as lines of JSON, files by their digest, the newest checkpoint, and a
manifest, written last, with the digest of everything. It fits either engine. Private keys come
along only when asked for, sealed by a passphrase.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, cast
from zipfile import ZipFile

from app.core.errors import ChainBroken, Conflict, Malformed, Missing, Rejected, Unverifiable
from app.core.events.kinds.records import EntryRedacted
from app.core.events.parse import parse_event
from app.core.ledger import bundle as layout
from app.core.ledger.entry import parse
from app.core.ledger.note import parse_vkey
from app.core.ledger.times import format_time
from app.core.ledger.verdict import Outcome
from app.house import projections
from app.ledger import blobs, keeping
from app.ledger.folder import Folder
from app.ledger.guarding import RESTORED, Guard, put_guard
from app.ledger.sealing import seal, unseal
from app.ledger.sql_store import ENTRIES, HEAD, PAYLOADS, SqlStore
from app.migrations import schema
from app.premises import database_of, open_store
from app.settings import utc_now
from app.verification.fsck import fsck
from app.verification.offline import verify_bundle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.settings import Clock, Entropy, Settings

FORMAT = "muniment-backup/1"
MANIFEST, CHECKPOINT, KEYS = "manifest.json", "checkpoint", "keys.sealed"
FIRST_MEMBER = "log_vkey"


def backup(
    settings: Settings,
    target: Path,
    passphrase: str | None = None,
    *,
    clock: Clock = utc_now,
    entropy: Entropy = os.urandom,
) -> dict[str, Json]:
    """Copy a log as it is at one size, while a server may be writing to it; give the manifest.

    ``passphrase``: seals the private keys, which come along only then. Raises Conflict (the
    target is not empty), Missing (there is no log), Unavailable.
    """
    if target.exists() and any(target.iterdir()):
        raise Conflict(f"{target} is not empty", remedy="name a new folder for each backup")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = database_of(settings)
    written: dict[str, Json] = {}
    try:
        with database.reading() as connection:
            store = SqlStore(database, "")
            schema.check(connection)
            row = connection.execute(HEAD.select()).mappings().one()
            for table in keeping.KEPT:
                name = f"tables/{table.name}.jsonl"
                written[name] = _write(target / name, keeping.lines(connection, table))
            for sha256, content in keeping.files(connection):
                written[f"blobs/{sha256}"] = _write(target / "blobs" / sha256, [content])
            note = store.checkpoint(connection) or b""
            written[CHECKPOINT] = _write(target / CHECKPOINT, [note])
    finally:
        database.close()
    if passphrase is not None:
        sealed = seal(_keys(settings), passphrase, entropy)
        written[KEYS] = _write(target / KEYS, [sealed])
    head = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
    manifest: dict[str, Json] = {
        "format": FORMAT,
        "schema": schema.NEWEST,
        "made_at": format_time(clock()),
        "head": head,
        "files": written,
    }
    raw = json.dumps(manifest, indent=1, sort_keys=True).encode()
    _write(target / MANIFEST, [raw])  # last: a folder without it is no backup
    return manifest


def restore(
    settings: Settings,
    source: Path,
    passphrase: str | None = None,
    later: Sequence[Path] = (),
    *,
    entropy: Entropy = os.urandom,
) -> int:
    """Bring a backup back into an empty folder or database; give the log's size.

    ``later``: evidence bundles and backups from after it: erasures that they record are carried
    out by `muniment ledger recover`, before which nothing is written. Raises Conflict (there is
    something already), Malformed, Unverifiable (the backup does not check), Rejected.
    """
    manifest = read_manifest(source)
    head = _head(manifest)
    size = cast("int", head["size"])
    redactions = tuple(one for path in later for one in _later(source, path, size))
    folder = Folder(settings.data_dir)
    if folder.database.exists() or any(folder.path.glob("keys/*")):
        raise Conflict(f"{folder.path} holds a log already", remedy="name an empty folder")
    origin = str(head["origin"])
    keys = _kept_keys(source, manifest, passphrase)
    folder.make()
    with ExitStack() as closing:
        lock, store = open_store(replace(settings, log_origin=origin), entropy, projections())
        if lock is not None:
            closing.callback(lock.close)
        closing.callback(store.close)
        with store.writing() as connection:
            if store.head(connection).size:
                raise Conflict("the database holds a log already", remedy="make an empty one")
            for sha256 in _named(manifest, "blobs/"):
                _put_file(connection, sha256, (source / "blobs" / sha256).read_bytes())
            kept = {table.name: _rows(source, table.name) for table in keeping.KEPT}
            keeping.load(store, connection, head, kept, projections())
            put_guard(connection, Guard(RESTORED, redactions=redactions))
    for name, text in keys.items():  # last: what is refused leaves the folder empty
        _write_key(folder.path / "keys" / name, text)
    report = fsck(database_of(settings), projections(), [])
    if report.outcome is not Outcome.VALID:
        raise ChainBroken(
            f"what was restored does not check: {report.bottom_line}",
            remedy="take another backup, and keep this one as evidence",
        )
    return size


def read_manifest(source: Path) -> Mapping[str, Json]:
    """Read a backup's manifest, and check every file against it. Raises Missing, Malformed."""
    try:
        manifest = json.loads((source / MANIFEST).read_bytes())
        files = cast("Mapping[str, Mapping[str, Json]]", manifest["files"])
        form, made_by = manifest["format"], manifest["schema"]
    except FileNotFoundError:
        raise Missing(f"{source} is no backup: it has no {MANIFEST}") from None
    except (ValueError, KeyError, TypeError):
        raise Malformed(f"{source / MANIFEST} is no manifest of a backup") from None
    if form != FORMAT or made_by != schema.NEWEST:
        raise Malformed(
            f"the backup has format {form} and schema {made_by}, not {FORMAT} and {schema.NEWEST}",
            remedy="restore it with the release that made it, then run `muniment migrate`",
        )
    for name, said in files.items():
        if not (source / name).is_file() or _digest(source / name) != said["sha256"]:
            raise Unverifiable(
                f"the backup's {name} is missing or not as it was written",
                remedy="take another backup",
            )
    return cast("Mapping[str, Json]", manifest)


def _head(manifest: Mapping[str, Json]) -> dict[str, object]:
    head = dict(cast("Mapping[str, object]", manifest["head"]))
    for column in HEAD.columns:
        if column.type.python_type is bytes:
            head[column.name] = bytes.fromhex(str(head[column.name]))
    return head


def _rows(source: Path, table: str) -> Iterator[dict[str, object]]:
    with (source / "tables" / f"{table}.jsonl").open("rb") as written:
        yield from keeping.rows(written)


def _named(manifest: Mapping[str, Json], below: str) -> list[str]:
    files = cast("Mapping[str, Json]", manifest["files"])
    return [name.removeprefix(below) for name in files if name.startswith(below)]


def _later(source: Path, path: Path, size: int) -> Iterator[EntryRedacted]:
    """Find erasures recorded after ``size`` in a bundle, or in another backup of the log."""
    said = _of_backup(path) if path.is_dir() else _of_bundle(source, path)
    for index, wire, data in said:
        if wire == EntryRedacted.TYPE and index >= size:
            event = parse_event(wire, data)
            if isinstance(event, EntryRedacted) and event.index < size:
                yield event


def _of_backup(path: Path) -> Iterator[tuple[int, str, dict[str, Json]]]:
    read_manifest(path)
    wanted: dict[object, dict[str, Json]] = {
        row["idx"]: {} for row in _rows(path, ENTRIES.name) if row["type"] == EntryRedacted.TYPE
    }
    for row in _rows(path, PAYLOADS.name):
        if row["idx"] in wanted and row["value"] is not None:
            value = json.loads(cast("bytes", row["value"]))
            wanted[row["idx"]][str(row["name"])] = value
    for index, data in wanted.items():
        yield cast("int", index), EntryRedacted.TYPE, data


def _of_bundle(source: Path, path: Path) -> Iterator[tuple[int, str, dict[str, Json]]]:
    report = verify_bundle(path, [parse_vkey(_vkey(source))])
    if report.outcome is not Outcome.VALID:
        raise Unverifiable(f"{path.name} does not verify: {report.bottom_line}")
    with ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for index in layout.entry_indexes(files):
        entry = parse(files[layout.entry_name(index)])
        members = layout.parse_members(files.get(layout.members_name(index), b"[]"))
        data = {one.name: json.loads(one.value) for one in members if one.value is not None}
        yield index, entry.type, data


def _vkey(source: Path) -> str:
    """Find the log's first key in a backup."""
    for row in _rows(source, PAYLOADS.name):
        if row["name"] == FIRST_MEMBER and row["value"] is not None:
            return str(json.loads(cast("bytes", row["value"])))
    raise Rejected("the backup's log names no key, so no bundle can be held against it")


def _keys(settings: Settings) -> dict[str, str]:
    folder = Folder(settings.data_dir)
    return {path.name: path.read_text("ascii") for path in sorted(folder.path.glob("keys/*.key"))}


def _kept_keys(
    source: Path, manifest: Mapping[str, Json], passphrase: str | None
) -> Mapping[str, str]:
    """Open the keys of a backup; none without a passphrase. Raises Rejected."""
    if passphrase is None:
        return {}
    if KEYS not in cast("Mapping[str, Json]", manifest["files"]):
        raise Rejected(
            "the backup holds no keys for a passphrase to open",
            remedy="leave --passphrase-stdin out, and put the keys back from where they are kept",
        )
    return unseal((source / KEYS).read_bytes(), passphrase)


def _write_key(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)


def _put_file(connection: Connection, sha256: str, content: bytes) -> None:
    if blobs.put(connection, content) != f"sha256:{sha256}":
        raise Unverifiable(f"the backup's file {sha256} has other bytes")


def _write(path: Path, parts: Iterable[bytes]) -> dict[str, Json]:
    """Write a file durably; give its digest and length."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as out:
        for part in parts:
            digest.update(part)
            size += len(part)
            out.write(part)
        out.flush()
        os.fsync(out.fileno())
    return {"sha256": digest.hexdigest(), "bytes": size}


def _digest(path: Path) -> str:
    with path.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()
