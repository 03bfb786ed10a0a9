"""However long a log is, checking it takes no more memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.core.events import say
from app.house import projections
from tests.slices.catalog.story import example
from tests.slices.ledger.desk import ERIN, Place

if TYPE_CHECKING:
    from app.core.events import Said

SOAK = bool(os.environ.get("MUNIMENT_SOAK"))
SIZE = int(os.environ.get("MUNIMENT_LARGE", "1000000" if SOAK else "2000"))
SUBJECTS = 5000
PATIENCE = 600
MEBIBYTES = 100
EVALUATION = example("evaluation.recorded")
MEASURE = (
    "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]);"
    " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
)
"""Runs a command and tells how much memory the largest of its processes took, in KiB.

A process that is started counts what its parent took until then: this one takes little."""

MUNIMENT = Path(sys.executable).parent / "muniment"


def evaluated(number: int) -> Said:
    return say(f"model/m{number % SUBJECTS}/1", EVALUATION)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_long_log_is_checked_in_little_memory(
    tmp_path_factory: pytest.TempPathFactory, processes: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "large"
    key = large(folder)
    began = time.monotonic()
    named = ["--data-dir", str(folder), "--vkey", key, "--processes", str(processes)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, MUNIMENT, "ledger", "fsck", *named],
        capture_output=True,
        text=True,
        check=False,
    )
    *lines, most = done.stdout.splitlines()
    took, mebibytes = time.monotonic() - began, int(most) // 1024
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[-1].startswith("VALID: ")
    told = f"{SIZE} entries, {processes} processes: {took:.0f} s, the largest has {mebibytes} MiB"
    print(told)  # noqa: T201 - the soak's figure
    assert mebibytes <= MEBIBYTES


def large(folder: Path) -> str:
    """Make the log, once; give the key that signs it."""
    folder.mkdir(exist_ok=True)
    place = Place(folder)
    with place.open(projections()) as desk:
        with desk.ledger.snapshot() as now:
            there = now.size
        for start in range(there, SIZE, 200):
            names = range(start, min(start + 200, SIZE))
            desk.ledger.record_all([evaluated(number) for number in names], ERIN)
        assert desk.publisher.wait_for(SIZE, PATIENCE)
        return desk.signer.verifier.vkey()
