"""Random histories of people, roles, tokens and resubmissions: nobody approves their own."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.policy import codec
from app.core.policy.decide import binding, decide
from app.core.policy.decision import Gate
from app.core.policy.facts import facts_from_json
from tests.core.policy import worlds
from tests.core.policy.worlds import FACTS, RULES, changed, need

HISTORIES = 1_000
PEOPLE = ("ann", "bob", "cid", "dot", "eve", "fay")
START = datetime(2026, 4, 20, tzinfo=UTC)


def history(rng: random.Random) -> tuple[dict[str, Any], datetime]:
    """Somebody's token submits, somebody trains; roles come and go; everybody signs."""
    owners = {f"token-{number}": rng.choice(PEOPLE) for number in range(3)}
    people = {
        "submitters": rng.sample(PEOPLE, rng.randint(1, 2)),
        "trainers": rng.sample(PEOPLE, rng.randint(0, 2)),
        "evidence_producers": rng.sample(PEOPLE, rng.randint(0, 1)),
        "policy_editors": rng.sample(PEOPLE, rng.randint(0, 1)),
    }
    token = rng.choice(list(owners))
    producer = {"id": token, "kind": "service", "owner": owners[token]}
    roles = {
        who: [
            worlds.role(
                name,
                grant=place,
                grantors=rng.sample(PEOPLE, rng.randint(1, 2)),
                granted_at=codec.instant(START + timedelta(hours=rng.randrange(480))),
                revoked_at=rng.choice(
                    [None, None, None, codec.instant(START + timedelta(hours=rng.randrange(480)))]
                ),
            )
            for place, name in enumerate(("validator", "compliance"))
            if rng.random() < 0.8
        ]
        for who in PEOPLE
    }
    facts = {
        **FACTS,
        "people": people,
        "evidence": worlds.evidence(0, producer=producer)[:1],
        "holders": [{"id": who, "roles": roles[who]} for who in PEOPLE],
    }
    signatures = [
        worlds.review(
            who,
            "-",
            rng.choice(["review", "approval"]),
            100 + place,
            roles=roles[who],
            decision=rng.choice(["approve"] * 18 + ["request_changes", "reject"]),
            auth=rng.choice(["password+totp", "password+totp", "passkey", "passkey", "token"]),
            signed_at=codec.instant(START + timedelta(hours=rng.randrange(240, 480))),
        )
        for place, who in enumerate(rng.choices(PEOPLE, k=rng.randint(4, 8)))
    ]
    return {**facts, "reviews": signatures}, START + timedelta(days=20)


def test_in_no_history_does_anybody_with_a_part_in_it_count_as_a_reviewer() -> None:
    rng = random.Random(8)
    policy = worlds.policy(
        RULES["auc"],
        changed("people", need=[need("validator", "review"), need("compliance", "approval")]),
    )
    allowed = 0
    for _ in range(HISTORIES):
        document, as_of = history(rng)
        bare = facts_from_json({**document, "reviews": []})
        now = codec.encode(binding([policy], bare, as_of))
        for one in document["reviews"]:
            one["bind"] = now
        decision = decide([policy], facts_from_json(document), as_of)
        parts = {who for group in document["people"].values() for who in group}
        parts.add(document["evidence"][0]["producer"]["owner"])
        counted = decision.reviews.counted
        assert parts.isdisjoint(one.reviewer for one in counted)
        assert len({one.reviewer for one in counted}) == len(counted)
        by_index = {one["index"]: one for one in document["reviews"]}
        for one in counted:
            signed = by_index[one.index]
            assert signed["auth"] != "token"
            assert signed["decision"] == "approve"
            latest = max(
                other["index"] for other in document["reviews"] if other["reviewer"] == one.reviewer
            )
            assert one.index == latest
            assert any(
                held["role"] == one.role
                and held["granted_at"] <= signed["signed_at"]
                and (held["revoked_at"] is None or held["revoked_at"] > codec.instant(as_of))
                for held in signed["roles"]
            )
        if decision.gate is Gate.ALLOW:
            allowed += 1
            assert {one.role for one in counted} == {"validator", "compliance"}
    assert allowed >= HISTORIES // 50
