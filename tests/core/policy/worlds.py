"""A promotion that may pass, as JSON, for tests to spoil one member at a time."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.core.policy import codec
from app.core.policy.decide import binding, decide
from app.core.policy.document import parse_policy
from app.core.policy.facts import facts_from_json

if TYPE_CHECKING:
    from app.core.policy.decision import Decision, RuleResult
    from app.core.policy.document import Policy
    from app.core.policy.facts import Facts

AS_OF = datetime(2026, 5, 10, 12, tzinfo=UTC)

MODEL = "sha256:" + "a" * 64
DATA = "sha256:" + "d" * 64
OTHER = "sha256:" + "e" * 64


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def role(name: str, grant: int = 10, **more: object) -> dict[str, Any]:
    return {
        "role": name,
        "grant": grant,
        "grantors": ["root", "rita"],
        "granted_at": "2026-01-05T08:00:00Z",
        **more,
    }


def review(reviewer: str, name: str, meaning: str, index: int, **more: object) -> dict[str, Any]:
    return {
        "index": index,
        "reviewer": reviewer,
        "roles": [role(name)],
        "auth": "password+totp",
        "decision": "approve",
        "meaning": meaning,
        "bind": "current",
        "signed_at": "2026-05-09T08:00:00Z",
        **more,
    }


def need(name: str, meaning: str, count: int = 1, **more: object) -> dict[str, Any]:
    return {"role": name, "count": count, "meaning": meaning, **more}


RULES: dict[str, dict[str, Any]] = {
    "auc": {
        "id": "auc",
        "kind": "metric",
        "from": "eval",
        "metric": "roc_auc",
        "op": ">=",
        "value": 0.7,
        "rationale": "ranking",
    },
    "impact": {
        "id": "impact",
        "kind": "bias",
        "from": "bias",
        "metric": "impact_ratio",
        "attributes": ["sex"],
        "op": ">=",
        "value": 0.8,
        "small_group": "report",
        "decide_on": {
            "ci": "miettinen-nurminen",
            "straddle": {"review": need("validator", "review")},
        },
        "rationale": "four fifths",
    },
    "origin": {
        "id": "origin",
        "kind": "lineage",
        "query": "ancestors",
        "node": "Dataset",
        "assert": {"all": {"approval_status": "approved", "licence_ok": True}},
    },
    "disjoint": {
        "id": "disjoint",
        "kind": "lineage",
        "query": "overlap",
        "between": ["train_set", "eval_set"],
        "assert": {"rows_shared": 0},
    },
    "card": {"id": "card", "kind": "documentation", "from": "card", "fields": ["purpose"]},
    "fresh": {"id": "fresh", "kind": "freshness", "from": "eval", "max_age": "P20D"},
    "people": {
        "id": "people",
        "kind": "reviews",
        "need": [need("validator", "review"), need("compliance", "approval")],
    },
}

POLICY: dict[str, Any] = {
    "apiVersion": "gates/v1",
    "kind": "Policy",
    "metadata": {"name": "p", "version": "1", "owner": "role:risk"},
    "applies": {"transition": {"from": "staging", "to": "production"}},
    "mode": "enforce",
    "evidence": {
        "eval": {"type": "eval-report/v1"},
        "bias": {
            "type": "bias-report/v1",
            "computed_by": "service",
            "must_bind": ["model_digest", "dataset_digest"],
        },
        "card": {"type": "document/v1", "document": "card"},
    },
    "rules": list(RULES.values()),
}

DATASET = {"subject": "dataset/d/1", "digest": DATA, "rows": 4000, "role": "eval_set"}
MEASURED = {
    "producer": {"id": "token-ci", "kind": "service", "owner": "ada"},
    "measured_at": "2026-05-01T09:00:00Z",
    "recorded_at": "2026-05-01T09:05:00Z",
    "model_digest": MODEL,
    "dataset": DATASET,
    "dataset_digest": DATA,
}

FACTS: dict[str, Any] = {
    "subject": {"name": "m", "version": "1", "digest": MODEL, "risk_tier": "high"},
    "transition": {"from": "staging", "to": "production"},
    "environments": ["development", "staging", "production"],
    "people": {"submitters": ["ada"], "trainers": ["ada"], "policy_editors": ["paul"]},
    "evidence": [
        {
            **MEASURED,
            "type": "eval-report/v1",
            "index": 40,
            "digest": digest(40),
            "metrics": [{"name": "roc_auc", "value": "0.75", "n": 4000}],
        },
        {
            **MEASURED,
            "type": "bias-report/v1",
            "index": 41,
            "digest": digest(41),
            "attributes": ["sex"],
            "favourable_outcome": "1",
            "rows": 4000,
            "cells": [
                {"group": {"sex": "F"}, "n": 2000, "selected": 1000},
                {"group": {"sex": "M"}, "n": 2000, "selected": 1000},
            ],
        },
        {
            "type": "document/v1",
            "index": 42,
            "digest": digest(42),
            "producer": {"id": "ada", "kind": "person"},
            "recorded_at": "2026-05-01T10:00:00Z",
            "subject": "model/m/1",
            "document": "card",
            "fields": ["purpose"],
        },
    ],
    "lineage": {
        "ancestors": [
            {
                "subject": "dataset/d/1",
                "digest": DATA,
                "depth": 1,
                "approval_status": "approved",
                "licence": "MIT",
            }
        ],
        "overlaps": [{"between": ["train_set", "eval_set"], "rows_shared": 0}],
    },
    "reviews": [
        review("vera", "validator", "review", 50),
        review("carl", "compliance", "approval", 51),
    ],
    "holders": [
        {"id": "vera", "roles": [role("validator")]},
        {"id": "carl", "roles": [role("compliance")]},
        {"id": "viktor", "roles": [role("validator")]},
    ],
}

STRADDLING = [
    {"group": {"sex": "F"}, "n": 2000, "selected": 840},
    {"group": {"sex": "M"}, "n": 2000, "selected": 1000},
]
"""Impact ratio .84, its interval around .80."""


def facts(*, policies: list[Policy] | None = None, **members: object) -> Facts:
    """Facts as above with whole members replaced; reviews bound to ``current`` are bound."""
    document = copy.deepcopy({**FACTS, **members})
    given = document.pop("reviews")
    bare = facts_from_json(document)
    now = codec.encode(binding(policies or [policy()], bare, AS_OF))
    for one in given:
        if one["bind"] == "current":
            one["bind"] = now
    return facts_from_json({**document, "reviews": given})


def evidence(place: int, **members: object) -> list[dict[str, Any]]:
    """The evidence as above, with members of one item replaced."""
    items = copy.deepcopy(FACTS["evidence"])
    items[place] |= members
    return list(items)


def policy(*rules: dict[str, Any], **members: object) -> Policy:
    """The policy as above, or of the rules given."""
    document = copy.deepcopy({**POLICY, **members})
    if rules:
        document["rules"] = list(rules)
    return parse_policy(document)


def changed(rule: str, **members: object) -> dict[str, Any]:
    return {**copy.deepcopy(RULES[rule]), **members}


def decided(*rules: dict[str, Any], **members: object) -> Decision:
    """Decide by one policy of ``rules``; ``members`` replace members of the facts."""
    one = policy(*rules)
    return decide([one], facts(policies=[one], **members), AS_OF)


def result(*rules: dict[str, Any], **members: object) -> RuleResult:
    """The first rule's result."""
    return decided(*rules, **members).rules[0]
