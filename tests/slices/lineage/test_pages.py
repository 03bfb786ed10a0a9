"""The page of lineage: the way first, then what is around, as a picture and as a list."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import TYPE_CHECKING
from xml.etree.ElementTree import fromstring

import pytest

from app.core.errors import Unavailable
from app.lineage.graphviz import Graphviz
from tests.living import World
from tests.slices.gates.bank import Bank

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.living import Person

HTML = {"Accept": "text/html"}
PLACE = "deployment/production/scoring"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """A bank with one version live, made by a run from data that was made from other data."""
    with World.open(tmp_path_factory.mktemp("bank")) as world:
        bank = Bank.founded(world)
        bank.data("dataset/raw/1")
        bank.data(derived_from=["dataset/raw/1"])
        started = {
            "kind": "train",
            "inputs": [{"subject": "dataset/applicants/1", "role": "train_set"}],
        }
        world.record(bank.erin, "run.started", "run/r1", started)
        finished = {
            "status": "succeeded",
            "outputs": [{"subject": "model/credit/1", "role": "model"}],
        }
        world.record(bank.erin, "run.finished", "run/r1", finished)
        bank.model("1", run="run/r1")
        assert bank.deploy("model/credit/1", "none").status_code == 201
        yield bank


def look(bank: Bank, by: Person | None = None, query: str = "") -> httpx.Response:
    return bank.world.client(by or bank.erin).get(f"/lineage{query}", headers=HTML)


def text(bank: Bank, query: str = "") -> str:
    answer = look(bank, query=query)
    assert answer.status_code == 200, answer.text[:2000]
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    without = re.sub(r"<svg.*?</svg>", " ", main, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", without)))


def test_the_page_begins_with_why_what_is_live_goes_back_to_its_data(bank: Bank) -> None:
    page = text(bank)
    assert f"{PLACE} goes back to dataset/raw/1 in 4 steps" in page
    assert "model/credit/1 was trained on dataset/applicants/1" in page
    assert "dataset/applicants/1 was made from dataset/raw/1" in page
    assert page.index("Why one goes back") < page.index("Around one thing")


def test_for_data_that_goes_back_to_nothing_the_way_leads_to_what_is_live(bank: Bank) -> None:
    page = text(bank, "?node=dataset/raw/1&direction=downstream")
    assert f"{PLACE} goes back to dataset/raw/1" in page


def test_the_way_between_any_two_is_told_and_where_there_is_none_the_other_one(bank: Bank) -> None:
    page = text(bank, "?from=dataset/applicants/1&to=model/credit/1")
    assert "model/credit/1 goes back to dataset/applicants/1 in 1 step:" in page
    back = text(bank, "?from=model/credit/1&to=dataset/applicants/1")
    assert "dataset/applicants/1 does not go back to model/credit/1" in back
    same = text(bank, "?from=model/credit/1&to=model/credit/1")
    assert "one and the same" in same


def test_what_nothing_leads_to_and_nothing_runs_on_is_said(bank: Bank) -> None:
    bank.world.record(
        bank.erin,
        "model.registered",
        "model/alone",
        {"owner": "x", "purpose": "x", "risk_tier": "low"},
    )
    assert "Nothing on record leads to it" in text(bank, "?node=model/alone")


def test_the_list_has_every_node_and_edge_of_the_picture(bank: Bank) -> None:
    query = f"?node={PLACE}&depth=6"
    served = look(bank, query=f"{query}&format=json").json()
    picture = look(bank, query=query).text
    listed = look(bank, query=f"{query}&view=list").text
    assert len(served["result"]["nodes"]) == picture.count('class="node ') - _way_nodes(picture)
    for node in served["result"]["nodes"]:
        revision = re.fullmatch(r"deployment_revision:(.*)@(.{19}).*", node["gid"])
        since = "" if revision is None else f"{revision[1]} since {revision[2]}Z"
        assert (node["subject"] or since) in unescape(listed)
    for edge in served["result"]["edges"]:
        assert f'href="/ledger/{edge["index"]}"' in listed
    rows = list(csv.DictReader(io.StringIO(look(bank, query=f"{query}&format=csv").text)))
    assert len([one for one in rows if one["row"] == "node"]) == len(served["result"]["nodes"])
    assert len([one for one in rows if one["row"] == "edge"]) == len(served["result"]["edges"])
    assert {one["log_size"] for one in rows} == {str(served["asked_at_size"])}


def _way_nodes(page: str) -> int:
    """Count the boxes of the first picture, which is the way."""
    way = re.search(r"<svg[^>]*class=\"lineage\".*?</svg>", page, re.DOTALL)
    assert way is not None
    return way[0].count('class="node ')


def test_page_file_and_api_have_one_layout(bank: Bank) -> None:
    query = "?node=model/credit/1&depth=3&direction=upstream"
    page = re.findall(r'data-layout="([^"]+)"', look(bank, query=query).text)[-1]
    file = fromstring(look(bank, query=f"{query}&format=svg").text)  # noqa: S314 - our own
    api = bank.world.client(bank.erin).get(f"/api/v1/graph/drawing.svg{query}")
    assert page == file.get("data-layout")
    assert page == fromstring(api.text).get("data-layout")  # noqa: S314 - our own
    assert file.get("data-log-size") == str(bank.size)


def test_the_past_is_asked_for_by_size_and_by_time(bank: Bank) -> None:
    with bank.world.house.ledger.snapshot() as now:
        before = now.about("run/r1")[0]
    page = text(bank, f"?node=dataset/applicants/1&direction=downstream&as_of={before}")
    assert f"as of log size {before}" in page
    assert "1 node, 0 edges" in page
    then = text(bank, f"?node={PLACE}&at=2020-01-01T00:00:00")
    assert "1 node, 0 edges" in then


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?node=model/none/1", 404),
        ("?from=model/none/1&to=model/credit/1", 404),
        ("?node=model/credit/1&as_of=99999", 404),
        ("?node=model/credit/1&depth=9", 422),
        ("?node=model/credit/1&depth=x", 422),
        ("?node=model/credit/1&direction=sideways", 422),
        ("?node=model/none/1&format=svg", 404),
        ("?node=model/none/1&format=csv", 404),
    ],
)
def test_what_is_not_there_is_said_with_what_to_write(bank: Bank, query: str, status: int) -> None:
    answer = look(bank, query=query)
    assert answer.status_code == status
    if status == 404 and "format" not in query:
        assert "Write a subject such as" in answer.text


def test_a_picture_that_cannot_be_drawn_leaves_the_list(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Graphviz, sketch: object) -> None:
        raise Unavailable("the picture took longer than a picture may")

    monkeypatch.setattr(Graphviz, "__call__", fails)
    page = look(bank, query="?node=model/credit/1")
    assert page.status_code == 200
    assert "The list has every node and edge." in page.text
    assert look(bank, query="?node=model/credit/1&format=svg").status_code == 503


def test_an_empty_log_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    with World.open(tmp_path_factory.mktemp("empty")) as world:
        page = world.client(world.ada).get("/lineage", headers=HTML)
        assert page.status_code == 200
        assert "Nothing is registered yet" in page.text
        assert world.client(world.ada).get("/lineage?format=json", headers=HTML).status_code == 404


def test_what_is_hidden_has_no_name_on_the_page_and_cannot_be_asked_about(bank: Bank) -> None:
    world = bank.world
    world.grant(bank.erin, "engineer", team="a")
    secret = {"owner": "x", "purpose": "x", "risk_tier": "low", "team": "a", "team_only": True}
    world.record(bank.erin, "model.registered", "model/covert", secret)
    version = {
        "artifact": {"digest": "sha256:" + "2" * 64, "uri": "file:///x"},
        "framework": "x",
        "trained_on": ["dataset/raw/1"],
    }
    world.record(bank.erin, "model.version_registered", "model/covert/1", version)
    zoe = world.person("zoe")
    world.grant(zoe, "auditor", team="b")
    for query in (
        "?node=dataset/raw/1&direction=downstream",
        "?node=dataset/raw/1&direction=downstream&view=list",
        "?node=dataset/raw/1&direction=downstream&format=csv",
        "?node=dataset/raw/1&direction=downstream&format=svg",
    ):
        answer = look(bank, zoe, query)
        assert answer.status_code == 200
        assert "covert" not in answer.text
    hidden = look(bank, zoe, "?node=model/covert/1")
    assert hidden.status_code == 404


def test_lineage_is_for_people_who_sign_in(bank: Bank) -> None:
    assert bank.world.client(None).get("/lineage", headers=HTML).status_code == 303
    token = bank.world.token("event:append")
    assert bank.world.client(token).get("/lineage", headers=HTML).status_code == 403
