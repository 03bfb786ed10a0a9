"""What moved between two views: the one somebody saw, and the one that is now.

Both are documents of ``view.py``; they are compared member by member, in words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from app.core.report.numbers import rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.core.jsonvalue import Json

KINDS = {
    "bias-report/v1": "Counts by group",
    "eval-report/v1": "Evaluation",
    "document/v1": "Document",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """One thing that is not what it was. None: it was not there, or is not any more."""

    what: str
    before: str | None
    now: str | None


def moved(before: bytes, now: bytes) -> tuple[Moved, ...]:
    """Name everything in which two views differ; empty where they are the same bytes."""
    if before == now:
        return ()
    old, new = json.loads(before), json.loads(now)
    found = tuple(_differences(old, new))
    return found or (Moved("Something else that is signed", None, None),)


def moved_rules(found: tuple[Moved, ...]) -> int:
    """Count the checks among what moved."""
    return sum(one.what.startswith("Check ") for one in found)


def _differences(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Moved]:
    yield from _by("Check ", old, new, "rules", "id", _rule)
    yield from _by("Policy ", old, new, "policies", "name", _policy)
    yield from _by("", old, new, "evidence", "digest", _evidence)
    yield from _by("Origin ", _origins(old), _origins(new), "origins", "subject", _origin)
    for name, member in (
        ("Artifact", ("subject", "digest")),
        ("Risk tier", ("subject", "risk_tier")),
        ("Comes from environment", ("transition", "from")),
        ("Lineage answer", ("lineage", "status")),
        ("Shared rows", ("lineage", "overlaps")),
    ):
        was, is_ = (side[member[0]].get(member[1]) for side in (old, new))
        if was != is_:
            yield Moved(name, _text(was), _text(is_))


def _by(
    name: str,
    old: dict[str, Any],
    new: dict[str, Any],
    member: str,
    key: str,
    written: Callable[[dict[str, Any]], str],
) -> Iterator[Moved]:
    """Compare lists whose items have a name of their own."""
    before = {one[key]: one for one in old[member]}
    after = {one[key]: one for one in new[member]}
    for one in dict.fromkeys([*after, *before]):
        was, is_ = before.get(one), after.get(one)
        if was == is_:
            continue
        shown = KINDS[(was or is_ or {})["type"]] if member == "evidence" else one
        yield Moved(
            f"{name}{shown}",
            None if was is None else written(was),
            None if is_ is None else written(is_),
        )


def _rule(rule: dict[str, Any]) -> str:
    said = str(rule["raw_outcome"])
    if rule.get("actual") is not None:
        said += f", {rounded(str(rule['actual']))}"
    if rule.get("op") is not None and rule.get("threshold") is not None:
        said += f" (asked {rule['op']} {rounded(str(rule['threshold']))})"
    if rule.get("group") is not None:
        said += f", {rule['group']}"
    return said


def _policy(policy: dict[str, Any]) -> str:
    return f"version {policy['version']}, {policy['mode']}, {_short(policy['digest'])}"


def _evidence(one: dict[str, Any]) -> str:
    return f"entry {one['index']}, {_short(one['digest'])}"


def _origins(view: dict[str, Any]) -> dict[str, Any]:
    return {"origins": view["lineage"]["ancestors"]}


def _origin(one: dict[str, Any]) -> str:
    said = f"{one['approval_status']}, licence {one.get('licence') or 'none'}"
    return f"{said}, {_short(one['digest'])}"


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _text(value: Json) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(cast("Any", value))
