"""Exit codes: one meaning each, and which commands use which.

0       done; for ``gate check`` and ``promote``: ALLOW; for ``verify``: valid
1       refused, or nothing found; for ``gate check`` and ``promote``: only a DENY in hand
2       usage; for ``gate check`` and ``promote`` also 404, 409 and 422
3       waiting for people (``gate check`` and ``promote``)
4       no or wrong credentials; for ``gate check`` and ``promote`` also 403
5       no answer, or none that can be understood; fail closed
10-14   what a verifier found (``app.core.ledger.verdict.Outcome``)
130     interrupted
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE = 0
REFUSED = 1
USAGE = 2
WAITING = 3
UNAUTHENTICATED = 4
INDETERMINATE = 5
NOT_PROVEN = 14
INTERRUPTED = 130


class Family(Enum):
    """Commands whose exit codes mean the same."""

    PIPELINE = auto()
    VERIFYING = auto()
    OTHER = auto()


def family_of(words: Sequence[str]) -> Family:
    """Tell the family of a command line, such as ``["gate", "check", ...]``."""
    match [word for word in words if not word.startswith("-")]:
        case ["gate", *_] | ["promote", *_]:
            return Family.PIPELINE
        case ["verify", *_] | ["ledger", "fsck", *_]:
            return Family.VERIFYING
        case _:
            return Family.OTHER


def code_of(failure: Exception, family: Family) -> int:
    """Tell the exit code for what ended a command."""
    from app.client import Refused, Unreachable
    from app.core.errors import Refusal

    if isinstance(failure, Refused):
        return _of_answer(failure.status, family)
    if isinstance(failure, Unreachable):
        return INDETERMINATE
    if isinstance(failure, Refusal):
        return _of_refusal(failure, family)
    return NOT_PROVEN if family is Family.VERIFYING else INDETERMINATE


def _of_answer(status: int, family: Family) -> int:
    """Tell the code for a server's refusal."""
    if family is Family.VERIFYING:
        return NOT_PROVEN
    if status == 401:  # noqa: PLR2004 - HTTP's own numbers
        return UNAUTHENTICATED
    if family is Family.OTHER:
        return REFUSED if status < 500 else INDETERMINATE  # noqa: PLR2004
    if status == 403:  # noqa: PLR2004
        return UNAUTHENTICATED
    return USAGE if status in (404, 409, 422) else INDETERMINATE


def _of_refusal(failure: Exception, family: Family) -> int:
    """Tell the code for something refused here, without a server."""
    from app.core.errors import Malformed, Missing, Rejected, Unauthenticated

    if isinstance(failure, Unauthenticated):
        return NOT_PROVEN if family is Family.VERIFYING else UNAUTHENTICATED
    if family is Family.OTHER:
        return REFUSED
    if isinstance(failure, Malformed | Missing | Rejected):
        return USAGE
    return NOT_PROVEN if family is Family.VERIFYING else INDETERMINATE
