"""A gate's evaluation, facts gathered and all, and a whole audit report."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any, cast

from app.gates.policy_files import load
from app.resources import Resource, folder
from tests.bench.rows import Row
from tests.living import World, expect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.living import Token

EVALUATIONS = 200
EVIDENCE = 100
DIGEST = "sha256:" + "ab" * 32
ROWS = 1000


def measure(place: Path) -> list[Row]:
    """Put a policy into force and ask about a version with 200 pieces of evidence."""
    (place / "deciding").mkdir()
    with World.open(place / "deciding") as world:
        token = _prepare(world)
        path = "/api/v1/gates/staging/evaluations"
        asked = {"subject": "model/credit/1"}
        expect(200, world.client(token).post(path, json=asked))
        report, pages = _report(world)
        seconds = []
        for turn in range(EVALUATIONS):
            _evaluation(world, token, turn)  # so that every decision is a new one
            began = time.perf_counter()
            expect(200, world.client(token).post(path, json=asked))
            seconds.append(time.perf_counter() - began)
    tail = statistics.quantiles(seconds, n=20)[-1] * 1000
    middle = statistics.median(seconds) * 1000
    return [
        Row(
            "gate evaluation over HTTP, recorded, p95", tail, "ms", "<= 50", tail <= 50,
            f"median {middle:.1f} ms, {EVIDENCE + EVALUATIONS} pieces of evidence at the end",
        ),
        Row(
            "model-audit report, ordered to done", report, "s", "<= 20", report <= 20,
            f"{pages} pages",
        ),
    ]  # fmt: skip


def _prepare(world: World) -> Token:
    engineer = world.person("erin", "engineer")
    author = world.person("paul", "policy_author")
    publisher = world.person("petra", "policy_author")
    world.person("vera", "reviewer", "model-validator")
    token = world.token("event:append", "evidence:write", "gate:check", owner=engineer)
    policies = folder(Resource.POLICIES)
    world.publish(
        cast("dict[str, Any]", load(policies / "staging-default.yaml")),
        cast("list[Any]", load(policies / "staging-default.cases.yaml")),
        author,
        publisher,
    )
    world.record(
        token, "dataset.registered", "dataset/applicants",
        {"owner": "bank", "licence": "CC-BY-4.0", "description": "Applicants for credit"},
    )  # fmt: skip
    world.record(
        token, "dataset.version_registered", "dataset/applicants/1",
        {
            "digest": DIGEST, "uri": "file:applicants.csv", "size": 1, "rows": ROWS,
            "schema": {"columns": [{"name": "sex", "type": "text", "tags": []}]},
            "derived_from": [],
        },
    )  # fmt: skip
    world.record(
        token, "model.registered", "model/credit",
        {"owner": "bank", "purpose": "Decide about credit", "risk_tier": "high"},
    )  # fmt: skip
    world.record(
        token, "model.version_registered", "model/credit/1",
        {
            "artifact": {"digest": DIGEST, "uri": "file:model"}, "framework": "scikit-learn",
            "trained_on": ["dataset/applicants/1"],
        },
    )  # fmt: skip
    for turn in range(EVIDENCE):
        _evaluation(world, token, turn)
    return token


def _evaluation(world: World, token: Token, turn: int) -> None:
    world.tick(1)
    world.record(
        token, "evaluation.recorded", "model/credit/1",
        {
            "model_version": "model/credit/1", "dataset_version": "dataset/applicants/1",
            "model_digest": DIGEST, "dataset_digest": DIGEST, "producer": "bench",
            "metrics": [{"name": "roc_auc", "value": 0.7 + turn / 10_000, "n": ROWS}],
        },
    )  # fmt: skip


def _report(world: World) -> tuple[float, int]:
    client = world.client(world.person("carl", "compliance_officer"))
    began = time.perf_counter()
    order = {"type": "model-audit", "scope": "model/credit"}
    path = client.post("/api/v1/reports", json=order).headers["Location"]
    while (job := expect(200, client.get(path)))["state"] not in ("done", "failed"):
        time.sleep(0.05)
    if job["state"] == "failed":
        raise AssertionError(job)
    return time.perf_counter() - began, int(job["page_count"])
