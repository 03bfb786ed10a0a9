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
HERE = Path(__file__).parent

PATIENCE = 1_500
"""Seconds: a cold build downloads some forty modules."""


@dataclass(frozen=True, slots=True)
class Programs:
    """``tlogcheck``: ours, on Go's sumdb packages. ``fsck``: Tessera's."""

    tlogcheck: Path
    fsck: Path


def programs() -> Programs:
    """Answer the built programs; builds what is not there yet."""
    return Programs(
        tlogcheck=_ours("tlogcheck"),
        fsck=_built(
            _cache() / f"fsck-{TESSERA}",
            ["install", f"github.com/transparency-dev/tessera/cmd/fsck@{TESSERA}"],
            HERE / "tlogcheck",
        ),
    )


def cosigcheck() -> Path:
    """Answer our program on transparency-dev's formats; builds it if it is not there yet."""
    return _ours("cosigcheck")


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "muniment" / "strangers"


def _ours(name: str) -> Path:
    source = HERE / name
    files = b"".join((source / file).read_bytes() for file in ("go.mod", "go.sum", "main.go"))
    digest = hashlib.sha256(files).hexdigest()[:12]
    return _built(_cache() / f"{name}-{digest}", ["build", "-o", f"{{out}}/{name}", "."], source)


def _built(target: Path, command: list[str], source: Path) -> Path:
    with alone(target) as missing:
        if missing:
            _build(target, command, source)
    return target


def _build(target: Path, command: list[str], source: Path) -> None:
    # Built beside its place and moved there, so that a build that was cut short leaves nothing.
    with tempfile.TemporaryDirectory(dir=target.parent) as out:
        subprocess.run(
            ["go", *(word.format(out=out) for word in command)],
            cwd=source,
            env=os.environ | {"GOBIN": out, "GOTOOLCHAIN": "local"},
            check=True,
            timeout=PATIENCE,
        )
        (made,) = Path(out).iterdir()
        made.replace(target)


if __name__ == "__main__":
    programs()
    cosigcheck()
