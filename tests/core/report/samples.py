"""Facts to compose reports from: a full story, an almost empty one, a hostile one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from app.core.report.decision import parse_decision
from app.core.report.facts import (
    ApprovalFacts,
    BiasTable,
    ColumnFacts,
    DatasetFacts,
    DecisionFacts,
    DeploymentFacts,
    DeploymentKind,
    DocumentFacts,
    EvaluationFacts,
    GroupFacts,
    MetricFacts,
    ModelFacts,
    PromotionFacts,
    ReportFacts,
    ReviewFacts,
    RunFacts,
    VersionFacts,
)
from app.core.report.logged import LoggedEntry, LogPosition, Proof
from app.core.report.paths import LineageFacts, PathNode, SourceFacts

if TYPE_CHECKING:
    from app.core.jsonvalue import Json

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
VKEY = "127.0.0.1:8999/gov+48590bcb+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
MODEL, V1, V2 = "model/credit-risk", "model/credit-risk/1", "model/credit-risk/2"
DATA = "dataset/german-credit/2024-03"


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def digest(name: str) -> str:
    return "sha256:" + sha256(name.encode()).hexdigest()


def entry(index: int, type_: str, subject: str, late: timedelta = timedelta()) -> LoggedEntry:
    recorded = START + timedelta(hours=index)
    line = json.dumps({"index": index, "subject": subject, "type": type_}, separators=(",", ":"))
    return LoggedEntry(
        index=index,
        type=type_,
        subject=subject,
        occurred_at=recorded - late,
        recorded_at=recorded,
        actor=f"workload:training/{index % 3}",
        leaf_hash=sha256(b"\0" + line.encode()).hexdigest(),
        line=line,
    )


def entries(count: int) -> tuple[LoggedEntry, ...]:
    kinds = ("dataset.version_registered.v1", "run.finished.v1", "predictions.recorded.v1")
    made = [entry(i, kinds[i % 3], V1 if i % 2 else DATA) for i in range(count)]
    if count > 3:
        made[3] = entry(3, "evaluation.recorded.v1", V1, timedelta(days=40))
    return tuple(made)


def group(sex: str | None, n: int, selected: int, best: tuple[int, int]) -> GroupFacts:
    eligible = sex is not None and n >= 30
    impact = (selected * best[1], n * best[0]) if sex is not None else None
    return GroupFacts(
        group=(("sex", sex),),
        n=n,
        selected=selected,
        impact=impact,
        low="0.512000000" if impact and impact[1] and sex != "male" else None,
        high="1.043000000" if impact and impact[1] and sex != "male" else None,
        eligible=eligible,
        reference=sex == "male",
    )


def bias(index: int, version: str = V1) -> BiasTable:
    best = (667, 1390)
    return BiasTable(
        model_version=version,
        dataset_version=DATA,
        attributes=("sex",),
        favourable_outcome="credit granted",
        groups=(
            group("male", 1390, 667, best),
            group("female", 1181, 555, best),
            group("diverse", 0, 0, best),
            group(None, 12, 3, best),
        ),
        unknown=12,
        notes=("A group with nobody in it has no rate.",),
        method="Miettinen-Nurminen score, level 0.95",
        measured_at=hour(index),
        index=index,
    )


def rule(name: str, outcome: str, **more: Json) -> dict[str, Json]:
    return {"id": f"production-default/{name}", "outcome": outcome, "message": "As asked."} | more


MISSING: Json = {
    "rule": "production-default/rev.required",
    "role": "compliance",
    "meaning": "approval",
    "count": 1,
}


def decided(index: int, gate: str, rules: list[Json], subject: str = V2) -> DecisionFacts:
    document: Json = {
        "decision_id": f"decision-{index:04}",
        "gate": gate,
        "subject": {"name": subject.split("/")[1], "version": subject.split("/")[2]},
        "as_of": "2026-11-02T15:00:00.000000Z",
        "expires_at": "2026-11-09T15:00:00.000000Z",
        "policies": [
            {
                "name": "production-default",
                "version": "1.0.0",
                "digest": digest("policy"),
                "mode": "enforce",
                "gate": gate,
            }
        ],
        "policy_digest": digest("policies"),
        "decision_digest": digest(f"decision {index}"),
        "rules": rules,
        "missing": [MISSING] if gate == "DENY" else [],
    }
    return DecisionFacts(
        decision=parse_decision(document, {digest(f"evidence {i}"): i for i in range(24)}),
        environment="production",
        promotion="promotion/7" if gate != "DENY" else None,
        recorded_at=hour(index),
        document=json.dumps(document, separators=(",", ":")),
        index=index,
    )


def review(index: int, name: str, meaning: str) -> ReviewFacts:
    return ReviewFacts(
        promotion="promotion/7",
        printed_name=name,
        verdict="approve",
        meaning=meaning,
        reason="The straddling rule was looked at; the group is small and the effect is known.",
        roles=("model-validator",),
        methods=("password", "totp"),
        accepts=("production-default/fair.selection",),
        signed_at=hour(index),
        statement_digest=digest(name),
        single_administrator=False,
        index=index,
    )


def deployed(index: int, kind: DeploymentKind, version: str, *, gated: bool) -> DeploymentFacts:
    return DeploymentFacts(
        subject="deployment/production/scoring",
        environment="production",
        model_version=version,
        kind=kind,
        occurred_at=hour(index),
        recorded_at=hour(index),
        decision_id="decision-0007" if gated else None,
        gated=gated,
        ungated_because=None if gated else "no decision was named",
        index=index,
    )


def version(subject: str, index: int, run: str | None) -> VersionFacts:
    return VersionFacts(
        subject=subject,
        digest=digest(subject),
        uri=f"file:///models/{subject}.joblib",
        framework="scikit-learn 1.9.1",
        trained_on=(DATA,),
        run=run,
        base_model=None,
        index=index,
    )


def log(size: int) -> LogPosition:
    root = sha256(f"root {size}".encode()).hexdigest()
    text = f"127.0.0.1:8999/gov\n{size}\n{root}\n\n— 127.0.0.1:8999/gov c2lnbmF0dXJl\n"
    return LogPosition("127.0.0.1:8999/gov", size, size, root, text, VKEY)


def empty() -> ReportFacts:
    """A model is registered, and nothing else."""
    return ReportFacts(
        document_id="report/01a",
        scope=MODEL,
        as_of=hour(0),
        generator="muniment 0.1.0",
        log=log(1),
        entries=(entry(0, "model.registered.v1", MODEL),),
        proofs=(),
        model=ModelFacts(MODEL, "credit team", "Rank applicants", "high", None, None, 0),
        versions=(),
        runs=(),
        datasets=(),
        evaluations=(),
        bias=(),
        promotions=(),
        decisions=(),
        reviews=(),
        deployments=(),
        documents=(),
        lineage=LineageFacts((), (), "complete"),
    )


def dataset() -> DatasetFacts:
    approval = ApprovalFacts("data-steward", "Ada Byron", hour(1), "credit only", None, 1, None)
    return DatasetFacts(
        subject=DATA,
        owner="data office",
        licence="DbCL-1.0",
        description="1,000 applicants for credit, with what became of it",
        digest=digest(DATA),
        uri="file:///data/german.csv",
        size=123456,
        rows=1000,
        columns=(
            ColumnFacts("age", "int", ("pii",)),
            ColumnFacts("sex", "str", ("pii", "protected")),
            ColumnFacts("amount", "float", ()),
        ),
        derived_from=("dataset/german-credit/raw",),
        approvals=(
            approval,
            replace(approval, index=2, until=hour(5)),
            replace(approval, index=4, until=hour(5000)),
            replace(approval, index=5, revoked=6),
        ),
        index=0,
    )


def path() -> tuple[PathNode, ...]:
    return (
        PathNode("deployment", "deployment/production/scoring", "used", 11),
        PathNode("model version", V2, "was_generated_by", 7),
        PathNode("run", "run/train-2", "used", None),
        PathNode("dataset version", DATA, "", 0),
    )


def full() -> ReportFacts:
    """Two versions, a refusal, an approval, a deployment, and every kind of exception."""
    fair = rule(
        "fair.selection",
        "PASS_BY_REVIEW",
        raw_outcome="INCONCLUSIVE",
        actual="0.979384000",
        op=">=",
        threshold="0.8",
        group="sex=female",
        n=1181,
        ci={"low": "0.904", "high": "1.061"},
        evidence=[digest("evidence 9"), digest("elsewhere")],
        message="The interval straddles the threshold; a validator decided.",
    )
    auc = rule(
        "acc.auc",
        "PASS",
        actual="0.7812",
        op=">=",
        threshold="0.78",
        evidence=[digest("evidence 3")],
        n=1000,
    )
    seen = rule("rev.required", "PASS", actual=2, op=">=", threshold=2)
    denied = rule(
        "fair.selection",
        "FAIL",
        actual="0.59",
        op=">=",
        threshold="0.8",
        evidence=[digest("evidence 5")],
    )
    denied["remedy"] = "train without the columns age and sex, then upload predictions again"
    lin = rule("lin.approved", "INCOMPLETE", actual=None)
    run = RunFacts(
        subject="run/train-2",
        kind="train",
        started_at=hour(6),
        finished_at=hour(7),
        status="succeeded",
        code="https://git.example/credit at 3c1f00d",
        environment=(("python", "3.11.2"), ("seed", "20260901")),
        parameters=(("learning_rate", "0.05"), ("max_depth", "3")),
        index=6,
        finish=7,
    )
    return replace(
        empty(),
        as_of=hour(23 * 24),
        log=log(24),
        entries=entries(24),
        proofs=tuple(Proof(i, f"c2sp.org/tlog-proof@v1\nindex {i}\n") for i in (5, 9)),
        versions=(version(V1, 1, None), version(V2, 7, "run/train-2")),
        runs=(run, replace(run, subject="run/other", finished_at=None, status=None, code=None)),
        datasets=(dataset(), replace(dataset(), subject="dataset/other/1", approvals=())),
        evaluations=(
            EvaluationFacts(
                model_version=V1,
                dataset_version=DATA,
                role="eval_set",
                producer="evaluation pipeline",
                measured_at=hour(3),
                metrics=(
                    MetricFacts("roc_auc", "0.78125", 1000, "0.75", "0.81", None),
                    MetricFacts("roc_auc", "0.7", 190, "0.61", None, "age<=25"),
                    MetricFacts("brier", "1.5e-1", None, None, None, None),
                ),
                index=3,
            ),
            EvaluationFacts(V2, DATA, None, "evaluation pipeline", hour(8), (), 8),
        ),
        bias=(bias(5), bias(9), bias(8, V2)),
        promotions=(
            PromotionFacts("promotion/7", V2, "production", "live", "Lin Chen", hour(9), 9),
        ),
        decisions=(
            decided(5, "DENY", [denied, lin], V1),
            decided(6, "DENY", [denied], V1),
            decided(7, "ALLOW", [auc, fair, seen]),
        ),
        reviews=(
            review(8, "Grace Hopper", "review"),
            replace(
                review(10, "Mary Somerville", "approval"), single_administrator=True, accepts=()
            ),
            replace(review(9, "Emmy Noether", "review"), dismissed=10, dismissed_because="moved"),
        ),
        deployments=(
            deployed(10, DeploymentKind.STARTED, V2, gated=True),
            deployed(11, DeploymentKind.SUCCEEDED, V2, gated=True),
            replace(
                deployed(12, DeploymentKind.SUCCEEDED, V1, gated=False),
                subject="deployment/production/shadow",
                occurred_at=hour(-90),
            ),
        ),
        documents=(
            DocumentFacts(V2, "card", "Model card", digest("card"), 4321, "text/markdown", 8),
        ),
        lineage=LineageFacts(
            paths=(path(),),
            sources=(SourceFacts("dataset version", DATA, 2, 0),),
            status="truncated",
        ),
    )


HOSTILE = (
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "\u202eesrever\u202c \u05e9\u05dc\u05d5\u05dd \u0633\u0644\u0627\u0645",
    "\U0001f600 \u4e2d\u6587 \x00\x07 tab\tline\nend",
    "<img src='http://127.0.0.1:9/x.png'> <link rel=attachment href=file:///etc/passwd>",
    "W" * 10_000,
    "long word " * 1_000,
)


def hostile() -> ReportFacts:
    """The full story with names that would break a page that trusted them."""
    facts = full()
    script, braces, turned, faces, image, wide, words = HOSTILE
    return replace(
        facts,
        model=replace(facts.model, owner=script, purpose=words, team=turned, card=image),
        datasets=(replace(dataset(), description=words, owner=braces, licence=faces),),
        documents=(replace(facts.documents[0], title=wide, kind=script),),
        reviews=(replace(facts.reviews[0], printed_name=turned, reason=image),),
        bias=(replace(bias(9), groups=(group(wide, 50, 20, (1, 2)), group(faces, 40, 9, (1, 2)))),),
        lineage=LineageFacts(
            ((PathNode("run", wide[:300], "used", None), PathNode(script, turned, "", None)),),
            (),
            "complete",
        ),
    )
