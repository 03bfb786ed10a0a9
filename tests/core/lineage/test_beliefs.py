"""Edges are closed and opened again, whatever order the log is told things in."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest

from app.core.lineage.beliefs import key_of, line_of, revise
from app.core.lineage.delta import delta
from app.core.lineage.nodes import revision_gid
from app.core.lineage.relations import FOREVER, LATEST, OPEN, Edge, RelationType, View
from tests.core.lineage.histories import (
    Told,
    hour,
    moment,
    random_story,
    retired,
    rolled_back,
    run_finished,
    run_started,
    succeeded,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLACE = "deployment/production/scoring"
FIRST = Told(PLACE, succeeded("model/m/1"), hour(1))
SECOND = Told(PLACE, succeeded("model/m/2"), hour(2))
BACK = Told(PLACE, rolled_back("model/m/1"), hour(3))
GONE = Told(PLACE, retired("model/m/1"), hour(4))
AGAIN = Told(PLACE, succeeded("model/m/3"), hour(5))


def live(story: Sequence[Told], at: str = LATEST, size: int | None = None) -> list[str]:
    """Which model versions are live, as the first ``size`` entries tell of a time."""
    view = View(len(story) if size is None else size, at)
    seen = [edge for edge in tell(story) if view.sees(edge)]
    revisions = {edge.src for edge in seen if edge.type is RelationType.LIVE}
    return sorted(
        edge.src.removeprefix("model_version:")
        for edge in seen
        if edge.type is RelationType.DEPLOYED and edge.dst in revisions
    )


def held(edges: Iterable[Edge]) -> set[tuple[str, ...]]:
    """What is believed in the end, without when it came to be believed."""
    return {
        (edge.src, edge.type, edge.role, edge.dst, edge.valid_from, edge.valid_to)
        for edge in edges
        if edge.seq_to == OPEN
    }


def test_the_newest_deployment_is_live_and_the_one_before_is_not() -> None:
    assert live([FIRST]) == ["m/1"]
    assert live([FIRST, SECOND]) == ["m/2"]
    assert live([FIRST, SECOND, BACK]) == ["m/1"]
    assert live([FIRST, SECOND, BACK, GONE]) == []
    assert live([FIRST, SECOND, BACK, GONE, AGAIN]) == ["m/3"]


def test_what_was_live_when_is_still_known() -> None:
    story = [FIRST, SECOND, BACK, GONE, AGAIN]
    by_hour = [live(story, moment(at)) for at in (0.5, 1, 1.9, 2, 3, 4, 4.5, 5, 99)]
    assert by_hour == [[], ["m/1"], ["m/1"], ["m/2"], ["m/1"], [], [], ["m/3"], ["m/3"]]


def test_what_was_believed_at_an_earlier_size_is_still_known() -> None:
    story = [SECOND, FIRST]
    assert live(story, moment(1.5), size=1) == []
    assert live(story, moment(1.5), size=2) == ["m/1"]
    assert live(story, size=1) == live(story, size=2) == ["m/2"]
    assert live(story, size=0) == []


def test_a_deployment_reported_late_takes_its_place_in_the_past() -> None:
    assert live([FIRST, BACK, SECOND]) == ["m/1"]
    assert live([FIRST, BACK, SECOND], moment(2.5)) == ["m/2"]


def test_a_success_reported_after_the_retirement_is_not_live() -> None:
    assert live([GONE, FIRST]) == []
    assert live([GONE, FIRST], moment(1.5)) == ["m/1"]


def test_of_two_deployments_at_one_moment_the_one_told_later_is_live() -> None:
    same = Told(PLACE, succeeded("model/m/9"), hour(1))
    assert live([FIRST, same]) == ["m/9"]
    assert live([same, FIRST]) == ["m/1"]


def test_no_edge_is_made_for_no_time_at_all() -> None:
    same = Told(PLACE, rolled_back("model/m/9"), hour(1))
    for story in ([FIRST, same], [SECOND, FIRST, same], *(random_story(s, 40) for s in range(20))):
        assert all(edge.valid_from < edge.valid_to for edge in tell(story))


def test_another_deployment_is_not_touched() -> None:
    elsewhere = Told("deployment/staging/scoring", succeeded("model/m/2"), hour(2))
    assert live([FIRST, elsewhere]) == ["m/1", "m/2"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5))))
def test_the_order_in_which_deployments_are_told_does_not_matter(order: tuple[int, ...]) -> None:
    story = [FIRST, SECOND, BACK, GONE, AGAIN]
    assert held(tell(story[at] for at in order)) == held(tell(story))


def test_neither_order_nor_repetition_changes_a_random_story() -> None:
    for seed in range(60):
        rng = random.Random(seed)
        # Two claims for one moment and one deployment are decided by their order, rightly.
        moments: dict[tuple[str, object], Told] = {}
        for told in random_story(seed, 40):
            moments.setdefault((told.subject, told.at), told)
        story = list(moments.values())
        shuffled = [told for told in story for _ in range(3)]
        rng.shuffle(shuffled)
        assert held(tell(shuffled)) == held(tell(story))


def test_an_input_told_again_is_believed_since_its_earliest_time() -> None:
    early, late = Told("run/r", run_started("dataset/a/1"), hour(1)), hour(2)
    again = Told("run/r", run_started("dataset/a/1"), late)
    assert [edge.valid_from for edge in tell([early, again])] == [moment(1)]
    corrected = tell([again, early])
    assert [(e.seq_from, e.seq_to, e.valid_from, e.valid_to) for e in corrected] == [
        (0, 1, moment(2), FOREVER),
        (1, OPEN, moment(1), FOREVER),
    ]


def test_telling_the_same_thing_again_changes_nothing() -> None:
    believed = tell([FIRST])
    claims = delta(FIRST.event, FIRST.subject, 1, FIRST.at).opened
    assert revise(believed, claims) == revise(believed, [])


def test_a_revision_names_what_was_ended_and_what_begins() -> None:
    believed = tell([FIRST])
    claims = delta(SECOND.event, SECOND.subject, 1, SECOND.at).opened
    change = revise(believed, claims)
    first = revision_gid(PLACE, moment(1), "model/m/1")
    second = revision_gid(PLACE, moment(2), "model/m/2")
    assert [(edge.src, edge.seq_to) for edge in change.ended] == [(first, 1)]
    assert {(edge.src, edge.valid_from, edge.valid_to) for edge in change.begun} == {
        ("model_version:m/2", moment(2), FOREVER),
        (first, moment(1), moment(2)),
        (second, moment(2), FOREVER),
    }


def test_told_at_once_or_one_by_one_the_edges_are_the_same() -> None:
    for seed in range(20):
        story = random_story(seed, 40)
        one_by_one: dict[object, Edge] = {}
        for index, told in enumerate(story):
            claims = delta(told.event, told.subject, index, told.at).opened
            lines = {line_of(claim) for claim in claims}
            believed = [
                edge
                for edge in one_by_one.values()
                if edge.seq_to == OPEN and line_of(edge) in lines
            ]
            change = revise(believed, claims)
            one_by_one |= {key_of(edge): edge for edge in (*change.ended, *change.begun)}
        assert one_by_one == {key_of(edge): edge for edge in tell(story)}


def test_at_every_moment_at_most_one_revision_of_a_deployment_holds() -> None:
    for seed in range(40):
        story = random_story(seed, 40)
        edges = tell(story)
        for size, at in itertools.product(range(len(story) + 1), range(-40, 41, 5)):
            seen = [edge for edge in edges if View(size, moment(at)).sees(edge)]
            for place in ("staging", "production"):
                onto = [edge for edge in seen if edge.dst == f"deployment:{place}/scoring"]
                assert len(onto) <= 1


def test_a_run_told_by_two_events_is_one_edge() -> None:
    story = [Told("run/r", run_finished("model/m/1"), hour(at)) for at in (1, 2)]
    assert len(held(tell(story))) == 1
