"""Run every check in order, cheapest truth first, and say what each stage took.

``python -m tests.stages``: everything. ``--fast``: what is worth waiting for before a commit.
The last line sums all pytest runs; a check that is not pytest counts when it fails. A stage
fails too when it ran no test or skipped one. Above it stands how many tests were passed on each
engine: those that are parametrised with its name, and those of no such parameter that took its
server. What merely runs on the embedded default is not counted for SQLite.

A suite has one worker more than there are processors, for a third of a test's time is waiting,
up to ``MOST_WORKERS``: each may start servers of its own. An engine on which nothing was passed
is a failure.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
OLDEST_GO = (1, 24)
LOCKS = "tests/house/test_locks.py"
ENGINES = ("sqlite", "postgresql", "neo4j")
MOST_WORKERS = 4


@dataclass(frozen=True, slots=True)
class Tools:
    """Commands that must all succeed."""

    name: str
    commands: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """One pytest run over ``paths``, measured by coverage unless ``covered`` is false.

    ``shared``: among all workers; starting them is not worth it for a few seconds.
    """

    name: str
    paths: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    covered: bool = True
    shared: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """``engines``: how many of the passed tests ran on each, see ``engines_of``."""

    passed: int
    failed: int
    engines: Counter[str] = field(default_factory=Counter)


CHEAP: tuple[Tools | Suite, ...] = (
    Suite("locks", (LOCKS,), covered=False, shared=False),
    Tools(
        "format, lint, imports",
        (
            ("ruff", "format", "--check", "."),
            ("ruff", "check", "."),
            ("lint-imports",),
            ("deptry", "app"),
        ),
    ),
    Tools("types", (("mypy",),)),
    Suite("core, vectors, policies", ("tests/core", "tests/vectors", "tests/policies")),
)
DEAR: tuple[Tools | Suite, ...] = (
    Suite("contracts, slices, faults", ("tests/contracts", "tests/slices", "tests/faults")),
    # Not measured: what only whole stories reach is not covered by a test of its own.
    Suite("acceptance", ("tests/acceptance", "tests/strangers"), covered=False),
    Suite("house", ("tests/house",), ignored=(LOCKS, "tests/house/test_wheel.py"), covered=False),
    Tools(
        "coverage",
        (
            ("coverage", "combine", "--quiet"),
            ("coverage", "report", "--include=app/core/*", "--fail-under=100"),
            ("coverage", "report", "--fail-under=92"),
        ),
    ),
    Suite("wheel", ("tests/house/test_wheel.py",), covered=False, shared=False),
)


def main(arguments: Sequence[str]) -> int:
    """Run the stages, print their seconds and the sum; 0 when nothing failed."""
    os.chdir(ROOT)
    for leftover in ROOT.glob(".coverage*"):
        leftover.unlink()
    stages = CHEAP if "--fast" in arguments else CHEAP + DEAR
    lines: list[str] = []
    outcomes: list[Outcome] = []
    for stage in stages:
        print(f"\n== {stage.name}", flush=True)
        started = time.monotonic()
        outcome = run_tools(stage) if isinstance(stage, Tools) else run_suite(stage)
        seconds = time.monotonic() - started
        outcomes.append(outcome)
        lines.append(f"{seconds:7.1f} s  {stage.name}{'  FAILED' if outcome.failed else ''}")
    engines = sum((outcome.engines for outcome in outcomes), Counter[str]())
    failed = sum(outcome.failed for outcome in outcomes)
    if stages != CHEAP:
        failed += len(left_out(engines))
    print("\n" + "\n".join(lines))
    for engine in ENGINES:
        print(f"{engines[engine]:7}    passed on {engine}")
    print(f"{sum(outcome.passed for outcome in outcomes)} passed, {failed} failed")
    return 1 if failed else 0


def run_tools(stage: Tools) -> Outcome:
    """Run the commands of ``stage``, all of them even after one failed."""
    codes = [
        subprocess.run([BIN / name, *rest], env=environment(), check=False).returncode
        for name, *rest in stage.commands
    ]
    return Outcome(passed=0, failed=sum(code != 0 for code in codes))


def run_suite(stage: Suite) -> Outcome:
    """Run pytest over ``stage`` in an order at random, with properties derandomised.

    A worker that has nothing left takes over from the end of what another one still has, so
    most modules stay whole, and what their fixtures have made is made once.
    """
    workers = min(len(os.sched_getaffinity(0)) + 1, MOST_WORKERS)
    seed = random.randrange(2**32)
    print(f"order: --randomly-seed={seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        measure = [BIN / "coverage", "run"] if stage.covered else [sys.executable]
        code = subprocess.run(
            [
                *measure,
                *("-m", "pytest", "--quiet", "--hypothesis-profile=ci", "--durations=5"),
                f"--randomly-seed={seed}",
                *((f"--numprocesses={workers}", "--dist=worksteal") if stage.shared else ()),
                f"--junit-xml={report}",
                *(f"--ignore={path}" for path in stage.ignored),
                *stage.paths,
            ],
            env=environment(),
            check=False,
        ).returncode
        return tally(report.read_text("utf-8") if report.exists() else "", code)


def tally(report: str, code: int) -> Outcome:
    """Count a JUnit ``report``; ``code`` is what pytest exited with.

    Skipped tests are failures, and a run that failed as a whole, or ran nothing, is one.
    """
    suites = list(ET.fromstring(report).iter("testsuite")) if report else []  # noqa: S314 - our own pytest wrote it
    count = {
        key: sum(int(suite.get(key, "0")) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    }
    failed = count["failures"] + count["errors"] + count["skipped"]
    passed = max(count["tests"] - failed, 0)
    if failed == 0 and (code != 0 or passed == 0):
        failed = 1
    cases = [
        case
        for suite in suites
        for case in suite.iter("testcase")
        if all(case.find(how) is None for how in ("failure", "error", "skipped"))
    ]
    engines = Counter(engine for case in cases for engine in engines_of(case))
    return Outcome(passed, failed, engines)


def left_out(engines: Mapping[str, int]) -> list[str]:
    """Name the engines on which nothing was passed."""
    return [engine for engine in ENGINES if not engines.get(engine)]


def engines_of(case: ET.Element) -> set[str]:
    """Tell which engines stand among the parameters in a test's name, else whose server it took."""
    parameters = case.get("name", "").partition("[")[2].rstrip("]")
    named = set(ENGINES) & set(re.split(r"[-_ ]", parameters))
    taken = {str(one.get("value")) for one in case.iter("property") if one.get("name") == "engine"}
    return named or taken


@cache
def environment() -> dict[str, str]:
    """Give a stage's environment: the dev lock's Go leads where the machine's is too old."""
    go = shutil.which("go")
    said = (
        subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True)
        if go
        else None
    )
    version = re.match(r"go(\d+)\.(\d+)", said.stdout) if said else None
    if version and (int(version[1]), int(version[2])) >= OLDEST_GO:
        return dict(os.environ)
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
