"""Verifying without a server: a bundle, or a log as files, and a trusted key. Nothing else.

Imports ``app.core`` alone, so what an auditor has to read is this file and the core.
"""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING

from app.core.errors import Malformed, Missing, Refusal, TooLarge
from app.core.ledger import tile
from app.core.ledger.audit import LoggedEntry, audit_log
from app.core.ledger.bundle import MANIFEST
from app.core.ledger.bundle_audit import NOBODY, audit_bundle
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.note import parse_note, parse_vkey
from app.core.ledger.tile import split_entries
from app.core.ledger.trust import parse_trust
from app.core.ledger.verdict import Finding, Findings, Outcome, checked, conclude

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from app.core.ledger.bundle_outside import Outsiders
    from app.core.ledger.note import Verifier
    from app.core.ledger.trust import Key
    from app.core.ledger.verdict import Report

LARGEST = 2**28
"""Bytes that a bundle may unpack to."""

MOST_FILES = 400_000

UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    NotImplementedError,  # a compression method that is not built in
    RuntimeError,  # an encrypted member
    ValueError,
)
"""What a damaged or hostile zip file makes the standard library raise."""


def verify_bundle(path: Path, trusted: Sequence[Key], outsiders: Outsiders = NOBODY) -> Report:
    """Check an evidence bundle: a zip file, or a folder it was unpacked to.

    ``outsiders``: the witnesses and the timestamp authority that are believed.
    """
    try:
        files = _unpacked(path) if path.is_dir() else _zipped(path)
    except Refusal as refusal:
        return unusable(path.name, refusal.detail)
    return audit_bundle(files, trusted, outsiders)


def verify_log(
    read: Callable[[str], bytes], trusted: Sequence[Key], saved: Sequence[bytes] = ()
) -> Report:
    """Check a log that is served as tiles, entry by entry, with flat memory.

    ``read``: gives a file below the log's prefix, such as ``checkpoint`` or
    ``tile/entries/000``. ``saved``: earlier checkpoints from elsewhere.
    """
    checkpoint = read("checkpoint")
    try:
        size = parse_checkpoint(parse_note(checkpoint)[0]).size
    except Refusal as refusal:
        return unusable("checkpoint", refusal.detail)
    try:
        return audit_log(_entries(read, size), checkpoint, trusted, saved=saved)
    except (Missing, Malformed) as refusal:  # a bundle of entries that is not there, or is none
        return unusable("tile/entries", refusal.detail)


def is_bundle(path: Path) -> bool:
    """Tell an evidence bundle from a log as files."""
    return (path / MANIFEST).exists() if path.is_dir() else zipfile.is_zipfile(path)


def read_keys(written: Sequence[str]) -> list[Verifier]:
    """Read verifier keys, as given on the command line or as lines of a file.

    Raises Malformed naming the key that is none.
    """
    return [parse_vkey(line.strip()) for line in written if line.strip()]


def read_trust(raw: bytes) -> list[Key]:
    """Read a file of trusted keys: a trust file, or one verifier key a line.

    Raises Malformed, Rejected or TooLarge.
    """
    if raw.lstrip().startswith(b"{"):
        return list(parse_trust(raw))
    return [*read_keys(raw.decode("utf-8", "replace").splitlines())]


def unusable(what: str, detail: str) -> Report:
    """Answer for evidence that cannot even be opened."""
    found = Findings()
    found.add(Finding(Outcome.MISSING, "file", detail, file=what))
    return conclude([checked(1, "Evidence", "the evidence can be read", found)], "")


def _entries(read: Callable[[str], bytes], size: int) -> Iterator[LoggedEntry]:
    for bundle in tile.bundles(size):
        first = bundle.index * tile.TILE_WIDTH
        for offset, raw in enumerate(split_entries(read(bundle.path()), bundle)):
            yield LoggedEntry(first + offset, raw)


def _unpacked(folder: Path) -> dict[str, bytes]:
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
    return files


def _zipped(path: Path) -> dict[str, bytes]:
    """Read a zip file into memory. Raises Malformed, TooLarge; trusts no size it declares."""
    files: dict[str, bytes] = {}
    room = LARGEST
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MOST_FILES:
                raise TooLarge(f"the bundle has more than {MOST_FILES} files")
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise TooLarge(f"the bundle says it unpacks to more than {LARGEST} bytes")
            for member in archive.infolist():
                if member.filename in files:
                    raise Malformed(f"the bundle holds {member.filename[:100]!r} twice")
                with archive.open(member) as content:
                    raw = content.read(room + 1)
                room -= len(raw)
                if room < 0:
                    raise TooLarge(f"the bundle unpacks to more than {LARGEST} bytes")
                files[member.filename] = raw
    except UNREADABLE as failure:
        raise Malformed(f"the bundle is no whole zip file: {failure}") from None
    return files
