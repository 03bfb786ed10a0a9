"""Nothing that was tampered with is allowed; what is only worded otherwise still is.

Facts and policies are mutated at random. An oracle that shares no code with ``decide``
says which mutants may be allowed; a mutant that cannot be read is refused.
"""

from __future__ import annotations

import copy
import os
import random
from typing import Any

import pytest

from app.core.errors import Refusal
from app.core.policy import codec
from app.core.policy.decide import binding, decide
from app.core.policy.decision import Gate
from app.core.policy.document import parse_policy
from app.core.policy.facts import facts_from_json
from tests.core.policy import worlds
from tests.core.policy.worlds import AS_OF, FACTS, POLICY

SOAK = os.environ.get("MUNIMENT_SOAK") == "1"
MUTANTS = 50_000 if SOAK else 2_000
CONTROLS = 1_000 if SOAK else 100

HOSTILE: list[Any] = [
    None, True, False, 0, -1, 1, 10**15, 10**17, 0.5, 1e308, "", "approved", "ada", "none",
    "NaN", "Infinity", "1e400", "\u0000", "2020-01-01T00:00:00Z", "2199-12-31T23:59:59Z",
    "sha256:" + "0" * 64, worlds.MODEL, "P1D", "P30000D", [], {}, [[]], [None], {"": ""},
]  # fmt: skip


VOCABULARY = [
    ["approved", "revoked", "none"],
    ["complete", "truncated", "timeout"],
    ["approve", "reject", "request_changes"],
    ["review", "approval", "responsibility", "authorship"],
    ["password+totp", "passkey", "password", "token", "session", "local"],
    ["validator", "compliance", "nobody"],
    ["ada", "vera", "carl", "viktor", "paul", "root", "rita"],
    ["person", "service", "workload"],
    ["development", "staging", "production"],
    ["train_set", "eval_set", "test_set"],
    [worlds.MODEL, worlds.DATA, worlds.OTHER, worlds.digest(40), worlds.digest(41)],
    [">=", ">", "<=", "<"],
    ["fail", "warn", "ignore", "report", "deny"],
    ["eval", "bias", "card"],
    ["P1D", "P20D", "P900D"],
    ["0.75", "0.69", "0.70", "-1", "1"],
    ["MIT", "NOASSERTION", ""],
    [
        "2020-01-01T00:00:00Z",
        "2026-01-05T08:00:00Z",
        "2026-05-01T09:00:00Z",
        "2026-05-01T09:05:00Z",
        "2026-05-01T10:00:00Z",
        "2026-05-09T08:00:00Z",
        "2027-01-01T00:00:00Z",
    ],
]


