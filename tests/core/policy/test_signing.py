"""Who may sign now, and every reason why somebody may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.policy.four_eyes import own_parts, usable_role
from app.core.policy.rules import Meaning, Part
from app.core.policy.signing import why_not_sign
from tests.core.policy import worlds
from tests.core.policy.worlds import AS_OF, RULES, changed, need

if TYPE_CHECKING:
    from app.core.policy.facts import Role


def held(name: str, **members: object) -> Role:
    granted = {**worlds.role(name), **members}
    return worlds.facts(holders=[{"id": "x", "roles": [granted]}]).holders[0].roles[0]


def reasons(
    person: str, *roles: Role, meaning: Meaning = Meaning.REVIEW, mode: str = "enforce"
) -> tuple[str, ...]:
    return why_not_sign(
        [worlds.policy(mode=mode)], worlds.facts(), person, roles, meaning=meaning, as_of=AS_OF
    )


def test_whoever_holds_the_role_and_has_no_part_in_it_may_sign() -> None:
    assert reasons("vera", held("validator")) == ()


def test_without_the_role_one_may_not() -> None:
    assert reasons("vera") == ("does not hold the role validator",)
    assert reasons("vera", held("compliance")) == ("does not hold the role validator",)


def test_every_part_in_it_is_a_reason() -> None:
    assert reasons("ada", held("validator")) == (
        "is the submitter",
        "is the trainer",
        "is the evidence producer",
    )
    assert reasons("paul", held("validator")) == ("is the policy last editor",)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (
            {"scope": "model/x@production"},
            "holds validator for another model, environment or team",
        ),
        ({"granted_at": "2026-05-11T00:00:00Z"}, "held validator only later"),
        ({"revoked_at": "2026-05-10T12:00:00Z"}, "no longer holds validator"),
        (
            {"granted_at": "2026-05-10T00:00:00Z", "grantors": ["ada"]},
            "got validator less than 24 hours before from somebody with a part in this",
        ),
    ],
)
def test_what_is_wrong_with_a_role_is_a_reason(members: dict[str, object], reason: str) -> None:
    assert reasons("vera", held("validator", **members)) == (reason,)


def test_one_good_grant_is_enough() -> None:
    assert reasons("vera", held("validator", scope="model/x@y"), held("validator")) == ()


def test_a_meaning_nobody_asks_for_is_refused_by_name() -> None:
    assert reasons("vera", held("validator"), meaning=Meaning.AUTHORSHIP) == (
        "no policy asks for a signature that means authorship",
    )


@pytest.mark.parametrize("mode", ["warn", "shadow"])
def test_policies_that_do_not_decide_ask_for_no_signature(mode: str) -> None:
    assert reasons("vera", held("validator"), mode=mode) != ()


def test_a_policy_for_another_environment_asks_for_no_signature() -> None:
    elsewhere = worlds.policy(applies={"transition": {"to": "staging"}})
    found = why_not_sign(
        [elsewhere],
        worlds.facts(),
        "vera",
        [held("validator")],
        meaning=Meaning.REVIEW,
        as_of=AS_OF,
    )
    assert found != ()


def test_a_rule_for_another_tier_asks_for_no_signature() -> None:
    one = worlds.policy(changed("people", when={"risk_tier": ["low"]}), RULES["auc"])
    found = why_not_sign(
        [one], worlds.facts(), "vera", [held("validator")], meaning=Meaning.REVIEW, as_of=AS_OF
    )
    assert found != ()


@pytest.mark.parametrize(
    "members",
    [
        {"small_group": {"review": need("decider", "responsibility")}, "decide_on": None},
        {
            "decide_on": {
                "ci": "miettinen-nurminen",
                "straddle": {"review": need("decider", "responsibility")},
            }
        },
    ],
)
def test_whoever_decides_what_numbers_leave_open_may_sign(members: dict[str, object]) -> None:
    one = worlds.policy(changed("impact", **members))
    for person, may in (("x", True), ("ada", False)):
        found = why_not_sign(
            [one],
            worlds.facts(),
            person,
            [held("decider")],
            meaning=Meaning.RESPONSIBILITY,
            as_of=AS_OF,
        )
        assert (found == ()) is may


def test_own_parts_are_told_apart_from_missing_roles() -> None:
    facts = worlds.facts()
    assert own_parts("vera", facts, tuple(Part)) == ()
    assert own_parts("ada", facts, (Part.TRAINER,)) == (Part.TRAINER,)


def test_of_several_grants_one_by_two_administrators_is_taken() -> None:
    lone, good = held("validator", grant=1, single_administrator=True), held("validator", grant=2)
    assert usable_role([lone, good], "validator", worlds.facts(), AS_OF, AS_OF) == good
    assert usable_role([lone], "validator", worlds.facts(), AS_OF, AS_OF) == lone
    assert usable_role([], "validator", worlds.facts(), AS_OF, AS_OF) is None
