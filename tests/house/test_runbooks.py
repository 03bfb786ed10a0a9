"""What a runbook says to type can be typed: every command and option in it exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli.commands import app

RUNBOOKS = sorted((Path(__file__).parents[2] / "docs" / "runbooks").glob("*.md"))
COMMAND = re.compile(r"(?:^ {4,}|`)(muniment [^`\n]+?)(?:`|$)", re.MULTILINE)


COMMON = {"--json", "--data-dir", "--server", "--token", "--quiet", "--no-color"}
"""Options that every command takes."""


def commands() -> list[tuple[str, str]]:
    found = {
        (path.name, one) for path in RUNBOOKS for one in COMMAND.findall(path.read_text("utf-8"))
    }
    return sorted(found)


@pytest.mark.parametrize(("name", "written"), commands())
def test_every_command_of_a_runbook_exists(name: str, written: str) -> None:
    words = shlex.split(written.split(" > ", maxsplit=1)[0])[1:]
    command: Any = typer.main.get_command(app)
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        assert words[0] in command.commands, f"{name}: {written}"
        command = command.commands[words.pop(0)]
    known = {option for one in command.params for option in one.opts} | COMMON
    assert {word for word in words if word.startswith("--")} <= known, f"{name}: {written}"


def test_there_is_something_to_type_in_every_runbook() -> None:
    assert {name for name, _ in commands()} == {path.name for path in RUNBOOKS}


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.name)
def test_every_runbook_that_is_named_is_there(path: Path) -> None:
    for named in re.findall(r"\]\(([a-z-]+\.md)\)", path.read_text("utf-8")):
        assert (path.parent / named).exists()
