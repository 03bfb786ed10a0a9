"""What nobody does to their own work, and what is done to one's own work alone.

Whoever tries here holds every permission that could be asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from app.core.access import PermissionRole
from tests.acceptance.matrix import NEVER_OWN, ONLY_OWN, OWN_TOO
from tests.acceptance.routes import API
from tests.living import Person, World, expect
from tests.slices.gates.bank import Bank, policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

WRITING = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@dataclass
class Stage:
    """``mara``: does all of it, in every role. ``nina``: may do all that she may."""

    bank: Bank
    mara: Person
    nina: Person
    made: dict[str, Any] = field(default_factory=dict)

    def post(self, who: Person, path: str, **body: object) -> httpx.Response:
        return self.bank.world.client(who).post(f"{API}{path}", json=body)

    def send(self, who: Person, path: str, **form: object) -> httpx.Response:
        client = self.bank.world.client(who)
        page = client.get("/help", headers=WRITING).text
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
        assert found is not None
        return client.post(path, data={"form_token": found[1], **form}, headers=WRITING)

    def signed(self, who: Person, path: str, **body: object) -> httpx.Response:
        self.bank.world.session(who)
        return self.post(who, path, **body, **self.bank.world.signed(who))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with World.open(tmp_path_factory.mktemp("stage")) as world:
        bank = Bank.founded(world)
        bank.publish()
        bank.ready("1")
        world.grant(world.person("ben"), "administrator")  # roles take two from here on
        everything = [one.value for one in PermissionRole if one.value != "administrator"]
        held = (*everything, "model-validator", "data-steward")
        mara, nina = (world.person(name, *held) for name in ("mara", "nina"))
        for one in (mara, nina):
            world.grant(one, "administrator")
        yield Stage(bank, mara, nina)


def promotion(stage: Stage, version: str) -> str:
    """Let mara make, measure and ask for a version."""
    subject = stage.bank.model(version, by=stage.mara)
    for measure in (stage.bank.evaluated, stage.bank.counted, stage.bank.card):
        measure(subject, by=stage.mara)
    return stage.bank.promote(subject, by=stage.mara)


def reviewed(stage: Stage, who: Person) -> httpx.Response:
    if "reviewed" not in stage.made:
        stage.made["reviewed"] = promotion(stage, "2")
    return stage.bank.review(who, stage.made["reviewed"], "review")


def decided(stage: Stage, who: Person) -> httpx.Response:
    if "decided" not in stage.made:
        stage.made["decided"] = promotion(stage, "3")
    path = f"/promotions/{stage.made['decided']}"
    bind = stage.bank.show(stage.made["decided"])["bind"]
    page = stage.bank.world.client(who).get(path, headers=WRITING)
    assert page.status_code == 200
    view = bind["rendered_view_digest"]
    form = {"decision": "reject", "meaning": "review", "reason": "looked at it", "view": view}
    return stage.send(who, f"{path}/decide", **form)


def approved(stage: Stage, who: Person) -> httpx.Response:
    if "approved" not in stage.made:
        stage.made["approved"] = True
        version = {
            "digest": "sha256:" + "a" * 64, "uri": "file:///d", "size": 1, "rows": 1,
            "schema": {"columns": []}, "derived_from": [],
        }  # fmt: skip
        subject = "dataset/applicants/2"
        stage.bank.world.record(stage.mara, "dataset.version_registered", subject, version)
    path = "/datasets/applicants/versions/2/approvals"
    return stage.signed(who, path, role="data-steward")


def published(stage: Stage, who: Person) -> httpx.Response:
    if "policy" not in stage.made:
        document, cases = policy(metadata__version="2.0.0")
        drafted = stage.post(stage.mara, "/policies", document=document, cases=cases)
        stage.made["policy"] = expect(201, drafted)["digest"]
    path = "/policies/production-default/versions/2.0.0/publish"
    return stage.signed(who, path, digest=stage.made["policy"], reason="agreed")


def staged(stage: Stage, who: Person) -> httpx.Response:
    if "stages" not in stage.made:
        names = ["development", "staging", "production", "island"]
        drafted = stage.post(stage.mara, "/environments", environments=names)
        stage.made["stages"] = expect(201, drafted)["digest"]
    return stage.signed(who, f"/environments/{stage.made['stages']}/publish", reason="agreed")


def erased(stage: Stage, who: Person) -> httpx.Response:
    if "erasure" not in stage.made:
        finding = {"about": "model/credit", "severity": "low", "owner": "o", "text": "t"}
        receipt = stage.bank.world.record(stage.mara, "finding.raised", "finding/f1", finding)
        path = f"/events/{receipt['index']}/redactions"
        wish = {"members": ["text"], "reason": "asked for", "legal_basis": "GDPR Art. 17"}
        asked = expect(201, stage.post(stage.mara, path, **wish))
        stage.made["erasure"] = f"{path}/{asked['id']}/confirm"
    return stage.post(who, stage.made["erasure"])


def granted(stage: Stage, who: Person) -> httpx.Response:
    if "grant" not in stage.made:
        path = f"/users/{stage.bank.dora.id}/roles"
        asked = stage.post(stage.mara, path, role="compliance", scope="model/none@production")
        stage.made["grant"] = expect(202, asked)["grant_id"]
    return stage.post(who, f"/role-grants/{stage.made['grant']}/confirm")


REFUSED_TO_ONESELF: dict[str, Callable[[Stage, Person], httpx.Response]] = {
    "POST /promotions/{promotion_id}/decide": decided,
    f"POST {API}/promotions/{{promotion_id}}/reviews": reviewed,
    f"POST {API}/datasets/{{name}}/versions/{{version}}/approvals": approved,
    f"POST {API}/policies/{{name}}/versions/{{version}}/publish": published,
    f"POST {API}/environments/{{digest}}/publish": staged,
    f"POST {API}/events/{{index}}/redactions/{{redaction_id}}/confirm": erased,
    f"POST {API}/role-grants/{{grant_id}}/confirm": granted,
}


def test_each_row_about_own_work_is_tried() -> None:
    assert set(REFUSED_TO_ONESELF) == NEVER_OWN


@pytest.mark.parametrize("name", sorted(NEVER_OWN))
def test_nobody_does_it_to_their_own_work(stage: Stage, name: str) -> None:
    attempt = REFUSED_TO_ONESELF[name]
    before = stage.bank.size
    refused = attempt(stage, stage.mara)
    assert refused.status_code == 403
    said = {kind for kind in stage.bank.kinds(before) if kind.endswith("refused.v1")}
    assert said <= {"access.refused.v1"}
    assert attempt(stage, stage.nina).status_code in (200, 201, 303)


@pytest.mark.parametrize("name", sorted(ONLY_OWN))
def test_nobody_does_it_but_to_their_own_work(stage: Stage, name: str) -> None:
    version = "4" if API in name else "5"
    asked = promotion(stage, version)
    path = f"/promotions/{asked}/withdraw"
    answers = [
        stage.post(who, path) if API in name else stage.send(who, path)
        for who in (stage.nina, stage.mara)
    ]
    assert [one.status_code for one in answers] == [403, 200 if API in name else 303]


@pytest.mark.parametrize("name", sorted(OWN_TOO))
def test_ones_own_takes_no_permission(stage: Stage, name: str) -> None:
    world = stage.bank.world
    for owner, expected in ((stage.bank.petra, 403), (stage.bank.paul, None)):
        token = world.token("read", owner=owner)
        if API in name:
            answer = world.client(stage.bank.paul).delete(f"{API}/tokens/{token.id}")
        else:
            answer = stage.send(stage.bank.paul, f"/account/tokens/{token.id}/revoke")
        assert answer.status_code == (expected or (204 if API in name else 303))
