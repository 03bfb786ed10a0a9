"""What comes out: findings, one per rule, and the decision that is their sum.

``decision_digest`` leaves out what may differ without the decision differing: its id, when
it was asked, until when it holds, the log, the engine and the sentences.
"""

# ruff: noqa: TC001, TC003 - codec.py reads these annotations at run time

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import cast

from app.core.jsonvalue import Json
from app.core.ledger.canonical import canonical
from app.core.policy import codec
from app.core.policy.codec import Digest
from app.core.policy.facts import Bind, Bounds, Subject, Transition
from app.core.policy.rules import DeciderNeed, Meaning, Mode

SCHEMA = "decision/v1"


class Gate(StrEnum):
    """PENDING: only people's reviews are missing."""

    ALLOW = "ALLOW"
    PENDING = "PENDING"
    DENY = "DENY"


class Outcome(StrEnum):
    """What one rule says.

    INCOMPLETE: evidence is missing or has no value. INCONCLUSIVE: the interval holds good and
    bad values. AWAITING: people have to sign. PASS_BY_REVIEW: they did, and the numbers
    alone would not have passed. ERROR: the evidence contradicts itself. NOT_APPLICABLE: the
    rule is for other risk tiers.
    """

    PASS = "PASS"  # noqa: S105 - an outcome, no password
    FAIL = "FAIL"
    INCOMPLETE = "INCOMPLETE"
    INCONCLUSIVE = "INCONCLUSIVE"
    ERROR = "ERROR"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    AWAITING = "AWAITING"
    PASS_BY_REVIEW = "PASS_BY_REVIEW"  # noqa: S105 - an outcome, no password


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's result.

    ``raw_outcome``: before people decided. ``actual``, ``op``, ``threshold``: numbers and
    what was asked of them, as text. ``group``: whom it is about, ``sex=F``. ``n``: people or
    rows measured. ``evidence``: digests read. ``message``: what is so; ``remedy``: what to
    do about it, None for PASS. ``holds_until``: None where time changes nothing.
    """

    outcome: Outcome
    raw_outcome: Outcome
    message: str
    remedy: str | None = None
    actual: str | None = None
    op: str | None = None
    threshold: str | None = None
    group: str | None = None
    n: int | None = None
    ci: Bounds | None = None
    evidence: tuple[Digest, ...] = ()
    holds_until: datetime | None = None
    asks: tuple[DeciderNeed, ...] = ()
    blocking: bool = True


SEVERITY = (
    Outcome.ERROR,
    Outcome.FAIL,
    Outcome.INCOMPLETE,
    Outcome.AWAITING,
    Outcome.INCONCLUSIVE,
    Outcome.PASS_BY_REVIEW,
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
)
"""Worst first."""


def worst(findings: Iterable[Finding]) -> Finding:
    """The worst of at least one finding, the first of equals, naming the evidence of all."""
    given = list(findings)
    speaks = min(given, key=lambda one: SEVERITY.index(one.outcome))
    read = dict.fromkeys(digest for one in given for digest in one.evidence)
    return replace(speaks, evidence=tuple(read))


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A finding in its decision. ``id``: ``<policy>/<rule>``.

    ``blocking``: whether anything but a pass keeps the gate shut.
    """

    id: str
    kind: str
    blocking: bool
    outcome: Outcome
    raw_outcome: Outcome
    message: str
    remedy: str | None = None
    actual: str | None = None
    op: str | None = None
    threshold: str | None = None
    group: str | None = None
    n: int | None = None
    ci: Bounds | None = None
    evidence: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What one policy alone would say."""

    name: str
    version: str
    digest: Digest
    mode: Mode
    gate: Gate


@dataclass(frozen=True, slots=True)
class MissingReview:
    """``count`` more people in ``role``, signing with ``meaning``, for ``rule``.

    ``accepts``: whether the signature must list the rule as accepted. ``eligible``: how many
    people could sign now who have not.
    """

    rule: str
    role: str
    meaning: Meaning
    count: int
    accepts: bool
    eligible: int


@dataclass(frozen=True, slots=True)
class CountedReview:
    """A review that fills a need of ``rule``. ``index``: its entry."""

    index: int
    reviewer: str
    rule: str
    role: str
    meaning: Meaning
    single_administrator: bool


@dataclass(frozen=True, slots=True)
class ReviewCount:
    """``needed`` and ``have``: signatures in all. ``eligible_count``: people who could sign.

    ``counted``: by rule, then reviewer.
    """

    needed: int
    have: int
    eligible_count: int
    counted: tuple[CountedReview, ...] = ()


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a policy in shadow mode would have said; in no digest, and never the gate."""

    policy: PolicyResult
    rules: tuple[RuleResult, ...]


@dataclass(frozen=True, slots=True)
class Engine:
    """``version`` changes whenever the same facts could be decided otherwise."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer. ``policies`` sorted by name, ``rules`` by policy, then in its order.

    ``warnings``: ids of rules that did not pass and do not block. ``missing``: signatures.
    ``unmet``: ids of blocking rules that neither passed nor wait for people. ``bind``: what a
    review of this must be bound to. ``single_administrator``: a counted review stands under
    a role that the only administrator granted.
    """

    schema: str
    gate: Gate
    reason: str
    subject: Subject
    transition: Transition
    policies: tuple[PolicyResult, ...]
    policy_digest: Digest
    bind: Bind
    engine: Engine
    as_of: datetime
    expires_at: datetime
    facts_digest: Digest
    decision_digest: Digest
    rules: tuple[RuleResult, ...]
    warnings: tuple[str, ...]
    unmet: tuple[str, ...]
    missing: tuple[MissingReview, ...]
    reviews: ReviewCount
    single_administrator: bool
    shadow: tuple[Shadow, ...] = ()


OUTSIDE = frozenset(
    {
        "decision_id",
        "as_of",
        "expires_at",
        "log",
        "attestation_url",
        "engine",
        "reason",
        "decision_digest",
        "shadow",
    }
)
"""Members of a decision that its digest does not cover."""

SENTENCES = frozenset({"message", "remedy"})
"""Members of a rule's result that the digest does not cover."""


def decision_to_json(decision: Decision) -> Mapping[str, Json]:
    """Write a decision as API, command, report and replay read it."""
    return cast("Mapping[str, Json]", codec.encode(decision))


def decision_from_json(document: Mapping[str, Json]) -> Decision:
    """Read a decision as served; ``decision_id``, ``log`` and ``attestation_url`` are dropped.

    Raises SchemaMismatch.
    """
    outer = {"decision_id", "log", "attestation_url"}
    return codec.decode(Decision, {k: v for k, v in document.items() if k not in outer})


def digest_of(document: Mapping[str, Json]) -> Digest:
    """Compute the decision_digest of a decision's JSON, as served or as decided."""
    covered = {name: value for name, value in document.items() if name not in OUTSIDE}
    rules = document.get("rules")
    if isinstance(rules, (list, tuple)):
        covered["rules"] = [_without_sentences(rule) for rule in rules]
    return Digest(f"sha256:{hashlib.sha256(canonical(covered)).hexdigest()}")


def _without_sentences(rule: Json) -> Json:
    if not isinstance(rule, Mapping):
        return rule
    return {name: value for name, value in rule.items() if name not in SENTENCES}