def places(document: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(document, dict):
        for name in document:
            found += places(document[name], (*path, name))
    elif isinstance(document, list):
        for place, item in enumerate(document):
            found += places(item, (*path, place))
    return found


def alike(value: object, rng: random.Random) -> object:
    """Another value that could stand there: of the same type, or of the same vocabulary."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice([0, 1, -1, value + 1, value - 1, value * 2, 10**12])
    if isinstance(value, float):
        return rng.choice([0.0, -1.0, value + 0.01, value - 0.01, 1e12])
    if isinstance(value, str):
        return next((rng.choice(words) for words in VOCABULARY if value in words), value + "x")
    return rng.choice([[], value])


def mutate(document: object, rng: random.Random) -> None:
    path = rng.choice(places(document))
    here: Any = document
    for part in path[:-1]:
        here = here[part]
    choice = rng.randrange(10)
    if choice == 0:
        del here[path[-1]]
    elif choice == 1:
        here[path[-1]] = copy.deepcopy(rng.choice(HOSTILE))
    elif choice == 2 and isinstance(here, list):
        here.append(copy.deepcopy(here[path[-1]]))
    else:
        here[path[-1]] = copy.deepcopy(alike(here[path[-1]], rng))


def signed() -> dict[str, Any]:
    """The facts with every review bound to what is decided, as JSON."""
    document = copy.deepcopy(FACTS)
    reviews = document.pop("reviews")
    now = codec.encode(binding([parse_policy(POLICY)], facts_from_json(document), AS_OF))
    return {**document, "reviews": [{**one, "bind": now} for one in reviews]}


def may_be_allowed(facts: dict[str, Any]) -> bool:
    """Whether the recorded facts still carry what POLICY asks for, read plainly.

    Only what an attacker would want gone is looked at: numbers, approvals, signatures, whom
    they are by and what they are bound to.
    """
    subject, now = facts["subject"], signed()["reviews"][0]["bind"]
    if subject["digest"] != now["subject_digest"]:
        return False
    evals = [one for one in facts["evidence"] if one["type"] == "eval-report/v1"]
    if not any(float(m["value"]) >= 0.7 for one in evals for m in one["metrics"]):
        return False
    reports = [one for one in facts["evidence"] if one["type"] == "bias-report/v1"]
    rates = [
        [cell["selected"] / cell["n"] for cell in one["cells"] if cell["n"]] for one in reports
    ]
    if not any(len(rate) > 1 and min(rate) >= 0.8 * max(rate) for rate in rates):
        return False
    if not facts["lineage"]["ancestors"] or any(
        one["approval_status"] != "approved" or not one["licence"]
        for one in facts["lineage"]["ancestors"]
    ):
        return False
    parts = {who for group in facts["people"].values() for who in group}
    parts |= {one["producer"]["id"] for one in facts["evidence"]}
    good = {
        (held["role"], one["meaning"])
        for one in facts["reviews"]
        if one["decision"] == "approve"
        and one["auth"] in {"password+totp", "passkey"}
        and one["bind"] == now
        and one["reviewer"] not in parts
        for held in one["roles"]
    }
    return {("validator", "review"), ("compliance", "approval")} <= good


def test_mutated_facts_are_never_wrongly_allowed() -> None:
    rng, base, policy = random.Random(20), signed(), parse_policy(POLICY)
    read = allowed = 0
    for _ in range(MUTANTS):
        document = copy.deepcopy(base)
        for _ in range(rng.choice((1, 1, 2, 3))):
            mutate(document, rng)
        try:
            facts = facts_from_json(document)
            decision = decide([policy], facts, AS_OF)
        except Refusal:
            continue
        read += 1
        if decision.gate is Gate.ALLOW:
            allowed += 1
            assert may_be_allowed(document), document
    assert read > 0.3 * MUTANTS
    assert allowed > 0.02 * MUTANTS


def test_reviews_signed_under_a_policy_never_carry_a_mutated_one() -> None:
    """Any change of the policy's content changes its digest, so nothing counts as signed."""
    rng, base = random.Random(21), facts_from_json(signed())
    read = 0
    for _ in range(MUTANTS):
        document = copy.deepcopy(POLICY)
        for _ in range(rng.choice((1, 1, 2, 3))):
            mutate(document, rng)
        try:
            policy = parse_policy(document)
        except Refusal:
            continue
        read += 1
        if document == POLICY:
            continue
        decision = decide([policy], base, AS_OF)
        asked = [rule for rule in policy.rules if rule.kind == "reviews" and rule.when is None]
        if asked:
            assert decision.gate is not Gate.ALLOW, document
    assert read > 0.3 * MUTANTS


def test_a_policy_of_nothing_but_mutations_never_ends_in_anything_but_an_answer() -> None:
    rng = random.Random(22)
    base = signed()
    for _ in range(MUTANTS // 4):
        policy, facts = copy.deepcopy(POLICY), copy.deepcopy(base)
        for _ in range(4):
            mutate(policy, rng)
            mutate(facts, rng)
        try:
            decision = decide([parse_policy(policy)], facts_from_json(facts), AS_OF)
        except Refusal:
            continue
        assert decision.gate in Gate


def harmless(document: dict[str, Any], rng: random.Random) -> None:
    """Changes that an honest recorder could make."""
    document["subject"]["team"] = rng.choice([None, "risk"])
    document["environments"].append(rng.choice(["canary", "disaster"]))
    document["evidence"][0]["metrics"].append({"name": "f1", "value": "0.1", "n": 4000})
    document["evidence"][0]["metrics"][0]["value"] = f"0.{rng.randrange(70, 100)}"
    cells = document["evidence"][1]["cells"]
    for cell in cells:
        cell["selected"] = rng.randrange(980, 1020)
    document["lineage"]["ancestors"][0]["licence"] = rng.choice(["MIT", "CC0-1.0"])
    document["holders"] = rng.sample(document["holders"], rng.randint(0, 3))
    rng.shuffle(document["evidence"])
    rng.shuffle(document["reviews"])


@pytest.mark.parametrize("seed", [23])
def test_what_is_only_recorded_otherwise_is_still_allowed(seed: int) -> None:
    rng, policy = random.Random(seed), parse_policy(POLICY)
    for _ in range(CONTROLS):
        document = signed()
        harmless(document, rng)
        decision = decide([policy], facts_from_json(document), AS_OF)
        assert decision.gate is Gate.ALLOW, decision.rules
        assert may_be_allowed(document)
