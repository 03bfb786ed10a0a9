"""The answers over plain edges, held against a slow search that tries every way."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest

from app.core.lineage.closure import (
    DEPTH,
    Direction,
    State,
    Status,
    ancestors,
    closure,
    impact,
    why,
)
from app.core.lineage.nodes import NodeKind, kind_of
from app.core.lineage.relations import FLOW, Edge, RelationType, View
from tests.core.lineage.histories import (
    Told,
    data_version,
    flow,
    hour,
    model_version,
    moment,
    nodes,
    random_story,
    retired,
    succeeded,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM
NOW = View(10_000)
PLACE = "deployment/production/scoring"
LIVE_STORY = [
    Told("dataset/a/1", data_version(), hour(0)),
    Told("dataset/b/1", data_version("dataset/a/1"), hour(1)),
    Told("model/m/1", model_version("dataset/b/1"), hour(2)),
    Told(PLACE, succeeded("model/m/1"), hour(3)),
    Told("model/m/2", model_version("dataset/c/1"), hour(4)),
    Told("deployment/staging/scoring", succeeded("model/m/2"), hour(5)),
]


def gid(name: str) -> str:
    return f"dataset_version:{name}/1"


def chain(length: int) -> list[Edge]:
    return [flow(f"d{at:04}", f"d{at + 1:04}", at) for at in range(length)]


def shortest_ways(edges: Sequence[Edge], cause: str, effect: str) -> list[tuple[str, ...]]:
    """Every shortest way as its nodes, by extending all ways until one arrives."""
    ways: set[tuple[str, ...]] = {(cause,)}
    while ways and not any(way[-1] == effect for way in ways):
        ways = {
            (*way, edge.dst)
            for way in ways
            for edge in edges
            if edge.src == way[-1] and edge.dst not in way
        }
    return [way for way in ways if way[-1] == effect]


def distances(edges: Sequence[Edge], start: str, direction: Direction) -> dict[str, int]:
    """By relaxing every edge until nothing gets nearer."""
    steps = [(e.src, e.dst) if direction is DOWN else (e.dst, e.src) for e in edges]
    known = {start: 0}
    while True:
        nearer = {far: known[near] + 1 for near, far in steps if near in known}
        nearer = {far: hops for far, hops in nearer.items() if hops < known.get(far, 10**9)}
        if not nearer:
            return known
        known |= nearer


def visible(story: Sequence[Told], view: View) -> list[Edge]:
    return [edge for edge in tell(story) if edge.type in FLOW and view.sees(edge)]


def test_random_questions_are_answered_as_by_a_slow_search(questions: int) -> None:
    asked = 0
    for seed in itertools.count():
        if asked >= questions:
            break
        rng = random.Random(seed)
        story = random_story(seed, 30)
        view = View(rng.randint(1, 30), rng.choice([NOW.moment, moment(rng.uniform(0, 30))]))
        plain, edges = visible(story, view), tell(story)
        starts = sorted(nodes(story))
        for start, direction in itertools.product(rng.sample(starts, 5), Direction):
            expected = distances(plain, start, direction)
            answer = closure(edges, start, direction, view)
            assert {one.gid: one.distance for one in answer.nodes} == expected
            assert set(answer.edges) == {
                edge for edge in plain if edge.src in expected and edge.dst in expected
            }
            assert answer.status is Status.COMPLETE
            asked += 1


def test_the_why_path_is_the_first_of_the_shortest_whichever_way_it_is_found(
    questions: int,
) -> None:
    asked = 0
    for seed in itertools.count():
        if asked >= questions:
            break
        story = random_story(seed, 40)
        plain, edges, view = visible(story, NOW), tell(story), NOW
        cause = random.Random(seed).choice(sorted(nodes(story)))
        affected = {one.gid: one for one in impact(edges, cause, view).affected}
        assert affected.keys() == distances(plain, cause, DOWN).keys() - {cause}
        for effect, found in affected.items():
            first = min(shortest_ways(plain, cause, effect), key=lambda way: way[::-1])
            assert (found.why[0].src, *(edge.dst for edge in found.why)) == first
            assert found.distance == len(found.why) == len(first) - 1
            assert why(edges, cause, effect, view).path == found.why
            back = {one.gid: one for one in ancestors(edges, effect, view).ancestors}
            assert back[cause].why == found.why
            asked += 1


def test_nodes_are_listed_by_distance_then_gid_and_edges_likewise() -> None:
    edges = [flow("a", "c"), flow("a", "b"), flow("c", "d"), flow("b", "d")]
    answer = closure(edges, gid("a"), DOWN, NOW)
    assert [(one.gid, one.distance) for one in answer.nodes] == [
        (gid("a"), 0),
        (gid("b"), 1),
        (gid("c"), 1),
        (gid("d"), 2),
    ]
    assert [(edge.src, edge.dst) for edge in answer.edges] == [
        (gid("a"), gid("b")),
        (gid("a"), gid("c")),
        (gid("b"), gid("d")),
        (gid("c"), gid("d")),
    ]


def test_the_order_of_the_edges_given_does_not_matter() -> None:
    edges = list(tell(random_story(3, 40)))
    start = min(edge.src for edge in edges)
    answer = closure(edges, start, DOWN, NOW)
    for seed in range(20):
        random.Random(seed).shuffle(edges)
        assert closure(edges, start, DOWN, NOW) == answer


def test_of_parallel_edges_the_first_by_type_and_role_is_the_reason() -> None:
    by_run = flow("a", "b", 1, RelationType.TRAINED)
    other = flow("a", "b", 0, RelationType.SOURCE)
    assert why([by_run, other], gid("a"), gid("b"), NOW).path == (other,)


def test_from_a_node_to_itself_the_way_is_empty() -> None:
    assert why([flow("a", "b")], gid("a"), gid("a"), NOW).path == ()


def test_against_the_flow_there_is_no_way() -> None:
    answer = why([flow("a", "b")], gid("b"), gid("a"), NOW)
    assert (answer.path, answer.status) == (None, Status.COMPLETE)


def test_a_circle_is_walked_once() -> None:
    edges = [flow("a", "b"), flow("b", "c"), flow("c", "a")]
    answer = closure(edges, gid("a"), DOWN, NOW)
    assert [one.distance for one in answer.nodes] == [0, 1, 2]
    assert len(answer.edges) == 3
    assert answer.status is Status.COMPLETE


def test_sixteen_diamonds_in_a_row_do_not_explode() -> None:
    edges = []
    for at in range(16):
        for side in ("l", "r"):
            edges += [
                flow(f"d{at:02}", f"d{at:02}{side}"),
                flow(f"d{at:02}{side}", f"d{at + 1:02}"),
            ]
    answer = closure(edges, gid("d00"), DOWN, NOW)
    assert (len(answer.nodes), answer.nodes[-1].distance) == (49, 32)
    path = why(edges, gid("d00"), gid("d16"), NOW).path
    assert path is not None
    assert [edge.dst for edge in path[::2]] == [gid(f"d{at:02}l") for at in range(16)]


@pytest.mark.parametrize("direction", Direction)
def test_a_chain_of_190_hops_is_whole_and_one_of_210_says_it_is_not(direction: Direction) -> None:
    for length, status in ((190, Status.COMPLETE), (200, Status.COMPLETE), (210, Status.TRUNCATED)):
        start = gid("d0000") if direction is DOWN else gid(f"d{length:04}")
        answer = closure(chain(length), start, direction, NOW)
        assert (answer.nodes[-1].distance, answer.status) == (min(length, DEPTH), status)


def test_with_a_greater_depth_the_chain_is_whole() -> None:
    answer = closure(chain(210), gid("d0000"), DOWN, NOW, depth=210)
    assert (len(answer.nodes), answer.status) == (211, Status.COMPLETE)


def test_an_edge_back_at_the_bound_leads_to_nothing_new() -> None:
    edges = [flow("a", "b"), flow("b", "a")]
    assert closure(edges, gid("a"), DOWN, NOW, depth=1).status is Status.COMPLETE


def test_a_way_longer_than_the_bound_is_not_denied() -> None:
    answer = why(chain(210), gid("d0000"), gid("d0210"), NOW)
    assert (answer.path, answer.status) == (None, Status.TRUNCATED)
    near = why(chain(210), gid("d0205"), gid("d0210"), NOW)
    assert near.status is Status.COMPLETE


def test_impact_and_ancestors_beyond_the_bound_say_so() -> None:
    assert impact(chain(210), gid("d0000"), NOW).status is Status.TRUNCATED
    assert ancestors(chain(210), gid("d0210"), NOW).status is Status.TRUNCATED
    assert ancestors(chain(190), gid("d0190"), NOW).status is Status.COMPLETE


def test_a_limit_keeps_the_nearest_and_says_that_there_is_more() -> None:
    answer = closure(chain(5), gid("d0000"), DOWN, NOW, limit=3)
    assert [one.distance for one in answer.nodes] == [0, 1, 2]
    assert len(answer.edges) == 2
    assert answer.status is Status.TRUNCATED
    assert closure(chain(5), gid("d0000"), DOWN, NOW, limit=6).status is Status.COMPLETE
    some = impact(chain(5), gid("d0000"), NOW, limit=4)
    assert (len(some.affected), some.status) == (4, Status.TRUNCATED)
    assert impact(chain(5), gid("d0000"), NOW, limit=5).status is Status.COMPLETE


def test_kinds_choose_what_is_listed_not_what_is_followed() -> None:
    edges = tell(LIVE_STORY)
    answer = closure(edges, gid("a"), DOWN, NOW, kinds={NodeKind.MODEL_VERSION})
    assert [one.gid for one in answer.nodes] == [gid("a"), "model_version:m/1"]
    assert answer.status is Status.COMPLETE


def test_impact_names_the_live_deployment_and_why() -> None:
    answer = impact(tell(LIVE_STORY), gid("a"), NOW, kinds={NodeKind.DEPLOYMENT}, state=State.LIVE)
    (hit,) = answer.affected
    assert (hit.gid, hit.distance, hit.state) == (
        "deployment:production/scoring",
        4,
        State.LIVE,
    )
    assert [edge.type for edge in hit.why] == ["source", "trained", "deployed", "live"]


def test_a_dataset_affects_what_any_of_its_versions_affects() -> None:
    answer = impact(tell(LIVE_STORY), "dataset:a", NOW, kinds={NodeKind.DEPLOYMENT})
    assert [one.distance for one in answer.affected] == [5]


def test_a_replaced_deployment_is_past_and_the_place_is_not_affected_any_more() -> None:
    story = [*LIVE_STORY, Told(PLACE, succeeded("model/m/2"), hour(6))]
    answer = impact(tell(story), gid("a"), NOW)
    assert NodeKind.DEPLOYMENT not in {kind_of(one.gid) for one in answer.affected}
    past = impact(tell(story), gid("a"), NOW, state=State.PAST).affected
    assert [kind_of(one.gid) for one in past] == [NodeKind.DEPLOYMENT_REVISION]
    before = impact(tell(story), gid("a"), View(len(story) - 1), state=State.LIVE).affected
    assert [kind_of(one.gid) for one in before] == [
        NodeKind.DEPLOYMENT_REVISION,
        NodeKind.DEPLOYMENT,
    ]


def test_what_was_affected_at_a_time_is_asked_by_moment() -> None:
    story = [*LIVE_STORY, Told(PLACE, retired("model/m/1"), hour(6))]
    asked: Mapping[float, int] = {2.5: 0, 4: 1, 5.9: 1, 6: 0, 99: 0}
    for at, expected in asked.items():
        view = View(len(story), moment(at))
        found = impact(tell(story), gid("a"), view, kinds={NodeKind.DEPLOYMENT}).affected
        assert len(found) == expected


def test_other_things_than_deployments_have_no_state() -> None:
    found = impact(tell(LIVE_STORY), gid("a"), NOW, kinds={NodeKind.MODEL_VERSION}).affected
    assert [one.state for one in found] == [None]


def test_an_unknown_start_has_only_itself() -> None:
    assert [one.gid for one in closure([], "model:x", UP, NOW).nodes] == ["model:x"]
    assert impact([], "model:x", NOW).affected == ()
    assert ancestors([], "model:x", NOW).ancestors == ()
