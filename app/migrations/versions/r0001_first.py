"""The schema as it was first landed. A SQLite file of that time has no version table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterator

revision = "0001"
down_revision = None

INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "bigint": sa.BigInteger(),
    "boolean": sa.Boolean(),
    "bytes": sa.LargeBinary(),
    "index": INDEX,
    "integer": sa.Integer(),
    "string": sa.String(),
    "text": sa.Text(),
}


TABLES = {
    "blobs": """
        sha256! string, size index, content bytes
    """,
    "checkpoints": """
        size! index, note bytes
    """,
    "dataset_approvals": """
        created_index! index, recorded_at string, actor string, actor_kind string, subject
        string, role string, approver string, conditions? text, until? string, revoked_index?
        index, changed_index index
    """,
    "dataset_versions": """
        created_index index, recorded_at string, actor string, actor_kind string, name! string,
        version! string, subject= string, digest string, uri string, size bigint, rows bigint,
        columns text, derived_from string, code? string, documentation? string,
        row_fingerprints? text, labels? string, occurred_at string
    """,
    "datasets": """
        created_index index, recorded_at string, actor string, actor_kind string, name! string,
        owner string, licence string, description text, team? string, team_only boolean, labels?
        string
    """,
    "decisions": """
        created_index index, recorded_at string, actor string, actor_kind string, id! string,
        model_version string, environment string, gate string, promotion? string, decision text,
        facts text, decision_digest string, facts_digest string, policy_digest string,
        decided_at_size index, expires_at string, used_by? string, used_index? index,
        changed_index index
    """,
    "deployment_steps": """
        created_index! index, recorded_at string, actor string, actor_kind string, subject
        string, environment string, name string, kind string, model_version string, decision_id?
        string, target? string, revision? string, gated? boolean, ungated_because? string,
        occurred_at string
    """,
    "deployments": """
        subject! string, environment string, name string, state string, model_version string,
        decision_id? string, target? string, revision? string, gated? boolean, ungated_because?
        string, since string, step_index index, created_index index, changed_index index
    """,
    "documents": """
        created_index! index, recorded_at string, actor string, actor_kind string, subject
        string, kind string, title string, blob string, media_type string, size bigint, fields?
        text, labels? string
    """,
    "entries": """
        idx! index, body bytes, leaf_hash bytes, subject string, type string, actor string,
        recorded_at string
    """,
    "environments": """
        created_index! index, recorded_at string, actor string, actor_kind string, names string,
        digest string, publisher string, drafter? string
    """,
    "evaluations": """
        created_index! index, recorded_at string, actor string, actor_kind string, digest
        string, model_version string, dataset_version string, model_digest string,
        dataset_digest string, role? string, measured_at string, metrics text, producer string,
        labels? string
    """,
    "head": """
        one! integer, origin string, size index, root bytes, leaf_hash bytes, recorded_at string
    """,
    "heads": """
        key! string, idx index
    """,
    "idempotency": """
        key_mac! bytes, body_mac bytes, idx index, made index, resource string, digest bytes
    """,
    "lineage_edges": """
        dst! string, src! string, type! string, role! string, seq_from! bigint, seq_to bigint,
        valid_from string, valid_to string
    """,
    "lineage_nodes": """
        gid! string, seq_from bigint
    """,
    "model_versions": """
        created_index index, recorded_at string, actor string, actor_kind string, name! string,
        version! string, subject= string, digest string, uri string, framework string,
        trained_on string, run? string, base_model? string, signature? text, labels? string,
        occurred_at string
    """,
    "models": """
        created_index index, recorded_at string, actor string, actor_kind string, name! string,
        owner string, purpose text, risk_tier string, team? string, team_only boolean, card?
        string, labels? string
    """,
    "operational": """
        kind! string, key! string, value text, digest bytes
    """,
    "payloads": """
        idx! index, name! string, commitment bytes, salt? bytes, value? bytes
    """,
    "policies": """
        created_index index, recorded_at string, actor string, actor_kind string, name! string,
        version! string, state string, digest string, document text, cases text, cases_result?
        text, drafter string, publisher? string, single_administrator boolean, published_index?
        index, published_at? string, changed_index index
    """,
    "predictions": """
        created_index! index, recorded_at string, actor string, actor_kind string, digest
        string, model_version string, dataset_version string, model_digest string,
        dataset_digest string, role? string, measured_at string, attributes string,
        favourable_outcome string, rows bigint, cells text, counted_by string, label? string,
        positive_label? string, threshold? string, file_digest? string, notes string
    """,
    "projections": """
        name! string, version integer, size index
    """,
    "promotions": """
        created_index index, recorded_at string, actor string, actor_kind string, id! string,
        model_version string, environment string, submitter string, from_environment? string,
        reason? text, state string, decision_id? string, expires_at? string, deployment? string,
        changed_index index
    """,
    "reviews": """
        created_index! index, promotion string, reviewer string, printed_name? string, decision
        string, meaning string, accepts text, roles text, reason? text, subject_digest string,
        evidence_root string, policy_digest string, rendered_view_digest string, auth string,
        signed_at string, dismissed_index? index, dismissed_because? string
    """,
    "role_grants": """
        id! index, user string, role string, approval boolean, team? string, scope? string,
        grantors string, single_administrator boolean, granted_at string, revoked_index? index,
        revoked_at? string
    """,
    "runs": """
        created_index index, recorded_at string, actor string, actor_kind string, subject!
        string, kind string, inputs text, outputs text, code? string, environment? string,
        params? text, human? string, status string, metrics? text, cost? string, started_at
        string, finished_at? string, finished_by? string, changed_index index
    """,
    "tiles": """
        level! integer, number! index, hashes bytes
    """,
    "tokens": """
        id! string, name string, owner string, created_by string, scopes string, last4 string,
        subject_prefix? string, environment? string, team? string, created_index index,
        created_at string, expires_at string, revoked_index? index
    """,
    "users": """
        id! string, name? string, printed_name? string, created_index index, created_at string,
        disabled_index? index, enrolled_at? string
    """,
}
WITHOUT_ROWID = (
    "heads",
    "idempotency",
    "lineage_edges",
    "lineage_nodes",
    "operational",
    "payloads",
)
INDEXES = (
    "ix_dataset_approvals_subject: dataset_approvals (subject)",
    "ix_dataset_versions_created_index: dataset_versions (created_index)",
    "ix_dataset_versions_digest: dataset_versions (digest)",
    "ix_datasets_created_index: datasets (created_index)",
    "ix_decisions_created_index: decisions (created_index)",
    "ix_decisions_decision_digest: decisions (decision_digest)",
    "ix_decisions_model_version: decisions (model_version)",
    "ix_decisions_promotion: decisions (promotion)",
    "deployment_steps_by_time: deployment_steps (subject, occurred_at, created_index)",
    "ix_deployment_steps_model_version: deployment_steps (model_version)",
    "ix_deployments_model_version: deployments (model_version)",
    "ix_documents_blob: documents (blob)",
    "ix_documents_subject: documents (subject)",
    "entries_by_actor: entries (actor, idx)",
    "entries_by_subject: entries (subject, idx)",
    "entries_by_type: entries (type, idx)",
    "ix_evaluations_dataset_version: evaluations (dataset_version)",
    "ix_evaluations_digest: evaluations (digest)",
    "ix_evaluations_model_version: evaluations (model_version)",
    "lineage_edges_by_src: lineage_edges (src, dst, type, role, seq_from)",
    "ix_model_versions_created_index: model_versions (created_index)",
    "ix_model_versions_digest: model_versions (digest)",
    "ix_models_created_index: models (created_index)",
    "ix_policies_created_index: policies (created_index)",
    "ix_policies_state: policies (state)",
    "ix_predictions_dataset_version: predictions (dataset_version)",
    "ix_predictions_digest: predictions (digest)",
    "ix_predictions_model_version: predictions (model_version)",
    "ix_promotions_created_index: promotions (created_index)",
    "ix_promotions_deployment: promotions (deployment)",
    "ix_promotions_model_version: promotions (model_version)",
    "ix_reviews_promotion: reviews (promotion)",
    "ix_role_grants_role: role_grants (role)",
    "ix_role_grants_user: role_grants (user)",
    "ix_runs_created_index: runs (created_index)",
    "ix_users_name: users (name)",
)


def upgrade() -> None:
    """Make every table of that time, its indexes, and on SQLite its triggers."""
    for table, columns in TABLES.items():
        op.create_table(table, *_columns(columns), sqlite_with_rowid=table not in WITHOUT_ROWID)
    for index in INDEXES:
        name, table, columns = index.replace(")", "").replace(" (", ": ").split(": ")
        op.create_index(name, table, columns.split(", "))


def _columns(written: str) -> Iterator[sa.schema.SchemaItem]:
    """Read ``name type, …``. ``!``: of the primary key; ``?``: may be NULL; ``=``: unique."""
    for one in " ".join(written.split()).split(", "):
        marked, type_ = one.split()
        name = marked.rstrip("!?=")
        yield sa.Column(
            name,
            TYPES[type_],
            primary_key="!" in marked,
            nullable="?" in marked,
            autoincrement=False,
        )
        if "=" in marked:
            yield sa.UniqueConstraint(name)
