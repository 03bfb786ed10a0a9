"""What the demo says while it runs, and what it keeps for whoever checks it afterwards."""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.core.jsonvalue import Json

WIDTH = 96
LONGEST = 480
MOST_LINES = 40


class Surprise(Exception):  # noqa: N818 - says what is the case
    """Something did not go as it honestly has to; the demo ends here."""


@dataclass(slots=True)
class Transcript:
    """Numbered steps on stdout and in ``transcript.txt``; the facts in ``demo.json``."""

    folder: Path
    record: dict[str, Json] = field(default_factory=dict)
    number: int = 0

    def step(self, title: str, why: str = "") -> None:
        """Begin a step: what is done now, and why."""
        self.number += 1
        self._write(f"\n{self.number:2}. {title}")
        if why:
            self.say(why)

    def say(self, text: str) -> None:
        """Say something in a paragraph of its own."""
        for line in text.splitlines():
            self._write(
                textwrap.fill(
                    line,
                    WIDTH,
                    initial_indent="    ",
                    subsequent_indent="      ",
                    break_on_hyphens=False,
                )
            )

    def command(self, who: str, words: Sequence[str]) -> None:
        """Show a command as it is typed, and by whom."""
        self._write(f"    {who} $ {' '.join(_quoted(word) for word in words)}")

    def output(self, text: str, code: int, most: int = MOST_LINES) -> None:
        """Show what a command answered, at most so many lines of it, and its exit code."""
        lines = [line for line in text.splitlines() if line.strip()]
        for line in lines[:most]:
            for row in _rows(line if len(line) <= LONGEST else f"{line[:LONGEST]} …"):
                self._write(f"      | {row}")
        if len(lines) > most:
            self._write(f"      | … {len(lines) - most} more lines")
        self._write(f"      exit {code}")

    def keep(self, name: str, value: Json) -> None:
        """Put a fact into the record."""
        self.record[name] = value
        written = json.dumps(self.record, indent=2, sort_keys=True)
        (self.folder / "demo.json").write_text(written + "\n", encoding="utf-8")

    def _write(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        with (self.folder / "transcript.txt").open("a", encoding="utf-8") as out:
            out.write(line + "\n")


def _rows(line: str) -> list[str]:
    """Fold a sentence; leave a table's row as it is."""
    indent = " " * (len(line) - len(line.lstrip()))
    if "  " in line.strip():
        return [line]
    return textwrap.wrap(line, WIDTH, subsequent_indent=f"{indent}  ", break_on_hyphens=False)


def _quoted(word: str) -> str:
    return f"'{word}'" if " " in word or "*" in word else word
