"""The whole graph of a log, and the digests that name it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.lineage.delta import delta
from app.core.lineage.relations import OPEN, RelationType
from app.core.lineage.whole import Whole, beliefs_digest, digest
from tests.core.lineage.histories import flow, nodes, random_story, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.lineage.relations import Edge
    from tests.core.lineage.histories import Told


def whole(story: Sequence[Told]) -> Whole:
    graph = Whole()
    for index, told in enumerate(story):
        graph.take(delta(told.event, told.subject, index, told.at), index)
    return graph


@pytest.mark.parametrize("seed", range(40))
def test_entry_by_entry_it_is_the_graph_of_the_whole_story(seed: int) -> None:
    story = random_story(seed, 60)
    graph = whole(story)
    assert sorted(graph.edges.values(), key=repr) == sorted(tell(story), key=repr)
    assert set(graph.nodes) == nodes(story)
    for gid, index in graph.nodes.items():
        assert gid in nodes(story[: index + 1])
        assert gid not in nodes(story[:index])


@pytest.mark.parametrize("seed", range(20))
def test_any_order_told_three_times_over_gives_one_belief(seed: int) -> None:
    rng, story = random.Random(seed), random_story(seed, 60)
    once = whole(story)
    told = [*story] * 3
    rng.shuffle(told)
    again = whole(told)
    expected = beliefs_digest(once.nodes, once.edges.values())
    # Two claims for one moment: which was told later is the one thing that order decides.
    if not _contested(story):
        assert beliefs_digest(again.nodes, again.edges.values()) == expected


def _contested(story: Sequence[Told]) -> bool:
    opened = [edge for told in story for edge in delta(told.event, told.subject, 0, told.at).opened]
    claims: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for edge in opened:
        if edge.type in {RelationType.LIVE, RelationType.RETIRED}:
            claims.setdefault((edge.dst, edge.valid_from), set()).add((edge.src, edge.type))
    return any(len(what) > 1 for what in claims.values())


def test_most_random_stories_contest_no_moment() -> None:
    assert sum(not _contested(random_story(seed, 60)) for seed in range(20)) > 10


def test_a_digest_names_everything_in_the_graph() -> None:
    edge = flow("a", "b")
    changed: list[Edge] = [
        edge,
        replace(edge, src="dataset_version:c/1"),
        replace(edge, dst="dataset_version:c/1"),
        replace(edge, type=RelationType.BASE),
        replace(edge, role="train_set"),
        replace(edge, seq_from=1),
        replace(edge, seq_to=9),
        replace(edge, valid_from="2026-03-02T09:00:00.000000Z"),
        replace(edge, valid_to="2026-03-02T09:00:00.000000Z"),
    ]
    named = [digest({}, [one]) for one in changed]
    named += [digest({}, []), digest({"dataset:a": 0}, []), digest({"dataset:a": 1}, [])]
    assert len(set(named)) == len(named)
    assert digest({"a": 1, "b": 2}, changed) == digest({"b": 2, "a": 1}, changed[::-1])


def test_a_belief_is_named_without_the_entries_that_told_it() -> None:
    edge = flow("a", "b")
    assert beliefs_digest(["a"], [edge]) == beliefs_digest(["a"], [replace(edge, seq_from=4)])
    assert beliefs_digest(["a"], [edge]) != beliefs_digest(["b"], [edge])
    assert beliefs_digest([], [replace(edge, seq_to=3)]) == beliefs_digest([], [])
    assert edge.seq_to == OPEN
