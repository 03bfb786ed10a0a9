"""What a verifier answers: numbered checks, and one bottom line."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.core.jsonvalue import Json

MAX_FINDINGS = 100
"""Kept of each check; the others are counted, so that memory stays flat."""


class Outcome(IntEnum):
    """The verdict, and the exit code of the command that asked."""

    VALID = 0
    ALTERED = 10
    TRUNCATED = 11
    FORKED = 12
    BAD_SIGNATURE = 13
    MISSING = 14


# Which one is said when there are several: two signed histories need no further witness; what
# no trusted key signed proves nothing about size or content; the rest from most lost to least.
_GRAVEST = (
    Outcome.FORKED,
    Outcome.BAD_SIGNATURE,
    Outcome.TRUNCATED,
    Outcome.ALTERED,
    Outcome.MISSING,
)

_WORDS = {
    Outcome.FORKED: "FORKED",
    Outcome.BAD_SIGNATURE: "BAD SIGNATURE OR KEY",
    Outcome.TRUNCATED: "TRUNCATED OR ROLLED BACK",
    Outcome.ALTERED: "ALTERED",
    Outcome.MISSING: "NOT PROVEN",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where.

    ``kind``: its class in a word or two (``entry``, ``chain``, ``member``, ``unlogged
    erasure`` …). ``index``: of the entry; ``member``: of its data; ``file``: of a bundle.
    """

    outcome: Outcome
    kind: str
    detail: str
    index: int | None = None
    member: str | None = None
    file: str | None = None

    def sentence(self) -> str:
        """Where and what, for a person."""
        parts = [
            "" if self.file is None else self.file,
            "" if self.index is None else f"entry {self.index}",
            "" if self.member is None else f"member {self.member}",
        ]
        place = ", ".join(part for part in parts if part)
        return f"{place}: {self.detail}" if place else self.detail


class State(StrEnum):
    """How a check ended. What was not checked is not proven."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One question that was asked of the evidence.

    ``meaning``: what it proves when it passed, or why it was not made. ``more``: findings
    beyond those kept. ``notes``: what is as it should be, and worth knowing.
    """

    number: int
    title: str
    state: State
    meaning: str
    findings: tuple[Finding, ...] = ()
    more: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All checks in order, the verdict, and the one sentence to remember."""

    checks: tuple[Check, ...]
    outcome: Outcome
    bottom_line: str

    def document(self) -> Json:
        """The report as JSON."""
        return {
            "outcome": self.outcome.name.lower(),
            "exit_code": int(self.outcome),
            "bottom_line": self.bottom_line,
            "checks": [
                {
                    "number": check.number,
                    "title": check.title,
                    "state": str(check.state),
                    "meaning": check.meaning,
                    "findings": [_document(finding) for finding in check.findings],
                    "more": check.more,
                    "notes": list(check.notes),
                }
                for check in self.checks
            ],
        }


def _document(finding: Finding) -> Json:
    return {
        "class": finding.kind,
        "outcome": finding.outcome.name.lower(),
        "detail": finding.detail,
        "index": finding.index,
        "member": finding.member,
        "file": finding.file,
    }


@dataclass(slots=True)
class Findings:
    """What one check has found so far: the first hundred, and how many more."""

    kept: list[Finding] = field(default_factory=list)
    more: int = 0

    def add(self, finding: Finding) -> None:
        if len(self.kept) < MAX_FINDINGS:
            self.kept.append(finding)
        else:
            self.more += 1

    def extend(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.add(finding)

    def __bool__(self) -> bool:
        return bool(self.kept)


def checked(
    number: int, title: str, meaning: str, findings: Findings, notes: Sequence[str] = ()
) -> Check:
    """A check that was made: passed unless something was found."""
    state = State.FAILED if findings else State.PASSED
    return Check(number, title, state, meaning, tuple(findings.kept), findings.more, tuple(notes))


def unchecked(number: int, title: str, reason: str) -> Check:
    """A check that was not made, and why."""
    return Check(number, title, State.NOT_CHECKED, reason)


def conclude(checks: Sequence[Check], valid_line: str) -> Report:
    """Sum the checks up. ``valid_line``: what may be said if nothing is wrong.

    The bottom line tells the finding that says most exactly where. Nothing checked is nothing
    proven: without one check made the outcome is MISSING.
    """
    findings = [finding for check in checks for finding in check.findings]
    for outcome in _GRAVEST:
        alike = [finding for finding in findings if finding.outcome is outcome]
        if alike:
            line = f"{_WORDS[outcome]}: {min(alike, key=_vagueness).sentence()}"
            return Report(tuple(checks), outcome, line)
    if all(check.state is State.NOT_CHECKED for check in checks):
        line = f"{_WORDS[Outcome.MISSING]}: nothing was checked"
        return Report(tuple(checks), Outcome.MISSING, line)
    return Report(tuple(checks), Outcome.VALID, f"VALID: {valid_line}")


def _vagueness(finding: Finding) -> tuple[bool, bool]:
    return finding.member is None, finding.index is None
