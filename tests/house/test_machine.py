"""Set-up on a machine that lacks something names it, with the one command that installs it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MACHINE = ROOT / "requirements/machine.sh"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Give a folder of programs in which there is nothing but an ordinary user's identity."""
    program(tmp_path / "id", "echo 1000")
    return tmp_path


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)


def ask(what: str, programs: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", MACHINE, what],
        env={"PATH": str(programs)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_machine_without_python_is_told_how_to_get_it(bare: Path) -> None:
    answer = ask("python", bare)
    assert answer.returncode == 1
    assert "apt-get install --no-install-recommends python3 python3-venv" in answer.stderr


def test_a_python_that_is_too_old_is_passed_over(bare: Path) -> None:
    program(bare / "python3.13", "exit 1")
    program(bare / "python3.11", "exit 0")
    assert ask("python", bare).stdout == f"{bare}/python3.11\n"


def test_everything_that_the_tests_lack_is_named_at_once(bare: Path) -> None:
    program(bare / "javac", "exit 0")
    answer = ask("test", bare)
    assert answer.returncode == 1
    assert "apt-get install --no-install-recommends maven poppler-utils chromium" in answer.stderr


def test_nothing_is_said_when_nothing_is_missing(bare: Path) -> None:
    for name in ("javac", "mvn", "pdftotext", "chromium", "postgres", "softhsm2-util"):
        program(bare / name, "exit 0")
    answer = ask("test", bare)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_make_alone_says_what_every_target_does() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    said = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert [line.split()[1] for line in said.splitlines()] == phony.split()
