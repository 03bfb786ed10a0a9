"""Who may do what, as a table."""

from __future__ import annotations

import pytest

from app.core.access import (
    NEVER_BY_TOKEN,
    ROLES,
    SCOPES,
    Permission,
    PermissionRole,
    Scope,
    allowed,
    allowed_by_token,
)

READING = {
    Permission.READ,
    Permission.READ_DECISIONS,
    Permission.READ_LOG,
    Permission.READ_REPORTS,
    Permission.VERIFY,
}

MAY = {
    PermissionRole.ADMINISTRATOR: {
        Permission.PUBLISH_POLICY,
        Permission.MANAGE_PEOPLE,
        Permission.MANAGE_ROLES,
        Permission.MANAGE_TOKENS,
    },
    PermissionRole.ENGINEER: {
        Permission.RECORD,
        Permission.RECORD_EVIDENCE,
        Permission.RECORD_DEPLOYMENT,
        Permission.RAISE_FINDING,
        Permission.INGEST_LINEAGE,
        Permission.CHECK_GATE,
        Permission.REQUEST_PROMOTION,
    },
    PermissionRole.REVIEWER: {Permission.REVIEW, Permission.RAISE_FINDING},
    PermissionRole.COMPLIANCE_OFFICER: {
        Permission.CREATE_REPORT,
        Permission.REDACT,
        Permission.RAISE_FINDING,
    },
    PermissionRole.POLICY_AUTHOR: {Permission.DRAFT_POLICY, Permission.PUBLISH_POLICY},
    PermissionRole.OPERATOR: {
        Permission.REBUILD,
        Permission.RECONCILE,
        Permission.BACKUP,
        Permission.RECOVER,
    },
    PermissionRole.AUDITOR: {
        Permission.CREATE_REPORT,
        Permission.READ_ACCESS_LOG,
        Permission.RAISE_FINDING,
    },
}


@pytest.mark.parametrize("role", PermissionRole)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_permits_what_the_table_says_and_nothing_else(
    role: PermissionRole, permission: Permission
) -> None:
    assert allowed([role], permission) is (permission in READING | MAY[role])


def test_every_role_and_every_scope_has_a_row() -> None:
    assert set(ROLES) == set(PermissionRole)
    assert set(SCOPES) == set(Scope)


def test_without_a_role_nothing_is_permitted() -> None:
    assert not any(allowed([], permission) for permission in Permission)


def test_roles_add_up() -> None:
    both = [PermissionRole.ENGINEER, PermissionRole.REVIEWER]
    assert allowed(both, Permission.REVIEW)
    assert allowed(both, Permission.RECORD)


def test_an_administrator_neither_reviews_nor_records() -> None:
    assert not allowed([PermissionRole.ADMINISTRATOR], Permission.REVIEW)
    assert not allowed([PermissionRole.ADMINISTRATOR], Permission.RECORD)


@pytest.mark.parametrize("permission", sorted(NEVER_BY_TOKEN))
def test_no_token_signs_or_decides_who_may_sign(permission: Permission) -> None:
    assert not allowed_by_token(Scope, permission)
    assert not any(permission in granted for granted in SCOPES.values())


def test_approving_publishing_granting_and_erasing_take_a_person() -> None:
    assert {
        Permission.REVIEW,
        Permission.PUBLISH_POLICY,
        Permission.MANAGE_ROLES,
        Permission.REDACT,
    } == NEVER_BY_TOKEN


@pytest.mark.parametrize(
    ("scope", "permissions"),
    [
        (
            Scope.EVENT_APPEND,
            "record events, record evidence, record deployments, raise and answer findings",
        ),
        (Scope.EVIDENCE_WRITE, "record evidence"),
        (Scope.LINEAGE_INGEST, "ingest lineage"),
        (Scope.GATE_CHECK, "check gates, read decisions"),
        (Scope.PROMOTION_REQUEST, "request promotions, read decisions"),
        (Scope.DEPLOYMENT_RECORD, "record deployments"),
        (Scope.REPORT_CREATE, "create reports, read reports"),
        (Scope.REPORT_READ, "read reports"),
        (Scope.READ, ", ".join(sorted(READING))),
        (Scope.LOG_READ, "read the log, verify"),
        (Scope.POLICY_DRAFT, "draft policies"),
        (
            Scope.ADMIN,
            ", ".join(sorted(READING))
            + ", manage people, manage tokens, rebuild, reconcile, back up",
        ),
    ],
)
def test_a_scope_permits_what_the_table_says_and_nothing_else(
    scope: Scope, permissions: str
) -> None:
    permitted = {each for each in Permission if allowed_by_token([scope], each)}
    assert permitted == set(permissions.split(", "))


def test_a_token_without_scopes_may_do_nothing() -> None:
    assert not any(allowed_by_token([], permission) for permission in Permission)
