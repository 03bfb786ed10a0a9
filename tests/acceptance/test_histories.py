"""Whatever people and pipelines do, in any order and at once, nobody approves their own work.

Random histories through the real application; then the ``Lawbook`` reads the log. Sixty are
played each time; ``MUNIMENT_SOAK=1`` plays a thousand. The seed is in the test's name.
"""

from __future__ import annotations

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn

from app.main import app_of
from tests.acceptance.lawbook import Lawbook
from tests.living import PASSWORD, Person, Token, World, expect
from tests.slices.gates.bank import DATA, Bank, digest, policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOGETHER = 10
WORLDS = 100 if os.environ.get("MUNIMENT_SOAK") else 6
STEPS = 30
ROUNDS = 60 if os.environ.get("MUNIMENT_SOAK") else 8
SCOPES = ("event:append", "evidence:write", "promotion:request", "gate:check")


def people_rule(version: int) -> tuple[Any, Any]:
    """Write a policy that asks for people alone; versions differ in how long it holds."""
    document, cases = policy()
    rules = [one for one in document["rules"] if one["kind"] == "reviews"]
    document |= {"rules": rules, "evidence": {}, "valid_for": f"P{version + 2}D"}
    document["metadata"]["version"] = str(version)
    first = {**cases[0], "expect": {"gate": "ALLOW", "rules": {"people": "PASS"}}}
    kept = [one for one in cases if one["name"] in ("nobody has signed yet", "compliance rejects")]
    return document, [first, *kept]


