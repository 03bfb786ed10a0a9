"""A model that is refused, mended, signed for, deployed and, once, deployed past the gate."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.catalog import queries
from app.core.events import Actor, ActorKind, AuthMethod, say
from app.core.ledger.times import format_time
from tests.slices.catalog.story import Story as Telling
from tests.slices.catalog.story import digest, example

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.events import Event
    from app.core.jsonvalue import Json

SYSTEM = Actor("service", ActorKind.WORKLOAD, AuthMethod.NONE)
BOTH: Json = [
    {"group": {"sex": "F", "age": "old"}, "n": 400, "selected": 200},
    {"group": {"sex": "M", "age": "old"}, "n": 500, "selected": 300},
    {"group": {"sex": "F", "age": "young"}, "n": 60, "selected": 20},
    {"group": {"sex": None, "age": "young"}, "n": 40, "selected": 10},
]


class Story(Telling):
    """Tells it through the ledger; one step a call."""

    signed = -1

    def tell(self, subject: str, event: Event) -> int:
        return self.ledger.record(say(subject, event), SYSTEM).index

    def has_people(self) -> None:
        self.tell("user/alice", example("user.created", printed_name="Alice Archer"))
        self.tell("user/maria", example("user.created", printed_name="Maria Example"))

    def has_version(self) -> None:
        """Register data, a model trained on it by a run, a document and an approval."""
        self.has_people()
        self.has_model()
        started = example(
            "run.started", inputs=[{"subject": "dataset/credit/1", "role": "train_set"}]
        )
        self.tell("run/train-2", started)
        version = example(
            "model.version_registered", base_model=None, trained_on=["dataset/credit/1"]
        )
        self.tell("model/risk/2", version)
        made: Json = [{"subject": "model/risk/2", "role": "model"}]
        self.tell("run/train-2", example("run.finished", outputs=made, inputs=[]))
        self.tell("model/risk/2", example("document.recorded"))
        approval = example("dataset.approval_granted", approver="alice", until=None)
        self.approval = self.tell("dataset/credit/1", approval)

    def measures(self, version: str = "model/risk/2") -> int:
        """Record an evaluation, and counts by sex and age; tell the entry of the counts."""
        known: dict[str, Json] = {"model_version": version, "dataset_version": "dataset/credit/1"}
        self.tell(version, example("evaluation.recorded", **known))
        counts = example(
            "predictions.recorded",
            attributes=["sex", "age"],
            cells=BOTH,
            rows=1000,
            label=None,
            **known,
        )
        return self.tell(version, counts)

    def judges(self, name: str, gate: str, evidence: list[Json], promotion: str = "p7") -> int:
        """Record a decision in the form that the gates write."""
        now = self.clock.now
        rule: Json = {
            "id": "production-default/fair.selection",
            "kind": "bias",
            "blocking": True,
            "outcome": "PASS" if gate == "ALLOW" else "FAIL",
            "raw_outcome": "PASS" if gate == "ALLOW" else "FAIL",
            "message": "sex=F was selected less often",
            "remedy": None if gate == "ALLOW" else "train again without it",
            "actual": "0.833333333",
            "op": ">=",
            "threshold": "0.8",
            "group": "sex=F",
            "n": 460,
            "ci": {"low": "0.700000000", "high": "0.980000000"},
            "evidence": evidence,
        }
        missing: Json = {
            "rule": "production-default/rev.required",
            "role": "compliance",
            "meaning": "approval",
            "count": 1,
            "accepts": False,
            "eligible": 2,
        }
        counted: Json = {"index": self.signed, "single_administrator": True}
        decision: Json = {
            "schema": "decision/v1",
            "decision_id": name,
            "gate": gate,
            "subject": {"name": "risk", "version": "2", "digest": digest("6")},
            "policies": [
                {
                    "name": "production-default",
                    "version": "1.0.0",
                    "digest": digest("c"),
                    "mode": "enforce",
                    "gate": gate,
                }
            ],
            "policy_digest": digest("c"),
            "decision_digest": digest("d"),
            "as_of": format_time(now),
            "expires_at": format_time(now + timedelta(days=7)),
            "rules": [rule],
            "missing": [] if gate == "ALLOW" else [missing],
            "reviews": {"counted": [counted] if gate == "ALLOW" else []},
        }
        event = example(
            "gate.decided",
            model_version="model/risk/2",
            environment="production",
            gate=gate,
            decision=decision,
            expires_at=format_time(now + timedelta(days=7)),
            promotion=promotion,
        )
        return self.tell(f"promotion/{promotion}", event)

    def signs(self, name: str | None = "Maria Example", reviewer: str = "maria") -> int:
        event = example("review.submitted", printed_name=name, reviewer=reviewer)
        return self.tell("promotion/p7", event)

    def whole(self) -> None:
        """Everything in order, from the data to two deployments."""
        self.has_version()
        counts = self.measures()
        self.asked = self.tell(
            "promotion/p7",
            example("promotion.requested", model_version="model/risk/2", submitter="alice"),
        )
        with self.ledger.snapshot() as now:
            (counted,) = queries.predictions(now.connection, "model/risk/2")
        self.judges("dec-1", "DENY", [counted.digest])
        dismissed = self.signs()
        self.tell(
            "promotion/p7", example("review.dismissed", review=dismissed, because="new evidence")
        )
        self.signed = self.signs(None, "alice")
        self.judges("dec-2", "ALLOW", [counted.digest])
        self.tell(
            "promotion/p7", example("promotion.decided", state="allowed", decision_id="dec-2")
        )
        self.deploys("succeeded", "dec-2", version="model/risk/2")
        self.deploys("succeeded", name="shadow", version="model/risk/1")
        assert counts < self.asked

    def promotes_only(self, name: str, asked: Mapping[str, Json], kind: str) -> None:
        """Ask for a promotion that comes to nothing."""
        self.tell(f"promotion/{name}", example("promotion.requested", **asked))
        self.tell(f"promotion/{name}", example(f"promotion.{kind}"))

    def has_secret_model(self) -> None:
        """Register model/risk for one team alone."""
        self.tell("model/risk", example("model.registered", team="lending", team_only=True))
