"""The graph in SQL: how it is walked, and what it says when it may not go on."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from app.core.lineage.closure import Direction, Status
from app.core.lineage.relations import OPEN, View
from app.lineage.asking import NO_END, ancestors
from app.lineage.models import EDGES, edge_of
from app.lineage.projection import LineageProjection
from app.lineage.sql_store import SqlLineageStore
from tests.contracts.test_lineage_store import recorded
from tests.core.lineage.histories import (
    Told,
    data_version,
    hour,
    model_version,
    random_story,
    run_finished,
    run_started,
    succeeded,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from tests.slices.lineage.conftest import Stage

DOWN = Direction.DOWNSTREAM


@pytest.fixture
def chained(stage: Stage) -> Stage:
    """Fifteen hundred dataset versions, each made from the one before."""
    story = [
        Told(f"dataset/d{at}/1", data_version(*([f"dataset/d{at - 1}/1"] if at else [])), hour(0))
        for at in range(1500)
    ]
    stage.tells(story)
    return stage


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("depth", [12, 200])
@pytest.mark.parametrize("analysed", [False, True])
def test_every_step_goes_along_an_index_and_reads_no_table_whole(
    chained: Stage, direction: Direction, depth: int, *, analysed: bool
) -> None:
    if analysed:
        chained.ledger.operate(lambda connection: connection.exec_driver_sql("ANALYZE"))
    with chained.ledger.snapshot() as now:
        plan = _plan(now.connection, direction, depth)
    edges = [step for step in plan if "lineage_edges" in step]
    assert len(edges) == 2
    assert all(step.startswith("SEARCH") for step in edges)
    assert not [step for step in plan if "BLOOM" in step or "MATERIALIZE" in step]


def test_taking_in_entries_reads_no_table_whole(chained: Stage) -> None:
    story = [
        Told("run/r", run_started("dataset/d1/1", "dataset/d2/1"), hour(0)),
        Told("deployment/production/x", succeeded("model/m/1"), hour(1)),
    ]

    def plan(connection: Connection) -> list[str]:
        return _steps(connection, lambda: LineageProjection().apply(connection, recorded(story)))

    steps = [step for step in chained.ledger.operate(plan) if "lineage_edges" in step]
    assert len(steps) >= 2
    assert all(step.startswith("SEARCH") for step in steps)


def _plan(connection: Connection, direction: Direction, depth: int) -> list[str]:
    """How SQLite walks a cone."""
    store = SqlLineageStore(connection, 1)
    return _steps(connection, lambda: store.cone("x", direction, View(1), depth, NO_END))


def _steps(connection: Connection, act: Callable[[], object]) -> list[str]:
    """The plans of the statements by which something is read."""
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        if "SELECT" in statement:
            assert isinstance(parameters, tuple)
            asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    act()
    event.remove(connection, "before_cursor_execute", note)
    return [
        row.detail
        for statement, parameters in asked
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    ]


def test_a_walk_stops_at_its_time_with_what_it_has(chained: Stage) -> None:
    seconds = itertools.count()
    with chained.ledger.snapshot() as now:
        store = SqlLineageStore(now.connection, now.size, monotonic=lambda: float(next(seconds)))
        cone = store.cone("dataset_version:d0/1", DOWN, View(now.size), 200, 0.5)
        in_time = store.cone("dataset_version:d0/1", DOWN, View(now.size), 200, 5)
    assert (cone.status, len(cone.edges)) == (Status.TIMEOUT, 1000)
    assert in_time.status is Status.COMPLETE


def test_a_cone_too_large_to_hold_is_truncated(chained: Stage) -> None:
    with chained.ledger.snapshot() as now:
        store = SqlLineageStore(now.connection, now.size, most_edges=1000)
        large = store.cone("dataset_version:d0/1", DOWN, View(now.size), 1500, NO_END)
        small = store.cone("dataset_version:d1400/1", DOWN, View(now.size), 1500, NO_END)
    assert large.status is Status.TRUNCATED
    assert small.status is Status.COMPLETE


def test_a_shallow_walk_does_not_go_on_to_the_end(chained: Stage) -> None:
    with chained.ledger.snapshot() as now:
        store = SqlLineageStore(now.connection, now.size)
        cone = store.cone("dataset_version:d0/1", DOWN, View(now.size), 3, NO_END)
    assert len(cone.edges) == 4


def test_a_run_of_many_inputs_is_taken_in_at_once(stage: Stage) -> None:
    names = [f"dataset/d{at}/1" for at in range(1000)]
    stage.tells([Told("run/r", run_started(*names), hour(0))])
    stage.tells([Told("run/r", run_started(*names[::-1]), hour(1))])
    with stage.ledger.snapshot() as now:
        found = ancestors(now.connection, "run/r", now.size)
    assert len(found.ancestors) == 1000


def test_replayed_at_once_the_rows_are_the_same(stage: Stage) -> None:
    story = random_story(5, 40)
    for told in story:
        stage.tells([told])

    def rows(connection: Connection) -> Iterator[object]:
        for table in LineageProjection.tables:
            yield connection.execute(table.select().order_by(*table.primary_key)).all()

    def replay(connection: Connection) -> list[object]:
        for table in LineageProjection.tables:
            connection.execute(table.delete())
        everything = list(stage.ledger.store.recorded(connection, 0, len(story)))
        LineageProjection().apply(connection, everything)
        return list(rows(connection))

    with stage.ledger.snapshot() as now:
        before = list(rows(now.connection))
        stored = {edge_of(row) for row in now.connection.execute(EDGES.select())}
    assert stage.ledger.operate(replay) == before
    assert stored == set(tell(story))
    assert any(edge.seq_to != OPEN for edge in stored)


def test_a_decision_reads_ancestors_with_distance_and_why_in_its_snapshot(stage: Stage) -> None:
    stage.tells(
        [
            Told("dataset/raw/1", data_version(), hour(0)),
            Told("dataset/clean/1", data_version("dataset/raw/1"), hour(1)),
            Told("run/r", run_started("dataset/clean/1"), hour(2)),
            Told("run/r", run_finished("model/m/1"), hour(3)),
            Told("model/m/1", model_version("dataset/clean/1"), hour(4)),
        ]
    )
    with stage.ledger.snapshot() as now:
        stage.tells([Told("dataset/clean/1", data_version("dataset/late/1"), hour(5))])
        found = ancestors(now.connection, "model/m/1", now.size)
        nothing = ancestors(now.connection, "model/unknown/1", now.size)
    assert found.status is Status.COMPLETE
    assert [(one.gid, one.distance) for one in found.ancestors] == [
        ("dataset_version:clean/1", 1),
        ("model:m", 1),
        ("run:r", 1),
        ("dataset:clean", 2),
        ("dataset_version:raw/1", 2),
        ("dataset:raw", 3),
    ]
    raw = found.ancestors[4]
    assert [(edge.src, edge.type) for edge in raw.why] == [
        ("dataset_version:raw/1", "source"),
        ("dataset_version:clean/1", "trained"),
    ]
    assert (nothing.ancestors, nothing.status) == ((), Status.COMPLETE)


def test_ancestors_beyond_the_bound_say_that_there_are_more(chained: Stage) -> None:
    with chained.ledger.snapshot() as now:
        found = ancestors(now.connection, "dataset/d1499/1", now.size)
    assert found.status is Status.TRUNCATED
    assert max(one.distance for one in found.ancestors) == 200
