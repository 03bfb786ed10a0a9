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
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import deciding, graph, serving, writing

if TYPE_CHECKING:
    from tests.bench.rows import Row

HELP_RUNS = 5


def main() -> None:
    """Measure everything in a temporary folder and print one table."""
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores,"
          f" SQLite {sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f}")
    folder = Path(tempfile.mkdtemp(prefix="muniment-bench-"))
    try:
        rows: list[Row] = [
            *writing.measure(folder),
            *serving.measure(folder),
            *deciding.measure(folder),
            *graph.measure(),
            _help(),
        ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for row in rows:
        print(row.line())
    print(json.dumps([row.document() for row in rows]))
