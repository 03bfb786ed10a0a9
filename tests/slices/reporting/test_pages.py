"""The pages of reports: order one, watch it without JavaScript, take it away."""

from __future__ import annotations

import re
import time
from html import unescape
from typing import TYPE_CHECKING

import pytest

from tests.living import World, expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.living import Person

HTML = {"Accept": "text/html"}
PATIENCE = 120


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("office")) as world:
        erin = world.person("erin", "engineer")
        world.person("omar", "compliance_officer")
        about = {"owner": "risk", "purpose": "scores", "risk_tier": "high"}
        world.record(erin, "model.registered", "model/credit", about)
        yield world


def look(world: World, path: str, who: str = "omar", **headers: str) -> httpx.Response:
    return world.client(world.people[who]).get(path, headers={**HTML, **headers})


def send(world: World, path: str, person: Person | None = None, **fields: str) -> httpx.Response:
    page = look(world, "/reports").text
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found is not None
    data = {"form_token": found[1], **fields}
    client = world.client(person or world.people["omar"])
    return client.post(path, headers=HTML, data=data)


def test_a_report_is_ordered_watched_and_taken_without_javascript(world: World) -> None:
    sent = send(world, "/reports", scope="model/credit", type="model-audit")
    assert sent.status_code == 303
    path = sent.headers["Location"]
    page = look(world, path).text
    until = time.monotonic() + PATIENCE
    while "It goes on without you" in page:
        assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
        assert 'hx-trigger="every 2s"' in page
        assert time.monotonic() < until, "the report is not made"
        time.sleep(0.3)
        page = look(world, path).text
    assert "every 2s" not in page
    assert "noscript" not in page
    link = re.search(r'href="(/api/v1/reports/[^"]+\.pdf)"', page)
    assert link is not None
    taken = world.client(world.people["omar"]).get(link[1])
    assert taken.content.startswith(b"%PDF")
    shown = expect(200, world.client(world.people["omar"]).get(link[1].removesuffix(".pdf")))
    for digest in shown["digests"].values():
        assert digest in page
    assert f'href="/ledger/{shown["generated_index"]}"' in page
    polled = look(world, path, **{"HX-Request": "true", "HX-Target": "state"}).text
    assert polled.lstrip().startswith('<div id="state">')
    assert "<h1" not in polled
    late = send(world, f"{path}/cancel")
    assert late.headers["Location"] == path


def test_what_cannot_be_ordered_is_said_beside_its_field_and_stays_typed(world: World) -> None:
    unknown = send(world, "/reports", scope="model/none")
    assert unknown.status_code == 422
    assert '<a href="#scope">There is no model/none' in unknown.text
    assert 'value="model/none"' in unknown.text
    early = send(world, "/reports", scope="model/credit", as_of="soon")
    assert early.status_code == 422
    assert "is no size of the log" in unescape(early.text)
    beyond = send(world, "/reports", scope="model/credit", as_of="999999")
    assert beyond.status_code == 422
    assert '<a href="#as_of">' in beyond.text


def test_reports_are_listed_in_either_order_and_as_a_file(world: World) -> None:
    for _ in range(2):
        send(world, "/reports", scope="model/credit", as_of="5")
    items = look(world, "/reports?format=json").json()["items"]
    turned = look(world, "/reports?sort=requested_at&format=json").json()["items"]
    assert [one["id"] for one in turned] == [one["id"] for one in items][::-1]
    assert look(world, "/reports?format=csv").text.startswith("id,type,scope")
    found: list[str] = []
    path: str | None = "/reports?limit=1"
    while path is not None:
        page = look(world, path).text
        found += re.findall(r'class="id" href="/reports/([^"]+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = None if following is None else unescape(following[1])
    assert found == [one["id"] for one in items]


def test_a_report_that_waits_is_cancelled_on_its_page(world: World) -> None:
    runner_busy = send(world, "/reports", scope="model/credit")
    path = send(world, "/reports", scope="model/credit").headers["Location"]
    cancelled = send(world, f"{path}/cancel")
    assert cancelled.status_code == 303
    assert "cancelled" in look(world, path).text
    send(world, f"{runner_busy.headers['Location']}/cancel")


def test_who_may_not_order_is_told_what_it_takes(world: World) -> None:
    assert "takes the role compliance officer or auditor" in look(world, "/reports", "erin").text
    assert look(world, "/reports/none").status_code == 404
    assert world.client(None).get("/reports", headers=HTML).status_code == 303
