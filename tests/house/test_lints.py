"""The lints hold on the tree, and notice what they are there for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

LINTERS = {
    "ruff": ("ruff", "check", "--no-cache", "--output-format=concise", "app"),
    "imports": ("lint-imports", "--no-cache"),
    "types": ("mypy", "app"),
    "dependencies": ("deptry", "app"),
}

FORGETFUL = """\
from typing import Literal, assert_never


def sign(side: Literal["left", "right"]) -> int:
    match side:
        case "left":
            return -1
        case _:
            assert_never(side)
"""

# What is done to the tree: the lint that must notice, the file, its text, and the word for it.
PROVOCATIONS = {
    "an unused import": ("ruff", "app/attic.py", "import json\n", "F401"),
    "a wrong type": ("types", "app/attic.py", "COUNT: int = 'many'\n", "attic.py:1"),
    "Any in core": (
        "types",
        "app/core/attic.py",
        "from typing import Any\n\nGUESS: dict[str, Any] = {}\n",
        "explicit-any",
    ),
    "a forgotten case": (
        "types",
        "app/core/attic.py",
        FORGETFUL,
        "assert_never",
    ),
    "a room without a place": ("imports", "app/attic/__init__.py", "", "attic"),
    "a room in core without a place": ("imports", "app/core/attic/__init__.py", "", "attic"),
    "core looking up": (
        "imports",
        "app/core/ledger/attic.py",
        "import app.settings\n",
        "app.core is not allowed to import app.settings",
    ),
    "the ledger of core reading a policy": (
        "imports",
        "app/core/ledger/attic.py",
        "import app.core.policy\n",
        "app.core.ledger is not allowed to import app.core.policy",
    ),
    "neighbours": (
        "imports",
        "app/gates/attic.py",
        "import app.lineage\n",
        "app.gates is not allowed to import app.lineage",
    ),
    "an oracle in app": (
        "imports",
        "app/ledger/attic.py",
        "import fairlearn\n",
        "app is not allowed to import fairlearn",
    ),
    "an undeclared package": ("dependencies", "app/gates/attic.py", "import scipy\n", "scipy"),
} | {
    f"{name} in core": ("ruff", "app/core/attic.py", source, "TID251")
    for name, source in {
        "the clock": "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
        "a stopwatch": "import time\n\nNOW = time.monotonic()\n",
        "chance": "import random\n\nDRAW = random.random()\n",
        "a fresh identifier": "import uuid\n\nNAME = uuid.uuid4()\n",
        "the environment": "import os\n\nHOME = os.environ['HOME']\n",
        "a log": "import logging\n\nLOG = logging.getLogger()\n",
    }.items()
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of what the lints read, with mypy's cache, that a test may spoil."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "app", copy / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", copy)
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", copy / ".mypy_cache")
    return copy


def lint(tree: Path, linter: str) -> subprocess.CompletedProcess[str]:
    name, *rest = LINTERS[linter]
    return subprocess.run(
        [BIN / name, *rest], cwd=tree, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("linter", LINTERS)
def test_the_tree_passes(linter: str, tree: Path) -> None:
    answer = lint(tree, linter)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("provocation", PROVOCATIONS)
def test_a_lint_notices(provocation: str, tree: Path) -> None:
    linter, path, source, named = PROVOCATIONS[provocation]
    spoiled = tree / path
    spoiled.parent.mkdir(exist_ok=True)
    spoiled.write_text(source, "utf-8")
    try:
        answer = lint(tree, linter)
    finally:
        spoiled.unlink()
        if not any(spoiled.parent.iterdir()):
            spoiled.parent.rmdir()
    assert answer.returncode != 0
    assert named in answer.stdout + answer.stderr
