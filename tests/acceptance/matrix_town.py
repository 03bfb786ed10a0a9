"""Two teams and their things, and a request of every route about any of these."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.core.access import PermissionRole
from tests.acceptance.routes import API, BIND, ROWS, SIGNED
from tests.living import Person, World, expect
from tests.slices.gates.bank import Bank, digest

if TYPE_CHECKING:
    import httpx

    from tests.living import Token

PAGE = {"Accept": "text/html"}
WRITING = {"Sec-Fetch-Site": "same-origin", **PAGE}
CARD = b'{"intended_use": "none"}'


@dataclass(frozen=True)
class Things:
    """A team's things. ``name``: of its model and its dataset. ``spare``: a promotion to end."""

    name: str
    promotion: str
    spare: str
    decision: str
    job: str
    entry: int
    finding: str


@dataclass
class Town:
    world: World
    red: dict[PermissionRole, Person]
    blue: dict[PermissionRole, Person]
    things: dict[str, Things]
    tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def founded(cls, world: World) -> Town:
        people: dict[str, dict[PermissionRole, Person]] = {"red": {}, "blue": {}}
        for team, members in people.items():
            for role in PermissionRole:
                if role is PermissionRole.ADMINISTRATOR:
                    continue  # administers all or nothing
                person = world.person(f"{team}-{role.value.replace('_', '-')}")
                world.grant(person, role.value, team=team)
                members[role] = person
        bank = Bank.founded(world)
        bank.publish()
        town = cls(world, people["red"], people["blue"], {})
        for name in ("secret", "shown"):
            town.things[name] = town.made(bank, name, team_only=name == "secret")
        return town

    def made(self, bank: Bank, name: str, *, team_only: bool) -> Things:
        """Let red make a dataset, a model, and all that can be about them."""
        engineer = self.red[PermissionRole.ENGINEER]
        client = self.world.client(engineer)
        team = {"team": "red", "team_only": team_only}
        about = {"owner": "risk", "licence": "CC0", "description": "d", **team}
        self.world.record(engineer, "dataset.registered", f"dataset/{name}", about)
        data = {
            "digest": digest(name), "uri": f"file:///{name}", "size": 1, "rows": 4000,
            "schema": {"columns": []}, "derived_from": [],
        }  # fmt: skip
        self.world.record(engineer, "dataset.version_registered", f"dataset/{name}/1", data)
        model = {"owner": "risk", "purpose": "p", "risk_tier": "high", **team}
        self.world.record(engineer, "model.registered", f"model/{name}", model)
        for version in ("1", "2"):
            made = {
                "artifact": {"digest": digest(f"model/{name}/{version}"), "uri": "file:///m"},
                "framework": "scikit-learn",
                "trained_on": [f"dataset/{name}/1"],
            }
            self.world.record(engineer, "model.version_registered", f"model/{name}/{version}", made)
        expect(201, client.post(f"{API}/models/{name}/versions/1/documents", **card(name)))
        for version in ("1", "2"):
            self.measured(bank, name, f"model/{name}/{version}")
        expect(201, bank.approve_data(f"dataset/{name}/1"))
        promoted = expect(201, bank.request(f"model/{name}/1", by=engineer))
        spare = bank.promote(f"model/{name}/2", by=engineer)
        live = {"environment": "production", "name": name, "model_version": f"model/{name}/2"}
        self.world.record(engineer, "deployment.succeeded", f"deployment/production/{name}", live)
        finding = {"about": f"model/{name}/1", "severity": "low", "owner": engineer.id, "text": "t"}
        self.world.record(engineer, "finding.raised", f"finding/f-{name}", finding)
        receipt = self.world.record(engineer, "run.started", f"run/of-{name}", run(name))
        officer = self.world.client(self.red[PermissionRole.COMPLIANCE_OFFICER])
        report = {"type": "model-audit", "scope": f"model/{name}"}
        job = expect(202, officer.post(f"{API}/reports", json=report))["id"]
        officer.delete(f"{API}/reports/{job}")
        return Things(
            name,
            str(promoted["id"]),
            spare,
            str(promoted["decision"]["decision_id"]),
            str(job),
            int(receipt["index"]),
            f"f-{name}",
        )

    def measured(self, bank: Bank, name: str, subject: str) -> None:
        """Let red's engineer record all that the policy asks for."""
        engineer, data = self.red[PermissionRole.ENGINEER], f"dataset/{name}/1"
        bank.evaluated(subject, by=engineer, dataset_version=data, dataset_digest=digest(name))
        bank.counted(subject, by=engineer, dataset=data)
        bank.card(subject, by=engineer)

    def form_token(self, person: Person) -> str:
        """Read the token of the person's forms; one for all of their session."""
        session = self.world.session(person)
        if session not in self.tokens:
            self.tokens[session] = self._form_token(person)
        return self.tokens[session]

    def _form_token(self, person: Person) -> str:
        page = self.world.client(person).get("/help", headers=PAGE).text
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
        assert found is not None
        return found[1]


