"""``make bench``: what the work around a yardstick costs, measured in one run.

``python -m tests.bench PART …`` measures some of it. Each row ends in a word: ``ok``, ``short``,
or ``noisy`` where it falls short while other work kept the machine busy (``machine``).

``growth`` goes to a million entries, where ``fsck`` will hold some 4 GiB (4 KiB an entry were
measured up to 100,000) and take minutes.

immudb and Tessera, beside which HTTP events were to be measured, are not to be had from the
package registries this project builds from; there is no row about them.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import (
    committing,
    deciding,
    encoding,
    graph,
    growth,
    lists,
    machine,
    neo4j,
    picture,
    serving,
    writing,
)
from tests.bench.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.bench.machine import Machine

HELP_RUNS = 5
PICTURES = Path("docs/benchmarks")


def main() -> None:
    """Measure everything, or the parts named, in a temporary folder and print one table."""
    folder = Path(tempfile.mkdtemp(prefix="muniment-bench-"))
    try:
        found = machine.look(folder)
        print(
            f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()}"
            f" cores, SQLite {sqlite3.sqlite_version}, write and fdatasync {found.sync:.2f} ms,"
            f" load {found.load:.1f} a core{', noisy' if found.noisy else ''}"
        )
        parts: dict[str, Callable[[], Sequence[Row]]] = {
            "writing": lambda: writing.measure(folder),
            "serving": lambda: serving.measure(folder),
            "committing": lambda: committing.measure(folder),
            "encoding": encoding.measure,
            "deciding": lambda: deciding.measure(folder),
            "lists": lambda: lists.measure(folder),
            "graph": graph.measure,
            "neo4j": lambda: neo4j.measure(folder),
            "help": lambda: [_help()],
            "growth": lambda: _growth(folder, found),
        }
        rows = [row for name in sys.argv[1:] or parts for row in parts[name]()]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for row in rows:
        print(row.line(noisy=found.noisy))
    print(json.dumps([row.document(noisy=found.noisy) for row in rows]))


def _growth(folder: Path, found: Machine) -> list[Row]:
    """Measure how costs grow, and draw it where the documentation shows it."""
    steps = list(growth.measure(folder))
    picture.write(PICTURES, steps, found)
    return growth.rows(steps)


def _help() -> Row:
    """Take the CPU time of ``muniment --help``, the median of five."""
    command = Path(sys.executable).parent / "muniment"
    seconds = []
    for _ in range(HELP_RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([command, "--help"], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    spent = statistics.median(seconds) * 1000
    return Row("muniment --help, CPU", spent, "ms", "<= 250", spent <= 250, "")


if __name__ == "__main__":
    main()
