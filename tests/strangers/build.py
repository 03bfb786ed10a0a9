"""Builds the strangers that are written in Go, once, into a cache outside the checkout.

``python -m tests.strangers.build`` does it ahead of the tests. Needs Go 1.24 or later.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.servers.once import alone

TESSERA = "v1.0.4"
SOURCE = Path(__file__).parent / "tlogcheck"

PATIENCE = 1_500
"""Seconds: a cold build downloads some forty modules."""


@dataclass(frozen=True, slots=True)
class Programs:
    """``tlogcheck``: ours, on Go's sumdb packages. ``fsck``: Tessera's."""

    tlogcheck: Path
    fsck: Path


def programs() -> Programs:
    """Answer the built programs; builds what is not there yet."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(root) / "muniment" / "strangers"
    sources = b"".join((SOURCE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    digest = hashlib.sha256(sources).hexdigest()[:12]
    return Programs(
        tlogcheck=_built(cache / f"tlogcheck-{digest}", ["build", "-o", "{out}/tlogcheck", "."]),
        fsck=_built(
            cache / f"fsck-{TESSERA}",
            ["install", f"github.com/transparency-dev/tessera/cmd/fsck@{TESSERA}"],
        ),
    )


def _built(target: Path, command: list[str]) -> Path:
    with alone(target) as missing:
        if missing:
            _build(target, command)
    return target


def _build(target: Path, command: list[str]) -> None:
    # Built beside its place and moved there, so that a build that was cut short leaves nothing.
    with tempfile.TemporaryDirectory(dir=target.parent) as out:
        subprocess.run(
            ["go", *(word.format(out=out) for word in command)],
            cwd=SOURCE,
            env=os.environ | {"GOBIN": out, "GOTOOLCHAIN": "local"},
            check=True,
            timeout=PATIENCE,
        )
        (made,) = Path(out).iterdir()
        made.replace(target)


if __name__ == "__main__":
    programs()
