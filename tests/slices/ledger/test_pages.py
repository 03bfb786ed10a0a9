"""The pages of the log: its stream, an entry with its bytes, links, proof and erasures."""

from __future__ import annotations

import base64
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from app.core.ledger.proof_file import parse_proof
from tests.living import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.living import Person

HTML = {"Accept": "text/html"}
HOSTILE = [
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}{% include 'x' %}",
    "\u202eevil\u202c",
    "مرحبا",
    "🦊 fox",
    "x" * 200,
    "=cmd|' /C calc'!A0",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("log")) as world:
        erin = world.person("erin", "engineer")
        for number, text in enumerate(HOSTILE):
            about = {"owner": text, "licence": text, "description": text}
            world.record(erin, "dataset.registered", f"dataset/d{number}", about)
        version = {
            "digest": "sha256:" + "1" * 64,
            "uri": "file:///d0.csv",
            "size": 1,
            "rows": 1,
            "schema": {"columns": []},
            "derived_from": [],
        }
        for number in (1, 2):
            world.record(erin, "dataset.version_registered", f"dataset/d0/{number}", version)
        yield world


def look(world: World, path: str, by: Person | None = None) -> httpx.Response:
    return world.client(by or world.people["erin"]).get(path, headers=HTML)


def text(world: World, path: str) -> str:
    answer = look(world, path)
    assert answer.status_code == 200, answer.text[:2000]
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def entries(page: str) -> list[int]:
    return [int(one) for one in re.findall(r'class="id" href="/ledger/(\d+)"', page)]


def size(world: World) -> int:
    with world.house.ledger.snapshot() as now:
        return now.size


def test_the_stream_begins_with_the_newest_and_turns_round(world: World) -> None:
    last = size(world) - 1
    assert entries(look(world, "/ledger").text) == list(range(last, -1, -1))[:50]
    assert entries(look(world, "/ledger?sort=index&limit=3").text) == [0, 1, 2]
    assert look(world, "/ledger?sort=colour").status_code == 422
    assert 'name="q" type="search" value=""' in look(world, "/ledger?subject=dataset/d0").text


@pytest.mark.parametrize("sort", ["index", "-index"])
def test_pages_of_the_stream_stay_while_entries_come(world: World, sort: str) -> None:
    found: list[int] = []
    before = size(world)
    path: str | None = f"/ledger?sort={sort}&limit=7"
    erin = world.people["erin"]
    while path is not None:
        page = look(world, path).text
        found += entries(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = None if following is None else unescape(following[1])
        about = {"owner": "x", "licence": "x", "description": "x"}
        name = f"dataset/late-{sort.strip('-')}-{len(sort)}-{len(found)}"
        world.record(erin, "dataset.registered", name, about)
    assert sorted(found) == list(range(before))


def test_filters_hold_for_the_page_and_for_its_files(world: World) -> None:
    path = "/ledger?type=dataset.version_registered&subject=dataset/d0"
    assert 'value="dataset/d0"' in look(world, path).text
    found = entries(look(world, path).text)
    assert len(found) == 2
    as_json = look(world, f"{path}&format=json").json()
    assert [one["index"] for one in as_json["items"]] == found
    assert look(world, f"{path}&format=csv").text.count("\r\n") == 3
    assert entries(look(world, f"/ledger?actor={world.ada.id}").text)
    assert entries(look(world, "/ledger?since=2999-01-01T00:00:00").text) == []
    assert entries(look(world, "/ledger?until=2020-01-01T00:00:00").text) == []
    assert entries(look(world, "/ledger?since=&until=&subject=").text)
    assert look(world, "/ledger?type=no.such").status_code == 422
    assert look(world, "/ledger?since=soon").status_code == 422


def first_of(world: World, subject: str) -> int:
    with world.house.ledger.snapshot() as now:
        return now.about(subject)[0]


def test_an_entry_shows_the_very_bytes_that_are_hashed(world: World) -> None:
    index = first_of(world, "dataset/d0/1")
    served = world.client(world.people["erin"]).get(f"/api/v1/events/{index}").json()
    raw = base64.b64decode(served["canonical"]).decode()
    page = look(world, f"/ledger/{index}").text
    assert raw in unescape(page)
    assert served["leaf_hash"][:12] in page


def test_an_entry_leads_to_those_beside_it_and_of_its_subject(world: World) -> None:
    index = first_of(world, "dataset/d0")
    page = look(world, f"/ledger/{index}").text
    assert f'rel="prev" href="/ledger/{index - 1}"' in page
    assert f'rel="next" href="/ledger/{index + 1}"' in page
    first = look(world, "/ledger/0").text
    assert 'rel="prev"' not in first
    last = look(world, f"/ledger/{size(world) - 1}").text
    assert 'rel="next"' not in last


def test_an_entry_has_its_proof_as_a_file_and_the_commands_beside(world: World) -> None:
    index = first_of(world, "dataset/d0")
    answer = look(world, f"/ledger/{index}/proof")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="entry-{index}.tlog-proof"'
    )
    assert parse_proof(answer.content).index == index
    page = text(world, f"/ledger/{index}")
    assert f"muniment event proof {index}" in page
    assert f"muniment event show {index}" in page


@pytest.mark.parametrize("path", ["/ledger/999999", "/ledger/999999/proof", "/ledger/-1/proof"])
def test_an_entry_that_is_not_there_has_no_page(world: World, path: str) -> None:
    assert look(world, path).status_code == 404


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_whatever_somebody_wrote_is_shown_as_text(world: World, number: int) -> None:
    page = look(world, f"/ledger/{first_of(world, f'dataset/d{number}')}").text
    assert page.count("<script") == look(world, "/ledger/0").text.count("<script")
    assert unescape(page).count(HOSTILE[number]) >= 3
    assert "49" not in re.findall(r"<dd>(.*?)</dd>", page)


def test_what_a_team_keeps_to_itself_is_withheld_and_said_to_be(world: World) -> None:
    erin = world.people["erin"]
    world.grant(erin, "engineer", team="a")
    secret = {"owner": "x", "purpose": "hush", "risk_tier": "low", "team": "a", "team_only": True}
    receipt = world.record(erin, "model.registered", "model/covert", secret)
    zoe = world.person("zoe")
    world.grant(zoe, "auditor", team="b")
    page = look(world, f"/ledger/{receipt['index']}", zoe).text
    assert "hush" not in page
    assert "Withheld" in page
    assert "5 members of its data belong to a team alone" in unescape(page)


def test_the_log_is_for_people_who_sign_in(world: World) -> None:
    answer = world.client(None).get("/ledger", headers=HTML)
    assert answer.status_code == 303
    token = world.token("event:append")
    assert world.client(token).get("/ledger", headers=HTML).status_code == 403
