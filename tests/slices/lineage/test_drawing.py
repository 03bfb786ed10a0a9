"""The picture of a graph: whole or saying what is missing, legible, and the same everywhere."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from app.core.access import EVERYTHING, Permission
from app.core.lineage.closure import Closure, Direction, Reached, Status, why
from app.core.lineage.nodes import NodeKind
from app.core.lineage.relations import View
from app.lineage import svg
from app.lineage.asking import Answer, Terms
from app.lineage.drawing import around, draw_around, draw_way
from app.lineage.hidden import Names
from app.lineage.layout import Flow
from app.lineage.picture import READABLE, picture_of, shown, words
from app.lineage.sql_store import SqlLineageStore
from app.lineage.svg import clip, printable
from tests.core.lineage.histories import (
    Told,
    data_version,
    flow,
    hour,
    model_version,
    run_finished,
    run_started,
    succeeded,
    tell,
)
from tests.slices.lineage.conftest import FakeCaller

if TYPE_CHECKING:
    from app.lineage.graphviz import Graphviz
    from tests.slices.lineage.conftest import Stage

SVG = "{http://www.w3.org/2000/svg}"
PLACE = "deployment/production/scoring"
STORY = [
    Told("dataset/credit/1", data_version(), hour(0)),
    Told("dataset/credit/2", data_version("dataset/credit/1"), hour(1)),
    Told("run/train-1", run_started("dataset/credit/2"), hour(2)),
    Told("run/train-1", run_finished("model/risk/1"), hour(3)),
    Told("model/risk/1", model_version("dataset/credit/2", run="run/train-1"), hour(4)),
    Told(PLACE, succeeded("model/risk/1"), hour(5)),
]


@pytest.fixture
def reader(stage: Stage) -> Stage:
    stage.tells(STORY)
    stage.door.caller = FakeCaller(frozenset({Permission.READ}))
    return stage


def read(written: str) -> Element:
    return fromstring(written)  # noqa: S314 - our own


def drawn(stage: Stage, **query: Any) -> Element:  # noqa: ANN401 - anything a query holds
    asked = {name: str(value) for name, value in query.items()}
    answer = stage.get("/api/v1/graph/drawing.svg", asked)
    assert answer.status_code == 200, answer.text
    return read(answer.text)


def nodes(picture: Element) -> list[Element]:
    return [one for one in picture.iter(f"{SVG}g") if "node" in one.get("class", "").split()]


def box(node: Element) -> tuple[float, float]:
    found = re.fullmatch(r"translate\((\S+) (\S+)\)", node.get("transform", ""))
    assert found is not None
    return float(found[1]), float(found[2])


def texts(element: Element) -> list[str]:
    return [one.text or "" for one in element.iter(f"{SVG}text")]


def check_legible(picture: Element) -> None:
    """Boxes are disjoint and within the picture; labels are within their boxes."""
    _, _, width, height = map(float, picture.get("viewBox", "").split())
    places = [box(one) for one in nodes(picture)]
    for x, y in places:
        assert x + svg.MARGIN + 0.1 >= 0
        assert x + svg.MARGIN + svg.WIDTH <= width + 0.1
        assert y + svg.MARGIN + svg.HEIGHT <= height + 0.1
    for (ax, ay), (bx, by) in combinations(places, 2):
        assert abs(ax - bx) >= svg.WIDTH or abs(ay - by) >= svg.HEIGHT
    for node in nodes(picture):
        for text in node.iter(f"{SVG}text"):
            length = sum(svg._cells(one) for one in text.text or "") * svg.CELL  # noqa: SLF001
            x, y = float(text.get("x", "")), float(text.get("y", ""))
            left = x - length if text.get("text-anchor") == "end" else x
            assert left >= 0
            assert left + length <= svg.WIDTH
            assert 12 <= y <= svg.HEIGHT - 8


def test_a_drawing_shows_every_node_as_a_link_with_its_kind_in_words(reader: Stage) -> None:
    picture = drawn(reader, node="model/risk/1", direction="upstream")
    check_legible(picture)
    labels = {tuple(texts(one)) for one in nodes(picture)}
    assert labels == {
        ("model version", "risk/1"),
        ("model", "risk"),
        ("run", "train-1"),
        ("dataset version", "credit/2"),
        ("dataset version", "credit/1"),
        ("dataset", "credit"),
    }
    links = {one.get("href") for one in picture.iter(f"{SVG}a")}
    assert links == {
        "https://muniment.test/models/risk/versions/1",
        "https://muniment.test/models/risk",
        "https://muniment.test/datasets/credit",
        "https://muniment.test/datasets/credit/versions/1",
        "https://muniment.test/datasets/credit/versions/2",
    }
    title = picture.find(f"{SVG}title")
    assert title is not None
    assert title.text == "Lineage upstream of model/risk/1"
    foot = " ".join(texts(picture)[-2:])
    assert f"Log size {len(STORY)}" in foot
    assert "TRUNCATED" not in foot


def test_links_come_in_the_order_in_which_they_are_read(reader: Stage) -> None:
    places = [box(one) for one in nodes(drawn(reader, node="model/risk/1", direction="upstream"))]
    assert places == sorted(places)


def test_kinds_differ_by_shape_and_never_by_colour_alone(reader: Stage) -> None:
    upstream = drawn(reader, node=PLACE, direction="upstream")
    shapes: dict[str, set[str]] = {}
    for node in nodes(upstream):
        shape = node.find(f".//{SVG}path")
        assert shape is not None
        kind = node.get("data-kind", "").removesuffix("_version").removesuffix("_revision")
        shapes.setdefault(kind, set()).add(f"{shape.get('d')} {shape.get('stroke-dasharray')}")
        assert node.find(f".//{SVG}text[@class='kind']") is not None
    assert set(shapes) == {"dataset", "run", "model", "deployment"}
    assert all(len(one) == 1 for one in shapes.values())
    assert len(set.union(*shapes.values())) == len(shapes)


def test_what_lies_behind_is_counted_on_the_box_and_can_be_asked_for(reader: Stage) -> None:
    picture = drawn(reader, node="model/risk/1", direction="upstream", depth=1)
    behind = {tuple(texts(one)) for one in nodes(picture)}
    assert ("dataset version", "credit/2", "+2") in behind
    more = [one for one in picture.iter(f"{SVG}a") if one.get("class") == "onward"]
    assert [(one.get("href"), one.get("aria-label")) for one in more] == [
        (
            "https://muniment.test/lineage?node=dataset_version%3Acredit%2F2",
            "Show 2 more behind credit/2",
        )
    ]
    assert any(one.startswith("TRUNCATED: ") for one in texts(picture))


def test_a_limit_is_said_in_the_picture(reader: Stage) -> None:
    picture = drawn(reader, node="model/risk/1", direction="upstream", limit=2)
    assert len(nodes(picture)) == 2
    assert "TRUNCATED: 4 more known here are not shown." in texts(picture)


def test_a_question_that_took_too_long_says_so_in_the_picture(reader: Stage) -> None:
    picture = drawn(reader, node="model/risk/1", direction="upstream", timeout_ms=0)
    assert "TIMED OUT: there may be more than is shown." in texts(picture)


def test_only_the_kinds_that_are_asked_for_are_shown(reader: Stage) -> None:
    picture = drawn(reader, node="model/risk/1", direction="upstream", kinds="dataset_version")
    assert {texts(one)[0] for one in nodes(picture)} == {"model version", "dataset version"}


def test_a_drawing_of_the_past_says_which_size_it_is_of(reader: Stage) -> None:
    picture = drawn(reader, node="dataset/credit/1", direction="downstream", as_of_seq=2)
    assert picture.get("data-log-size") == "2"
    assert {texts(one)[1] for one in nodes(picture)} == {"credit/1", "credit/2"}


def test_an_answer_is_a_file_that_runs_nothing(reader: Stage) -> None:
    answer = reader.get(
        "/api/v1/graph/drawing.svg", {"node": "model/risk/1", "direction": "upstream"}
    )
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="lineage.svg"'
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.text
    assert "style=" not in answer.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"node": "model/nobody/1", "direction": "upstream"}, 404),
        ({"node": "model/risk/1", "direction": "sideways"}, 422),
        ({"node": "model/risk/1", "direction": "upstream", "as_of_seq": "99"}, 422),
        ({"node": "model/risk/1", "direction": "upstream", "every": "perhaps"}, 422),
        ({"node": "model/risk/1", "direction": "upstream", "colour": "red"}, 422),
    ],
)
def test_a_wrong_question_gets_no_picture(
    reader: Stage, query: dict[str, str], status: int
) -> None:
    answer = reader.get("/api/v1/graph/drawing.svg", query)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_drawing_takes_the_permission_to_read(reader: Stage) -> None:
    reader.door.caller = FakeCaller(frozenset())
    query = {"node": "model/risk/1", "direction": "upstream"}
    assert reader.get("/api/v1/graph/drawing.svg", query).status_code == 403
    reader.door.caller = None
    assert reader.get("/api/v1/graph/drawing.svg", query).status_code == 401


# Big graphs.


def fan(stage: Stage, width: int) -> None:
    """One dataset, and ``width`` others made from it, each with a model version of its own."""
    stage.tells([Told("dataset/seed/1", data_version(), hour(0))])
    stage.tells(
        [
            told
            for at in range(width)
            for told in (
                Told(f"dataset/d{at}/1", data_version("dataset/seed/1"), hour(1)),
                Told(f"model/m{at}/1", model_version(f"dataset/d{at}/1"), hour(2)),
            )
        ][:900]
    )


def test_many_nodes_are_taken_together_and_counted(stage: Stage) -> None:
    fan(stage, 200)
    stage.door.caller = FakeCaller(frozenset({Permission.READ}))
    picture = drawn(stage, node="dataset/seed/1", direction="downstream")
    check_legible(picture)
    assert [texts(one) for one in nodes(picture)] == [
        ["dataset version", "seed/1"],
        ["dataset version", "200 dataset versions"],
        ["model version", "200 model versions"],
    ]
    assert any("401 nodes, 400 edges, taken together" in one for one in texts(picture))
    edges = [one for one in picture.iter(f"{SVG}g") if one.get("class") == "edge"]
    assert [one.get("data-edges") for one in edges] == ["200", "200"]
    assert "TRUNCATED" not in " ".join(texts(picture))


def test_every_node_is_drawn_where_that_is_asked_for(stage: Stage) -> None:
    fan(stage, 100)
    stage.door.caller = FakeCaller(frozenset({Permission.READ}))
    picture = drawn(stage, node="dataset/seed/1", direction="downstream", every=True)
    check_legible(picture)
    assert len(nodes(picture)) == 201


def test_a_long_chain_is_taken_together_in_steps_of_several_hops(stage: Stage) -> None:
    chain = [f"dataset/d{at}/1" for at in range(700)]
    stage.tells([Told(chain[0], data_version(), hour(0))])
    stage.tells([Told(later, data_version(sooner), hour(1)) for sooner, later in pairwise(chain)])
    stage.door.caller = FakeCaller(frozenset({Permission.READ}))
    picture = drawn(stage, node="dataset/d0/1", direction="downstream", depth=1000)
    assert 75 <= len(nodes(picture)) <= READABLE
    check_legible(picture)
    spoken = [one.text for one in nodes(picture)[1].iter(f"{SVG}title")]
    assert spoken == ["8 dataset versions, 1 to 8 hops away"]


def test_the_picture_of_a_page_and_of_a_file_have_one_layout(
    reader: Stage, layout: Graphviz
) -> None:
    file = drawn(reader, node="model/risk/1", direction="upstream")
    with reader.ledger.snapshot() as now:
        store, names = SqlLineageStore(now.connection, now.size), Names(now.connection, EVERYTHING)
        answer = around(store, now.size, "model/risk/1", Direction.UPSTREAM, Terms())
    page = draw_around(
        layout,
        answer,
        names,
        node="model/risk/1",
        direction=Direction.UPSTREAM,
        size=now.size,
    )
    assert file.get("data-layout") == page.layout
    assert 'href="/models/risk/versions/1"' in page.svg


def test_the_way_between_two_things_is_drawn_downwards_with_what_each_arrow_says(
    stage: Stage, layout: Graphviz
) -> None:
    found = why(tell(STORY), "dataset_version:credit/1", f"deployment:{PLACE[11:]}", View(6))
    with stage.ledger.snapshot() as now:
        names = Names(now.connection, EVERYTHING)
    answer = Answer(found, 6, 6, found.status, "sql")
    drawing = draw_way(layout, answer, names, cause="dataset/credit/1", effect=PLACE, size=6)
    assert drawing is not None
    picture = read(drawing.svg)
    check_legible(picture)
    said = [one.text for one in picture.iter(f"{SVG}text") if one.get("class") == "said"]
    assert said == ["source", "trained", "deployed", "live"]
    across = {box(one)[0] for one in nodes(picture)}
    assert len(across) == 1
    none = why((), "dataset_version:a/1", "dataset_version:b/1", View(6))
    nowhere = Answer(none, 6, 6, none.status, "sql")
    assert draw_way(layout, nowhere, names, cause="a", effect="b", size=6) is None


# Hostile names.

HOSTILE = [
    "<script>alert(1)</script>",
    "</text></svg><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u202c",
    "شركة-البيانات",
    "数据集数据集数据集数据集数据集",
    "🦊" * 40,
    "x" * 300,
    "a\x00b\x1bc",
    "&amp;\"'",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_text_within_its_box(layout: Graphviz, name: str) -> None:
    found = Closure((Reached(f"entity:{name}", 0),), (), Status.COMPLETE)
    picture = picture_of(shown(found, Direction.UPSTREAM, 3), Unhidden())
    placed = layout(svg.sketch_of(picture, Flow.ACROSS))
    written = svg.draw(picture, placed, svg.Caption(f"Lineage of {name}", 1))
    drawing = read(written)
    check_legible(drawing)
    assert {one.tag.removeprefix(SVG) for one in drawing.iter()} <= {
        "svg", "g", "title", "rect", "path", "text", "a",
    }  # fmt: skip
    [label] = [one.text for one in drawing.iter(f"{SVG}text") if one.get("class") == "name"]
    assert label == clip(name, svg.CELLS)


class Unhidden(Names):
    """Everything may be seen."""

    def __init__(self) -> None:
        pass

    def gid(self, gid: str) -> str:
        return gid

    def subject(self, gid: str) -> str | None:
        return None


def test_a_long_name_keeps_its_end_which_tells_versions_apart() -> None:
    assert clip("a-model-with-quite-a-long-name/12.0.1", 20) == "a-model-w…ame/12.0.1"
    assert clip("数据集数据集/1", 10) == "数据…集/1"
    assert clip("short/1", 20) == "short/1"


def test_what_no_eye_can_see_is_shown_to_be_there() -> None:
    assert printable("a\u202eb\x00") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


def test_kinds_are_said_as_people_do() -> None:
    assert [words(one, many=True) for one in (NodeKind.ENTITY, NodeKind.MODEL_VERSION)] == [
        "entities",
        "model versions",
    ]


def test_what_is_hidden_from_a_reader_has_no_name_in_the_picture(stage: Stage) -> None:
    from app.core.events.kinds import models

    secret = models.ModelRegistered("ann", "p", "high", team="lending", team_only=True)
    stage.tells(
        [
            Told("dataset/open/1", data_version(), hour(0)),
            Told("model/covert", secret, hour(1)),
            Told("model/covert/1", model_version("dataset/open/1"), hour(2)),
        ]
    )
    stage.door.caller = FakeCaller(frozenset({Permission.READ}), teams=frozenset())
    query = {"node": "dataset/open/1", "direction": "downstream"}
    answer = stage.get("/api/v1/graph/drawing.svg", query)
    assert "covert" not in answer.text
    assert "*1" in answer.text
    assert (
        stage.get("/api/v1/graph/drawing.svg", query | {"node": "model/covert/1"}).status_code
        == 404
    )


def test_parallel_edges_are_one_arrow_that_says_both(stage: Stage) -> None:
    twice = (flow("a", "b", 0), flow("a", "b", 1))
    found = Closure(
        (Reached("dataset_version:b/1", 0), Reached("dataset_version:a/1", 1)),
        twice,
        Status.COMPLETE,
    )
    picture = picture_of(shown(found, Direction.UPSTREAM, 3), Unhidden())
    assert [(one.src, one.dst, one.edges) for one in picture.arrows] == [(1, 0, 2)]
