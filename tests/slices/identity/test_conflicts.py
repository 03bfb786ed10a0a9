from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.core.access import PermissionRole
from app.identity.conflicts import conflicts
from app.identity.granting import Asked
from app.identity.ports import Part
from app.identity.values import Grant, User

AT = datetime(2026, 1, 2, tzinfo=UTC)
ZOE = User("u1", "zoe", "Zoe Lane", 1, AT, disabled=False, enrolled_at=AT)


def held(*roles: str) -> list[Grant]:
    return [
        Grant(
            id=number,
            user="u1",
            role=role,
            approval=role not in set(PermissionRole),
            team=None,
            scope=None,
            grantors=("a",),
            single_administrator=False,
            granted_at=AT,
            revoked_at=None,
        )
        for number, role in enumerate(roles)
    ]


def kinds(asked: Asked, *roles: str, by: str = "a", work: tuple[Part, ...] = ()) -> list[str]:
    return [one.kind for one in conflicts(asked, ZOE, held(*roles), {by}, work)]


def test_a_reviewer_who_does_nothing_else_may_approve_without_a_word() -> None:
    assert kinds(Asked("u1", "model-validator"), "reviewer") == []


@pytest.mark.parametrize(
    ("roles", "kind"),
    [
        ((), "no-reviewer"),
        (("reviewer", "engineer"), "builds-and-approves"),
        (("reviewer", "policy_author"), "writes-and-approves"),
        (("reviewer", "administrator"), "grants-and-approves"),
    ],
)
def test_an_approval_role_conflicts_with_what_its_holder_does(
    roles: tuple[str, ...], kind: str
) -> None:
    assert kinds(Asked("u1", "model-validator"), *roles) == [kind]


@pytest.mark.parametrize(
    ("role", "holds", "kind"),
    [
        ("engineer", "model-validator", "builds-and-approves"),
        ("policy_author", "model-validator", "writes-and-approves"),
        ("administrator", "model-validator", "grants-and-approves"),
        ("auditor", "engineer", "audits-own-work"),
        ("auditor", "model-validator", "audits-own-work"),
        ("engineer", "auditor", "audits-own-work"),
    ],
)
def test_a_permission_role_conflicts_with_what_its_holder_approves_or_audits(
    role: str, holds: str, kind: str
) -> None:
    assert kinds(Asked("u1", role), holds) == [kind]


def test_an_auditor_may_be_compliance_officer_and_an_engineer_may_operate() -> None:
    assert kinds(Asked("u1", "auditor"), "compliance_officer") == []
    assert kinds(Asked("u1", "operator"), "engineer") == []


def test_nobody_grants_themselves_a_role_without_being_told() -> None:
    assert kinds(Asked("u1", "operator"), by="u1") == ["own-grant"]


def test_who_has_a_part_in_what_waits_is_told_by_promotion() -> None:
    work = (
        Part("u1", "submitter", "p1", "credit", "production"),
        Part("u1", "trainer", "p1", "credit", "production"),
        Part("a", "trainer", "p2", "credit", "staging"),
        Part("other", "trainer", "p3", "credit", "production"),
    )
    found = conflicts(Asked("u1", "model-validator"), ZOE, held("reviewer"), {"a"}, work)
    assert [one.kind for one in found] == ["own-part/p1", "grantors-part/p2"]
    assert found[0].text == (
        "Zoe Lane is the submitter and trainer of credit to production (promotion p1), which waits"
        " for reviews: there they may not sign."
    )


def test_a_scope_that_does_not_cover_what_waits_leaves_it_out() -> None:
    work = (Part("u1", "trainer", "p1", "credit", "production"),)
    outside = Asked("u1", "model-validator", scope="model/fraud-*@production")
    inside = Asked("u1", "model-validator", scope="model/cred*@prod*")
    assert kinds(outside, "reviewer", work=work) == []
    assert kinds(inside, "reviewer", work=work) == ["own-part/p1"]
