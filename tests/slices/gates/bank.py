"""A bank that scores applicants: its data, its models, its policy, and who signs for what.

``Bank`` asks a ``World`` over HTTP, as pipelines and people do. Erin trains and asks for
promotions; paul drafts policies and petra publishes them; dora approves data; vera reviews
as a model validator and carl approves for compliance.
"""

from __future__ import annotations

import atexit
import copy
import hashlib
import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.catalog import queries
from app.gates.policy_files import load
from tests.living import World, expect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import httpx

    from tests.living import Person, Token

POLICIES = Path(__file__).parents[3] / "policies"
ATTRIBUTES = ("sex", "age_group")
GROUPS = tuple((sex, age) for sex in ("F", "M") for age in ("to-25", "over-25"))
DATA = "dataset/applicants/1"
FAIR = (500, 500, 500, 500)
UNFAIR = (300, 300, 500, 500)
STRADDLING = (420, 420, 500, 500)
"""Of 1,000 applicants in each of the four groups, so many are accepted."""


def digest(of: str) -> str:
    return f"sha256:{hashlib.sha256(of.encode()).hexdigest()}"


def cells(selected: Sequence[int] = FAIR) -> list[dict[str, Any]]:
    """Count 1,000 applicants in each group, half of whom will repay; the best are accepted."""
    return [
        {
            "group": {"sex": sex, "age_group": age},
            "tp": min(one, 400),
            "fp": one - min(one, 400),
            "fn": 500 - min(one, 400),
            "tn": 500 - (one - min(one, 400)),
        }
        for (sex, age), one in zip(GROUPS, selected, strict=True)
    ]


def rows(selected: Sequence[int] = FAIR) -> str:
    """Write the applicants that ``cells`` counts as a CSV file."""
    lines = ["sex,age_group,repaid,predicted"]
    for one in cells(selected):
        who = f"{one['group']['sex']},{one['group']['age_group']}"
        for name, truth, predicted in (("tp", 1, 1), ("fp", 0, 1), ("fn", 1, 0), ("tn", 0, 0)):
            lines += [f"{who},{truth},{predicted}"] * one[name]
    return "\n".join(lines) + "\n"


@cache
def _pack(name: str) -> tuple[str, str]:
    return (
        json.dumps(load(POLICIES / f"{name}.yaml")),
        json.dumps(load(POLICIES / f"{name}.cases.yaml")),
    )


def policy(name: str = "production-default", **changes: object) -> tuple[Any, Any]:
    """Read a policy of ours and its cases; from anywhere, and counts may be the client's.

    ``changes``: members set by path, parts joined with two underscores.
    """
    written, cases_ = _pack(name)
    document = json.loads(written)
    document["applies"]["transition"].pop("from", None)
    document["evidence"]["bias"] = {"type": "bias-report/v1"}
    for path, value in changes.items():
        holder: Any = document
        *parts, last = path.split("__")
        for part in parts:
            holder = holder[part]
        holder[last] = copy.deepcopy(value)
    return document, json.loads(cases_.replace(f"{name}/", f"{document['metadata']['name']}/"))


@cache
def _closed() -> World:
    """Found a bank once, and close it."""
    folder = Path(tempfile.mkdtemp(prefix="bank-"))
    atexit.register(shutil.rmtree, folder)
    with World.open(folder) as world:
        Bank.founded(world)
    return world


