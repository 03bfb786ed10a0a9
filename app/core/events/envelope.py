"""Who says something, about what, and when it is said to have happened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import Fault, SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.core.events.kinds import Event
    from app.core.jsonvalue import Json

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}", re.ASCII)
"""Names and versions of datasets, models, policies, environments, deployments."""


class ActorKind(StrEnum):
    """What kind of actor speaks."""

    PERSON = "person"
    SERVICE = "service"
    WORKLOAD = "workload"


class AuthMethod(StrEnum):
    """How the actor was recognised for this one event."""

    PASSWORD = "password"  # noqa: S105 - the name of a method
    PASSWORD_TOTP = "password+totp"  # noqa: S105 - the name of a method
    PASSKEY = "passkey"
    TOKEN = "token"  # noqa: S105 - the name of a method
    SESSION = "session"
    LOCAL = "local"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who says it. ``id`` is opaque and never used for somebody else again."""

    id: str
    kind: ActorKind
    auth: AuthMethod


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that an actor says happened; not recorded yet.

    ``data``: the JSON object as received, whose members get committed to; ``event`` is
    the same as a value. ``occurred_at``: aware UTC, None means "when it is recorded".
    """

    subject: str
    event: Event
    data: Mapping[str, Json]
    occurred_at: datetime | None = None


# Each first part of a subject, and how many parts it has in all.
_SHAPES: Mapping[str, tuple[int, ...]] = {
    "dataset": (2, 3),
    "model": (2, 3),
    "deployment": (3,),
    "run": (2,),
    "policy": (2, 3),
    "promotion": (2,),
    "report": (2,),
    "user": (2,),
    "token": (2,),
    "environments": (1,),
    "finding": (2,),
    "settings": (1,),
    "log": (1,),
}


def check_subject(subject: str) -> None:
    """Check that ``subject`` has one of the shapes of the public contract.

    ``dataset/<name>[/<version>]``, ``deployment/<environment>/<name>``, ``log`` and so on.
    Raises SchemaMismatch naming ``#/subject``.
    """
    parts = subject.split("/")
    lengths = _SHAPES.get(parts[0])
    if lengths is None:
        known = ", ".join(sorted(_SHAPES))
        raise SchemaMismatch(
            f"the subject {subject[:120]!r} is of no known kind",
            remedy=f"begin it with one of: {known}",
            faults=[Fault("#/subject", "unknown kind of subject")],
        )
    if len(parts) not in lengths or not all(NAME.fullmatch(part) for part in parts):
        raise SchemaMismatch(
            f"the subject {subject[:120]!r} is not of the form its kind has",
            remedy="write it as kind/name or kind/name/version; names match " + NAME.pattern,
            faults=[Fault("#/subject", "wrong shape of subject")],
        )


def version_of(subject: str) -> tuple[str, str, str]:
    """Split ``dataset/credit/3`` into ``("dataset", "credit", "3")``.

    Raises SchemaMismatch if the subject names no version.
    """
    parts = subject.split("/")
    if len(parts) != 3:  # noqa: PLR2004 - kind, name, version
        raise SchemaMismatch(
            f"{subject[:120]!r} names no version",
            remedy="write kind/name/version, such as model/credit-risk/3",
        )
    return parts[0], parts[1], parts[2]
