"""What each route asks of its caller, written down a second time: who may, and about what.

The routes themselves are asked in ``test_matrix.py`` whether they hold to it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from app.core.access import Permission
from tests.acceptance.routes import API, DIGEST, SIGNED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Anyone(Enum):
    """Who may, where it takes no permission.

    EVERYBODY: without credentials, too. CALLER: with any. PERSON: a person, in a session.
    """

    EVERYBODY = "everybody"
    CALLER = "caller"
    PERSON = "person"


MODEL, DATASET, PROMOTION = "/models/{name}", "/datasets/{name}", "/promotions/{promotion_id}"
VERSION = "/versions/{version}"

ADMINISTERING = frozenset(
    {
        Permission.MANAGE_PEOPLE, Permission.MANAGE_ROLES, Permission.MANAGE_TOKENS,
        Permission.READ_ACCESS_LOG,
    }
)  # fmt: skip
"""Any of these opens the pages of administration."""

NEEDS: Mapping[str, Permission | Anyone | frozenset[Permission]] = {
    **dict.fromkeys(
        (
            "GET /admin", "GET /admin/people", "GET /admin/people/{user}", "GET /admin/roles",
            "GET /admin/tokens", "GET /admin/sessions", "GET /admin/trail", "GET /admin/notices",
        ),
        ADMINISTERING,
    ),
    "GET /admin/environments": ADMINISTERING | {Permission.DRAFT_POLICY},
    "POST /admin/environments": Permission.DRAFT_POLICY,
    "POST /admin/environments/{digest}/publish": Permission.PUBLISH_POLICY,
    **dict.fromkeys(
        (
            "POST /admin/notices/test", "POST /admin/notices/{id_}/again",
            "POST /admin/people", "GET /admin/people/{user}/disable",
            "POST /admin/people/{user}/disable", "GET /admin/people/{user}/reset",
            "POST /admin/people/{user}/reset", "POST /admin/people/{user}/reset/confirm",
            "GET /admin/people/{user}/sessions", "POST /admin/people/{user}/sessions",
            f"POST {API}/users/{{user}}/factor-reset",
            f"POST {API}/users/{{user}}/factor-reset/confirm",
        ),
        Permission.MANAGE_PEOPLE,
    ),
    **dict.fromkeys(
        (
            "GET /admin/roles/grant", "POST /admin/roles/grant", "GET /admin/roles/waiting/{id_}",
            "POST /admin/roles/waiting/{id_}", "GET /admin/roles/{grant}/revoke",
            "POST /admin/roles/{grant}/revoke", f"GET {API}/role-grants",
            f"GET {API}/users/{{user}}/roles/check",
        ),
        Permission.MANAGE_ROLES,
    ),
    **dict.fromkeys(
        (
            "GET /admin/tokens/new", "POST /admin/tokens/new", "GET /admin/tokens/{token}/revoke",
            "POST /admin/tokens/{token}/revoke",
        ),
        Permission.MANAGE_TOKENS,
    ),
    "GET /help/runbooks/{name}": Anyone.PERSON,
    "GET /ledger/integrity": Permission.READ_LOG,
    "POST /ledger/integrity/verify": Permission.VERIFY,
    **dict.fromkeys(
        (
            f"GET {API}/openapi.json", "GET /", "GET /help", "GET /sign-in", "POST /sign-in",
            "GET /healthz", "GET /readyz", "GET /problems/{slug}", "GET /static/{file}",
            f"POST {API}/invitations/{{secret}}/accept",
            f"POST {API}/invitations/{{secret}}/confirm", f"POST {API}/sessions",
            "GET /setup/{secret}", "POST /setup/{secret}", "POST /setup/{secret}/confirm",
            "GET /invitations/{secret}", "POST /invitations/{secret}",
            "POST /invitations/{secret}/confirm",
        ),
        Anyone.EVERYBODY,
    ),
    **dict.fromkeys((f"GET {API}/me",), Anyone.CALLER),
    **dict.fromkeys(
        (
            "POST /sign-out", "GET /start", "GET /account", "POST /account/sessions/{session}/end",
            "POST /account/password", "POST /account/authenticator",
            "POST /account/authenticator/confirm",
        ),
        Anyone.PERSON,
    ),
    **dict.fromkeys(
        (
            "GET /inbox", "GET /promotions", f"GET {PROMOTION}", f"POST {PROMOTION}/decide",
            f"GET {PROMOTION}/sign", f"POST {PROMOTION}/sign", f"POST {PROMOTION}/forget",
            f"GET {PROMOTION}/reviews/{{index}}", f"GET {PROMOTION}/reviews/{{index}}/proof",
            f"GET {PROMOTION}/reviews/{{index}}/statement",
            f"GET {PROMOTION}/reviews/{{index}}/bundle", f"GET {PROMOTION}/view", "GET /search",
            f"GET {API}/schemas", f"GET {API}/schemas/{{wire}}", f"GET {API}/users",
            f"GET {API}/policies/{{name}}{VERSION}", f"GET {API}/environments",
            f"GET {API}{PROMOTION}/view", f"GET {API}/reviews/inbox", f"GET {API}/datasets",
            f"GET {API}{DATASET}", f"GET {API}{DATASET}/versions", f"GET {API}{DATASET}{VERSION}",
            f"GET {API}/models", f"GET {API}{MODEL}", f"GET {API}{MODEL}/versions",
            f"GET {API}{MODEL}{VERSION}", f"GET {API}/deployments", f"GET {API}/policies",
            f"GET {API}/findings", f"GET {API}/search", f"GET {API}/blobs/{{sha256}}",
            f"GET {API}/graph/closure", f"GET {API}/graph/impact", f"GET {API}/graph/why",
            f"GET {API}/graph/drawing.svg", f"GET {API}/graph/status",
            f"GET {API}/graph/jobs/{{job_id}}", "GET /models", f"GET {MODEL}",
            f"GET {MODEL}/versions", f"GET {MODEL}/compare", f"GET {MODEL}/evidence",
            f"GET {MODEL}/decisions", f"GET {MODEL}/deployments", f"GET {MODEL}{VERSION}",
            "GET /datasets", f"GET {DATASET}", f"GET {DATASET}{VERSION}", "GET /deployments",
            "GET /lineage", "GET /policies", "GET /policies/{name}",
            f"GET /policies/{{name}}{VERSION}",
        ),
        Permission.READ,
    ),
    **dict.fromkeys(
        (
            f"GET {API}/decisions/{{decision_id}}", f"GET {API}/decisions/{{decision_id}}/replay",
            f"GET {API}{PROMOTION}", f"GET {API}/promotions",
        ),
        Permission.READ_DECISIONS,
    ),
    **dict.fromkeys(
        (
            f"GET {API}/events", f"GET {API}/events/{{index}}", f"GET {API}/events/{{index}}/proof",
            f"GET {API}/events/{{index}}/redactions", f"GET {API}/consistency",
            "GET /log/checkpoint", "GET /log/checkpoint/witnessed", "GET /log/tile/{path:path}",
            "GET /log/vkeys", "GET /log/trust.json", f"GET {API}/evidence", "GET /ledger",
            "GET /ledger/{index}", "GET /ledger/{index}/proof",
        ),
        Permission.READ_LOG,
    ),
    **dict.fromkeys(
        (
            f"GET {API}/reports", f"GET {API}/reports/{{job_id}}",
            f"GET {API}/reports/{{job_id}}.pdf", f"GET {API}/reports/{{job_id}}.json",
            f"GET {API}/reports/{{job_id}}.bundle.zip", "GET /reports", "GET /reports/{job_id}",
        ),
        Permission.READ_REPORTS,
    ),
    f"POST {API}/events": Permission.RECORD,
    f"POST {API}/events/batch": Permission.RECORD,
    f"POST {API}{MODEL}{VERSION}/predictions": Permission.RECORD_EVIDENCE,
    f"POST {API}{MODEL}{VERSION}/documents": Permission.RECORD_EVIDENCE,
    f"POST {API}{DATASET}{VERSION}/documents": Permission.RECORD_EVIDENCE,
    f"POST {MODEL}{VERSION}/documents": Permission.RECORD_EVIDENCE,
    f"POST {DATASET}{VERSION}/documents": Permission.RECORD_EVIDENCE,
    f"POST {PROMOTION}/findings": Permission.RAISE_FINDING,
    f"POST {PROMOTION}/findings/{{finding_id}}": Permission.RAISE_FINDING,
    f"POST {API}/gates/{{environment}}/evaluations": Permission.CHECK_GATE,
    f"POST {API}/promotions": Permission.REQUEST_PROMOTION,
    f"POST {API}{PROMOTION}/withdraw": Permission.REQUEST_PROMOTION,
    "POST /promotions": Permission.REQUEST_PROMOTION,
    f"POST {PROMOTION}/withdraw": Permission.REQUEST_PROMOTION,
    f"POST {MODEL}{VERSION}/promotions": Permission.REQUEST_PROMOTION,
    f"POST {API}{PROMOTION}/reviews": Permission.REVIEW,
    f"POST {API}{DATASET}{VERSION}/approvals": Permission.REVIEW,
    f"POST {API}/policies": Permission.DRAFT_POLICY,
    f"POST {API}/environments": Permission.DRAFT_POLICY,
    f"POST {API}/policies/{{name}}{VERSION}/publish": Permission.PUBLISH_POLICY,
    f"POST {API}/policies/{{name}}{VERSION}/retire": Permission.PUBLISH_POLICY,
    f"POST {API}/environments/{{digest}}/publish": Permission.PUBLISH_POLICY,
    f"POST {API}/invitations": Permission.MANAGE_PEOPLE,
    f"POST {API}/users/{{user}}/disable": Permission.MANAGE_PEOPLE,
    f"POST {API}/users/{{user}}/roles": Permission.MANAGE_ROLES,
    f"POST {API}/role-grants/{{grant_id}}/confirm": Permission.MANAGE_ROLES,
    f"DELETE {API}/users/{{user}}/roles/{{grant}}": Permission.MANAGE_ROLES,
    f"POST {API}/tokens": Permission.MANAGE_TOKENS,
    f"DELETE {API}/tokens/{{token}}": Permission.MANAGE_TOKENS,
    "POST /account/tokens/{token}/revoke": Permission.MANAGE_TOKENS,
    f"POST {API}/reports": Permission.CREATE_REPORT,
    f"DELETE {API}/reports/{{job_id}}": Permission.CREATE_REPORT,
    "POST /reports": Permission.CREATE_REPORT,
    "POST /reports/{job_id}/cancel": Permission.CREATE_REPORT,
    "GET /ledger/{index}/redactions": Permission.REDACT,
    "POST /ledger/{index}/redactions": Permission.REDACT,
    "POST /ledger/{index}/redactions/{redaction_id}/confirm": Permission.REDACT,
    f"POST {API}/events/{{index}}/redactions": Permission.REDACT,
    f"POST {API}/events/{{index}}/redactions/{{redaction_id}}/confirm": Permission.REDACT,
    f"POST {API}/log/recoveries": Permission.RECOVER,
    f"POST {API}/log/rotations": Permission.RECOVER,
    f"POST {API}/graph/rebuild": Permission.REBUILD,
    f"POST {API}/graph/reconcile": Permission.RECONCILE,
    f"GET {API}/tokens": Permission.READ,
    f"DELETE {API}/sessions/current": Anyone.CALLER,
}  # fmt: skip

IN_PERSON = frozenset(
    f"POST {API}/users/{{user}}/{what}"
    for what in ("disable", "factor-reset", "factor-reset/confirm")
)
"""What takes a person who is signed in, besides the permission; every page does."""


def may(name: str, holds: Callable[[Permission], bool]) -> bool:
    """Tell whether whoever holds these permissions may ask a route."""
    need = NEEDS[name]
    if isinstance(need, Anyone):
        return True
    return any(map(holds, [need] if isinstance(need, Permission) else need))


def in_person(name: str) -> bool:
    """Tell whether no token does this, whatever it is for."""
    path = name.split(" ")[1]
    public = NEEDS[name] is Anyone.EVERYBODY
    return name in IN_PERSON or not (public or path.startswith((f"{API}/", "/log/")))


WHY = {"reason": "it is time"}
FORMS: Mapping[str, dict[str, Any]] = {
    "POST /admin/environments": {"names": "NOT ONES"},
    "POST /admin/environments/{digest}/publish": {**WHY, **SIGNED},
    "POST /admin/people": {"name": "Not A Name", "printed_name": "X", **WHY},
    "POST /admin/roles/grant": {"user": "nobody", "role": "engineer", **WHY},
    "POST /admin/tokens/new": {"name": "ci", "scopes": "nothing", **WHY},
    **dict.fromkeys(
        (
            "POST /admin/people/{user}/disable",
            "POST /admin/people/{user}/reset",
            "POST /admin/people/{user}/sessions",
            "POST /admin/roles/{grant}/revoke",
            "POST /admin/tokens/{token}/revoke",
        ),
        WHY,
    ),
    "POST /promotions": {"subject": "model/credit-risk/1", "environment": "production"},
    f"POST {PROMOTION}/findings": {"text": "odd", "severity": "low", "owner": "nobody"},
    f"POST {PROMOTION}/findings/{{finding_id}}": {"text": "odd"},
    f"POST {MODEL}{VERSION}/promotions": {"environment": "production"},
    "POST /reports": {"type": "model-audit", "scope": "model/none"},
    f"POST {PROMOTION}/sign": {**SIGNED, "written": DIGEST},
}
"""Forms that are complete, so that nothing but the caller is refused."""

NEVER_OWN = frozenset(
    {
        f"POST {PROMOTION}/decide", f"POST {API}{PROMOTION}/reviews",
        f"POST {API}{DATASET}{VERSION}/approvals",
        f"POST {API}/policies/{{name}}{VERSION}/publish",
        f"POST {API}/environments/{{digest}}/publish",
        f"POST {API}/events/{{index}}/redactions/{{redaction_id}}/confirm",
        f"POST {API}/role-grants/{{grant_id}}/confirm",
    }
)  # fmt: skip
"""What nobody does to their own work, whatever they may."""
ONLY_OWN = frozenset({f"POST {PROMOTION}/withdraw", f"POST {API}{PROMOTION}/withdraw"})
"""What nobody does but to their own work."""
OWN_TOO = frozenset({f"DELETE {API}/tokens/{{token}}", "POST /account/tokens/{token}/revoke"})
"""What takes no permission where it is one's own."""
