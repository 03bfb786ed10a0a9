"""What recording commands share: posting an event, hashing a file, naming the code."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from app.cli.asking import pairs
from app.cli.printing import receipt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from app.cli.calling import Call
    from app.client import Client

GIT_SECONDS = 10


def record(call: Call, type_: str, subject: str, data: Mapping[str, Any]) -> None:
    """Record an event and print its receipt; absent members are left out."""
    with call.client() as client:
        receipt(call, post(client, type_, subject, data))


def post(client: Client, type_: str, subject: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Record an event; returns its receipt."""
    given = {name: value for name, value in data.items() if value is not None}
    return client.post("/api/v1/events", {"type": type_, "subject": subject, "data": given})


def labels(written: list[str] | None) -> dict[str, str] | None:
    """Read ``--label`` options."""
    return pairs(written, "--label") or None


def digest_of(path: Path) -> str:
    """Hash a file, or all files of a folder by path and content."""
    import hashlib

    if path.is_dir():
        return f"sha256:{_digest_of_folder(path)}"
    with path.open("rb") as content:
        return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"


def size_of(path: Path) -> int:
    """Count the bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size


def code_here() -> dict[str, Any] | None:
    """Name the commit of the working folder's repository; None outside of one."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    repo = _git("config", "--get", "remote.origin.url") or _git("rev-parse", "--show-toplevel")
    return {"repo": repo or ".", "commit": commit, "dirty": bool(_git("status", "--porcelain"))}


def _digest_of_folder(folder: Path) -> str:
    """Hash the lines ``<sha256>  <path>`` of its files, sorted, as ``sha256sum`` writes them."""
    import hashlib

    lines = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        name = path.relative_to(folder).as_posix()
        lines.append(f"{digest_of(path).removeprefix('sha256:')}  {name}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", *words],  # noqa: S607 - the caller's own git
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
