"""A decision, as the command writes it and ends by it; and dry runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from app.cli.exits import DONE, INDETERMINATE, REFUSED, WAITING
from app.cli.printing import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OPEN = frozenset({"requested", "pending"})
"""States of a promotion that people may still sign."""

CODES = {"ALLOW": DONE, "DENY": REFUSED, "PENDING": WAITING}
RULE_COLUMNS = ("rule", "outcome", "actual", "asked", "group", "n", "interval")
GOOD = frozenset({"PASS", "NOT_APPLICABLE"})


def code_for(decision: Mapping[str, Any]) -> int:
    """Tell the exit code for a decision; an unknown gate is no ALLOW."""
    return CODES.get(str(decision.get("would_be", decision["gate"])), INDETERMINATE)


def decision_text(decision: Mapping[str, Any]) -> str:
    """Write a decision for a person: the gate, each rule, and what to do."""
    gate, would = decision["gate"], decision.get("would_be")
    subject, move = decision["subject"], decision["transition"]
    said = gate if would is None else f"{gate}: would be {would}"
    where = f"from {move.get('from') or 'nowhere'} to {move['to']}"
    lines = [
        f"{said}  model/{subject['name']}/{subject['version']} {where}",
        str(decision["reason"]),
    ]
    if decision["rules"]:
        lines += ["", table(RULE_COLUMNS, _rows(decision)), ""]
    else:
        lines.append("  → muniment policy list --state published; it takes one for this move")
    for rule in decision["rules"]:
        if rule["outcome"] not in GOOD:
            mark = "" if rule["blocking"] else " (does not block)"
            lines.append(f"{rule['outcome']} {rule['id']}{mark}: {rule['message']}")
            if rule.get("remedy"):
                lines.append(f"  → {rule['remedy']}")
    lines += [
        f"policy {one['name']} {one['version']} ({one['mode']}): {one['gate']}"
        for one in decision["policies"]
    ]
    if decision.get("single_administrator"):
        lines.append("single-administrator: a review stands under a role one person alone granted")
    if decision.get("decision_id"):
        lines.append(f"decision {decision['decision_id']}, holds until {decision['expires_at']}")
    return "\n".join(lines)


def decide_here(facts: Path, policies: Sequence[Path]) -> dict[str, Any]:
    """Decide on facts and policies from files, now; never recorded, never a verdict.

    Raises Malformed, SchemaMismatch, UnknownKind.
    """
    from datetime import UTC, datetime

    from app.core.policy.decide import decide
    from app.core.policy.decision import decision_to_json
    from app.core.policy.facts import facts_from_json
    from app.gates.policy_files import load, read_policy

    given = facts_from_json(load(facts))
    read = [read_policy(load(path)) for path in policies]
    decided = decision_to_json(decide(read, given, datetime.now(UTC)))
    decision = dict(cast("Mapping[str, Any]", decided))
    return {**decision, "would_be": decision["gate"], "gate": "DRY_RUN"}


def _rows(decision: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "rule": rule["id"],
            "outcome": rule["outcome"],
            "actual": _number(rule.get("actual")),
            "asked": f"{rule['op']} {_number(rule['threshold'])}"
            if rule.get("threshold")
            else None,
            "group": rule.get("group"),
            "n": rule.get("n"),
            "interval": _interval(rule.get("ci")),
        }
        for rule in decision["rules"]
    ]


def _number(written: str | None) -> str | None:
    """Shorten a decimal string for a table."""
    try:
        return written if written is None else f"{float(written):.4g}"
    except ValueError:
        return written


def _interval(ci: Mapping[str, str | None] | None) -> str | None:
    if ci is None:
        return None
    return f"{_number(ci['low'])} to {_number(ci.get('high')) or '…'}"


def needed(need: Mapping[str, Any], promotion: str) -> str:
    """Write a missing signature, with the command that gives it."""
    accepting = f" --accept {need['rule']}" if need["accepts"] else ""
    return (
        f"still needed: {need['count']} as {need['role']}, {need['eligible']} could sign\n"
        f"  → muniment review approve {promotion} --meaning {need['meaning']} --reason R{accepting}"
    )
