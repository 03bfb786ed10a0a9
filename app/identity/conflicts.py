"""Why granting a role to somebody is a conflict of duties, in words.

A conflict does not forbid the grant: four eyes and quorums hold at each decision anyway.
It says what the grant will not achieve, or who would hold both ends of a control, before
somebody answers for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from app.core.access import PermissionRole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from app.identity.granting import Asked
    from app.identity.ports import Part
    from app.identity.values import Grant, User

ACTS = frozenset(PermissionRole) - {PermissionRole.AUDITOR, PermissionRole.COMPLIANCE_OFFICER}
"""Permission roles whose holder does what an auditor looks at."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """``kind``: a word that names it, to be accepted by. ``text``: what is the matter."""

    kind: str
    text: str


def conflicts(
    asked: Asked,
    whom: User,
    held: Sequence[Grant],
    grantors: Collection[str],
    work: Sequence[Part] = (),
) -> tuple[Conflict, ...]:
    """Say every reason why this grant is a conflict; empty: there is none.

    ``held``: what ``whom`` holds now. ``grantors``: user ids of who asks and confirms.
    ``work``: parts of all of them in promotions that wait for reviews.
    """
    found = [
        *_with_themselves(whom, grantors),
        *(_of_approval(asked, whom, held) if asked.approval else _of_permission(asked, held)),
    ]
    if asked.approval:
        found += _with_open_work(asked, whom, grantors, work)
    return tuple(found)


def _with_themselves(whom: User, grantors: Collection[str]) -> Iterator[Conflict]:
    if whom.id in grantors:
        yield Conflict("own-grant", "You would grant a role to yourself.")


def _of_approval(asked: Asked, whom: User, held: Sequence[Grant]) -> Iterator[Conflict]:
    roles = {one.role for one in held}
    name = whom.called
    if PermissionRole.REVIEWER not in roles:
        yield Conflict(
            "no-reviewer",
            f"{name} does not hold the role reviewer: without it no signature of theirs is"
            " taken, whatever else they hold.",
        )
    if PermissionRole.ENGINEER in roles:
        yield Conflict(
            "builds-and-approves",
            f"{name} is an engineer and would approve as {asked.role}: whatever they trained,"
            " measured or asked for themselves waits for somebody else who holds it.",
        )
    if PermissionRole.POLICY_AUTHOR in roles:
        yield Conflict(
            "writes-and-approves",
            f"{name} writes policies and would approve as {asked.role}: promotions under a"
            " policy that they drafted last may not count their signature.",
        )
    if PermissionRole.ADMINISTRATOR in roles:
        yield Conflict(
            "grants-and-approves",
            f"{name} administers roles and would approve as {asked.role}: who decides who may"
            " approve would approve.",
        )


def _of_permission(asked: Asked, held: Sequence[Grant]) -> Iterator[Conflict]:
    permissions = {one.role for one in held if not one.approval}
    approves = sorted({one.role for one in held if one.approval})
    match asked.role:
        case PermissionRole.AUDITOR:
            acts = sorted(permissions & ACTS)
            if acts or approves:
                yield Conflict(
                    "audits-own-work",
                    f"An auditor would look at what they do themselves as"
                    f" {', '.join([*acts, *approves])}.",
                )
        case PermissionRole.ENGINEER if approves:
            yield Conflict(
                "builds-and-approves",
                f"They approve as {', '.join(approves)}: whatever they train, measure or ask for"
                " from now on waits for somebody else who holds it.",
            )
        case PermissionRole.POLICY_AUTHOR if approves:
            yield Conflict(
                "writes-and-approves",
                f"They approve as {', '.join(approves)}: promotions under a policy that they"
                " draft may not count their signature.",
            )
        case PermissionRole.ADMINISTRATOR if approves:
            yield Conflict(
                "grants-and-approves",
                f"They approve as {', '.join(approves)}: who decides who may approve would"
                " approve.",
            )
        case _:
            pass
    if asked.role in ACTS and PermissionRole.AUDITOR in permissions:
        yield Conflict(
            "audits-own-work",
            f"They are an auditor and would look at what they do as {asked.role}.",
        )


def _with_open_work(
    asked: Asked, whom: User, grantors: Collection[str], work: Sequence[Part]
) -> Iterator[Conflict]:
    parts: dict[tuple[str, str], list[Part]] = {}
    for one in work:
        if _covers(asked.scope, one):
            parts.setdefault((one.promotion, one.person), []).append(one)
    for (promotion, person), theirs in parts.items():
        said = " and ".join(one.part for one in theirs)
        about = f"{theirs[0].model} to {theirs[0].environment} (promotion {promotion})"
        if person == whom.id:
            yield Conflict(
                f"own-part/{promotion}",
                f"{whom.called} is the {said} of {about}, which waits for reviews: there they may"
                " not sign.",
            )
        elif person in grantors:
            yield Conflict(
                f"grantors-part/{promotion}",
                f"Whoever grants this is the {said} of {about}, which waits for reviews: for 24"
                " hours a signature under this grant does not count there.",
            )


def _covers(scope: str | None, part: Part) -> bool:
    if scope is None:
        return True
    model, _, environment = scope.partition("@")
    return fnmatchcase(f"model/{part.model}", model) and fnmatchcase(part.environment, environment)