@dataclass
class Town:
    """A bank where everybody has more roles than is good, and a pipeline or two."""

    bank: Bank
    chance: random.Random
    people: list[Person]
    tokens: list[Token] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    promotions: list[str] = field(default_factory=list)
    decisions: list[tuple[str, str]] = field(default_factory=list)
    grants: list[tuple[Person, int]] = field(default_factory=list)
    published: int = 0

    @classmethod
    def founded(cls, world: World, chance: random.Random) -> Town:
        bank = Bank.founded(world)
        nina = world.person("nina", "reviewer", "engineer", "compliance")
        omar = world.person("omar", "reviewer", "compliance", "administrator")
        world.grant(bank.vera, "engineer")
        town = cls(bank, chance, [bank.erin, bank.vera, bank.carl, nina, omar, bank.petra])
        town.grants.append((nina, world.grant(nina, "model-validator")))
        bank.data()
        bank.model("base")
        town.publish()
        world.tick(30 * 3600)  # past the day in which a grantor may not gain
        return town

    @property
    def world(self) -> World:
        return self.bank.world

    def somebody(self) -> Person | Token:
        if self.tokens and self.chance.random() < 0.3:
            return self.chance.choice(self.tokens)
        return self.chance.choice(self.people)

    def post(self, caller: Person | Token, path: str, body: dict[str, Any]) -> httpx.Response:
        answer = self.world.client(caller).post(path, json=body)
        assert answer.status_code < 500, answer.text
        return answer

    def record(self, kind: str, subject: str, data: dict[str, Any]) -> httpx.Response:
        body = {"type": kind, "subject": subject, "data": data}
        return self.post(self.somebody(), "/api/v1/events", body)

    def step(self) -> None:
        """Let somebody try something; whatever is refused changes nothing."""
        often = [self.review] * 8 + [self.request] * 3 + [self.deploy] * 4
        seldom = [self.register, self.measure, self.check, self.withdraw, self.make_token]
        seldom += [self.grant, self.revoke, self.publish, self.wait]
        self.chance.choice(often + seldom)()

    def begin(self) -> None:
        """Begin a history: every other time as it should be, with erin's own request."""
        if self.chance.random() < 0.5:
            self.register()
            return
        subject = self.bank.model(f"v{len(self.versions)}")
        self.versions.append(subject)
        self.promotions.append(self.bank.promote(subject))

    def register(self) -> None:
        subject = f"model/credit/v{len(self.versions)}"
        version: dict[str, Any] = {
            "artifact": {"digest": digest(subject), "uri": f"file:///{subject}"},
            "framework": "scikit-learn",
            "trained_on": [DATA],
        }
        if self.chance.random() < 0.5:
            run = f"run/{len(self.versions)}"
            started = {"kind": "train", "inputs": [], "human": self.chance.choice(self.people).id}
            if self.record("run.started", run, started).status_code == 201:
                version["run"] = run
        if self.record("model.version_registered", subject, version).status_code == 201:
            self.versions.append(subject)

    def measure(self) -> None:
        if self.versions:
            subject = self.chance.choice(self.versions[-2:])
            measured = {
                "model_version": subject,
                "dataset_version": DATA,
                "model_digest": digest(subject),
                "dataset_digest": digest(DATA),
                "metrics": [{"name": "roc_auc", "value": self.chance.random(), "n": 4000}],
                "producer": "pytest",
            }
            self.record("evaluation.recorded", subject, measured)

    def request(self) -> None:
        if not self.versions:
            self.register()
        if self.versions:
            body = {
                "subject": self.chance.choice(self.versions[-2:]),
                "environment": "production",
            }
            answer = self.post(self.somebody(), "/api/v1/promotions", body)
            if answer.status_code == 201:
                self.promotions.append(answer.json()["id"])

    def review(self) -> None:
        if self.promotions:
            fitting = [(self.people[1], "review"), (self.people[2], "approval")]
            anyone = (self.chance.choice(self.people), self.chance.choice(["review", "approval"]))
            person, meaning = self.chance.choice([*fitting, anyone])
            promotion = self.chance.choice(self.promotions[-2:])
            said = self.chance.choice(["approve"] * 9 + ["reject", "request_changes"])
            answer = self.bank.review(person, promotion, meaning, decision=said)
            assert answer.status_code < 500, answer.text
            self.note(promotion)

    def note(self, promotion: str) -> None:
        shown = self.bank.show(promotion)
        if shown["state"] == "allowed":
            self.decisions.append((shown["subject"], shown["decision"]["decision_id"]))

    def check(self) -> None:
        if self.versions:
            subject = self.chance.choice(self.versions)
            answer = self.post(
                self.somebody(), "/api/v1/gates/production/evaluations", {"subject": subject}
            )
            if answer.status_code == 200 and answer.json()["gate"] == "ALLOW":
                self.decisions.append((subject, answer.json()["decision_id"]))

    def withdraw(self) -> None:
        if self.promotions:
            path = f"/api/v1/promotions/{self.chance.choice(self.promotions[-2:])}/withdraw"
            self.post(self.somebody(), path, {})

    def make_token(self) -> None:
        self.tokens.append(self.world.token(*SCOPES, owner=self.chance.choice(self.people)))

    def grant(self) -> None:
        person = self.chance.choice(self.people)
        role = self.chance.choice(["model-validator", "compliance"])
        asked = self.post(self.world.ada, f"/api/v1/users/{person.id}/roles", {"role": role})
        if asked.status_code == 202:
            path = f"/api/v1/role-grants/{asked.json()['grant_id']}/confirm"
            asked = self.world.client(self.world.people["omar"]).post(path)
        if asked.status_code == 201:
            self.grants.append((person, asked.json()["grant"]))

    def revoke(self) -> None:
        if self.grants:
            person, grant = self.chance.choice(self.grants)
            path = f"/api/v1/users/{person.id}/roles/{grant}"
            assert self.world.client(self.world.ada).delete(path).status_code < 500

    def publish(self) -> None:
        self.published += 1
        document, cases = people_rule(self.published)
        self.world.session(self.bank.petra)
        self.world.publish(document, cases, self.bank.paul, self.bank.petra)

    def deploy(self) -> None:
        if self.decisions:
            subject, decision = self.chance.choice(self.decisions[-3:])
            name = self.chance.choice(["scoring", "elsewhere"])
            data = {
                "environment": "production",
                "name": name,
                "model_version": subject,
                "decision_id": decision,
            }
            step = self.chance.choice(["started", "succeeded"])
            self.record(f"deployment.{step}", f"deployment/production/{name}", data)

    def wait(self) -> None:
        self.world.tick(3600 * self.chance.choice([1, 5, 30, 100]))


@pytest.mark.parametrize("seed", range(WORLDS))
def test_nobody_approves_their_own_and_no_decision_is_used_twice(tmp_path: Path, seed: int) -> None:
    with World.open(tmp_path) as world:
        town = Town.founded(world, random.Random(seed))
        for _ in range(TOGETHER):
            town.begin()
            for _ in range(STEPS):
                town.step()
        book = Lawbook.of(world)
    assert book.allowed > 0, "a history in which nothing is allowed shows nothing"
    assert book.used > 0, "a history in which nothing is used shows nothing"


