"""The one way to a PDF: a confined process sets the pages, this one waits and explains.

The process has no network (a namespace of its own where the system permits one, and in any
case no socket), an ``asset:``-only view of files to load, no variable of ours in its
environment, bounded memory and time, the bundled fonts, and the last place in the queue.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from app.core.errors import TooLarge, Unavailable
from app.resources import Resource, folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.core.report.files import EmbeddedFile

POLL_SECONDS = 0.2

FONTCONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""

NARROW = "ask for a narrower scope, such as one version of the model"


class Isolation(StrEnum):
    """How a rendering is kept from the network."""

    NAMESPACE = "own network namespace, and no sockets"
    AUDIT_HOOK = "no sockets (unshare is not permitted here)"


@dataclass(frozen=True, slots=True)
class Limits:
    """``memory``: bytes. ``cpu``: seconds of processor time. ``wall``: seconds by the clock."""

    memory: int = 1_200_000_000
    cpu: int = 120
    wall: float = 600


@dataclass(frozen=True, slots=True)
class Rendered:
    """``engine``: name → version of everything that shaped the pages."""

    pdf: bytes
    page_count: int
    engine: Mapping[str, str]


@cache
def isolation() -> Isolation:
    """Tell which isolation this system permits."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return Isolation.AUDIT_HOOK
    tried = subprocess.run([*_unshare(unshare), "true"], capture_output=True, check=False)  # noqa: S603
    return Isolation.AUDIT_HOOK if tried.returncode else Isolation.NAMESPACE


def render(
    report: bytes,
    files: Sequence[EmbeddedFile],
    *,
    limits: Limits = Limits(),
    cancelled: Callable[[], bool] = lambda: False,
) -> Rendered:
    """Set ``report``, the bytes of report.json, on pages and embed it and ``files``.

    ``cancelled`` is asked a few times a second; once true, the process is ended.
    Raises TooLarge: a limit was reached. Unavailable: cancelled, or the process failed.
    """
    with tempfile.TemporaryDirectory(prefix="muniment-report-") as name:
        place = Path(name)
        _lay_out(place, report, files)
        _run(place, limits, cancelled)
        result = json.loads((place / "result.json").read_bytes())
        pdf = (place / "report.pdf").read_bytes()
    return Rendered(pdf, result["page_count"], result["engine"])


def _lay_out(place: Path, report: bytes, files: Sequence[EmbeddedFile]) -> None:
    (place / "report.json").write_bytes(report)
    listed = []
    for number, file in enumerate(files):
        (place / f"file-{number}").write_bytes(file.content)
        listed.append(
            {
                "name": file.name,
                "media_type": file.media_type,
                "description": file.description,
            }
        )
    (place / "files.json").write_text(json.dumps(listed), encoding="utf-8")
    fonts = escape(str(folder(Resource.REPORTS) / "fonts"))
    fontconfig = FONTCONFIG.format(fonts=fonts, cache=escape(str(place / "fontcache")))
    (place / "fonts.conf").write_text(fontconfig, encoding="utf-8")


def _run(place: Path, limits: Limits, cancelled: Callable[[], bool]) -> None:
    code = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "app.reporting.worker", str(place)]
    command += [str(folder(Resource.REPORTS)), str(limits.memory), str(limits.cpu)]
    if isolation() is Isolation.NAMESPACE:
        command = [*_unshare(shutil.which("unshare") or "unshare"), *command]
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(code),
        "PYTHONHASHSEED": "0",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(place),
        "TMPDIR": str(place),
        "FONTCONFIG_FILE": str(place / "fonts.conf"),
    }
    with (place / "stderr").open("w+b") as said:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            _wait(process, limits, cancelled)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said.seek(0)
        _explain(process.returncode, said.read().decode(errors="replace"), limits)


def _wait(process: subprocess.Popen[bytes], limits: Limits, cancelled: Callable[[], bool]) -> None:
    left = limits.wall
    while True:
        try:
            process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            left -= POLL_SECONDS
        else:
            return
        if cancelled():
            raise Unavailable("the report was cancelled while its pages were set")
        if left <= 0:
            raise TooLarge(
                f"setting the report took more than {limits.wall:g} seconds and was stopped",
                remedy=NARROW,
            )


def _explain(code: int, said: str, limits: Limits) -> None:
    """Turn how the process ended into a refusal that says what to do."""
    if code == 0:
        return
    if code in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise TooLarge(
            f"setting the report took more than {limits.cpu} seconds of processor time and "
            f"was stopped",
            remedy=NARROW,
        )
    crashed = code in {-signal.SIGABRT, -signal.SIGTRAP, -signal.SIGSEGV}
    if crashed or "MemoryError" in said:
        raise TooLarge(
            f"setting the report ran out of its {limits.memory // 1_000_000} MB of memory",
            remedy=NARROW,
        )
    last = said.strip().rpartition("\n")[2] or f"it ended with code {code}"
    raise Unavailable(f"the pages could not be set: {last}")


def _unshare(program: str) -> list[str]:
    return [program, "--net", "--user", "--map-root-user"]
