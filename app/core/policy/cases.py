"""A policy's expected decisions: run them, and say what they leave untested.

A case gives ``facts``, or names an earlier case as its ``fixture`` and says what is
different: ``change`` maps JSON Pointers into the facts to new values, ``remove`` lists
pointers. A review in a case may be bound to ``current``: what is decided in that case.
"""

# ruff: noqa: TC001, TC003 - codec.py reads these annotations at run time

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from app.core.errors import Fault, SchemaMismatch
from app.core.jsonvalue import Json
from app.core.policy import codec
from app.core.policy.decide import binding, decide
from app.core.policy.decision import Decision, Gate, Outcome
from app.core.policy.document import Policy
from app.core.policy.facts import Facts, facts_from_json
from app.core.policy.rules import BiasRule, Mode, ReviewsRule, Rule

CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Expected:
    """``rules``: rule id without the policy's name, to its outcome; not every rule has to."""

    gate: Gate
    rules: Mapping[str, Outcome] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One case as written. ``confirm``: scaffolded and not yet looked at; it does not count."""

    name: str
    as_of: datetime
    expect: Expected
    facts: Mapping[str, Json] | None = None
    fixture: str | None = None
    change: Mapping[str, Json] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class CaseResult:
    """``differs``: each expectation that did not come true, in words; empty: as expected."""

    name: str
    differs: tuple[str, ...]
    decision: Decision
    counts: bool


@dataclass(frozen=True, slots=True)
class CasesReport:
    """``untested``: (rule id, outcome) that publishing asks for and no case reaches."""

    results: tuple[CaseResult, ...]
    untested: tuple[tuple[str, Outcome], ...]

    @property
    def fit_to_publish(self) -> bool:
        return not self.untested and not any(result.differs for result in self.results)


def run_cases(policy: Policy, cases: Json) -> CasesReport:
    """Run every case against ``policy`` alone, as if it were the only one, and enforced.

    Raises SchemaMismatch: a case that is not well formed, with pointers into the document.
    """
    enforced = replace(policy, mode=Mode.ENFORCE)
    results = [_run(enforced, case, facts) for case, facts in read_cases(cases)]
    reached = {
        (rule.id.removeprefix(f"{policy.name}/"), outcome)
        for result in results
        if result.counts and not result.differs
        for rule in result.decision.rules
        for outcome in (rule.outcome, rule.raw_outcome)
    }
    asked = [(rule.id, outcome) for rule in policy.rules for outcome in must_reach(rule)]
    return CasesReport(tuple(results), tuple(one for one in asked if one not in reached))


def must_reach(rule: Rule) -> tuple[Outcome, ...]:
    """The outcomes that a rule's cases must show before it may be published."""
    if isinstance(rule, ReviewsRule):
        return (Outcome.PASS, Outcome.AWAITING, Outcome.FAIL)
    measured = (Outcome.PASS, Outcome.FAIL, Outcome.INCOMPLETE)
    if isinstance(rule, BiasRule) and rule.decide_on is not None:
        return (*measured, Outcome.INCONCLUSIVE)
    return measured


def scaffold(policy: Policy, cases: Json) -> list[Json]:
    """Write a case for each outcome that is missing, for a person to fill in and confirm.

    Each starts from the first case of the document; ``confirm: true`` keeps it from counting.
    """
    known = read_cases(cases)
    report = run_cases(policy, cases)
    start: dict[str, Json] = {"fixture": known[0][0].name} if known else {"facts": {}}
    as_of = codec.instant(known[0][0].as_of) if known else "2026-01-01T00:00:00Z"
    return [
        {
            "name": f"{rule} reaches {outcome.value}",
            **start,
            "change": {},
            "as_of": as_of,
            "expect": {"gate": _gate_with(outcome).value, "rules": {rule: outcome.value}},
            "confirm": True,
        }
        for rule, outcome in report.untested
    ]


def _gate_with(outcome: Outcome) -> Gate:
    if outcome is Outcome.PASS:
        return Gate.ALLOW
    return Gate.PENDING if outcome is Outcome.AWAITING else Gate.DENY


def read_cases(cases: Json) -> list[tuple[Case, Mapping[str, Json]]]:
    """Read the cases with the facts of each, in their order.

    Raises SchemaMismatch with pointers such as ``#/3/fixture``.
    """
    if not isinstance(cases, (list, tuple)):
        raise _wrong("#", "cases are an array")
    read: list[tuple[Case, Mapping[str, Json]]] = []
    known: dict[str, Mapping[str, Json]] = {}
    for place, written in enumerate(cases):
        case = codec.decode(Case, written, f"#/{place}")
        facts = _facts_of(case, known, f"#/{place}")
        if case.name in known:
            raise _wrong(f"#/{place}/name", f"an earlier case is called {case.name!r}")
        known[case.name] = facts
        read.append((case, facts))
    return read


