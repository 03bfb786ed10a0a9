"""What the documents say is there is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from app.cli.commands import app as cli
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs/adr").glob("*.md"))
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
SETTING = re.compile(r"^\| `MUNIMENT_([A-Z_0-9]+)` \| (.+?) \|", re.MULTILINE)
KEEPER = re.compile(r"^- `([^`]+)`", re.MULTILINE)


def is_there(keeper: str) -> bool:
    """Tell whether ``keeper`` exists: ``contract:ID``, ``PATH`` or ``PATH::TEST``."""
    if keeper.startswith("contract:"):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        contracts = project["tool"]["importlinter"]["contracts"]
        return keeper.removeprefix("contract:") in {contract["id"] for contract in contracts}
    path, _, test = keeper.partition("::")
    if not (ROOT / path).is_file():
        return False
    return not test or f"def {test}(" in (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    targets = LINK.findall(document.read_text("utf-8"))
    broken = [
        target
        for target in targets
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert broken == []


def test_the_readme_lists_the_settings_there_are() -> None:
    listed = dict(SETTING.findall((ROOT / "README.md").read_text("utf-8")))
    assert list(listed) == [field.name.upper() for field in fields(Settings)]


def test_the_readme_gives_the_defaults_in_force() -> None:
    listed = dict(SETTING.findall((ROOT / "README.md").read_text("utf-8")))
    defaults = Settings()
    for field in fields(Settings):
        value = getattr(defaults, field.name)
        if value is not None and value != ():
            written = str(value).lower() if isinstance(value, bool) else str(value)
            assert listed[field.name.upper()] == f"`{written}`"


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem[:4])
def test_a_decision_says_why_and_names_what_keeps_it(decision: Path) -> None:
    text = decision.read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Context",
        "Decision",
        "Consequences",
        "Kept by",
    ]
    keepers = KEEPER.findall(text.split("## Kept by")[1])
    assert keepers
    assert [keeper for keeper in keepers if not is_there(keeper)] == []


def commands(document: str) -> list[list[str]]:
    """Give the words of each ``muniment`` command in the shell blocks of ``document``."""
    blocks = re.findall(r"^```sh\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("muniment ")]


@pytest.mark.parametrize("words", commands((ROOT / "README.md").read_text("utf-8")), ids=" ".join)
def test_the_readme_names_commands_and_options_there_are(words: list[str]) -> None:
    command: Any = get_command(cli)
    while words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    assert not hasattr(command, "commands")
    there = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= there


def test_the_architecture_names_every_room() -> None:
    rooms = {
        path.stem
        for path in (ROOT / "app").iterdir()
        if not path.name.startswith("__") and (path.is_dir() or path.suffix == ".py")
    }
    lines = (ROOT / "docs/architecture.md").read_text("utf-8").splitlines()
    named = {name for line in lines if line[:2] == "| " for name in re.findall(r"`(\w+)`", line)}
    assert rooms <= named


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    "keeper",
    [
        "contract:attics",
        "tests/house/test_attic.py",
        "tests/house/test_docs.py::test_that_nobody_wrote",
    ],
)
def test_a_keeper_that_is_not_there_is_noticed(keeper: str) -> None:
    assert not is_there(keeper)
