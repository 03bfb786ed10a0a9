"""Every route of the application with one request that it takes; bad requests are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import Mount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fastapi import FastAPI

DIGEST = "sha256:" + "a" * 64
SIGNED = {"password": "correct horse battery", "totp": "000000"}
BIND = {
    "subject_digest": DIGEST,
    "evidence_root": DIGEST,
    "policy_digest": DIGEST,
    "rendered_view_digest": DIGEST,
}
EVENT = {
    "type": "dataset.registered",
    "subject": "dataset/credit",
    "data": {"owner": "data-team", "licence": "CC0-1.0", "description": "applicants"},
}
CELLS = {
    "dataset": "dataset/credit/1",
    "attributes": ["sex"],
    "favourable_outcome": "1",
    "cells": [{"group": {"sex": "F"}, "n": 10, "selected": 4}],
}
REVIEW = {"decision": "approve", "meaning": "review", "reason": "sound", "bind": BIND, **SIGNED}


@dataclass(frozen=True)
class Row:
    """One route. ``path``: with its parameters filled in. ``json``: the body it takes.

    ``form``: it takes a form. ``public``: it asks for no credentials. ``page``: for a browser.
    """

    path: str
    json: Any = None
    form: bool = False
    public: bool = False
    page: bool = False


API = "/api/v1"
VERSION = "credit-risk/versions/1"
ROWS: Mapping[str, Row] = {
    f"GET {API}/openapi.json": Row(f"{API}/openapi.json", public=True),
    "GET /": Row("/", public=True, page=True),
    "GET /help": Row("/help", public=True, page=True),
    "GET /sign-in": Row("/sign-in", public=True, page=True),
    "POST /sign-in": Row("/sign-in", form=True, public=True, page=True),
    "POST /sign-out": Row("/sign-out", form=True, page=True),
    "GET /inbox": Row("/inbox", page=True),
    "GET /promotions": Row("/promotions", page=True),
    "POST /promotions": Row("/promotions", form=True, page=True),
    "GET /promotions/{promotion_id}": Row("/promotions/none", page=True),
    "POST /promotions/{promotion_id}/withdraw": Row(
        "/promotions/none/withdraw", form=True, page=True
    ),
    "POST /promotions/{promotion_id}/decide": Row("/promotions/none/decide", form=True, page=True),
    "GET /promotions/{promotion_id}/sign": Row("/promotions/none/sign", page=True),
    "POST /promotions/{promotion_id}/sign": Row("/promotions/none/sign", form=True, page=True),
    "POST /promotions/{promotion_id}/forget": Row("/promotions/none/forget", form=True, page=True),
    "GET /promotions/{promotion_id}/reviews/{index}": Row("/promotions/none/reviews/1", page=True),
    "GET /promotions/{promotion_id}/reviews/{index}/proof": Row("/promotions/none/reviews/1/proof"),
    "GET /promotions/{promotion_id}/reviews/{index}/statement": Row(
        "/promotions/none/reviews/1/statement"
    ),
    "GET /promotions/{promotion_id}/reviews/{index}/bundle": Row(
        "/promotions/none/reviews/1/bundle"
    ),
    "POST /promotions/{promotion_id}/findings": Row(
        "/promotions/none/findings", form=True, page=True
    ),
    "POST /promotions/{promotion_id}/findings/{finding_id}": Row(
        "/promotions/none/findings/none", form=True, page=True
    ),
    "GET /promotions/{promotion_id}/view": Row("/promotions/none/view"),
    "GET /start": Row("/start", page=True),
    "GET /search": Row("/search?q=credit", page=True),
    "GET /account": Row("/account", page=True),
    "POST /account/sessions/{session}/end": Row("/account/sessions/none/end", form=True, page=True),
    "POST /account/tokens/{token}/revoke": Row("/account/tokens/none/revoke", form=True, page=True),
    "POST /account/password": Row("/account/password", form=True, page=True),
    "POST /account/authenticator": Row("/account/authenticator", form=True, page=True),
    "POST /account/authenticator/confirm": Row(
        "/account/authenticator/confirm", form=True, page=True
    ),
    "GET /admin": Row("/admin", page=True),
    "GET /admin/people": Row("/admin/people", page=True),
    "POST /admin/people": Row("/admin/people", form=True, page=True),
    "GET /admin/people/{user}": Row("/admin/people/none", page=True),
    "GET /admin/people/{user}/disable": Row("/admin/people/none/disable", page=True),
    "POST /admin/people/{user}/disable": Row("/admin/people/none/disable", form=True, page=True),
    "GET /admin/people/{user}/sessions": Row("/admin/people/none/sessions", page=True),
    "POST /admin/people/{user}/sessions": Row("/admin/people/none/sessions", form=True, page=True),
    "GET /admin/people/{user}/reset": Row("/admin/people/none/reset", page=True),
    "POST /admin/people/{user}/reset": Row("/admin/people/none/reset", form=True, page=True),
    "POST /admin/people/{user}/reset/confirm": Row(
        "/admin/people/none/reset/confirm", form=True, page=True
    ),
    "GET /admin/roles": Row("/admin/roles", page=True),
    "GET /admin/roles/grant": Row("/admin/roles/grant", page=True),
    "POST /admin/roles/grant": Row("/admin/roles/grant", form=True, page=True),
    "GET /admin/roles/waiting/{id_}": Row("/admin/roles/waiting/none", page=True),
    "POST /admin/roles/waiting/{id_}": Row("/admin/roles/waiting/none", form=True, page=True),
    "GET /admin/roles/{grant}/revoke": Row("/admin/roles/1/revoke", page=True),
    "POST /admin/roles/{grant}/revoke": Row("/admin/roles/1/revoke", form=True, page=True),
    "GET /admin/tokens": Row("/admin/tokens", page=True),
    "GET /admin/tokens/new": Row("/admin/tokens/new", page=True),
    "POST /admin/tokens/new": Row("/admin/tokens/new", form=True, page=True),
    "GET /admin/tokens/{token}/revoke": Row("/admin/tokens/none/revoke", page=True),
    "POST /admin/tokens/{token}/revoke": Row("/admin/tokens/none/revoke", form=True, page=True),
    "GET /admin/sessions": Row("/admin/sessions", page=True),
    "GET /admin/trail": Row("/admin/trail", page=True),
    "GET /admin/environments": Row("/admin/environments", page=True),
    "POST /admin/environments": Row("/admin/environments", form=True, page=True),
    "POST /admin/environments/{digest}/publish": Row(
        "/admin/environments/none/publish", form=True, page=True
    ),
    "GET /admin/notices": Row("/admin/notices", page=True),
    "POST /admin/notices/test": Row("/admin/notices/test", form=True, page=True),
    "POST /admin/notices/{id_}/again": Row("/admin/notices/none/again", form=True, page=True),
    "GET /healthz": Row("/healthz", public=True),
    "GET /readyz": Row("/readyz", public=True),
    "GET /problems/{slug}": Row("/problems/missing", public=True, page=True),
    "GET /static/{file}": Row("/static/none.css", public=True),
    f"POST {API}/events": Row(f"{API}/events", EVENT),
    f"POST {API}/events/batch": Row(f"{API}/events/batch", [EVENT]),
    f"GET {API}/events": Row(f"{API}/events"),
    f"GET {API}/events/{{index}}": Row(f"{API}/events/0"),
    f"GET {API}/events/{{index}}/proof": Row(f"{API}/events/0/proof"),
    f"GET {API}/events/{{index}}/redactions": Row(f"{API}/events/0/redactions"),
    f"POST {API}/events/{{index}}/redactions": Row(
        f"{API}/events/0/redactions",
        {"members": ["reason"], "reason": "asked for", "legal_basis": "GDPR Art. 17"},
    ),
    f"POST {API}/events/{{index}}/redactions/{{redaction_id}}/confirm": Row(
        f"{API}/events/0/redactions/none/confirm"
    ),
    f"GET {API}/consistency": Row(f"{API}/consistency?from=0&to=1"),
    f"GET {API}/schemas": Row(f"{API}/schemas"),
    f"GET {API}/schemas/{{wire}}": Row(f"{API}/schemas/dataset.registered.v1"),
    f"POST {API}/log/recoveries": Row(f"{API}/log/recoveries", {"because": "accept-clock"}),
    "GET /log/checkpoint": Row("/log/checkpoint"),
    "GET /log/checkpoint/witnessed": Row("/log/checkpoint/witnessed"),
    "GET /log/tile/{path:path}": Row("/log/tile/0/000.p/1"),
    "GET /log/vkeys": Row("/log/vkeys"),
    "GET /log/trust.json": Row("/log/trust.json"),
    f"GET {API}/evidence": Row(f"{API}/evidence?subject=log"),
    f"POST {API}/log/rotations": Row(f"{API}/log/rotations", {"step": "finish"}),
    f"POST {API}/invitations": Row(f"{API}/invitations", {"name": "zoe", "printed_name": "Zoe"}),
    f"POST {API}/invitations/{{secret}}/accept": Row(
        f"{API}/invitations/mu_none/accept", {"password": "correct horse battery"}, public=True
    ),
    f"POST {API}/invitations/{{secret}}/confirm": Row(
        f"{API}/invitations/mu_none/confirm", {"totp": "000000"}, public=True
    ),
    f"POST {API}/sessions": Row(
        f"{API}/sessions", {"name": "nobody", "password": "wrong password"}, public=True
    ),
    f"DELETE {API}/sessions/current": Row(f"{API}/sessions/current"),
    f"GET {API}/me": Row(f"{API}/me"),
    f"GET {API}/users": Row(f"{API}/users"),
    f"POST {API}/users/{{user}}/disable": Row(f"{API}/users/nobody/disable"),
    f"POST {API}/users/{{user}}/roles": Row(f"{API}/users/nobody/roles", {"role": "engineer"}),
    f"POST {API}/role-grants/{{grant_id}}/confirm": Row(f"{API}/role-grants/none/confirm"),
    f"DELETE {API}/users/{{user}}/roles/{{grant}}": Row(f"{API}/users/nobody/roles/1"),
    f"GET {API}/users/{{user}}/roles/check": Row(f"{API}/users/nobody/roles/check?role=engineer"),
    f"GET {API}/role-grants": Row(f"{API}/role-grants"),
    f"POST {API}/users/{{user}}/factor-reset": Row(
        f"{API}/users/nobody/factor-reset", {"reason": "lost"}
    ),
    f"POST {API}/users/{{user}}/factor-reset/confirm": Row(
        f"{API}/users/nobody/factor-reset/confirm"
    ),
    f"POST {API}/tokens": Row(f"{API}/tokens", {"name": "ci", "scopes": ["read"]}),
    f"GET {API}/tokens": Row(f"{API}/tokens"),
    f"DELETE {API}/tokens/{{token}}": Row(f"{API}/tokens/none"),
    "GET /setup/{secret}": Row("/setup/none", public=True, page=True),
    "POST /setup/{secret}": Row("/setup/none", form=True, public=True, page=True),
    "POST /setup/{secret}/confirm": Row("/setup/none/confirm", form=True, public=True, page=True),
    "GET /invitations/{secret}": Row("/invitations/none", public=True, page=True),
    "POST /invitations/{secret}": Row("/invitations/none", form=True, public=True, page=True),
    "POST /invitations/{secret}/confirm": Row(
        "/invitations/none/confirm", form=True, public=True, page=True
    ),
    f"POST {API}/gates/{{environment}}/evaluations": Row(
        f"{API}/gates/production/evaluations", {"subject": "model/credit-risk/1"}
    ),
    f"POST {API}/promotions": Row(
        f"{API}/promotions", {"subject": "model/credit-risk/1", "environment": "production"}
    ),
    f"POST {API}/promotions/{{promotion_id}}/withdraw": Row(
        f"{API}/promotions/none/withdraw", {"reason": "not needed"}
    ),
    f"GET {API}/decisions/{{decision_id}}": Row(f"{API}/decisions/none"),
    f"GET {API}/decisions/{{decision_id}}/replay": Row(f"{API}/decisions/none/replay"),
    f"POST {API}/models/{{name}}/versions/{{version}}/predictions": Row(
        f"{API}/models/{VERSION}/predictions", CELLS, form=True
    ),
    f"POST {API}/policies": Row(f"{API}/policies", {"document": {"kind": "Policy"}, "cases": []}),
    f"GET {API}/policies/{{name}}/versions/{{version}}": Row(f"{API}/policies/{VERSION}"),
    f"POST {API}/policies/{{name}}/versions/{{version}}/publish": Row(
        f"{API}/policies/{VERSION}/publish", {"digest": DIGEST, "reason": "agreed", **SIGNED}
    ),
    f"POST {API}/policies/{{name}}/versions/{{version}}/retire": Row(
        f"{API}/policies/{VERSION}/retire", {"reason": "old", **SIGNED}
    ),
    f"GET {API}/environments": Row(f"{API}/environments"),
    f"POST {API}/environments": Row(f"{API}/environments", {"environments": ["one", "two"]}),
    f"POST {API}/environments/{{digest}}/publish": Row(
        f"{API}/environments/{DIGEST}/publish", {"reason": "agreed", **SIGNED}
    ),
    f"POST {API}/datasets/{{name}}/versions/{{version}}/approvals": Row(
        f"{API}/datasets/{VERSION}/approvals", {"role": "data-steward", **SIGNED}
    ),
    f"GET {API}/promotions/{{promotion_id}}": Row(f"{API}/promotions/none"),
    f"GET {API}/promotions/{{promotion_id}}/view": Row(f"{API}/promotions/none/view"),
    f"POST {API}/promotions/{{promotion_id}}/reviews": Row(
        f"{API}/promotions/none/reviews", REVIEW
    ),
    f"GET {API}/reviews/inbox": Row(f"{API}/reviews/inbox"),
    f"GET {API}/datasets": Row(f"{API}/datasets"),
    f"GET {API}/datasets/{{name}}": Row(f"{API}/datasets/none"),
    f"GET {API}/datasets/{{name}}/versions": Row(f"{API}/datasets/none/versions"),
    f"GET {API}/datasets/{{name}}/versions/{{version}}": Row(f"{API}/datasets/none/versions/1"),
    f"GET {API}/models": Row(f"{API}/models"),
    f"GET {API}/models/{{name}}": Row(f"{API}/models/none"),
    f"GET {API}/models/{{name}}/versions": Row(f"{API}/models/none/versions"),
    f"GET {API}/models/{{name}}/versions/{{version}}": Row(f"{API}/models/none/versions/1"),
    f"GET {API}/deployments": Row(f"{API}/deployments"),
    f"GET {API}/promotions": Row(f"{API}/promotions"),
    f"GET {API}/policies": Row(f"{API}/policies"),
    f"GET {API}/findings": Row(f"{API}/findings"),
    f"GET {API}/search": Row(f"{API}/search?q=credit"),
    f"POST {API}/datasets/{{name}}/versions/{{version}}/documents": Row(
        f"{API}/datasets/{VERSION}/documents", form=True
    ),
    f"POST {API}/models/{{name}}/versions/{{version}}/documents": Row(
        f"{API}/models/{VERSION}/documents", form=True
    ),
    f"GET {API}/blobs/{{sha256}}": Row(f"{API}/blobs/{'a' * 64}"),
    f"GET {API}/graph/closure": Row(f"{API}/graph/closure?node=dataset/credit&direction=upstream"),
    f"GET {API}/graph/impact": Row(f"{API}/graph/impact?node=dataset/credit"),
    f"GET {API}/graph/why": Row(f"{API}/graph/why?from=dataset/credit&to=model/x"),
    f"GET {API}/graph/drawing.svg": Row(
        f"{API}/graph/drawing.svg?node=dataset/credit&direction=upstream"
    ),
    f"GET {API}/graph/status": Row(f"{API}/graph/status"),
    f"POST {API}/graph/rebuild": Row(f"{API}/graph/rebuild"),
    f"POST {API}/graph/reconcile": Row(f"{API}/graph/reconcile"),
    f"GET {API}/graph/jobs/{{job_id}}": Row(f"{API}/graph/jobs/none"),
    f"GET {API}/reports/{{job_id}}.pdf": Row(f"{API}/reports/none.pdf"),
    f"GET {API}/reports/{{job_id}}.json": Row(f"{API}/reports/none.json"),
    f"GET {API}/reports/{{job_id}}.bundle.zip": Row(f"{API}/reports/none.bundle.zip"),
    f"POST {API}/reports": Row(
        f"{API}/reports", {"type": "model-audit", "scope": "model/credit-risk"}
    ),
    f"GET {API}/reports/{{job_id}}": Row(f"{API}/reports/none"),
    f"DELETE {API}/reports/{{job_id}}": Row(f"{API}/reports/none"),
    f"GET {API}/reports": Row(f"{API}/reports"),
    "GET /models": Row("/models", page=True),
    "GET /models/{name}": Row("/models/none", page=True),
    "GET /models/{name}/versions": Row("/models/none/versions", page=True),
    "GET /models/{name}/compare": Row("/models/none/compare?left=1&right=2", page=True),
    "GET /models/{name}/evidence": Row("/models/none/evidence", page=True),
    "GET /models/{name}/decisions": Row("/models/none/decisions", page=True),
    "GET /models/{name}/deployments": Row("/models/none/deployments", page=True),
    "GET /models/{name}/versions/{version}": Row("/models/none/versions/1", page=True),
    "POST /models/{name}/versions/{version}/promotions": Row(
        "/models/none/versions/1/promotions", form=True, page=True
    ),
    "POST /models/{name}/versions/{version}/documents": Row(
        "/models/none/versions/1/documents", form=True, page=True
    ),
    "GET /datasets": Row("/datasets", page=True),
    "GET /datasets/{name}": Row("/datasets/none", page=True),
    "GET /datasets/{name}/versions/{version}": Row("/datasets/none/versions/1", page=True),
    "POST /datasets/{name}/versions/{version}/documents": Row(
        "/datasets/none/versions/1/documents", form=True, page=True
    ),
    "GET /deployments": Row("/deployments", page=True),
    "GET /ledger": Row("/ledger", page=True),
    "GET /ledger/integrity": Row("/ledger/integrity", page=True),
    "POST /ledger/integrity/verify": Row("/ledger/integrity/verify", form=True, page=True),
    "GET /help/runbooks/{name}": Row("/help/runbooks/none", page=True),
    "GET /ledger/{index}": Row("/ledger/0", page=True),
    "GET /ledger/{index}/redactions": Row("/ledger/0/redactions", page=True),
    "POST /ledger/{index}/redactions": Row("/ledger/0/redactions", form=True, page=True),
    "POST /ledger/{index}/redactions/{redaction_id}/confirm": Row(
        "/ledger/0/redactions/none/confirm", form=True, page=True
    ),
    "GET /ledger/{index}/proof": Row("/ledger/0/proof"),
    "GET /lineage": Row("/lineage", page=True),
    "GET /reports": Row("/reports", page=True),
    "POST /reports": Row("/reports", form=True, page=True),
    "GET /reports/{job_id}": Row("/reports/none", page=True),
    "POST /reports/{job_id}/cancel": Row("/reports/none/cancel", form=True, page=True),
    "GET /policies": Row("/policies", page=True),
    "GET /policies/{name}": Row("/policies/none", page=True),
    "GET /policies/{name}/versions/{version}": Row("/policies/none/versions/1", page=True),
}


def served(app: FastAPI) -> set[str]:
    """Name every route of an app: method and path as it was declared."""
    return set(_named(app.router, ""))


def _named(router: Any, prefix: str) -> Iterator[str]:  # noqa: ANN401 - FastAPI's own
    for route in router.routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _named(included, prefix + route.include_context.prefix)
            continue
        if isinstance(route, Mount):  # a folder of files
            yield f"GET {route.path}/{{file}}"
            continue
        for method in route.methods - {"HEAD"}:
            yield f"{method} {prefix}{route.path}"
