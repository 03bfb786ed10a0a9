"""The second reading of the rules notices what it is there to notice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.lawbook import Lawbook

NOW = datetime(2026, 1, 5, tzinfo=UTC)
BIND = {"subject_digest": "m", "policy_digest": "p"}
NEED = {"role": "model-validator", "count": 1}


def story(**changes: Any) -> list[tuple[str, str, dict[str, Any], str]]:  # noqa: ANN401 - JSON
    """Tell of a lawful promotion; ``changes``: members of events, by the event's first name."""

    def said(name: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        return {**members, **changes.get(name, {})}

    counted = [{"reviewer": "vera", "role": "model-validator"}]
    decision = {
        "decision_id": "d",
        "reviews": {"counted": counted},
        "single_administrator": True,
    }
    deployed = {"model_version": "model/c/1", "environment": "production", "decision_id": "d"}
    return [
        ("token.created.v1", "token/t", said("token", owner="otto"), "ada"),
        (
            "role.granted.v1",
            "user/vera",
            said("role", role="model-validator", grantors=["ada"]),
            "ada",
        ),
        ("model.version_registered.v1", "model/c/1", {"artifact": {"digest": "m"}}, "erin"),
        ("evaluation.recorded.v1", "model/c/1", {}, changes.get("measured_by", "erin")),
        ("policy.drafted.v1", "policy/n/1", said("drafted", digest="n", drafter="paul"), "paul"),
        (
            "policy.published.v1",
            "policy/n/1",
            {"digest": "n", "publisher": "petra", "document": {"rules": [{"need": [NEED]}]}},
            "petra",
        ),
        (
            "promotion.requested.v1",
            "promotion/p",
            {"model_version": "model/c/1", "submitter": "erin"},
            changes.get("asked_by", "erin"),
        ),
        (
            "review.submitted.v1",
            "promotion/p",
            said("review", reviewer="vera", decision="approve", bind=BIND),
            changes.get("signed_by", "vera"),
        ),
        (
            "gate.decided.v1",
            "promotion/p",
            said(
                "gate",
                gate="ALLOW",
                decision={**decision, **changes.get("decision", {})},
                policy_digest="p",
                promotion="p",
                model_version="model/c/1",
                environment="production",
                expires_at="2026-01-12T00:00:00Z",
            ),
            "gate",
        ),
        ("promotion.decided.v1", "promotion/p", {"state": "allowed", "decision_id": "d"}, "gate"),
        ("deployment.started.v1", "deployment/production/a", deployed, "erin"),
        *changes.get("then", []),
    ]


def read(events: list[tuple[str, str, dict[str, Any], str]]) -> Lawbook:
    book = Lawbook()
    for index, (kind, subject, data, actor) in enumerate(events):
        at = NOW + timedelta(hours=index)
        book.read(index, kind, subject, data, (actor, "person", "password+totp"), at)
    return book


def test_what_is_lawful_passes() -> None:
    book = read(story())
    assert (book.allowed, book.used) == (1, 1)


ELSEWHERE = (
    "deployment.started.v1",
    "deployment/production/b",
    {"model_version": "model/c/1", "environment": "production", "decision_id": "d"},
    "erin",
)


@pytest.mark.parametrize(
    ("changes", "noticed"),
    [
        ({"measured_by": "vera"}, "a self-approval"),
        ({"asked_by": "vera"}, "a self-approval"),
        ({"token": {"owner": "vera"}, "measured_by": "t"}, "a self-approval"),
        ({"drafted": {"drafter": "vera"}}, "a self-approval"),
        ({"drafted": {"drafter": "petra"}}, "published its own"),
        ({"signed_by": "t"}, "signed by somebody else"),
        ({"role": {"role": "compliance"}}, "the role was not held"),
        ({"role": {"grantors": ["erin"]}}, "granted by somebody who gains"),
        ({"decision": {"single_administrator": False}}, "an unmarked puppet"),
        ({"decision": {"reviews": {"counted": []}}}, "too few signed"),
        ({"review": {"decision": "reject"}}, "no approval"),
        ({"review": {"bind": {**BIND, "policy_digest": "q"}}}, "other rules"),
        ({"gate": {"gate": "DENY"}}, "does not allow"),
        ({"gate": {"expires_at": "2026-01-05T01:00:00Z"}}, "used too late"),
        ({"then": [ELSEWHERE]}, "a decision used twice|used again after another"),
    ],
)
def test_what_is_not_is_noticed(changes: dict[str, Any], noticed: str) -> None:
    with pytest.raises(AssertionError, match=noticed):
        read(story(**changes))