def _facts_of(
    case: Case, known: Mapping[str, Mapping[str, Json]], pointer: str
) -> Mapping[str, Json]:
    if (case.facts is None) is (case.fixture is None):
        raise _wrong(pointer, "a case has either facts or a fixture")
    if case.facts is not None:
        facts = copy.deepcopy(dict(case.facts))
    elif case.fixture is not None and case.fixture in known:
        facts = copy.deepcopy(dict(known[case.fixture]))
    else:
        raise _wrong(f"{pointer}/fixture", f"no earlier case is called {case.fixture!r}")
    for path, value in case.change.items():
        _set(facts, path, copy.deepcopy(value), f"{pointer}/change/{_escaped(path)}")
    for place, path in enumerate(case.remove):
        _remove(facts, path, f"{pointer}/remove/{place}")
    return facts


def _run(policy: Policy, case: Case, written: Mapping[str, Json]) -> CaseResult:
    facts = _bound(policy, written, case.as_of)
    decision = decide([policy], facts, case.as_of)
    outcomes = {rule.id.removeprefix(f"{policy.name}/"): rule for rule in decision.rules}
    differs = []
    if decision.gate is not case.expect.gate:
        differs.append(f"the gate says {decision.gate}, expected {case.expect.gate}")
    for rule_id, expected in case.expect.rules.items():
        if rule_id not in outcomes:
            differs.append(f"no rule is called {rule_id}")
        elif outcomes[rule_id].outcome is not expected:
            found = outcomes[rule_id]
            differs.append(f"{rule_id} is {found.outcome}, expected {expected}: {found.message}")
    return CaseResult(case.name, tuple(differs), decision, not case.confirm)


def _bound(policy: Policy, written: Mapping[str, Json], as_of: datetime) -> Facts:
    """Read facts whose reviews may be bound to ``current``."""
    bare = facts_from_json({name: value for name, value in written.items() if name != "reviews"})
    now = codec.encode(binding([policy], bare, as_of))
    given = written.get("reviews", [])
    if not isinstance(given, (list, tuple)):
        return facts_from_json(written)
    signed = [
        {**review, "bind": now}
        if isinstance(review, Mapping) and review.get("bind") == CURRENT
        else review
        for review in given
    ]
    return facts_from_json({**written, "reviews": signed})


def _wrong(pointer: str, message: str) -> SchemaMismatch:
    return SchemaMismatch(f"the cases: {pointer} {message}", faults=[Fault(pointer, message)])


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1")


def _set(facts: dict[str, Json], path: str, value: Json, pointer: str) -> None:
    """Set one member, or with ``-`` as the last part append to an array (RFC 6902, 4.1)."""
    holder, last = _holder(facts, path, pointer)
    if isinstance(holder, dict):
        holder[last] = value
    elif last == "-":
        holder.append(value)
    else:
        holder[_index(holder, last, pointer)] = value


def _remove(facts: dict[str, Json], path: str, pointer: str) -> None:
    holder, last = _holder(facts, path, pointer)
    if isinstance(holder, list):
        del holder[_index(holder, last, pointer)]
    elif last in holder:
        del holder[last]
    else:
        raise _wrong(pointer, f"the facts have nothing at {path!r}")


def _holder(
    facts: dict[str, Json], path: str, pointer: str
) -> tuple[dict[str, Json] | list[Json], str]:
    """Follow a JSON Pointer (RFC 6901) to the value that holds its last part."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]
    if len(parts) < 2 or parts[0]:  # noqa: PLR2004 - the empty text before the first slash
        raise _wrong(pointer, f"{path!r} is no JSON Pointer below the facts")
    here: Json = facts
    for part in parts[1:-1]:
        if isinstance(here, dict) and part in here:
            here = cast("dict[str, Json]", here)[part]
        elif isinstance(here, list):
            here = cast("list[Json]", here)[_index(here, part, pointer)]
        else:
            raise _wrong(pointer, f"the facts have nothing at {path!r}")
    if not isinstance(here, (dict, list)):
        raise _wrong(pointer, f"the facts have nothing at {path!r}")
    return here, parts[-1]


def _index(holder: list[Json], part: str, pointer: str) -> int:
    if not (part.isascii() and part.isdigit()) or int(part) >= len(holder):
        raise _wrong(pointer, f"the array has no place {part!r}")
    return int(part)
