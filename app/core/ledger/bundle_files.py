"""The files of a bundle against its manifest, and what stands in every bundle against its words."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from app.core.errors import Refusal
from app.core.ledger import bundle as layout
from app.core.ledger.bundle_words import KNOWN_READMES, KNOWN_VERIFIERS
from app.core.ledger.manifest import parse_manifest
from app.core.ledger.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from app.core.ledger.claim import Claim


def missing(name: str) -> Finding:
    """Say that a file is not there."""
    return Finding(Outcome.MISSING, "file", "the bundle does not have it", file=name)


def altered(name: str, detail: str, index: int | None = None) -> Finding:
    """Say that a file, or the entry in it, is not what it was."""
    return Finding(Outcome.ALTERED, "file", detail, index, file=name)


def check_files(files: Mapping[str, bytes], claim: Claim | None) -> Iterator[Finding]:
    """Tell which files are missing, added or changed."""
    yield from _files(files, claim)
    yield from _words(files)


def _files(files: Mapping[str, bytes], claim: Claim | None) -> Iterator[Finding]:
    if layout.MANIFEST not in files:
        yield missing(layout.MANIFEST)
        return
    try:
        manifest = parse_manifest(files[layout.MANIFEST])
    except Refusal as refusal:
        yield altered(layout.MANIFEST, refusal.detail)
        return
    if claim is not None and manifest.origin != claim.checkpoint.origin:
        yield altered(layout.MANIFEST, f"it says it is of the log {manifest.origin}")
    listed = manifest.files
    for name in sorted(files.keys() | listed.keys() - {layout.MANIFEST}):
        if name == layout.MANIFEST:
            continue
        if name not in files:
            yield missing(name)
        elif not layout.is_name(name) or name not in listed:
            yield altered(name, "the manifest does not list it, or no bundle holds such a file")
        elif listed[name] != (hashlib.sha256(files[name]).hexdigest(), len(files[name])):
            yield altered(name, "its bytes are not those that the manifest lists")


def _words(files: Mapping[str, bytes]) -> Iterator[Finding]:
    if not _known(files.get(layout.README_NAME), KNOWN_READMES):
        yield altered(layout.README_NAME, "its words are not those of every bundle")
    if not _known(files.get(layout.VERIFIER), KNOWN_VERIFIERS):
        yield altered(layout.VERIFIER, "it is no verifier that is known here: do not run it")


def _known(raw: bytes | None, digests: Collection[str]) -> bool:
    return raw is None or hashlib.sha256(raw).hexdigest() in digests