def run(name: str) -> dict[str, Any]:
    used = {"subject": f"dataset/{name}/1", "role": "training"}
    return {"kind": "train", "inputs": [used]}


def card(name: str) -> dict[str, Any]:
    content = CARD + name.encode() + b"\n"
    file = ("card.json", content, "application/json")
    return {"data": {"kind": "card"}, "files": {"file": file}}


def about(name: str, things: Things) -> tuple[str, dict[str, Any]]:
    """Write a request of a route about a team's things: the path, and what is sent."""
    method, template = name.split(" ")
    kind = "dataset" if "/datasets" in name else "model"
    subject = f"{kind}/{things.name}/1"
    path = ROWS[name].path.partition("?")[0] if "{" not in template else template
    ends = name.endswith("/withdraw")
    named = {
        "{name}": things.name, "{version}": "2" if name.endswith("/predictions") else "1",
        "{promotion_id}": things.spare if ends else things.promotion,
        "{decision_id}": things.decision, "{job_id}": things.job, "{index}": str(things.entry),
        "{finding_id}": things.finding, "{environment}": "production", "{redaction_id}": "none",
        "{sha256}": hashlib.sha256(CARD + things.name.encode() + b"\n").hexdigest(),
    }  # fmt: skip
    for placeholder, value in named.items():
        path = path.replace(placeholder, value)
    queries = {
        "/compare": {"left": "1", "right": "2"},
        "/graph/closure": {"node": subject, "direction": "upstream"},
        "/graph/drawing.svg": {"node": subject, "direction": "upstream"},
        "/graph/impact": {"node": subject},
        "/graph/why": {"from": f"dataset/{things.name}/1", "to": subject},
        "/lineage": {"node": subject},
    }
    for ending, query in queries.items():
        if template.endswith(ending):
            return path, {"params": query}
    return path, bodies(name, things) if method == "POST" else {}


def bodies(name: str, things: Things) -> dict[str, Any]:
    """Give the JSON or the form that a route takes about these things."""
    subject = f"model/{things.name}/2"  # what is measured or ended here is asked about nowhere
    evaluation = {
        "model_version": subject, "dataset_version": f"dataset/{things.name}/1",
        "model_digest": digest(subject), "dataset_digest": digest(things.name),
        "metrics": [{"name": "auc", "value": 0.9}], "producer": "pytest",
    }  # fmt: skip
    event = {"type": "evaluation.recorded", "subject": subject, "data": evaluation}
    cells = [{"group": {"sex": "F"}, "n": 10, "selected": 3}]
    asked = {"subject": subject, "environment": "production"}
    json = {
        f"POST {API}/events": event,
        f"POST {API}/events/batch": [event],
        f"POST {API}/promotions": asked,
        f"POST {API}/gates/{{environment}}/evaluations": {"subject": subject},
        f"POST {API}/reports": {
            "type": "model-audit", "scope": f"model/{things.name}", "as_of_seq": 10**9
        },
        f"POST {API}/models/{{name}}/versions/{{version}}/predictions": {
            "dataset": f"dataset/{things.name}/1", "attributes": ["sex"],
            "favourable_outcome": "1", "cells": cells,
        },
        f"POST {API}/promotions/{{promotion_id}}/withdraw": {},
        f"POST {API}/promotions/{{promotion_id}}/reviews": {
            "decision": "reject", "meaning": "review", "reason": "odd", "bind": BIND, **SIGNED
        },
        f"POST {API}/datasets/{{name}}/versions/{{version}}/approvals": {"role": "r", **SIGNED},
    }  # fmt: skip
    if name in json:
        return {"json": json[name]}
    if name.endswith("/documents"):
        return card(things.name)
    forms = {
        "POST /promotions": asked,
        "POST /models/{name}/versions/{version}/promotions": {"environment": "production"},
        "POST /reports": {
            "type": "model-audit", "scope": f"model/{things.name}", "as_of_seq": str(10**9)
        },
        "POST /promotions/{promotion_id}/findings": {"text": "t", "severity": "low", "owner": "o"},
        "POST /promotions/{promotion_id}/findings/{finding_id}": {"text": "t"},
        "POST /promotions/{promotion_id}/decide": {
            "decision": "reject", "meaning": "review", "reason": "odd",
            "view": BIND["rendered_view_digest"],
        },
        "POST /promotions/{promotion_id}/sign": {**BIND, **SIGNED, "written": "w"},
    }  # fmt: skip
    return {"data": forms.get(name, {})}


def ask(town: Town, name: str, caller: Person | Token, things: Things) -> httpx.Response:
    path, parts = about(name, things)
    method = name.split(" ", maxsplit=1)[0]
    if not path.startswith((API, "/log/")):
        parts["headers"] = PAGE
    if method == "POST" and isinstance(caller, Person) and not path.startswith(API):
        form = {**parts.get("data", {}), "form_token": town.form_token(caller)}
        parts |= {"headers": WRITING, "data": form}
    return town.world.client(caller).ask(method, path, **parts)
