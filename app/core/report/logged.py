"""What a report takes from the log itself: entries, proofs, and where the log stood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """One entry of the log. ``line``: its stored canonical bytes as text, without a newline."""

    index: int
    type: str
    subject: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    leaf_hash: str
    line: str


@dataclass(frozen=True, slots=True)
class Proof:
    """An inclusion proof of entry ``index`` as a C2SP tlog-proof text."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Where the log stood.

    ``read``: the report tells what the first ``read`` entries say. ``size``, ``root``: of the
    signed note ``checkpoint``, which covers them. ``vkey``: its verifier key.
    """

    origin: str
    read: int
    size: int
    root: str
    checkpoint: str
    vkey: str