@contextmanager
def listening(world: World) -> Iterator[httpx.Client]:
    """Serve the house on a loopback port, on top of the application in process."""
    config = uvicorn.Config(
        app_of(world.house), "127.0.0.1", 0, lifespan="off", log_level="critical", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Race:
    """Requests that start at the same moment, each with its caller's credentials."""

    town: Town
    client: httpx.Client
    waiting: list[tuple[str, str, dict[str, Any] | None, str]] = field(default_factory=list)

    def enter(
        self, caller: Person | Token, method: str, path: str, body: dict[str, Any] | None = None
    ) -> None:
        secret = caller.secret if isinstance(caller, Token) else self.town.world.session(caller)
        self.waiting.append((method, path, body, secret))

    def run(self) -> list[int]:
        """Send them all at once; tell the statuses in the order of entering."""
        gate = threading.Barrier(len(self.waiting))

        def send(one: tuple[str, str, dict[str, Any] | None, str]) -> int:
            method, path, body, secret = one
            headers = {"Authorization": f"Bearer {secret}"}
            gate.wait()
            return self.client.request(method, path, json=body, headers=headers).status_code

        with ThreadPoolExecutor(len(self.waiting)) as threads:
            statuses = list(threads.map(send, self.waiting))
        assert all(status < 500 for status in statuses), statuses
        self.waiting.clear()
        return statuses


def test_raced_by_threads_over_http_the_law_holds(tmp_path: Path) -> None:
    """Everybody signs at once, some twice, while a policy is published and a role revoked."""
    with World.open(tmp_path) as world:
        town = Town.founded(world, random.Random(7))
        with listening(world) as client:
            for number in range(ROUNDS):
                compete(Race(town, client), f"model/credit/r{number}")
        book = Lawbook.of(world)
    assert book.allowed > 0
    assert book.used > 0


def compete(race: Race, subject: str) -> None:
    """Play one round: ask, sign, deploy, each by many at once."""
    town, bank, world = race.town, race.town.bank, race.town.world
    nina, omar = world.people["nina"], world.people["omar"]
    bank.model(subject.rpartition("/")[2])
    token = world.token(*SCOPES, owner=bank.erin)
    asked = {"subject": subject, "environment": "production"}
    for caller in (bank.erin, token, bank.erin, token):
        race.enter(caller, "POST", "/api/v1/promotions", asked)
    assert sorted(race.run()) == [201, 409, 409, 409]
    inbox = expect(200, world.client(bank.vera).get("/api/v1/reviews/inbox"))["items"]
    [promotion] = [one["id"] for one in inbox if one["subject"] == subject]
    [(_, grant)] = town.grants
    town.published += 1
    document, cases = people_rule(town.published)
    body = {"document": document, "cases": cases}
    drafted = expect(201, world.client(bank.paul).post("/api/v1/policies", json=body))
    everybody = (bank.vera, bank.carl, bank.erin, bank.petra, nina, omar)
    for person in everybody:
        world.session(person)
    said = {
        "decision": "approve",
        "reason": "looked at everything",
        "bind": bank.show(promotion)["bind"],
        "password": PASSWORD,
    }
    world.tick(60)
    codes = {one.id: one.authenticator.at(world.clock.now) for one in everybody}
    path = f"/api/v1/promotions/{promotion}/reviews"
    for person in (bank.vera, nina, bank.carl, omar, bank.erin):
        for meaning in ("review", "approval"):
            race.enter(person, "POST", path, {**said, "meaning": meaning, "totp": codes[person.id]})
    publish = f"/api/v1/policies/{drafted['name']}/versions/{drafted['version']}/publish"
    signed = {"digest": drafted["digest"], "reason": "agreed", "password": PASSWORD}
    race.enter(bank.petra, "POST", publish, {**signed, "totp": codes[bank.petra.id]})
    race.enter(world.ada, "DELETE", f"/api/v1/users/{nina.id}/roles/{grant}")
    race.enter(token, "POST", "/api/v1/gates/production/evaluations", {"subject": subject})
    race.run()
    town.grants = [(nina, world.grant(nina, "model-validator"))]
    if bank.show(promotion)["state"] == "pending":
        bank.review(bank.vera, promotion, "review")
        bank.review(bank.carl, promotion, "approval")
    shown = bank.show(promotion)
    assert shown["state"] == "allowed"
    for name in ("scoring", "elsewhere", "third"):
        for step in ("started", "succeeded"):
            where = f"deployment/production/{name}"
            data = {"environment": "production", "name": name, "model_version": subject}
            data["decision_id"] = shown["decision"]["decision_id"]
            body = {"type": f"deployment.{step}", "subject": where, "data": data}
            race.enter(token, "POST", "/api/v1/events", body)
    race.run()