@dataclass
class Bank:
    """See the module."""

    world: World
    erin: Person
    paul: Person
    petra: Person
    dora: Person
    vera: Person
    carl: Person

    @classmethod
    def founded(cls, world: World) -> Bank:
        """Let everybody come and get their roles."""
        return cls(
            world,
            erin=world.person("erin", "engineer"),
            paul=world.person("paul", "policy_author"),
            petra=world.person("petra", "policy_author"),
            dora=world.person("dora", "reviewer", "data-steward"),
            vera=world.person("vera", "reviewer", "model-validator"),
            carl=world.person("carl", "reviewer", "compliance"),
        )

    @classmethod
    @contextmanager
    def made(cls, folder: Path) -> Iterator[Bank]:
        """Found one below ``folder``; founded once in this process, copied afterwards."""
        with World.copied(_closed(), folder) as world:
            names = (each.name for each in fields(cls) if each.name != "world")
            yield cls(world, **{name: world.people[name] for name in names})

    # What is there

    def data(self, subject: str = DATA, **more: object) -> str:
        """Register a dataset and a version of it; more of the same dataset later."""
        name = subject.rpartition("/")[0]
        about = {"owner": "risk", "licence": "CC-BY-4.0", "description": "applicants"}
        self.world.record(self.erin, "dataset.registered", name, about)
        version = {
            "digest": digest(subject),
            "uri": f"file:///{subject}.csv",
            "size": 80_000,
            "rows": 4000,
            "schema": {"columns": [{"name": "sex", "type": "VARCHAR"}]},
            "derived_from": [],
            **more,
        }
        self.world.record(self.erin, "dataset.version_registered", subject, version)
        return subject

    def approve_data(self, subject: str = DATA, **more: object) -> httpx.Response:
        """Let dora approve a dataset version."""
        self.world.session(self.dora)
        body = {"role": "data-steward", **more, **self.world.signed(self.dora)}
        _, name, version = subject.split("/")
        path = f"/api/v1/datasets/{name}/versions/{version}/approvals"
        return self.world.client(self.dora).post(path, json=body)

    def model(self, version: str = "1", by: Person | Token | None = None, **more: object) -> str:
        """Register a version of the model, trained on the data."""
        about = {"owner": "risk", "purpose": "scores applicants", "risk_tier": "high"}
        self.world.record(self.erin, "model.registered", "model/credit", about)
        subject = f"model/credit/{version}"
        registered = {
            "artifact": {"digest": digest(subject), "uri": f"file:///{subject}"},
            "framework": "scikit-learn",
            "trained_on": [DATA],
            **more,
        }
        self.world.record(by or self.erin, "model.version_registered", subject, registered)
        return subject

    def evaluated(
        self, subject: str, auc: float = 0.8, by: Person | Token | None = None, **more: object
    ) -> int:
        """Record an evaluation; tell its entry."""
        measured = {
            "model_version": subject,
            "dataset_version": DATA,
            "model_digest": digest(subject),
            "dataset_digest": digest(DATA),
            "metrics": [{"name": "roc_auc", "value": auc, "n": 4000}],
            "producer": "pytest",
            "role": "eval_set",
            **more,
        }
        receipt = self.world.record(by or self.erin, "evaluation.recorded", subject, measured)
        return int(receipt["index"])

    def counted(
        self,
        subject: str,
        selected: Sequence[int] = FAIR,
        by: Person | Token | None = None,
        **more: object,
    ) -> dict[str, Any]:
        """Post counts that were made elsewhere."""
        body = {
            "dataset": DATA,
            "attributes": list(ATTRIBUTES),
            "favourable_outcome": "1",
            "label": "repaid",
            "cells": cells(selected),
            **more,
        }
        client = self.world.client(by or self.erin)
        return expect(201, client.post(self.predictions(subject), json=body))

    def predictions(self, subject: str) -> str:
        """Name the route that takes a version's predictions."""
        _, name, version = subject.split("/")
        return f"/api/v1/models/{name}/versions/{version}/predictions"

    def card(
        self, subject: str, by: Person | Token | None = None, says: str = "see the report"
    ) -> None:
        """Upload a model card with all that is asked of it."""
        asked = ("intended_use", "limitations", "training_data", "evaluation")
        content = json.dumps(dict.fromkeys(asked, says)).encode()
        _, name, version = subject.split("/")
        answer = self.world.client(by or self.erin).post(
            f"/api/v1/models/{name}/versions/{version}/documents",
            data={"kind": "card", "title": "Model card"},
            files={"file": ("card.json", content, "application/json")},
        )
        expect(201, answer)

    def ready(self, version: str = "1", selected: Sequence[int] = FAIR) -> str:
        """Make a version that lacks nothing but signatures."""
        self.data()
        expect(201, self.approve_data())
        subject = self.model(version)
        self.measured(subject, selected)
        return subject

    def another(self, version: str, selected: Sequence[int] = FAIR) -> str:
        """Make one more version on the same data."""
        subject = self.model(version)
        self.measured(subject, selected)
        return subject

    def measured(self, subject: str, selected: Sequence[int] = FAIR) -> None:
        self.evaluated(subject)
        self.counted(subject, selected)
        self.card(subject)

    # What is asked of it

    def publish(self, name: str = "production-default", **changes: object) -> dict[str, Any]:
        """Let paul draft a policy and petra publish it."""
        document, cases_ = policy(name, **changes)
        self.world.session(self.petra)  # before a code is shown: signing in takes one
        return self.world.publish(document, cases_, self.paul, self.petra)

    def check(
        self,
        subject: str,
        environment: str = "production",
        by: Person | Token | None = None,
        **more: object,
    ) -> dict[str, Any]:
        """Ask the gate."""
        path = f"/api/v1/gates/{environment}/evaluations"
        body = {"subject": subject, **more}
        return expect(200, self.world.client(by or self.erin).post(path, json=body))

    def request(
        self,
        subject: str,
        environment: str = "production",
        by: Person | Token | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Ask for a promotion."""
        body = {"subject": subject, "environment": environment}
        client = self.world.client(by or self.erin)
        return client.post("/api/v1/promotions", json=body, headers=headers)

    def promote(
        self, subject: str, environment: str = "production", by: Person | Token | None = None
    ) -> str:
        """Open a promotion; tell its id."""
        return str(expect(201, self.request(subject, environment, by))["id"])

    def show(self, promotion: str, by: Person | Token | None = None) -> dict[str, Any]:
        """Read a promotion."""
        return expect(
            200, self.world.client(by or self.erin).get(f"/api/v1/promotions/{promotion}")
        )

    def review(
        self, person: Person, promotion: str, meaning: str, **changes: object
    ) -> httpx.Response:
        """Let somebody look, decide and sign."""
        body = self.said(person, promotion, meaning, **changes)
        return self.world.client(person).post(f"/api/v1/promotions/{promotion}/reviews", json=body)

    def said(
        self, person: Person, promotion: str, meaning: str, **changes: object
    ) -> dict[str, Any]:
        """Write a review of what is shown now, with a fresh code."""
        self.world.session(person)
        return {
            "decision": "approve",
            "meaning": meaning,
            "reason": "looked at everything",
            "accepts": [],
            "bind": self.show(promotion)["bind"],
            **self.world.signed(person),
            **changes,
        }

    def sign(self, promotion: str, accepts: Sequence[str] = ()) -> None:
        """Let vera and carl approve."""
        expect(201, self.review(self.vera, promotion, "review", accepts=list(accepts)))
        expect(201, self.review(self.carl, promotion, "approval"))

    def deploy(
        self, subject: str, decision: str, step: str = "succeeded", environment: str = "production"
    ) -> httpx.Response:
        """Record a step of a deployment that names a decision."""
        where = f"deployment/{environment}/scoring"
        data = {
            "environment": environment,
            "name": "scoring",
            "model_version": subject,
            "decision_id": decision,
        }
        body = {"type": f"deployment.{step}", "subject": where, "data": data}
        return self.world.client(self.erin).post("/api/v1/events", json=body)

    # What the log says

    @property
    def size(self) -> int:
        """The number of entries."""
        with self.world.house.ledger.snapshot() as now:
            return now.size

    def kinds(self, start: int = 0) -> list[str]:
        """The types of the entries from ``start`` on."""
        with self.world.house.ledger.snapshot() as now:
            return [now.entry(index).type for index in range(start, now.size)]

    def facts(self, decision: str) -> dict[str, Any]:
        """The facts recorded with a decision."""
        with self.world.house.ledger.snapshot() as now:
            found = queries.decision(now.connection, decision)
        assert found is not None
        assert isinstance(found.facts, dict)
        return found.facts

    def events(self, kind: str) -> Iterator[dict[str, Any]]:
        """The data of every event of a type."""
        with self.world.house.ledger.snapshot() as now:
            for index in range(now.size):
                if now.entry(index).type == f"{kind}.v1":
                    yield {"index": index, **now.data(index)}
