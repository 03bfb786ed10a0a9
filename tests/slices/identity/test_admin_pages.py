"""The pages of administration, asked as a browser without JavaScript asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

import pytest

from tests.living import PASSWORD, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.living import Person

HTML = {"Accept": "text/html"}


@dataclass
class Browser:
    """A person's browser: a cookie, and forms with the token of the page before."""

    world: World
    person: Person

    def get(self, path: str, status: int = 200) -> str:
        answer = self.world.client(None).get(path, headers=self.headers())
        assert answer.status_code == status, answer.text
        return words(answer.text)

    def send(self, path: str, **form: str | list[str]) -> httpx.Response:
        page = self.world.client(None).get("/help", headers=self.headers()).text
        [token] = re.findall(r'name="form_token" value="([0-9a-f]+)"', page)[:1]
        sent = {"form_token": token, **form}
        return self.world.client(None).post(path, data=sent, headers=self.headers())

    def headers(self) -> dict[str, str]:
        return {**HTML, "Cookie": f"muniment-dev={self.world.session(self.person)}"}


def words(page: str) -> str:
    """Read a page without its markup."""
    main = page.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world with some people, closed; each test opens a copy."""
    with World.open(tmp_path_factory.mktemp("world")) as world:
        for name, *roles in (
            ("greta", "administrator"),
            ("erin", "engineer"),
            ("vera", "reviewer"),
            ("omar", "auditor"),
        ):
            world.person(name, *roles)
        world.tick(86_400)
    return world


@pytest.fixture
def world(tmp_path: Path, closed: World) -> Iterator[World]:
    with World.copied(closed, tmp_path) as world:
        yield world


@pytest.fixture
def ada(world: World) -> Browser:
    return Browser(world, world.ada)


@pytest.fixture
def greta(world: World) -> Browser:
    return Browser(world, world.people["greta"])


def written(world: World) -> None:
    """Wait until what nobody waits for is written."""
    world.house.ledger.operate(lambda _: None)


def last(world: World, subject: str) -> tuple[str, dict[str, object]]:
    """Read the last entry about something: its type and what it says."""
    with world.house.ledger.snapshot() as now:
        index = now.about(subject)[-1]
        return now.entry(index).type, dict(now.data(index))


def test_somebody_is_invited_with_a_reason_and_comes_by_the_link(
    world: World, ada: Browser
) -> None:
    form = {"name": "ines", "printed_name": "Ines Ito", "reason": "Validates credit models"}
    answer = ada.send("/admin/people", **form)
    assert answer.status_code == 200
    assert "This link is shown once" in answer.text
    [link] = re.findall(r"http://localhost:8000(/invitations/[\w-]{43})", answer.text)[:1]
    assert world.client(None).get(link).status_code == 200
    listed = ada.get("/admin/people?q=ines")
    assert "Ines Ito ines none no authenticator yet" in listed
    users = world.client(world.ada).get("/api/v1/users").json()["items"]
    kind, said = last(world, f"user/{users[-1]['id']}")
    assert kind == "user.created.v1"
    assert said == form


def test_a_name_that_is_taken_is_refused_and_what_was_typed_stays(ada: Browser) -> None:
    answer = ada.send("/admin/people", name="erin", printed_name="Another Erin", reason="new")
    assert answer.status_code == 409
    assert "The name erin is taken: choose another sign-in name." in words(answer.text)
    assert 'value="Another Erin"' in answer.text


def test_a_reason_is_asked_for(ada: Browser) -> None:
    answer = ada.send("/admin/people", name="nora", printed_name="Nora", reason="  ")
    assert answer.status_code == 422
    assert "A reason has 1 to 2,000 characters" in words(answer.text)


def test_the_list_is_filtered_and_is_there_as_a_file(world: World, ada: Browser) -> None:
    assert "Erin" not in ada.get("/admin/people?role=auditor")
    assert "Nothing matches" in ada.get("/admin/people?state=closed&q=erin")
    csv = world.client(None).get("/admin/people?role=auditor&format=csv", headers=ada.headers())
    assert csv.text.splitlines()[0].startswith("id,name,printed_name,disabled,")
    assert [line.split(",")[1] for line in csv.text.splitlines()[1:]] == ["omar"]
    held = world.client(None).get("/admin/roles?role=auditor&format=json", headers=ada.headers())
    assert [one["state"] for one in held.json()["items"]] == ["held"]


def test_only_who_administers_or_audits_sees_it_and_auditors_see_no_button(world: World) -> None:
    erin = Browser(world, world.people["erin"])
    assert "for administrators and auditors" in erin.get("/admin/people", 403)
    assert "may not manage roles" in erin.get("/admin/roles/grant", 403)
    rail = world.client(None).get("/help", headers=erin.headers()).text
    assert 'href="/admin"' not in rail
    omar = Browser(world, world.people["omar"])
    for path in ("/admin", "/admin/people", "/admin/roles"):
        page = world.client(None).get(path, headers=omar.headers())
        assert page.status_code == 200
        main = page.text.partition("<main")[2]
        assert 'method="post"' not in main
        assert 'href="/admin"' in page.text
    vera = world.people["vera"].id
    shown = world.client(None).get(f"/admin/people/{vera}", headers=omar.headers()).text
    assert "/revoke" not in shown
    assert "/disable" not in shown
    assert omar.send(f"/admin/people/{vera}/disable", reason="no").status_code == 403


def test_a_conflict_is_read_before_a_role_is_granted(world: World, ada: Browser) -> None:
    erin = world.people["erin"].id
    about = {"user": erin, "role": "data-steward", "scope": "model/*@production"}
    page = ada.get(f"/admin/roles/grant?user={erin}&role=data-steward&scope=model/*@production")
    assert "2 conflicts of duties" in page
    assert "Erin is an engineer and would approve as data-steward" in page
    refused = ada.send("/admin/roles/grant", **about, reason="Two weeks of holidays")
    assert refused.status_code == 422
    assert "The conflicts have changed since the page was opened." in words(refused.text)
    accepts = re.findall(r'name="accepts" value="([^"]+)"', refused.text)
    assert accepts == ["no-reviewer", "builds-and-approves"]
    unread = ada.send("/admin/roles/grant", **about, reason="Holidays", accepts=accepts)
    assert unread.status_code == 422
    assert "say that you have" in words(unread.text)
    assert ">Holidays</textarea>" in unread.text
    granted = ada.send(
        "/admin/roles/grant", **about, reason="Holidays", accepts=accepts, read="yes"
    )
    assert granted.headers["Location"] == f"/admin/people/{erin}?done=waits"


def test_an_approval_role_is_granted_by_two_and_both_are_named(
    world: World, ada: Browser, greta: Browser
) -> None:
    vera = world.people["vera"].id
    why = "Passed the course"
    asked = ada.send("/admin/roles/grant", user=vera, role="model-validator", reason=why)
    assert asked.headers["Location"] == f"/admin/people/{vera}?done=waits"
    waiting = world.client(world.ada).get("/api/v1/role-grants").json()["items"]
    [one] = [each for each in waiting if each["user"] == vera]
    assert one["reason"] == why
    path = f"/admin/roles/waiting/{one['grant_id']}"
    own = ada.get(path)
    assert "Another administrator confirms it" in own
    assert ada.send(path).status_code == 403
    assert "no conflict of duties" in greta.get(path)
    assert "model-validator for Vera" in greta.get("/admin")
    confirmed = greta.send(path)
    assert confirmed.headers["Location"] == f"/admin/people/{vera}?done=granted"
    kind, said = last(world, f"user/{vera}")
    assert kind == "role.granted.v1"
    assert said["grantors"] == [world.ada.id, world.people["greta"].id]
    assert said["reason"] == why
    assert greta.send(path).status_code == 404
    assert "model-validator 1 Vera (everywhere)" in greta.get("/admin/roles")


def test_a_role_is_revoked_with_a_reason(world: World, ada: Browser) -> None:
    omar = world.people["omar"]
    grant = world.grant(omar, "operator")
    assert "Omar no longer holds operator" in ada.get(f"/admin/roles/{grant}/revoke")
    empty = ada.send(f"/admin/roles/{grant}/revoke", reason=" ")
    assert empty.status_code == 422
    gone = ada.send(f"/admin/roles/{grant}/revoke", reason="Moved on")
    assert gone.headers["Location"] == f"/admin/people/{omar.id}?done=revoked"
    revoked = {"grant": grant, "revoked_by": world.ada.id, "reason": "Moved on"}
    assert last(world, f"user/{omar.id}") == ("role.revoked.v1", revoked)
    assert "Nobody holds a grant" in ada.get(f"/admin/roles/{grant}/revoke", 404)
    assert "operator" in ada.get("/admin/roles?state=revoked")


def test_what_cannot_be_a_role_is_said_where_it_was_typed(world: World, ada: Browser) -> None:
    erin = world.people["erin"].id
    assert "must match" in ada.get(f"/admin/roles/grant?user={erin}&role=NO ROLE")
    assert "limit this one by team" in ada.get(
        f"/admin/roles/grant?user={erin}&role=engineer&scope=model/*@production"
    )
    assert "no open account" in ada.get("/admin/roles/grant?user=none&role=engineer")
    again = ada.send("/admin/roles/grant", user=erin, role="engineer", reason="once more")
    assert again.status_code == 409
    assert "holds engineer already" in words(again.text)


def test_an_account_is_closed_and_says_what_that_does(world: World, ada: Browser) -> None:
    leaver = world.person("lea", "engineer")
    page = ada.get(f"/admin/people/{leaver.id}/disable")
    assert "Lea can neither sign in nor sign from then on" in page
    closed = ada.send(f"/admin/people/{leaver.id}/disable", reason="Left the company")
    assert closed.headers["Location"] == f"/admin/people/{leaver.id}?done=disabled"
    assert "The account is closed" in ada.get(f"/admin/people/{leaver.id}?done=disabled")
    kind, said = last(world, f"user/{leaver.id}")
    assert (kind, said["reason"]) == ("user.disabled.v1", "Left the company")
    ada.get(f"/admin/people/{leaver.id}/disable", 404)


def test_the_last_two_administrators_are_closed_by_both(
    world: World, ada: Browser, greta: Browser
) -> None:
    path = f"/admin/people/{world.people['greta'].id}/disable"
    assert "one of the last two administrators" in ada.get(path)
    asked = ada.send(path, reason="Wants to leave")
    assert asked.headers["Location"].endswith("?done=asked")
    assert "Close the account of Greta" in greta.get("/admin")
    assert "ada has asked for it, because: Wants to leave" in greta.get(path)
    world.tick(7 * 86_400)  # nobody confirms it


def test_a_reset_is_asked_for_by_one_and_carried_out_by_another(
    world: World, ada: Browser, greta: Browser
) -> None:
    lost = world.person("tom", "engineer")
    page = f"/admin/people/{lost.id}/reset"
    assert "It takes two administrators" in ada.get(page)
    assert ada.send(page, reason=" ").status_code == 422
    asked = ada.send(page, reason="The telephone is lost")
    assert asked.headers["Location"] == f"/admin/people/{lost.id}?done=reset"
    assert "because: The telephone is lost" in greta.get(page)
    waits = world.client(None).get(page, headers=ada.headers()).text
    assert "You have asked for it" in words(waits)
    assert 'method="post"' not in waits.partition("<main")[2]
    assert ada.send(f"{page}/confirm").status_code == 403
    answer = greta.send(f"{page}/confirm")
    assert answer.status_code == 200
    [link] = re.findall(r"http://localhost:8000(/invitations/[\w-]{43})", answer.text)[:1]
    assert "For 24 hours from now they sign nothing." in words(answer.text)
    form = {"name": "tom", "password": PASSWORD, "totp": world.totp(lost)}
    assert world.client(None).post("/sign-in", data=form, headers=HTML).status_code == 401
    assert world.client(None).get(link).status_code == 200
    assert greta.send(f"{page}/confirm").status_code == 404
    assert "Signs nothing yet" in greta.get(f"/admin/people/{lost.id}")


def test_sessions_of_somebody_are_ended(world: World, ada: Browser) -> None:
    erin = world.people["erin"]
    world.session(erin)
    page = f"/admin/people/{erin.id}/sessions"
    assert "Every session of Erin ends at once" in ada.get(page)
    ended = ada.send(page, reason="The laptop is lost")
    assert ended.headers["Location"] == f"/admin/people/{erin.id}?done=ended"
    assert world.client(erin).get("/api/v1/me").status_code == 401
    nothing = ada.send(page, reason="again")
    assert nothing.status_code == 404
    assert "There is no such session" in words(nothing.text)
    erin.session = None


def test_what_somebody_did_stands_on_their_page(world: World, ada: Browser) -> None:
    erin = world.people["erin"]
    about = {"owner": "data-team", "licence": "CC0-1.0", "description": "Applicants"}
    world.record(erin, "dataset.registered", "dataset/credit", about)
    assert "dataset.registered dataset/credit" in ada.get(f"/admin/people/{erin.id}")
    ada.get("/admin/people/none", 404)


def test_the_interface_says_conflicts_and_takes_reasons(world: World) -> None:
    client, erin = world.client(world.ada), world.people["erin"].id
    told = client.get(f"/api/v1/users/{erin}/roles/check?role=auditor").json()["conflicts"]
    assert [one["kind"] for one in told] == ["audits-own-work"]
    assert client.get(f"/api/v1/users/{erin}/roles/check?role=NO").status_code == 422
    body = {"role": "operator", "reason": "Keeps the backups"}
    grant = client.post(f"/api/v1/users/{erin}/roles", json=body).json()["grant"]
    assert last(world, f"user/{erin}")[1]["reason"] == "Keeps the backups"
    client.delete(f"/api/v1/users/{erin}/roles/{grant}?reason=Moved")
    assert last(world, f"user/{erin}")[1]["reason"] == "Moved"
    assert (
        client.post(f"/api/v1/users/{erin}/roles", json={**body, "reason": ""}).status_code == 422
    )


def test_a_token_is_made_shown_once_used_and_revoked(world: World, ada: Browser) -> None:
    erin = world.people["erin"].id
    form = {"name": "ci-credit", "owner": erin, "days": "30", "reason": "Nightly training"}
    answer = ada.send("/admin/tokens/new", **form, scopes=["event:append", "gate:check"])
    assert answer.status_code == 200
    [token] = re.findall(r"gvs_[0-9A-Za-z]{38}", answer.text)[:1]
    page = ada.get("/admin/tokens")
    assert token not in page
    assert f"ci-credit gvs_…{token[-4:]} Erin event:append, gate:check no limit never" in page
    bearer = {"Authorization": f"Bearer {token}"}
    assert world.client(None).get("/api/v1/me", headers=bearer).status_code == 200
    written(world)
    assert "gate:check no limit 0 s ago" in ada.get("/admin/tokens")
    [one] = [
        each
        for each in world.client(world.ada).get("/api/v1/tokens").json()["items"]
        if each["name"] == "ci-credit"
    ]
    assert last(world, f"token/{one['id']}")[1]["reason"] == "Nightly training"
    assert one["last_used_at"] is not None
    path = f"/admin/tokens/{one['id']}/revoke"
    assert "Erin stays answerable" in ada.get(path)
    assert ada.send(path, reason="").status_code == 422
    assert ada.send(path, reason="Leaked").headers["Location"] == "/admin/tokens?done=revoked"
    assert world.client(None).get("/api/v1/me", headers=bearer).status_code == 401
    assert last(world, f"token/{one['id']}")[1] == {"revoked_by": world.ada.id, "reason": "Leaked"}
    ada.get(path, 404)
    assert "ci-credit" not in ada.get("/admin/tokens")
    assert "ci-credit" in ada.get("/admin/tokens?state=revoked")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scopes": []}, "must be different scopes, at least one"),
        ({"scopes": ["approve"]}, "'approve' is no scope"),
        ({"days": "soon"}, "no number of days"),
        ({"days": "366"}, "must lie ahead, and at most a year"),
        ({"days": "0"}, "must lie ahead, and at most a year"),
        ({"owner": "nobody"}, "no open account 'nobody'"),
        ({"subject_prefix": "../x"}, "must be the first parts of a subject"),
        ({"reason": " "}, "A reason has 1 to 2,000 characters"),
    ],
)
def test_what_cannot_be_a_token_is_said_and_nothing_typed_is_lost(
    ada: Browser, wrong: dict[str, str | list[str]], said: str
) -> None:
    form: dict[str, str | list[str]] = {"name": "wrong", "scopes": ["read"], "reason": "try"}
    answer = ada.send("/admin/tokens/new", **{**form, **wrong})
    assert answer.status_code in {404, 422}
    assert said in words(answer.text)
    assert 'value="wrong"' in answer.text
    assert "gvs_" not in answer.text


def test_a_tokens_use_is_noted_once_in_ten_minutes(world: World) -> None:
    token = world.token("read")

    def used() -> str:
        written(world)
        items = world.client(world.ada).get("/api/v1/tokens").json()["items"]
        return next(str(one["last_used_at"]) for one in items if one["id"] == token.id)

    assert used() == "None"
    world.client(token).get("/api/v1/me")
    first = used()
    world.tick(599)
    world.client(token).get("/api/v1/me")
    assert used() == first
    world.tick(1)
    world.client(token).get("/api/v1/me")
    assert used() > first


def test_who_is_signed_in_is_listed_and_ended_one_by_one(world: World, ada: Browser) -> None:
    vera = world.people["vera"]
    world.session(vera)
    page = world.client(None).get("/admin/sessions", headers=ada.headers()).text
    assert "Vera" in words(page)
    assert "this one" in words(page)
    [path] = re.findall(rf'href="(/admin/people/{vera.id}/sessions\?session=[0-9a-f]+)"', page)
    assert "End a session of Vera" in ada.get(path)
    assert ada.send(path, reason="Left it open").status_code == 303
    assert last(world, f"user/{vera.id}") == (
        "session.ended.v1",
        {"sessions": 1, "reason": "Left it open"},
    )
    vera.session = None
    listed = world.client(None).get("/admin/sessions?format=json", headers=ada.headers()).json()
    assert vera.id not in {one["user"] for one in listed["items"]}
    first = world.client(None).get("/admin/sessions?limit=1", headers=ada.headers()).text
    assert "Next page" in first or len(listed["items"]) == 1


def test_the_trail_says_who_changed_what_and_why(world: World, ada: Browser) -> None:
    erin = world.people["erin"]
    grant = world.client(world.ada).post(
        f"/api/v1/users/{erin.id}/roles", json={"role": "operator", "reason": "Night shift"}
    )
    assert grant.status_code == 201
    page = ada.get(f"/admin/trail?about=user/{erin.id}&type=role.granted.v1")
    assert "role.granted Erin ada role operator Night shift" in page
    world.client(erin).post("/api/v1/invitations", json={"name": "x", "printed_name": "X"})
    assert "access.refused Erin Erin because RoleMissing; route POST" in ada.get(
        f"/admin/trail?actor={erin.id}&type=access.refused.v1"
    )
    path = f"/admin/trail?type=role.granted.v1&about=user/{erin.id}&format=csv"
    csv = world.client(None).get(path, headers=ada.headers()).text.splitlines()
    assert csv[0] == "index,recorded_at,type,subject,actor,said,reason"
    assert csv[1].endswith(",role operator,Night shift")
    assert "Nothing matches" in ada.get("/admin/trail?actor=none")


def test_environments_are_drafted_by_one_and_published_by_another(
    world: World, ada: Browser
) -> None:
    paul = world.people.get("paul") or world.person("paul", "policy_author")
    author = Browser(world, paul)
    assert "development" in author.get("/admin/environments")
    refused = author.send("/admin/environments", names="one one")
    assert refused.status_code == 422
    assert "different names" in words(refused.text)
    sent = author.send("/admin/environments", names="development\nproduction")
    assert sent.headers["Location"] == "/admin/environments?done=drafted"
    assert "Somebody else publishes it." in author.get("/admin/environments")
    page = world.client(None).get("/admin/environments", headers=ada.headers()).text
    [path] = re.findall(r'action="(/admin/environments/sha256:[0-9a-f]{64}/publish)"', page)
    signed = world.signed(paul)
    assert author.send(path, reason="mine", **signed).status_code == 403
    wrong = ada.send(path, reason="Fewer steps", password=PASSWORD, totp="000000")
    assert wrong.status_code == 401
    assert "Name, password or code is wrong" in words(wrong.text)
    world.session(world.ada)
    done = ada.send(path, reason="Fewer steps", **world.signed(world.ada))
    assert done.headers["Location"] == "/admin/environments?done=published"
    said = last(world, "environments")[1]
    assert (said["environments"], said["reason"]) == (["development", "production"], "Fewer steps")
    assert "Published by ada: Fewer steps" in ada.get("/admin/environments")
    erin = Browser(world, world.people["erin"])
    assert "administrators, policy authors and auditors" in erin.get("/admin/environments", 403)
    assert ada.send("/admin/environments", names="a b").status_code == 403


def test_an_erased_reason_is_gone_from_what_waits_too(
    world: World, ada: Browser, greta: Browser
) -> None:
    first, second = world.person("cora", "compliance_officer"), world.person("cleo")
    world.grant(second, "compliance_officer")
    lost = world.person("nils", "engineer")
    page = f"/admin/people/{lost.id}/reset"
    why = "Nils lost his telephone at the clinic"
    assert ada.send(page, reason=why).status_code == 303
    assert why in greta.get(page)
    with world.house.ledger.snapshot() as now:
        index = now.about(f"user/{lost.id}")[-1]
    body = {"members": ["reason"], "reason": "asked for", "legal_basis": "GDPR Art. 17"}
    path = f"/api/v1/events/{index}/redactions"
    asked = world.client(first).post(path, json=body)
    assert asked.status_code in {201, 202}, asked.text
    [id_] = {value for name, value in asked.json().items() if name.endswith("id")} or {""}
    assert world.client(second).post(f"{path}/{id_}/confirm").status_code == 201
    assert why not in greta.get(page)
    assert why not in ada.get(f"/admin/people/{lost.id}")
    assert "waits" in ada.get(f"/admin/people/{lost.id}")


def test_the_reason_of_an_open_account_is_erased_and_its_names_are_not(
    world: World, ada: Browser
) -> None:
    ada.send("/admin/people", name="olga", printed_name="Olga", reason="Replaces Nils, who is ill")
    cora = world.person("cora", "compliance_officer")
    people = world.client(world.ada).get("/api/v1/users").json()["items"]
    olga = next(one for one in people if one["name"] == "olga")
    path = f"/api/v1/events/{olga['created_index']}/redactions"
    body = {"members": ["name"], "reason": "asked for", "legal_basis": "GDPR Art. 17"}
    assert world.client(cora).post(path, json=body).status_code == 409
    body["members"] = ["reason"]
    assert world.client(cora).post(path, json=body).status_code in {201, 202}
