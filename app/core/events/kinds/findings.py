"""Events about findings: what somebody found wrong, what was answered, how it ended.

They stand under ``finding/<id>``. What people write is personal and may be erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FindingRaised:
    """Something is wrong with ``about``: a dataset, a model, or a version.

    ``severity``: low, medium, high or critical. ``owner``: user id of who answers for it.
    ``due``: the day by which, ``2026-12-31``. ``evidence``: digests, ``sha256:<hex>``.
    """

    TYPE: ClassVar[str] = "finding.raised.v1"
    about: str
    severity: str
    owner: str
    due: str | None = None
    text: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingReplied:
    """Somebody answers; the finding stays open."""

    TYPE: ClassVar[str] = "finding.replied.v1"
    text: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingClosed:
    """The finding is dealt with; it is not opened again."""

    TYPE: ClassVar[str] = "finding.closed.v1"
    text: str | None = None
    evidence: tuple[str, ...] = ()
