"""``make bench``: what the work around a yardstick costs, measured in one run."""

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

from tests.bench import deciding, graph, neo4j, serving, writing
from tests.bench.rows import Row

HELP_RUNS = 5


def main() -> None:
    """Measure everything in a temporary folder and print one table."""
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores,"
        f" SQLite {sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f}"
    )
    folder = Path(tempfile.mkdtemp(prefix="muniment-bench-"))
    try:
        rows: list[Row] = [
            *writing.measure(folder),
            *serving.measure(folder),
            *deciding.measure(folder),
            *graph.measure(),
            *neo4j.measure(folder),
            _help(),
        ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for row in rows:
        print(row.line())
    print(json.dumps([row.document() for row in rows]))


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
