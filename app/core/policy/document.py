"""A policy as a frozen value, read from its parsed document.

``schemas/policy.v1.json`` says the same to editors and strangers; what needs more than one
member to be seen wrong (an alias that is not there, an interval of the wrong kind) is
refused here.
"""

# ruff: noqa: TC001 - codec.py reads these annotations at run time

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from app.core.errors import Fault, SchemaMismatch, UnknownKind
from app.core.jsonvalue import Json
from app.core.ledger.canonical import canonical
from app.core.policy import codec
from app.core.policy.codec import Digest
from app.core.policy.rules import Mode, Rule, Selector, When
from app.core.policy.sound import unsound

API_VERSION = "gates/v1"
VALID_FOR = timedelta(days=7)
"""How long a decision holds where the policy does not say."""

UNBUILT = ("waivers", "break_glass", "reevaluate")
UNBUILT_KINDS = ("expr", "validation")


@dataclass(frozen=True, slots=True)
class Move:
    """``from_`` None: from anywhere."""

    to: str
    from_: str | None = None


@dataclass(frozen=True, slots=True)
class Applies:
    """Which promotions the policy is about."""

    transition: Move
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    name: str
    version: str
    owner: str
    frameworks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Written:
    kind: Literal["Policy"]
    metadata: Metadata
    applies: Applies
    mode: Mode
    rules: tuple[Rule, ...]
    evidence: Mapping[str, Selector] = field(default_factory=dict)
    valid_for: timedelta = VALID_FOR


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy version. ``digest``: SHA-256 of the canonical JSON of its parsed document.

    ``rules`` in the document's order; none at all denies. ``valid_for``: of a decision.
    """

    name: str
    version: str
    owner: str
    frameworks: tuple[str, ...]
    applies: Applies
    mode: Mode
    evidence: Mapping[str, Selector]
    rules: tuple[Rule, ...]
    valid_for: timedelta
    digest: Digest


def policy_digest(document: Json) -> Digest:
    """Name a policy by what it says: SHA-256 of the canonical JSON of its parsed document."""
    return Digest(f"sha256:{hashlib.sha256(canonical(document)).hexdigest()}")


def parse_policy(document: Json) -> Policy:
    """Read a policy from its parsed document.

    Raises UnknownKind: a block or rule kind that this release does not have (it is not
    ignored: a waiver block that does nothing is false assurance). SchemaMismatch: whatever
    else is not as the schema says, with JSON Pointers.
    """
    if not isinstance(document, Mapping):
        raise _refused([Fault("#", "a policy is an object")])
    refuse_unbuilt(document)
    if document.get("apiVersion") != API_VERSION:
        raise _refused([Fault("#/apiVersion", f"must be {API_VERSION}")])
    members = {name: value for name, value in document.items() if name != "apiVersion"}
    written = codec.decode(_Written, members)
    policy = Policy(
        name=written.metadata.name,
        version=written.metadata.version,
        owner=written.metadata.owner,
        frameworks=written.metadata.frameworks,
        applies=written.applies,
        mode=written.mode,
        evidence=written.evidence,
        rules=written.rules,
        valid_for=written.valid_for,
        digest=policy_digest(document),
    )
    faults = list(unsound(policy.name, policy.version, policy.evidence, policy.rules))
    if faults:
        raise _refused(faults)
    return policy


def refuse_unbuilt(document: Mapping[str, Json]) -> None:
    """Refuse, by name, what the policy language will have and this release has not.

    Raises UnknownKind.
    """
    faults = [
        Fault(f"#/{name}", f"{name} comes with a later release")
        for name in UNBUILT
        if name in document
    ]
    rules = document.get("rules")
    if isinstance(rules, (list, tuple)):
        for place, rule in enumerate(rules):
            if not isinstance(rule, Mapping):
                continue
            if rule.get("kind") in UNBUILT_KINDS:
                faults.append(
                    Fault(
                        f"#/rules/{place}/kind", f"{rule['kind']} rules come with a later release"
                    )
                )
            if "escalate" in rule:
                faults.append(
                    Fault(f"#/rules/{place}/escalate", "escalate comes with a later release")
                )
    if faults:
        raise UnknownKind(
            "the policy asks for what this release does not do: "
            + ", ".join(fault.pointer for fault in faults),
            remedy="take it out; it would give a protection that is not there",
            faults=faults,
        )


def _refused(faults: list[Fault]) -> SchemaMismatch:
    return SchemaMismatch(
        "the policy is not valid: " + "; ".join(f"{one.pointer} {one.message}" for one in faults),
        faults=faults,
    )
