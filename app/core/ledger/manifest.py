"""The manifest of an evidence bundle: what is in it, with digests. It tells a slip of the disk.

{"digest": "<SHA-256, hex, of the same without digest>",
"files": {"<name>": {"sha256": "<hex>", "size": <bytes>}, …},
"format": "muniment-bundle/1", "kind": …, "origin": …, "purpose": …}   canonical JSON
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import Malformed
from app.core.ledger.canonical import canonical, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.jsonvalue import Json

FORMAT = "muniment-bundle/1"

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """``files``: SHA-256 (hex) and size in bytes of each, by name; itself left out."""

    origin: str
    kind: str
    purpose: str
    files: Mapping[str, tuple[str, int]]


def format_manifest(manifest: Manifest) -> bytes:
    """Write ``manifest.json``."""
    files: dict[str, Json] = {
        name: {"sha256": digest, "size": size} for name, (digest, size) in manifest.files.items()
    }
    document: dict[str, Json] = {
        "format": FORMAT,
        "origin": manifest.origin,
        "kind": manifest.kind,
        "purpose": manifest.purpose,
        "files": files,
    }
    return canonical({**document, "digest": hashlib.sha256(canonical(document)).hexdigest()})


def parse_manifest(raw: bytes) -> Manifest:
    """Read ``manifest.json``.

    Raises Malformed, also if its own digest is another; Rejected; TooLarge.
    """
    match parse_json(raw):
        case {
            "format": str(form),
            "origin": str(origin),
            "kind": str(kind),
            "purpose": str(purpose),
            "files": dict(files),
        } if form == FORMAT:
            listed = {name: _listed(name, file) for name, file in files.items()}
        case _:
            raise Malformed(f"the manifest is not one of {FORMAT}")
    manifest = Manifest(origin, kind, purpose, listed)
    if format_manifest(manifest) != raw:
        raise Malformed("the manifest's bytes are not those that its digest was made of")
    return manifest


def _listed(name: str, file: Json) -> tuple[str, int]:
    match file:
        case {"sha256": str(digest), "size": int(size)} if _HASH.fullmatch(
            digest
        ) and not isinstance(size, bool):
            return digest, size
        case _:
            raise Malformed(f"the manifest does not tell digest and size of {name!r}")
