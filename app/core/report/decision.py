"""Reading a recorded decision: the members of policy.md's form that a report prints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.core.errors import Fault, SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.jsonvalue import Json


@dataclass(frozen=True, slots=True)
class PolicyUsed:
    name: str
    version: str
    digest: str
    mode: str
    gate: str


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One requirement's finding. Numbers are text as recorded.

    ``evidence``: digests read, as recorded; ``indexes``: the entries that recorded them.
    """

    id: str
    outcome: str
    raw_outcome: str | None
    actual: str | None
    op: str | None
    threshold: str | None
    group: str | None
    n: int | None
    low: str | None
    high: str | None
    evidence: tuple[str, ...]
    indexes: tuple[int, ...]
    message: str
    remedy: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    id: str
    gate: str
    subject: str
    as_of: datetime
    expires_at: datetime
    policies: tuple[PolicyUsed, ...]
    policy_digest: str
    digest: str
    rules: tuple[RuleResult, ...]
    missing: tuple[str, ...]


def parse_decision(document: Json, recorded: Mapping[str, int]) -> Decision:
    """Read a decision as recorded; members a report does not print are passed over.

    ``recorded``: digest of a piece of evidence → entry that recorded it.
    Raises SchemaMismatch: a member that is printed is missing or of another type.
    """
    members = _object(document, "")
    return Decision(
        id=_text(members, "decision_id", ""),
        gate=_text(members, "gate", ""),
        subject=_subject(members),
        as_of=_time(members, "as_of"),
        expires_at=_time(members, "expires_at"),
        policies=tuple(
            PolicyUsed(*(_text(policy, name, at) for name in PolicyUsed.__slots__))
            for policy, at in _objects(members, "policies", "")
        ),
        policy_digest=_text(members, "policy_digest", ""),
        digest=_text(members, "decision_digest", ""),
        rules=tuple(_rule(rule, at, recorded) for rule, at in _objects(members, "rules", "")),
        missing=tuple(_missing(item, at) for item, at in _objects(members, "missing", "")),
    )


def _subject(members: Mapping[str, Json]) -> str:
    subject = _object(members.get("subject"), "/subject")
    return f"model/{_text(subject, 'name', '/subject')}/{_text(subject, 'version', '/subject')}"


def _missing(need: Mapping[str, Json], at: str) -> str:
    role, meaning = _text(need, "role", at), _text(need, "meaning", at)
    rule, count = _text(need, "rule", at), _words(need.get("count"))
    return f"{count} more to sign ({meaning}) as {role} for {rule}"


def _rule(rule: Mapping[str, Json], at: str, recorded: Mapping[str, int]) -> RuleResult:
    low, high = _ends(rule.get("ci"))
    n = rule.get("n")
    evidence = tuple(_words(digest) for digest in _array(rule, "evidence", at))
    return RuleResult(
        id=_text(rule, "id", at),
        outcome=_text(rule, "outcome", at),
        raw_outcome=_optional(rule.get("raw_outcome")),
        actual=_optional(rule.get("actual")),
        op=_optional(rule.get("op")),
        threshold=_optional(rule.get("threshold")),
        group=_optional(rule.get("group")),
        n=n if isinstance(n, int) else None,
        low=low,
        high=high,
        evidence=evidence,
        indexes=tuple(recorded[digest] for digest in evidence if digest in recorded),
        message=_words(rule.get("message", "")),
        remedy=_optional(rule.get("remedy")),
    )


def _ends(interval: Json) -> tuple[str | None, str | None]:
    match interval:
        case {"low": low, "high": high}:
            return _optional(low), _optional(high)
        case _:
            return None, None


def _optional(value: Json) -> str | None:
    return None if value is None else _words(value)


def _words(value: Json) -> str:
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case None:
            return "unknown"
        case int() | float():
            return str(value)
        case dict():
            return ", ".join(f"{name}={_words(value[name])}" for name in value)
        case _:
            return ", ".join(_words(item) for item in value)


def _object(value: Json, at: str) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise _wrong(at, "an object")
    return value


def _objects(
    members: Mapping[str, Json], name: str, at: str
) -> tuple[tuple[Mapping[str, Json], str], ...]:
    places = enumerate(_array(members, name, at))
    return tuple((_object(item, f"{at}/{name}/{i}"), f"{at}/{name}/{i}") for i, item in places)


def _array(members: Mapping[str, Json], name: str, at: str) -> list[Json]:
    value = members.get(name, [])
    if not isinstance(value, list):
        raise _wrong(f"{at}/{name}", "an array")
    return value


def _text(members: Mapping[str, Json], name: str, at: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise _wrong(f"{at}/{name}", "a text")
    return value


def _time(members: Mapping[str, Json], name: str) -> datetime:
    try:
        time = datetime.fromisoformat(_text(members, name, ""))
    except ValueError:
        raise _wrong(f"/{name}", "a time") from None
    if time.tzinfo is None:
        raise _wrong(f"/{name}", "a time with its zone")
    return time


def _wrong(at: str, wanted: str) -> SchemaMismatch:
    return SchemaMismatch(
        f"the recorded decision cannot be printed: {at or '/'} is not {wanted}",
        faults=(Fault(f"#{at}", f"must be {wanted}"),),
    )
