"""Who may not decide about a promotion, and why, in words.

Used twice by the same rules: when somebody is about to sign, and when a decision counts
what was signed.
"""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, assert_never

from app.core.policy.rules import Part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from app.core.policy.facts import Facts, Role

GRANTOR_WAITS = timedelta(hours=24)
"""So long after granting a role, nobody with a part in a promotion gains by the grant."""

SCOPE_PARTS = 2


def people_in(part: Part, facts: Facts) -> frozenset[str]:
    """User ids of everybody who had this part in the promotion.

    Whoever recorded evidence produced it; a service's or workload's part is its owner's.
    """
    match part:
        case Part.SUBMITTER:
            return frozenset(facts.people.submitters)
        case Part.TRAINER:
            return frozenset(facts.people.trainers)
        case Part.EVIDENCE_PRODUCER:
            named = {
                who for item in facts.evidence for who in (item.producer.id, item.producer.owner)
            }
            return frozenset(who for who in named if who).union(facts.people.evidence_producers)
        case Part.POLICY_LAST_EDITOR:
            return frozenset(facts.people.policy_editors)
        case _:
            assert_never(part)


def why_not_eligible(
    person: str,
    roles: Collection[Role],
    needed: str,
    facts: Facts,
    *,
    exclude: Collection[Part],
    at: datetime,
    now: datetime | None = None,
) -> tuple[str, ...]:
    """Say every reason why ``person`` may not sign in the role ``needed``; empty: they may.

    ``roles``: every approval role ever granted to them. ``at``: when they sign or signed.
    ``now``: when that is counted (default ``at``); a role revoked by then counts no more.
    """
    parts = own_parts(person, facts, exclude)
    said = (f"is the {part.value.replace('_', ' ')}" for part in parts)
    return (*said, *_why_not_in_role(roles, needed, facts, at, now or at))


def own_parts(person: str, facts: Facts, exclude: Collection[Part]) -> tuple[Part, ...]:
    """The parts among ``exclude`` that ``person`` has in the promotion."""
    return tuple(part for part in exclude if person in people_in(part, facts))


def usable_role(
    roles: Collection[Role], needed: str, facts: Facts, at: datetime, now: datetime
) -> Role | None:
    """The grant that a signature in the role ``needed`` stands on; None where none holds.

    Of several the first granted by more than one administrator, else the first.
    """
    good = [role for role in roles if not any(_objections(role, needed, facts, at, now))]
    good.sort(key=lambda role: (role.single_administrator, role.grant))
    return good[0] if good else None


def _why_not_in_role(
    roles: Collection[Role], needed: str, facts: Facts, at: datetime, now: datetime
) -> tuple[str, ...]:
    if usable_role(roles, needed, facts, at, now) is not None:
        return ()
    named = [role for role in roles if role.role == needed]
    if not named:
        return (f"does not hold the role {needed}",)
    return tuple(
        dict.fromkeys(
            reason for role in named for reason in _objections(role, needed, facts, at, now)
        )
    )


def _objections(
    role: Role, needed: str, facts: Facts, at: datetime, now: datetime
) -> Iterator[str]:
    if role.role != needed:
        yield f"is {role.role}, not {needed}"
    if not _in_scope(role, facts):
        yield f"holds {needed} for another model, environment or team"
    if role.granted_at > at:
        yield f"held {needed} only later"
    if role.revoked_at is not None and role.revoked_at <= now:
        yield f"no longer holds {needed}"
    gains = frozenset().union(*(people_in(part, facts) for part in Part))
    if at < role.granted_at + GRANTOR_WAITS and not gains.isdisjoint(role.grantors):
        yield f"got {needed} less than 24 hours before from somebody with a part in this"


def _in_scope(role: Role, facts: Facts) -> bool:
    if role.team is not None and role.team != facts.subject.team:
        return False
    if role.scope is None:
        return True
    parts = role.scope.split("@")
    return (
        len(parts) == SCOPE_PARTS
        and fnmatchcase(f"model/{facts.subject.name}", parts[0])
        and fnmatchcase(facts.transition.to, parts[1])
    )
